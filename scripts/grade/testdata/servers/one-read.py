# One recv must bring the whole request: who sends it in two pieces gets nothing.
import sys
from socket import *

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    request = conn.recv(4096).decode()
    if not request.endswith("\r\n\r\n"):
        print("this is no HTTP request")
        conn.close()
        continue
    try:
        name = request.split("\r\n")[0].split(" ")[1][1:]
        if ".." in name:
            raise IOError
        page = open(name, "rb").read()
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    except IOError:
        conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
    conn.close()
