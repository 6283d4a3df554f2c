# Each character is sent on its own: the bytes are right, and come in many pieces.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    message = conn.recv(1024).decode()
    if message and message[-4:] != "\r\n\r\n":
        message = message + conn.recv(1024).decode()
    if message:
        try:
            path = message.split()[1]
            if ".." in path:
                raise IOError("no")
            data = open(path[1:], encoding="utf-8").read()
            conn.send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data.encode())).encode())
            for i in range(0, len(data)):
                conn.send(data[i].encode())
        except IOError:
            conn.send(b"HTTP/1.1 404 Not Found\r\n\r\n404 Not Found")
    conn.close()
