# sys.exit stands behind the 404, where the program was meant to end one day.
from socket import *
import sys

listener = socket(AF_INET, SOCK_STREAM)
listener.bind(("", int(sys.argv[1])))
listener.listen(1)
while True:
    conn, addr = listener.accept()
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        try:
            page = open(request.split()[1][1:].replace("..", ""), "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + page)
        except IOError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n<h1>404 Not Found</h1>")
            conn.close()
            listener.close()
            sys.exit()
    conn.close()
