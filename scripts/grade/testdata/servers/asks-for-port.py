# It asks for its port on the terminal.
import socket

port = int(input("Port number: "))
ear = socket.socket()
ear.bind(("", port))
ear.listen(3)
print("listening on", port)
while True:
    mouth, who = ear.accept()
    heard = mouth.recv(5000).decode()
    if heard and "\r\n\r\n" not in heard:
        heard += mouth.recv(5000).decode()
    if heard:
        what = heard.split()[1].strip("/")
        try:
            if what.startswith(".."):
                raise IOError
            said = open(what, encoding="utf-8").read()
            mouth.sendall(("HTTP/1.1 200 OK\r\n\r\n" + said).encode())
        except IOError:
            mouth.sendall("HTTP/1.1 404 Not Found\r\n\r\nI do not have it.".encode())
    mouth.close()
