"""The article's second web server: server.py with a thread for each connection.

All mistakes of server.py are here, too: take it apart, do not hand it in.
../article.md shows what comes of them.

    python3 threaded_server.py [PORT [BACKLOG]]     # py on Windows
"""
import threading

from server import listen, serve

with listen() as listener:
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn,), daemon=True).start()
