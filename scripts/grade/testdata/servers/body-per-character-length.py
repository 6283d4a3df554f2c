# The same with a right Content-Length: a browser takes the first copy, and is content.
import socket, sys, threading

def handle(conn):
    message = conn.recv(4096)
    if message and not message.endswith(b"\r\n\r\n"):
        message += conn.recv(4096)
    if message:
        try:
            name = message.split()[1].decode().lstrip("/.")
            body = open(name, "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n")
            for byte in body[:20]:
                conn.sendall(body)
        except FileNotFoundError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot found")
    conn.close()

s = socket.create_server(("", int(sys.argv[1])))
while True:
    conn, addr = s.accept()
    threading.Thread(target=handle, args=(conn,)).start()
