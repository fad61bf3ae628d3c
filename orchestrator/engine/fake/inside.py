"""What is done inside the containers of the engine in memory: programs and logs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from io import DEFAULT_BUFFER_SIZE
from math import inf

from orchestrator.engine.fake.programs import NOT_FOUND, ProgramCall
from orchestrator.engine.fake.state import FakeState
from orchestrator.engine.logs import LineTest, StopTest
from orchestrator.engine.programs import Argv, Env, Output, OutputSink
from orchestrator.errors import NotStarted, TookTooLong


class FakePrograms(FakeState):
    """The capability `Programs`."""

    def run(self, container: str, argv: Argv, *, seconds: float, user: str = "", env: Env = None) -> Output:
        return self._call(container, argv, seconds, user, env)

    def _call(
        self, container: str, argv: Argv, seconds: float, user: str = "", env: Env = None, stdin: bytes = b""
    ) -> Output:
        with self._changed:
            spec = self._require(container, "running").spec
        if argv[0] == "sleep":
            what = f"running 'sleep' in the container {container[:12]}"
            raise TookTooLong(f"{what} took too long", why=f"no answer in {seconds:g} s")
        whole_env = {**spec.environment, **(env or {})}
        return self._answer(ProgramCall(spec, argv, user or spec.user or "", whole_env, stdin))

    def attached(self, container: str, argv: Argv, sink: OutputSink, source: int | None = None, env: Env = None) -> int:
        stdin = b"" if source is None else b"".join(iter(lambda: os.read(source, DEFAULT_BUFFER_SIZE), b""))
        output = self._call(container, argv, 0, env=env, stdin=stdin)
        if output.exit_code == NOT_FOUND:
            raise NotStarted(argv[0], "executable file not found in $PATH", missing=True)
        for stream, text in ((1, output.out), (2, output.err)):
            if text:
                sink(stream, text.encode())
        return output.exit_code

    def stream(self, container: str, argv: Argv, errors: list[str], *, seconds: float = inf) -> Iterator[bytes]:
        output = self._call(container, argv, seconds)
        errors.append(output.err)
        if output.out:
            yield output.out.encode()


class FakeLogs(FakeState):
    """The capability `Logs`."""

    def now(self, _container: str = "", /) -> float:
        return self._wall()

    def log(self, container: str, since: float = 0.0) -> str:
        with self._changed:
            return "".join(f"{line}\n" for at, line in self._find(container).written if at >= since)

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        yielded = 0
        while True:
            with self._changed:
                followed = self._find(container)
                while yielded == len(followed.written) and followed.alive and container in self._containers:
                    self._changed.wait(0.05)
                new, yielded = followed.written[yielded:], len(followed.written)
                ended = not followed.alive or container not in self._containers
            yield from (line for at, line in new if at >= since)
            if ended:
                return

    def await_line(
        self, container: str, wanted: LineTest, *, since: float, seconds: float, stop: StopTest
    ) -> str | None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while (remaining := deadline - time.monotonic()) > 0 and not stop():
                awaited = self._find(container)
                line = next((line for at, line in awaited.written if at >= since and wanted(line)), None)
                if line is not None or not awaited.alive:
                    return line
                self._changed.wait(min(remaining, 0.02))
        return None

    def write(self, container: str, line: str) -> None:
        """Let the container's program write a line, which only a test can do."""
        with self._changed:
            self._find(container).written.append((self._wall(), line))
            self._changed.notify_all()
