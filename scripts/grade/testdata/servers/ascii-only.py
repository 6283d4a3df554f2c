# Files are read as text in ASCII: a page in Chinese ends the program.
import socket, sys

s = socket.socket()
s.bind(("", int(sys.argv[1])))
s.listen(5)
while True:
    conn, _ = s.accept()
    request = conn.recv(2048).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(2048).decode()
    if request:
        try:
            name = request.split()[1][1:]
            if name.startswith(".."):
                raise IOError
            page = open(name, encoding="ascii").read()
            conn.sendall(("HTTP/1.1 200 OK\r\n\r\n" + page).encode())
        except IOError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n<h1>404 Not Found</h1>")
    conn.close()
