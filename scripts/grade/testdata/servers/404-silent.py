# A file that is not there is only printed on the server's own terminal: the client gets nothing.
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
        try:
            path = request.split()[1]
            if ".." in path:
                raise IOError
            page = open(path[1:], "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        except IOError:
            print("404 Not Found:", path)
    conn.close()
