# The lines of the head end with LF alone, and there is no Content-Length.
import socket
import sys

s = socket.socket()
s.bind(("", int(sys.argv[1])))
s.listen(5)
while True:
    c, a = s.accept()
    message = c.recv(2048).decode()
    if "\r\n\r\n" not in message:
        message += c.recv(2048).decode()
    try:
        name = message.split()[1].replace("..", "")
        text = open(name[1:], encoding="utf-8").read()
        c.sendall(("HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + text).encode())
    except IndexError:
        print("nothing was asked")
    except IOError:
        c.sendall("HTTP/1.1 404 Not Found\nContent-Type: text/html\n\n<h1>404 Not Found</h1>".encode())
    c.close()
