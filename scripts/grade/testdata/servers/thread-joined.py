# Each client has a thread, and the loop waits for the thread: one client at a time.
import socket, sys, threading

def handle(conn):
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        try:
            page = open(request.split()[1][1:].replace("..", ""), "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        except FileNotFoundError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
    conn.close()

server = socket.create_server(("", int(sys.argv[1])))
while True:
    conn, addr = server.accept()
    thread = threading.Thread(target=handle, args=(conn,))
    thread.start()
    thread.join()
