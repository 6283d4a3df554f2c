# All threads share one variable for the name of the file: clients get each other's pages.
import socket, sys, threading, time

name = ""

def handle(conn):
    global name
    request = conn.recv(1024).decode()
    if request and "\r\n\r\n" not in request:
        request += conn.recv(1024).decode()
    if request:
        name = request.split()[1][1:].replace("..", "")
        time.sleep(0.1)  # pretend that there is much to do
        try:
            page = open(name, "rb").read()
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
        except FileNotFoundError:
            conn.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nNot Found")
    conn.close()

server = socket.create_server(("", int(sys.argv[1])), backlog=50)
while True:
    threading.Thread(target=handle, args=(server.accept()[0],)).start()
