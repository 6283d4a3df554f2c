# It is written in Python 2.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    print "Ready to serve..."
    conn, addr = s.accept()
    try:
        page = open(conn.recv(1024).split()[1][1:]).read()
        conn.send("HTTP/1.1 200 OK\r\n\r\n" + page)
    except IOError:
        conn.send("HTTP/1.1 404 Not Found\r\n\r\n<h1>404</h1>")
    conn.close()
