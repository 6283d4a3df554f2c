# The page says 404 and the status says 200.
import socket
import sys

listener = socket.socket()
listener.bind(("", int(sys.argv[1])))
listener.listen(1)
while True:
    conn, _ = listener.accept()
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        try:
            page = open(request.split()[1][1:].replace("..", "?"), "rb").read()
        except OSError:
            page = b"<h1>404 Not Found</h1>"
        head = "HTTP/1.1 200 OK\r\nContent-Length: " + str(len(page)) + "\r\n\r\n"
        conn.sendall(head.encode() + page)
    conn.close()
