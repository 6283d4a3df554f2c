# The head has no empty line at its end, so it never ends.
import socket, sys, threading

def serve(conn):
    words = conn.recv(8192).split()
    if len(words) > 1:
        try:
            page = open(words[1].decode()[1:], "rb").read()
            conn.send(b"HTTP/1.1 200 OK\r\n")
            conn.send(b"Content-Type: text/html\r\n")
            conn.sendall(page)
        except IOError:
            conn.send(b"HTTP/1.1 404 Not Found\r\n\r\n<h1>404</h1>")
    conn.close()

s = socket.create_server(("", int(sys.argv[1])), backlog=20)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],)).start()
