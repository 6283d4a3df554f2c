# "HTTP/1.1 404 OK": the phrase is that of 200.
import os, sys
from socket import *

def response(code, page):
    return ("HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (code, len(page))).encode() + page

sock = socket()
sock.bind(("", int(sys.argv[1])))
sock.listen(1)
while 1:
    conn, _ = sock.accept()
    text = conn.recv(3000).decode()
    while text and "\r\n\r\n" not in text:
        text += conn.recv(3000).decode()
    if text:
        name = os.path.normpath(text.split()[1]).lstrip("/")
        if os.path.exists(name):
            conn.sendall(response(200, open(name, "rb").read()))
        else:
            conn.sendall(response(404, b"<h1>404</h1>"))
    conn.close()
