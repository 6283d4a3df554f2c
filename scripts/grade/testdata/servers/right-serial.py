# Right, but one client at a time: the first half of the assignment.
from socket import *
import sys

listener = socket(AF_INET, SOCK_STREAM)
listener.bind(("", int(sys.argv[1])))
listener.listen(1)
while True:
    conn, client = listener.accept()
    print("connected:", client)
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        part = conn.recv(1024)
        if not part:
            break
        request += part
    words = request.decode().split()
    if len(words) > 1:
        try:
            if ".." in words[1]:
                raise IOError
            page = open(words[1][1:], "rb").read()
            conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        except IOError:
            page = b"<html><body>404 Not Found</body></html>"
            conn.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    conn.close()
