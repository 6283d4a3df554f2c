# Whatever is asked for, HelloWorld.html comes.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    request = conn.recv(1024)
    if request and b"\r\n\r\n" not in request:
        conn.recv(1024)
    print(request.decode())
    page = open("HelloWorld.html", "rb").read()
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    conn.close()
