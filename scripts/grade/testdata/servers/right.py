# Right: bytes, their number, a loop around recv, a thread for each client, 404 with a page.
import socket, sys, threading

def answer(conn, status, body):
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    conn.sendall(head.encode() + body)

def serve(conn):
    request = b""
    while b"\r\n\r\n" not in request:
        part = conn.recv(4096)
        if not part:
            conn.close()
            return
        request += part
    name = request.split()[1].decode()[1:]
    try:
        if ".." in name:
            raise OSError("outside")
        with open(name, "rb") as f:
            answer(conn, "200 OK", f.read())
    except OSError:
        answer(conn, "404 Not Found", b"<h1>404: there is no such page</h1>")
    conn.close()

listener = socket.create_server(("", int(sys.argv[1])))
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=(conn,), daemon=True).start()
