"""Requests to an engine's HTTP API, whatever the engine makes of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker.http_api import HttpApi, NoAnswer, Refused, Silence


class Various(Answers):
    """An answer of its own kind for each path; `opened` counts the connections, `seen` holds the requests.

    `closed` is set when a connection has ended.
    """

    opened: list[int]
    seen: list[str]
    closed: threading.Event

    def setup(self) -> None:
        super().setup()
        self.opened.append(1)

    def finish(self) -> None:
        super().finish()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.closed.set()

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if self.pinged():
            return
        match self.path.partition("?")[0].rpartition("/")[2]:
            case "words":
                self.whole({"message": "No such container: x"}, 404)
            case "page":
                self._raw(500, b"<h1>a proxy</h1>")
            case "garbage":
                self._raw(200, b"{")
            case "pieces":
                self._pieces(b"first", b"second")
            case "silent":
                self.rfile.read(1)  # until the client goes away
            case "last":
                self.close_connection = True
                self.whole({})
            case _:
                self.whole({"path": self.path})

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.send_response(204)
        self.end_headers()

    def _raw(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _pieces(self, *pieces: bytes) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (*pieces, b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[tuple[HttpApi, type[Various]]]:
    answers = type("OfThisTest", (Various,), {"opened": [], "seen": [], "closed": threading.Event()})
    with served(tmp_path / "e", answers) as url, closing(HttpApi(url)) as api:
        api.open()
        yield api, answers


def test_requests_name_the_version_that_the_engine_speaks(engine: tuple[HttpApi, type[Various]]) -> None:
    api, _ = engine
    assert api.get("/a b/c:1", first="x&y", second=None, third=1) == {"path": "/v1.41/a%20b/c:1?first=x%26y&third=1"}


def test_an_engine_that_names_no_version_is_asked_without_one(tmp_path: Path) -> None:
    class Nameless(Answers):
        def do_GET(self) -> None:
            self.whole({"path": self.path})

    with served(tmp_path / "e", Nameless) as url, closing(HttpApi(url)) as api:
        api.open()
        assert api.get("/x") == {"path": "/x"}


def test_one_connection_serves_one_request_after_another(engine: tuple[HttpApi, type[Various]]) -> None:
    """Also after a refusal, a stream that was read to its end, and an answer without a body."""
    api, answers = engine
    with pytest.raises(Refused):
        api.get("/words")
    assert b"".join(api.stream("/pieces", seconds=5)) == b"firstsecond"
    assert api.post("/nothing") is None
    assert api.get("/x") == {"path": "/v1.41/x"}
    assert (len(answers.opened), len(answers.seen)) == (1, 5)


def test_a_stream_that_nobody_reads_to_its_end_gives_its_connection_up(engine: tuple[HttpApi, type[Various]]) -> None:
    """What is left of the answer would be taken for the next one."""
    api, answers = engine
    stream = api.stream("/pieces", seconds=5)
    assert next(stream) == b"first"
    stream.close()  # type: ignore[attr-defined]
    assert api.get("/x") == {"path": "/v1.41/x"}
    assert len(answers.opened) == 2


def test_a_connection_that_the_engine_has_closed_is_not_used_again(engine: tuple[HttpApi, type[Various]]) -> None:
    api, answers = engine
    for _ in range(2):
        assert api.get("/last") == {}
        assert answers.closed.wait(30)
        answers.closed.clear()
    assert api.get("/x") == {"path": "/v1.41/x"}
    assert len(answers.opened) == 3


def test_a_connection_that_comes_back_after_the_end_is_closed(engine: tuple[HttpApi, type[Various]]) -> None:
    """A thread may still wait for its answer when the others are done."""
    api, answers = engine
    stream = api.stream("/pieces", seconds=5)
    assert next(stream) == b"first"
    api.close()
    assert b"".join(stream) == b"second"
    assert answers.closed.wait(30)


@pytest.mark.slow
def test_threads_do_not_get_each_others_answers(engine: tuple[HttpApi, type[Various]]) -> None:
    api, answers = engine
    paths = [f"/number{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(api.get, paths)) == [{"path": f"/v1.41{path}"} for path in paths]
    assert len(answers.opened) <= 9


@pytest.mark.parametrize(
    ("path", "status", "reason"), [("/words", 404, "No such container: x"), ("/page", 500, "<h1>a proxy</h1>")]
)
def test_a_refusal_has_the_engines_words(
    engine: tuple[HttpApi, type[Various]], path: str, status: int, reason: str
) -> None:
    with pytest.raises(Refused) as caught:
        engine[0].get(path)
    assert (caught.value.status, caught.value.reason) == (status, reason)


def test_an_answer_that_is_none(engine: tuple[HttpApi, type[Various]]) -> None:
    with pytest.raises(NoAnswer, match="no JSON"):
        engine[0].get("/garbage")


def test_a_wait_has_an_end(engine: tuple[HttpApi, type[Various]]) -> None:
    with pytest.raises(Silence):
        list(engine[0].stream("/silent", seconds=0.01))


@pytest.mark.parametrize("url", ["unix:///nobody/is/there.sock", "ssh://me@far", "tcp://far:port"])
def test_an_address_where_no_engine_can_be_asked(url: str) -> None:
    with pytest.raises(NoAnswer):
        HttpApi(url).open()
