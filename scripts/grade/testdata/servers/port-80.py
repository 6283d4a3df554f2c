# Its port is 80, whatever it is told.
import socket
from threading import Thread

def talk(conn):
    got = conn.recv(65536)
    while got and b"\r\n\r\n" not in got:
        got += conn.recv(65536)
    if got:
        name = got.decode().split(" ")[1]
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/html", "", ""]
        try:
            assert ".." not in name
            page = open("." + name, "rb").read()
        except (OSError, AssertionError):
            lines[0], page = "HTTP/1.1 404 Not Found", b"Not here."
        conn.sendall("\r\n".join(lines).encode() + page)
    conn.close()

s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(("", 80))
s.listen(5)
while True:
    Thread(target=talk, args=(s.accept()[0],)).start()
