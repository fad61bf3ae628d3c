"""What psycopg says to PostgreSQL beyond plain statements: a text that cannot be prepared, backslashes, a cancel."""

import threading
import time
from contextlib import suppress

import psycopg

with psycopg.connect("host=db.shop.lab. dbname=app user=app password=secret", autocommit=True) as session:
    session.pgconn.prepare(b"first", b"SELECT * FROM nowhere")
    session.execute("SELECT 'a\\d\\n', 'b\tc',\n1")
    threading.Thread(target=lambda: (time.sleep(0.3), session.cancel())).start()
    try:
        session.execute("SELECT pg_sleep(5)")
    except psycopg.Error:
        time.sleep(0.1)
    session.execute("SELECT '" + "long " * 300 + "'")
with suppress(psycopg.Error):
    psycopg.connect("host=db.shop.lab. dbname=app user=app")
