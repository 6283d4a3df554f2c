# The connection stays open after the answer, which has no Content-Length: a browser waits on.
from socket import *
import sys

clients = []
s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    clients.append(conn)
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        try:
            page = open(request.split()[1][1:].replace("..", ""), "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page)
        except IOError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<h1>404</h1>")
