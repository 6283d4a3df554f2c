# A request for a file outside of the folder ends the program: that is no way to refuse it.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    request = conn.recv(1024).decode()
    while request and "\r\n\r\n" not in request:
        part = conn.recv(1024).decode()
        if not part:
            break
        request += part
    if request:
        path = request.split()[1]
        if ".." in path:
            raise ValueError("outside: " + path)
        try:
            page = open(path[1:], "rb").read()
            status = b"200 OK"
        except IOError:
            page = b"<h1>Page not found</h1>"
            status = b"404 Not Found"
        conn.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    conn.close()
