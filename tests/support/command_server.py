"""Runs `wirelab` commands whose outcome is all that a test wants, without a start of Python and of wirelab for each.

That start is most of the processor time of a command: 0.2 to 0.5 s, and 0.04 s without it. A server has all of wirelab
loaded and forks for each command. So a command is still a process, with a pid, an environment, a folder and streams of
its own: locks, watchdogs and signals are what they are for users.

What this does not show: that a command imports what it uses, and no more; that the entry point is installed; what the
start makes of a closed descriptor or of a terminal. Tests of these, and those that interrupt a command, start the real
program, by `Bench.start` or by a command line of their own. `make scenario`, which CI runs too, is the real program.
Where the environment holds other words for the start than the server's does, the server refuses, and the real program
is started in its place. Limits, umask, process group and ignored signals of a command are the server's.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, BaseSelector, DefaultSelector
from typing import NoReturn

from command_client import REFUSED, REPLY, ask, read_at_start, reply

CHECKOUT = Path(__file__).resolve().parents[2]
CLIENT = Path(__file__).with_name("command_client.py")
MOST_BYTES = 1 << 18
IN_FORK = 0  # fork(2)
FOLDER = "wirelab-commands-"


@dataclass(frozen=True)
class CommandServer:
    """A server that runs. Its address is the path of a socket."""

    address: str

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = "", seconds: float
    ) -> tuple[int, str, str] | None:
        """Exit code, output and errors of `wirelab WORDS...`; None where the server refuses.

        Its input must fit into a pipe. Its output goes into files, so nobody can read it while it runs. Raises
        TimeoutError, and then it was killed.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, stream_that_holds(stdin) as given:
            streams = (given, out.fileno(), err.fileno())
            connection, pid = ask(self.address, words, env=env, cwd=str(cwd), streams=streams)
            with connection:
                if pid == REFUSED:
                    return None
                connection.settimeout(seconds)
                code = reply(connection)
            out.seek(0)
            err.seek(0)
            return code, _text(out.read()), _text(err.read())

    @property
    def script(self) -> str:
        """A program that stands for `wirelab` in a shell."""
        return f'#!/bin/sh\nexec "{sys.executable}" -I -S "{CLIENT}" "{self.address}" "$@"\n'


@contextmanager
def command_server(environ: Mapping[str, str]) -> Iterator[CommandServer]:
    """A server for a while. It also ends with the process that started it, even by SIGKILL."""
    remove_stale_folders(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-") as folder:
        address = f"{folder}/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(address)
            listener.listen(64)  # who asks before the server has loaded, waits
            server = subprocess.Popen(
                (sys.executable, __file__, str(listener.fileno())),
                env=dict(environ), cwd=CHECKOUT, stdin=subprocess.PIPE, pass_fds=(listener.fileno(),),
            )  # fmt: skip
        with server:  # closes its input, which ends it
            yield CommandServer(address)


def remove_stale_folders(folder: Path) -> None:
    """Remove the folders of servers whose process was killed: their names say which it was."""
    for stale in folder.glob(f"{FOLDER}*"):
        pid = stale.name.removeprefix(FOLDER).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(stale, ignore_errors=True)


@contextmanager
def stream_that_holds(text: str) -> Iterator[int]:
    """The end of a pipe from which a text can be read; without a text, no pipe."""
    if text:
        reading, writing = os.pipe()
        with open(writing, "w", encoding="utf-8") as pipe:
            pipe.write(text)
    else:
        reading = os.open(os.devnull, os.O_RDONLY)
    try:
        yield reading
    finally:
        os.close(reading)


def _text(written: bytes) -> str:
    return written.decode().replace("\r\n", "\n")


# ---- what runs in the server


@dataclass(frozen=True)
class Command:
    """What somebody asks for."""

    words: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    streams: tuple[int, ...]

    @classmethod
    def received(cls, connection: socket.socket) -> Command:
        message, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
        cwd, count, *texts = map(os.fsdecode, message.split(b"\0"))
        words, env = texts[: int(count)], texts[int(count) :]
        return cls(tuple(words), cwd, dict(entry.split("=", 1) for entry in env), tuple(streams))

    def become(self) -> None:
        """Make this process look as if it had been started for the command."""
        for place, stream in enumerate(self.streams):
            os.dup2(stream, place)
            os.close(stream)
        os.chdir(self.cwd)
        os.environ.clear()
        os.environ.update(self.env)
        sys.argv[:] = [str(CHECKOUT / "orchestrator" / "__main__.py"), *self.words]
        sys.path[0] = os.getcwd()  # what `python -m` puts there
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (as long as the process)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115


@dataclass(frozen=True)
class Running:
    """A command that has not ended, and who waits for it."""

    pid: int
    pidfd: int  # can be read when the command has ended (pidfd_open(2))
    connection: socket.socket

    def reap(self) -> None:
        """Tell the exit code, if anybody still wants to know it."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with suppress(OSError):
            self.connection.send(REPLY.pack(code))
        self.close()

    def close(self) -> None:
        os.close(self.pidfd)
        self.connection.close()


def load() -> None:
    """Import all of wirelab, and read every scenario, for what reads a value is made when it is used first."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # as `orchestrator.cli.main` does
    import orchestrator

    for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."):
        if module.name != "orchestrator.pytest_plugin":
            importlib.import_module(module.name)
    from orchestrator.operations.scenario_library import CompanionFiles
    from orchestrator.reading.scenario import read_scenario

    for file in (CHECKOUT / "scenarios").glob("*/scenario.yaml"):
        read_scenario(file.read_text("utf-8"), file=str(file), read_companion=CompanionFiles(file.parent))
    gc.collect()
    gc.freeze()


@dataclass(frozen=True)
class Server:
    """What forks. `running` has each command twice: by the descriptor of its process, and by that of who waits."""

    listener: socket.socket
    selector: BaseSelector
    running: dict[int, Running]

    def serve(self) -> Command | None:
        """Fork for each command that is asked for, until the input is closed; in a fork, the command that it is to run.

        One event at a time: what was closed for one may bear the number that the next one tells.
        """
        self.selector.register(self.listener, EVENT_READ)
        self.selector.register(0, EVENT_READ)
        while (place := self.selector.select()[0][0].fd) != 0:
            if place != self.listener.fileno():
                self._goes_on(place)
            elif (command := self._asked()) is not None:
                return command
        return None

    def _asked(self) -> Command | None:
        """Take a question; in the fork, the command."""
        connection = self.listener.accept()[0]
        command = Command.received(connection)
        is_possible = read_at_start(command.env) == read_at_start(os.environ)
        pid = os.fork() if is_possible else REFUSED
        if pid == IN_FORK:
            for known in set(self.running.values()):
                known.close()
            connection.close()
            return command
        for stream in command.streams:
            os.close(stream)
        with suppress(OSError):
            connection.send(REPLY.pack(pid))
        if pid == REFUSED:
            connection.close()
            return None
        started = Running(pid, os.pidfd_open(pid), connection)
        for place in (started.pidfd, connection.fileno()):
            self.running[place] = started
            self.selector.register(place, EVENT_READ)
        return None

    def _goes_on(self, place: int) -> None:
        """A command has ended, or who waits for it has gone."""
        known = self.running.pop(place)
        self.selector.unregister(place)
        if place != known.pidfd:
            signal.pidfd_send_signal(known.pidfd, signal.SIGKILL)
            return
        if self.running.pop(known.connection.fileno(), None):
            self.selector.unregister(known.connection)
        known.reap()


def main(number: int) -> None:
    """The server, and in its forks the commands."""
    load()
    with socket.socket(fileno=number) as listener, DefaultSelector() as selector:
        command = Server(listener, selector, {}).serve()
    if command is not None:
        command.become()
        end(outcome())


def outcome() -> int:
    """Run the command; its exit code."""
    from orchestrator.__main__ import main as wirelab

    try:
        wirelab()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0
    return 0


def end(code: int) -> NoReturn:
    """End as Python does, but leave the memory as it is: taken apart, each page that the server shares is copied."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
