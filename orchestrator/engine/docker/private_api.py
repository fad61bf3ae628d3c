"""All that reaches into private parts of the Docker SDK (docker 7), with the reason.

The SDK has no public way to follow a log with a time limit, nor to read what came together with the answer to the
start of a program.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any

import docker

from orchestrator.engine.docker.sockets import nothing_to_read


def follow_log(api: docker.APIClient, container: str, since: float) -> Iterator[bytes]:
    """Yield a container's log as it is written; raise the client's own time-out when nothing comes.

    `APIClient.logs(follow=True)` takes the time limit off the connection.
    """
    url = api._url("/containers/{0}/logs", container)
    params = {"stdout": 1, "stderr": 1, "follow": 1, "since": f"{since:.9f}" if since else "0"}
    with api._get(url, params=params, stream=True) as response:
        api._raise_for_status(response)
        while len(header := response.raw.read(8)) == 8:
            yield response.raw.read(struct.unpack(">BxxxL", header)[1])


@contextmanager
def exec_connection(api: docker.APIClient, program: str) -> Iterator[tuple[Any, bytes]]:
    """Start a program that was created; give the socket to it, and what the program has written already.

    `APIClient.exec_start(socket=True)` hands out the socket below the reader of the engine's answer. What came in one
    piece with the answer is in that reader, and nobody would read it any more.
    """
    handle = api.exec_start(program, socket=True)
    link = getattr(handle, "_sock", handle)
    try:
        yield link, _read_ahead(handle, link)
    finally:
        # The answer owns the connection; without it the socket stays open until the garbage collector comes.
        if (response := getattr(handle, "_response", None)) is not None:
            response.close()
        handle.close()


def _read_ahead(handle: Any, link: Any) -> bytes:
    reader = getattr(getattr(getattr(getattr(handle, "_response", None), "raw", None), "_fp", None), "fp", None)
    if not isinstance(reader, BufferedReader):
        return b""
    link.setblocking(False)
    try:
        return reader.peek()
    except OSError as error:
        if nothing_to_read(error):
            return b""
        raise
    finally:
        link.setblocking(True)
