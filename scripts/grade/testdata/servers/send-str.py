# send gets a text, as in Python 2: the program ends at its own first answer.
from socket import *
import sys

serverSocket = socket(AF_INET, SOCK_STREAM)
serverSocket.bind(("", int(sys.argv[1])))
serverSocket.listen(1)
while True:
    connection, address = serverSocket.accept()
    try:
        request = connection.recv(1024)
        name = request.split()[1]
        text = open(name[1:]).read()
        connection.send("HTTP/1.1 200 OK\r\n\r\n")
        connection.send(text)
        connection.close()
    except IOError:
        connection.send("HTTP/1.1 404 Not Found\r\n\r\n")
        connection.close()
