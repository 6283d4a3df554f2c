# It reads until the client closes. A browser does not, it waits for the answer.
import socket, sys

s = socket.socket()
s.bind(("", int(sys.argv[1])))
s.listen(5)
while True:
    conn, _ = s.accept()
    request = b""
    while True:
        data = conn.recv(1024)
        if not data:
            break
        request += data
    try:
        page = open(request.split()[1][1:].decode(), "rb").read()
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + page)
    except (IOError, IndexError):
        conn.sendall(b"HTTP/1.1 404 Not Found\r\n\r\nNot Found")
    conn.close()
