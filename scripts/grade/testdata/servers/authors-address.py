# It listens on the address of its author's machine at home.
from socket import *

HOST = "192.168.1.5"
PORT = 6789
server = socket(AF_INET, SOCK_STREAM)
server.bind((HOST, PORT))
server.listen(1)
print("The server is ready: http://%s:%d/HelloWorld.html" % (HOST, PORT))
while True:
    conn, addr = server.accept()
    request = conn.recv(1024)
    while request and request[-4:] != b"\r\n\r\n":
        request += conn.recv(1024)
    if len(request) > 0:
        file = request.split()[1].decode().replace("..", "")
        try:
            with open(file[1:], "rb") as page:
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page.read())
        except FileNotFoundError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n<h1>404 Not Found</h1>")
    conn.close()
