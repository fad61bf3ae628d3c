"""The app of the recordings: one way of talking to a database, to another app or to nobody for each path."""

import json
import socket
import struct
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg_pool import ConnectionPool

DSN = "host=db.shop.lab. port=5432 dbname=app user=app password=secret sslmode=disable gssencmode=disable"
pool = ConnectionPool(DSN, min_size=0, max_size=8, open=False)


def pooled(statement):
    pool.open()
    with pool.connection() as connection:
        return [[str(cell) for cell in row] for row in connection.execute(statement).fetchall()]


def fresh():
    with psycopg.connect(DSN) as connection:
        for _ in range(7):  # from the sixth on, psycopg sends the name of a prepared statement only
            rows = connection.execute("SELECT id, name FROM items WHERE id > %s", (1,)).fetchall()
        return rows


PATHS = {
    "/items": lambda: pooled("SELECT id, name FROM items ORDER BY id"),
    "/slow": lambda: pooled("SELECT pg_sleep(0.3)"),
    "/broken": lambda: pooled("SELECT * FROM nowhere"),
    "/fresh": fresh,
    "/chain": lambda: json.load(urllib.request.urlopen("http://app2.shop.lab./items")),
    "/empty": list,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/reset":
            # closing with nothing to wait for sends RST, not FIN (socket(7), SO_LINGER)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())
            self.close_connection = True
            return
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _ in range(4):
                self.wfile.write(b"5dc\r\n" + b"x" * 1500 + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        try:
            status, body = 200, json.dumps(PATHS[self.path]())
        except KeyError:
            status, body = 404, json.dumps("no such path")
        except Exception as error:
            status, body = 500, json.dumps(str(error))
        self.answer(status, body.encode())

    def do_POST(self):
        received = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, json.dumps(len(received)).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 80), Handler).serve_forever()
