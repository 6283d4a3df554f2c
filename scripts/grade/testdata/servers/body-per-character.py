# The whole body is sent once for each of its characters: the loop's variable is not used.
from socket import *
import sys

door = socket(AF_INET, SOCK_STREAM)
door.bind(("", int(sys.argv[1])))
door.listen(1)
while True:
    conn, addr = door.accept()
    message = conn.recv(4096).decode()
    try:
        path = message.split()[1]
        with open(path[1:], encoding="utf-8") as f:
            outputdata = f.read()
        conn.send("HTTP/1.1 200 OK\r\n\r\n".encode())
        for i in range(len(outputdata)):
            conn.sendall(outputdata.encode())
    except (IOError, IndexError):
        conn.send("HTTP/1.1 404 Not Found\r\n\r\n<h1>404 Not Found</h1>".encode())
    conn.close()
