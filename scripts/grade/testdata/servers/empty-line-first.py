# The head is a text in three quotes: an empty line comes before HTTP/, and the lines end with LF.
import sys
from socket import *

OK = """
HTTP/1.1 200 OK
Content-Type: text/html; charset=utf-8

"""
NOT_FOUND = """
HTTP/1.1 404 Not Found
Content-Type: text/html

<h1>404 Not Found</h1>
"""

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(5)
while True:
    c, _ = s.accept()
    request = c.recv(4096).decode()
    if request and "\r\n\r\n" not in request:
        request += c.recv(4096).decode()
    if request:
        try:
            c.sendall((OK + open(request.split()[1][1:].replace("..", ""), encoding="utf-8").read()).encode())
        except IOError:
            c.sendall(NOT_FOUND.encode())
    c.close()
