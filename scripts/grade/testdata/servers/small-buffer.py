# One recv takes 100 bytes, and the rest of the request is never read: the close becomes a reset.
import sys
from socket import *

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    words = conn.recv(100).decode().split()
    if len(words) > 1:
        try:
            page = open(words[1][1:].replace("..", ""), "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        except IOError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
    conn.close()
