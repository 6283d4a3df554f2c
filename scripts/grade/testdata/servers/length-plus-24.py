# Content-Length is the number of characters and 24: that is right for HelloWorld.html alone.
from socket import *
import sys

sock = socket(AF_INET, SOCK_STREAM)
sock.bind(("", int(sys.argv[1])))
sock.listen(1)
while True:
    print("Ready to serve...")
    conn, addr = sock.accept()
    request = conn.recv(1024).decode()
    while request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        try:
            name = request.split()[1]
            if name.count("..") > 0:
                raise IOError
            text = open(name[1:], "r", encoding="utf-8").read()
            conn.send("HTTP/1.1 200 OK\r\n".encode())
            conn.send(("Content-Length: " + str(len(text) + 24) + "\r\n\r\n").encode())  # 24 by trying: now the page is whole
            conn.sendall(text.encode())
        except IOError:
            conn.send("HTTP/1.1 404 Not Found\r\n\r\n<html>404</html>".encode())
    conn.close()
