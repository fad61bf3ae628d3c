"""Which engine is used, asked of real little servers on real sockets."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.errors import EngineMissing
from orchestrator.host.find import EngineFound, candidates, find_engine, running_engine
from orchestrator.host.ping import Reply, ping
from orchestrator.host.private_engine.paths import PrivatePaths
from orchestrator.host.state_folder import StateFolder

OK_ANSWER = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
Serve = Callable[..., str]


def never(_text: str) -> bool:
    raise AssertionError("nobody may be asked")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short name, for sockets have a limit of 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="wl-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def serve(home: Path) -> Iterator[Serve]:
    """Start a server on a socket file below the home folder; its URL."""
    listeners: list[socket.socket] = []

    def start(name: str, answer: bytes = OK_ANSWER) -> str:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(4)
        listeners.append(listener)
        threading.Thread(target=_answer_all, args=(listener, answer), daemon=True).start()
        return f"unix://{path}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _answer_all(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            link, _ = listener.accept()
        except OSError:
            return
        with link:
            link.recv(4096)
            link.sendall(answer)


def stale(path: Path) -> Path:
    """A socket file whose server has gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    return path


def environ_of(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), **more}


def context(home: Path, name: str, host: str) -> None:
    """Describe a context as the docker command does."""
    key = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker" / "contexts" / "meta" / key
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def test_docker_host_is_taken_before_everything_else(home: Path, serve: Serve) -> None:
    """Also where the system socket answers."""
    named = serve("named.sock")
    system = serve("system.sock").removeprefix("unix://")
    engine = running_engine(environ_of(home, DOCKER_HOST=named), StateFolder(home / "state"), system=system)
    assert engine == EngineFound(named, "DOCKER_HOST")


def test_a_docker_host_that_does_not_answer_is_an_error_and_no_other_engine_is_used(home: Path, serve: Serve) -> None:
    """Never a silent second engine."""
    system = serve("system.sock").removeprefix("unix://")
    environ = environ_of(home, DOCKER_HOST=f"unix://{stale(home / 'gone.sock')}")
    with pytest.raises(EngineMissing) as caught:
        find_engine(environ, StateFolder(home / "state"), notify=print, confirm=never)
    assert caught.value.exit_code == 3
    assert caught.value.what == f"the engine at unix://{home}/gone.sock (DOCKER_HOST) does not answer"
    assert caught.value.why == f"nobody listens on unix://{home}/gone.sock"
    assert "unset DOCKER_HOST" in caught.value.hint
    assert Path(system).exists()


def test_an_empty_docker_host_counts_as_not_set(home: Path, serve: Serve) -> None:
    """As for the docker command."""
    system = serve("system.sock").removeprefix("unix://")
    engine = running_engine(environ_of(home, DOCKER_HOST=""), StateFolder(home / "state"), system=system)
    assert engine == EngineFound(f"unix://{system}", "the system socket")


@pytest.mark.parametrize("how", ["file", "variable"])
def test_the_current_context_of_the_docker_command_is_used(home: Path, serve: Serve, how: str) -> None:
    """By currentContext in config.json or by DOCKER_CONTEXT."""
    url = serve("colima.sock")
    context(home, "colima", url)
    environ = environ_of(home)
    if how == "file":
        (home / ".docker" / "config.json").write_text('{"currentContext": "colima"}')
    else:
        environ["DOCKER_CONTEXT"] = "colima"
    assert running_engine(environ, StateFolder(home / "state")) == EngineFound(url, "context colima")


def test_a_context_that_does_not_answer_or_does_not_exist_is_an_error(home: Path) -> None:
    """Naming the context, and what to do."""
    context(home, "far", f"unix://{home}/nobody.sock")
    with pytest.raises(EngineMissing, match=r"context far\) does not answer"):
        running_engine(environ_of(home, DOCKER_CONTEXT="far"), StateFolder(home / "state"))
    with pytest.raises(EngineMissing, match="'nowhere' does not exist"):
        running_engine(environ_of(home, DOCKER_CONTEXT="nowhere"), StateFolder(home / "state"))


def test_a_broken_configuration_of_the_docker_command_is_an_error_that_names_the_file(home: Path) -> None:
    """We cannot know which engine the person meant."""
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text("{")
    with pytest.raises(EngineMissing) as caught:
        running_engine(environ_of(home), StateFolder(home / "state"))
    assert f"{home}/.docker/config.json" in caught.value.why


def test_a_socket_file_that_nobody_serves_is_passed_over(home: Path, serve: Serve) -> None:
    """The next place in order is asked: here the rootless socket of the user."""
    system = str(stale(home / "system.sock"))
    rootless = serve("run/docker.sock")
    tried: list[str] = []
    engine = running_engine(environ_of(home), StateFolder(home / "state"), tried=tried, system=system)
    assert engine == EngineFound(rootless, "the rootless socket of this user")
    assert tried == [f"nobody listens on unix://{system}"]


def test_a_place_that_answers_nonsense_is_an_error(home: Path, serve: Serve) -> None:
    """Something is there, and it is not right to start another engine beside it."""
    system = serve("system.sock", b"HTTP/1.1 503 Service Unavailable\r\n\r\n").removeprefix("unix://")
    with pytest.raises(EngineMissing, match="does not answer") as caught:
        running_engine(environ_of(home), StateFolder(home / "state"), system=system)
    assert "503" in caught.value.why


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid() != 0, reason="only root can become another user")
def test_a_socket_that_denies_permission_is_an_error_with_the_group_as_hint(home: Path, serve: Serve) -> None:
    """Tried as the user nobody, in a process of its own."""
    system = home / "system.sock"
    serve("system.sock")
    home.chmod(0o755)
    system.chmod(0o600)
    script = (
        "import os, sys; os.setgid(65534); os.setuid(65534)\n"
        "from pathlib import Path\n"
        "from orchestrator.host.find import running_engine\n"
        "from orchestrator.host.state_folder import StateFolder\n"
        "from orchestrator.errors import EngineMissing\n"
        "try: running_engine({'HOME': '/nonexistent'}, StateFolder(Path('/nonexistent')), system=sys.argv[1])\n"
        "except EngineMissing as error: print(error.what, error.why, error.hint, sep='\\n')\n"
    )
    # imported before the change of user, for the checkout may be closed to others
    script = "import orchestrator.host.find, encodings.idna\n" + script
    done = subprocess.run((sys.executable, "-c", script, str(system)), capture_output=True, text=True, check=True)
    what, why, hint = done.stdout.splitlines()
    assert what == f"the engine at unix://{system} (the system socket) does not let this user in"
    assert why == f"unix://{system}: permission denied for user 65534"
    assert "usermod -aG docker" in hint


def test_the_usual_places_are_asked_in_order_and_our_own_comes_last(home: Path) -> None:
    """System, rootless, Docker Desktop, Podman, the private engine."""
    state = StateFolder(home / "state")
    urls = [each.url.removeprefix(f"unix://{home}/") for each in candidates(environ_of(home), state, system="/s")]
    urls = [url for url in urls if url != "unix:///run/podman/podman.sock"]  # asked by root only
    assert urls == [
        "unix:///s", "run/docker.sock", ".docker/run/docker.sock", "run/podman/podman.sock", "state/engine/docker.sock",
    ]  # fmt: skip


def test_a_docker_host_that_names_our_own_engine_is_ours_to_start_again(home: Path) -> None:
    """`eval "$(wirelab engine env)"` must not turn into an error when the engine was stopped since."""
    state = StateFolder(home / "state")
    (own,) = candidates(environ_of(home, DOCKER_HOST=PrivatePaths.of(state).url), state)
    assert not own.explicit
    assert running_engine(environ_of(home, DOCKER_HOST=own.url), state) is None


@pytest.mark.parametrize(
    "environ", [{"DOCKER_HOST": "ssh://me@far"}, {"DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1"}]
)
def test_an_engine_behind_ssh_or_tls_is_refused_with_a_way_to_it(home: Path, environ: dict[str, str]) -> None:
    with pytest.raises(EngineMissing) as caught:
        running_engine(environ_of(home, **environ), StateFolder(home / "state"))
    assert caught.value.what == f"wirelab cannot connect to the engine at {environ['DOCKER_HOST']} (DOCKER_HOST)"
    assert caught.value.hint.startswith("ssh -N -L ")


def test_our_own_engine_that_is_silent_is_still_ours_to_start(home: Path) -> None:
    """Another command may be starting it: that is not an error, as it would be for any other engine."""
    state = StateFolder(home / "state")
    own = PrivatePaths.of(state)
    own.runtime.mkdir(parents=True)
    tried: list[str] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(own.socket))
        listener.listen(4)
        threading.Thread(target=_answer_all, args=(listener, b"nonsense\r\n"), daemon=True).start()
        assert running_engine(environ_of(home, DOCKER_HOST=own.url), state, tried=tried) is None
        listener.shutdown(socket.SHUT_RDWR)
    assert len(tried) == 1


def test_it_says_which_engine_is_used(home: Path, serve: Serve) -> None:
    """One line, with where it was found."""
    url = serve("named.sock")
    messages: list[str] = []
    find_engine(environ_of(home, DOCKER_HOST=url), StateFolder(home / "state"), notify=messages.append, confirm=never)
    assert messages == [f"engine: {url} (DOCKER_HOST)"]


def test_a_server_that_says_nothing_is_silent_not_absent(home: Path) -> None:
    """It accepts the connection and never answers: that ends at the deadline."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "mute.sock"))
        listener.listen(1)
        pinged = ping(f"unix://{home}/mute.sock", seconds=0.05)
    assert pinged.reply is Reply.SILENT
    assert "gave no answer within 0.05 s" in pinged.why


def test_an_engine_on_tcp_is_asked_too() -> None:
    """DOCKER_HOST=tcp://127.0.0.1:PORT, answering and then closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=_answer_all, args=(listener, OK_ANSWER), daemon=True).start()
        assert ping(f"tcp://127.0.0.1:{port}").reply is Reply.ANSWERS
        listener.shutdown(socket.SHUT_RDWR)
    assert ping(f"tcp://127.0.0.1:{port}").reply is Reply.ABSENT


@pytest.mark.parametrize("url", ["tcp://far:port", "unix://" + "/long" * 40, "tcp://a..b:1"])
def test_an_address_that_cannot_be_is_an_answer_not_a_traceback(url: str) -> None:
    """Whatever the person put into DOCKER_HOST."""
    assert ping(url, seconds=1).reply is Reply.SILENT


@pytest.mark.slow
def test_looking_for_an_engine_imports_no_http_library() -> None:
    """It happens before every command."""
    script = (
        "import sys, orchestrator.host.find; print(sorted({'docker', 'requests', 'http', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_long_state_folder_gets_short_sockets_and_always_the_same(home: Path) -> None:
    """The kernel takes 107 bytes; the folder in /run depends on the state folder's name only."""
    long = StateFolder(home / ("x" * 90))
    assert PrivatePaths.of(StateFolder(home)).runtime == home / "engine"
    assert len(str(PrivatePaths.of(long).exec_root / "libnetwork/0123456789ab.sock")) < 107
    assert PrivatePaths.of(long) == PrivatePaths.of(StateFolder(home / ("x" * 90)))
    assert PrivatePaths.of(long) != PrivatePaths.of(StateFolder(home / ("x" * 91)))
