# A colon is missing: Python does not start it.
from socket import *
import sys

s = socket(AF_INET, SOCK_STREAM)
s.bind(("", int(sys.argv[1])))
s.listen(1)
while True
    conn, addr = s.accept()
    conn.send(b"HTTP/1.1 200 OK\r\n\r\n<h1>Hello</h1>")
    conn.close()
