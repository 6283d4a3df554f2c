# Content-Length counts the characters of the text, not its bytes.
import socket
import sys

def reply(conn, status, text):
    head = "HTTP/1.1 " + status + "\r\n"
    head += "Content-Type: text/html; charset=utf-8\r\n"
    head += "Content-Length: " + str(len(text)) + "\r\n\r\n"
    conn.sendall((head + text).encode("utf-8"))

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.bind(("localhost", int(sys.argv[1])))
server.listen()
while True:
    conn, _ = server.accept()
    lines = conn.makefile("r", encoding="utf-8", newline="\r\n")
    words = lines.readline().split()
    while lines.readline().strip():
        pass
    if len(words) > 1:
        try:
            if ".." in words[1]:
                raise FileNotFoundError
            reply(conn, "200 OK", open(words[1][1:], encoding="utf-8").read())
        except FileNotFoundError:
            reply(conn, "404 Not Found", "<h1>Not Found</h1>")
    lines.close()
    conn.close()
