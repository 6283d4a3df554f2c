# There is no loop: it serves one client, and ends.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
conn, addr = s.accept()
request = conn.recv(1024).decode()
if request and "\r\n\r\n" not in request:
    request += conn.recv(1024).decode()
if request:
    try:
        page = open(request.split()[1][1:].replace("..", ""), "rb").read()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    except IOError:
        conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
conn.close()
s.close()
