# The 404 is a status line without its end, and nothing more.
from socket import *
import sys

welcome = socket(AF_INET, SOCK_STREAM)
welcome.bind(("", int(sys.argv[1])))
welcome.listen(1)
while True:
    conn, addr = welcome.accept()
    request = conn.recv(2048)
    if request and not request.endswith(b"\r\n\r\n"):
        request += conn.recv(2048)
    try:
        name = request.split()[1].decode()
        page = open(name.replace("..", "")[1:], "rb").read()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(page)).encode() + b"\r\n\r\n" + page)
    except IndexError:
        print("empty request from", addr)
    except IOError:
        conn.send("HTTP/1.1 404 Not Found".encode())
    conn.close()
