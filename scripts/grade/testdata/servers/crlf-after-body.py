# A line end comes after the page: it was meant to end the answer.
from socket import *
import sys

web = socket(AF_INET, SOCK_STREAM)
web.bind(("", int(sys.argv[1])))
web.listen(1)
while True:
    client, address = web.accept()
    ask = client.recv(1024)
    while ask and b"\r\n\r\n" not in ask:
        ask = ask + client.recv(1024)
    if ask:
        try:
            page = open(ask.split()[1].decode()[1:].replace("../", ""), "rb").read()
            client.send(b"HTTP/1.1 200 OK\r\n")
            client.send(b"Content-Length: " + str(len(page)).encode() + b"\r\n")
            client.send(b"\r\n")
            client.sendall(page)
            client.send(b"\r\n")
        except IOError:
            client.send(b"HTTP/1.1 404 Not Found\r\n\r\n")
            client.send(b"<h1>404 Not Found</h1>\r\n")
    client.close()
