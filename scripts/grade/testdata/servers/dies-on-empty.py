# One recv, and split()[1]: a connection that says nothing ends the program with an IndexError.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    try:
        name = conn.recv(1024).decode().split()[1]
        if ".." in name:
            raise IOError
        page = open(name[1:], "rb").read()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    except IOError:
        conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
    conn.close()
