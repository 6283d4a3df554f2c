# Right, and half a second late, to show that the threads help.
import os, sys, time
from socket import *
from threading import Thread

def handle(client):
    data = client.recv(8192).decode()
    if "\r\n\r\n" not in data:
        data += client.recv(8192).decode()
    words = data.split()
    if words:
        time.sleep(0.5)  # a lot of work
        name = words[1].strip("/")
        if os.path.isfile(name) and not name.startswith(".."):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % os.path.getsize(name))
            client.sendall(open(name, "rb").read())
        else:
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
    client.close()

server = socket()
server.bind(("", int(sys.argv[1])))
server.listen(50)
while True:
    client, _ = server.accept()
    Thread(target=handle, args=[client]).start()
