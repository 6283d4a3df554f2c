"""The article's client, with its mistake: take it apart, do not hand it in.

It asks for a page, and asks again on the same connection. It never looks whether the
server has closed it. ../article.md shows what comes of it.

    python3 client.py HOST PORT FILE     # py on Windows
"""
import socket
import sys

host, port, name = sys.argv[1:]
request = f"GET /{name} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()

with socket.create_connection((host, int(port))) as conn:
    while True:                                # wrong: asks for ever, on one connection
        conn.sendall(request)
        data = conn.recv(1024)                 # wrong: b"" is the server's close
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
