"""An error of a lab on a member names the member, and the command that looks at it; the engine in use keeps its own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.docker.api_errors import map_api_errors, refusal
from orchestrator.engine.docker.http_api import NoAnswer, Refused
from orchestrator.engine.docker.images import DockerImageStore
from orchestrator.errors import DiskFull, EngineMissing, MemberUnreachable, TookTooLong, WirelabError
from orchestrator.host.members.member import Member
from orchestrator.host.members.reach import member_at, member_url, naming_member
from orchestrator.host.members.registry import add_member, member_named
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.member_engine import MemberEngine
from orchestrator.operations.workspace import Workspace
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

pytestmark = pytest.mark.slow

Call = Callable[[DockerEngine], object]
NODE = ContainerSpec("wirelab-shop-db", "wirelab/database:1", {})
NETWORK = NetworkSpec("n", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"), internal=True, labels={})
# Each question and each order that goes to an engine.
CALLS: dict[str, Call] = {
    "version": lambda engine: engine.version(),
    "ping": lambda engine: engine.ping(),
    "containers": lambda engine: engine.containers("wirelab.lab=shop"),
    "list of containers": lambda engine: engine.listed_containers("wirelab.lab"),
    "container": lambda engine: engine.container("c1"),
    "processes": lambda engine: engine.process_count("c1"),
    "memory": lambda engine: engine.memory_use("c1"),
    "image": lambda engine: engine.image_id("wirelab/dns:1"),
    "user of an image": lambda engine: engine.image_user("wirelab/dns:1"),
    "make a container": lambda engine: engine.make_container(NODE),
    "files": lambda engine: engine.require_files(NODE),
    "start": lambda engine: engine.start("c1"),
    "stop": lambda engine: engine.stop("c1", 1),
    "pause": lambda engine: engine.pause("c1"),
    "unpause": lambda engine: engine.unpause("c1"),
    "signal": lambda engine: engine.signal("c1", "HUP"),
    "remove a container": lambda engine: engine.remove_container("c1"),
    "networks": lambda engine: engine.networks(),
    "swarm": lambda engine: engine.manages_swarm(),
    "make a network": lambda engine: engine.make_network(NETWORK),
    "remove a network": lambda engine: engine.remove_network("n1"),
    "connect": lambda engine: engine.connect("c1", Attach("n", "n1", IPv4Address("10.0.0.2"))),
    "disconnect": lambda engine: engine.disconnect("c1", "n1"),
    "volumes": lambda engine: engine.volumes("wirelab.lab=shop"),
    "folder of a volume": lambda engine: engine.volume_folder("v1"),
    "remove a volume": lambda engine: engine.remove_volume("v1"),
    "run": lambda engine: engine.run("c1", ("true",), seconds=1),
    "stream": lambda engine: list(engine.stream("c1", ("true",), [], seconds=1)),
    "attached": lambda engine: engine.attached("c1", ("true",), lambda _stream, _piece: None),
    "time": lambda engine: engine.now(),
    "log": lambda engine: engine.log("c1"),
    "follow": lambda engine: list(engine.follow("c1")),
    "wait for a line": lambda engine: engine.await_line("c1", bool, since=0.0, seconds=1.0, stop=lambda: False),
    "terminal": lambda engine: engine.terminal("c1", ("bash",)),
}


class Pingable(Answers):
    """An engine that answers once, and no more."""

    def do_GET(self) -> None:
        assert self.pinged()
        self.close_connection = True


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with served(tmp_path / "engine.sock", Pingable) as url:
        yield url


@pytest.fixture
def gone(tmp_path: Path) -> tuple[MemberEngine, DockerEngine]:
    """The engine of a member and that in use, which were reached, and do not answer any more."""
    with served(tmp_path / "engine.sock", Pingable) as url:
        engines = MemberEngine(url, StateFolder(tmp_path), "big"), DockerEngine(url)
    (tmp_path / "engine.sock").unlink()
    return engines


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_member_that_dies_is_named_whatever_it_is_asked(gone: tuple[MemberEngine, DockerEngine], call: Call) -> None:
    of_member, in_use = gone
    with pytest.raises(MemberUnreachable) as raised:
        call(of_member)
    assert raised.value.lines()[0] == "error: the member 'big' does not answer"
    assert raised.value.hint == "wirelab members doctor big"
    with pytest.raises(EngineMissing) as raised_here:
        call(in_use)
    assert not isinstance(raised_here.value, MemberUnreachable)
    assert raised_here.value.hint == "wirelab engine status, then wirelab engine up"


def test_every_question_to_an_engine_is_tried() -> None:
    """A new method of an engine belongs into the table above."""
    asked = {name for name in dir(DockerEngine) if not name.startswith("_")}
    quiet = {"url", "member", "speaks_libpod", "enforces_limits", "bridges_come_late", "close"}
    assert len(asked - quiet) == len(CALLS), sorted(asked - quiet)


REFUSALS = [
    (500, "no space left on device", "the member 'big' has no room on its disk for the container x"),
    (400, "bind source path does not exist: /x", "the member 'big' cannot see a file that the container x needs"),
    (404, "No such image: y", "the container x needs an image that is not there on the member 'big'"),
    (409, "conflict", "the member 'big' refused: the container x"),
    (500, "pool overlaps", "the member 'big' refused: the container x"),
]


@pytest.mark.parametrize(("status", "reason", "sentence"), REFUSALS)
def test_what_a_member_refuses_is_said_of_it(status: int, reason: str, sentence: str) -> None:
    error = refusal("the container x", status, reason, "big")
    assert isinstance(error, WirelabError)
    assert (error.what, error.hint) == (sentence, "wirelab members doctor big")
    here = refusal("the container x", status, reason)
    assert isinstance(here, WirelabError)
    assert type(here) is type(error)
    assert "member" not in f"{here.what} {here.hint}"


def test_what_is_missing_or_late_on_a_member_is_said_of_it() -> None:
    missing = refusal("the container x", 404, "No such container", "big")
    assert isinstance(missing, WirelabError)
    assert missing.what == "the container x is not there on the member 'big'"
    with pytest.raises(TookTooLong) as raised, map_api_errors("dig in x", "big"):
        raise TimeoutError
    assert list(raised.value.lines())[::2] == [
        "error: dig in x took too long on the member 'big'",
        "try:   wirelab members doctor big",
    ]
    with pytest.raises(WirelabError, match=r"^the engine refused: x$"), map_api_errors("x"):
        raise Refused(500, "no")


def test_the_engine_that_is_silent_is_the_one_that_is_named(url: str, tmp_path: Path) -> None:
    """To send images, two engines are asked: the member that answers is not to blame."""
    here = EngineMissing("the container engine does not answer", why="nobody listens")
    with pytest.raises(EngineMissing) as raised, naming_member("big", url):
        raise here
    assert raised.value is here
    with pytest.raises(MemberUnreachable) as named, naming_member("big", f"unix://{tmp_path}/nobody"):
        raise here
    assert (named.value.member, named.value.why) == ("big", "nobody listens")
    with pytest.raises(EngineMissing) as unnamed, naming_member("", f"unix://{tmp_path}/nobody"):
        raise here
    assert unnamed.value is here


def test_what_a_command_asks_about_a_members_machine_names_the_member(tmp_path: Path) -> None:
    workspace = Workspace(StateFolder(tmp_path), f"unix://{tmp_path}/nobody", None, member="big")  # type: ignore[arg-type]
    asked: list[Callable[[], object]] = [
        workspace.machine_memory,
        workspace.free_memory,
        workspace.isolates_ipv6,
        lambda: workspace.missing_images(["dns"]),
    ]
    for ask in asked:
        with pytest.raises(MemberUnreachable, match="the member 'big' does not answer"):
            ask()


def test_an_engine_that_ends_in_the_middle_of_an_answer_is_named() -> None:
    with pytest.raises(MemberUnreachable, match="the member 'big' does not answer"), map_api_errors("x", "big"):
        raise NoAnswer("it went away")
    with pytest.raises(MemberUnreachable), map_api_errors("x", "big"):
        raise ConnectionResetError("reset by peer")


class Full(Answers):
    """An engine whose disk is full: it takes no images."""

    def do_GET(self) -> None:
        if not self.pinged():
            self.whole({"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"})

    def do_POST(self) -> None:
        body = json.dumps({"error": "write /layer.tar: no space left on device"}).encode() + b"\n"
        while (size := int(self.rfile.readline(), 16)) or self.rfile.readline().strip():
            self.rfile.read(size + 2)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_member_that_takes_no_images_is_named(tmp_path: Path) -> None:
    with served(tmp_path / "full.sock", Full) as url:
        with pytest.raises(DiskFull) as raised:
            DockerImageStore(url, member="big").load(io.BytesIO(b"images"))
        with pytest.raises(DiskFull) as here:
            DockerImageStore(url).load(io.BytesIO(b"images"))
    assert (raised.value.what, raised.value.hint) == (
        "the member 'big' does not take the images",
        "wirelab members doctor big",
    )
    assert "no space left on device" in raised.value.why
    assert (here.value.what, here.value.hint) == ("the engine does not take the images", "")


def test_the_member_of_an_address_is_found(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    add_member(state, Member("near", "unix:///near.sock"))
    add_member(state, Member("far", "ssh://me@far"))
    assert member_at(state, "unix:///near.sock") == "near"
    assert member_at(state, member_url(state, member_named(state, "far"))) == "far"
    assert member_at(state, "unix:///other.sock") == ""
