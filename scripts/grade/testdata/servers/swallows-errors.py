# The same mistake, and an except that hides it: each connection is closed without an answer.
import socket, sys, threading

def handle(c):
    try:
        name = c.recv(1024).decode().split()[1][1:]
        text = open(name, encoding="utf-8").read()
        c.send("HTTP/1.1 200 OK\r\n\r\n" + text)
    except Exception:
        pass
    finally:
        c.close()

s = socket.socket()
s.bind(("", int(sys.argv[1])))
s.listen(10)
while True:
    c, _ = s.accept()
    threading.Thread(target=handle, args=(c,)).start()
