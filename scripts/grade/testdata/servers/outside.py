# GET /../secret.txt brings a file that is not in the folder of the pages; Content-Type is always there.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True:
    conn, addr = s.accept()
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        try:
            page = open(request.split()[1][1:], "rb").read()
            status = "200 OK"
        except IOError:
            page = b"<h1>Page not found</h1>"
            status = "404 Not Found"
        conn.sendall(("HTTP/1.1 " + status + "\r\nContent-Type: text/html\r\n\r\n").encode() + page)
    conn.close()
