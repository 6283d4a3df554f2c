# str() of bytes is b'...': that is what the browser shows.
import socket, sys, threading

def serve(conn):
    words = str(conn.recv(8192)).split(" ")
    if len(words) > 1:
        try:
            page = open(words[1][1:], "rb").read()
            answer = "HTTP/1.1 200 OK\r\n\r\n" + str(page)
        except IOError:
            answer = "HTTP/1.1 404 Not Found\r\n\r\n<h1>404</h1>"
        conn.sendall(answer.encode())
    conn.close()

s = socket.create_server(("", int(sys.argv[1])), backlog=20)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],)).start()
