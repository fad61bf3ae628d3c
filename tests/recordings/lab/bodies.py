"""An HTTP server whose answers end in other ways than their heads say: argument PORT."""

import socket
import sys

ANSWERS = {
    b"HEAD": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
    b"/same": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n",
    b"/early": b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
    b"/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 2000,
}
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

with socket.create_server(("", int(sys.argv[1]))) as server:
    while True:
        connection, _ = server.accept()
        with connection:
            asked = connection.recv(4096)
            connection.sendall(next((answer for words, answer in ANSWERS.items() if words in asked), BAD))
