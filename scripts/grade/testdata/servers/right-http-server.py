# Right, and hardly the student's own work: the library's server.
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

ThreadingHTTPServer(("", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
