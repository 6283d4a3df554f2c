# Its pages are in its own folder www, and the first one has another name.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        path = request.split()[1]
        if path == "/":
            path = "/index.html"
        try:
            page = open("www" + path.replace("..", ""), "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        except IOError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot found")
    conn.close()
