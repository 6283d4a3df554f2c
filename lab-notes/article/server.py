"""The article's web server, with its mistakes: take it apart, do not hand it in.

It works like a solution of the textbook's assignment that many students have read.
The code is our own. Each line that is wrong says so, and ../article.md shows what
comes of it.

    python3 server.py [PORT [BACKLOG]]     # py on Windows

It serves the HTML pages of the current directory, to this machine only.
"""
import socket
import sys


def listen():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 6789
    backlog = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    return socket.create_server(("localhost", port), backlog=backlog)  # socket, bind, listen(1)


def answer(conn):
    request = conn.recv(1024).decode(errors="replace")  # wrong: one recv need not bring all
    name = request.split()[1]                           # wrong: there may be no words at all
    try:
        with open(name[1:], encoding="utf-8", newline="") as file:  # wrong: /../ leads out
            page = file.read()
    except (OSError, ValueError):                       # it is not there, or no text
        conn.send(b"HTTP/1.1 404 Not Found")            # wrong: a line, and no page
        return
    head = ("HTTP/1.1 200 OK\n"                         # wrong: a line ends with \r\n
            "Connection: close\n"
            "Content-Type: text/html; charset=utf-8\n"
            f"Content-Length: {len(page) + 24}\n"       # wrong: characters, and a riddle
            "\n")
    conn.send(head.encode())
    for character in page:                              # wrong: a send for each character
        conn.send(character.encode())
    conn.send(b"\r\n")                                  # wrong: nothing follows the page


def serve(conn):
    with conn:                                          # closes it in the end
        try:
            answer(conn)
        except OSError as error:                        # the client has left
            print("server:", repr(error), file=sys.stderr)


if __name__ == "__main__":
    with listen() as listener:
        while True:
            conn, _ = listener.accept()
            serve(conn)
