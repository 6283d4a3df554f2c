# The loop closes the connection while its thread is still at work.
import socket, sys, threading, time

def answer(conn, request):
    time.sleep(0.05)  # pretend that there is much to do
    try:
        page = open(request.split()[1][1:], "rb").read()
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + page)
    except FileNotFoundError:
        conn.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n<h1>404</h1>")

server = socket.create_server(("", int(sys.argv[1])))
while True:
    conn, addr = server.accept()
    request = conn.recv(1024).decode()
    if request:
        threading.Thread(target=answer, args=(conn, request)).start()
    conn.close()
