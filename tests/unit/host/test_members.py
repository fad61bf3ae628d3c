"""Members: what a command line may name, how they are kept, and what is said where one does not answer."""

from __future__ import annotations

import json
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import MemberUnreachable, UsageInvalid, WorldError
from orchestrator.host.members.member import Member, member_of_words, ssh_place
from orchestrator.host.members.reach import leave_member, member_url, reach_member
from orchestrator.host.members.registry import add_member, chosen_members, member_named, members, remove_member
from orchestrator.host.members.sockets import member_sockets
from orchestrator.host.state_folder import StateFolder

GOOD = [
    ("big", "unix:///run/other/docker.sock"),
    ("big", "ssh://me@big"),
    ("b-2", "ssh://big:2222"),
    ("big", "ssh://me@192.0.2.7/run/user/1000/docker.sock"),
    ("big", "ssh://me@[2001:db8::7]:22"),
]
# name, address, options, whether --insecure, what the error says
BAD: list[tuple[str, str, dict[str, str], bool, str]] = [
    ("Big", "ssh://me@big", {}, False, "'Big' is no name for a member"),
    ("local", "ssh://me@big", {}, False, "'local' is the engine in use"),
    ("-x", "ssh://me@big", {}, False, "'-x' is no name for a member"),
    ("big", "big", {}, False, "'big' is no address of a member"),
    ("big", "http://big:2375", {}, False, "an address is unix:///PATH, ssh://USER@HOST[:PORT] or tcp://HOST:PORT"),
    ("big", "unix://docker.sock", {}, False, "names no socket"),
    ("big", "ssh://", {}, False, "it names no host"),
    ("big", "ssh://-oProxyCommand=x", {}, False, "it names no host"),
    ("big", "ssh://me@-oProxyCommand=x", {}, False, "it names no host"),
    ("big", "ssh://me@big:port", {}, False, "is no address for ssh"),
    ("big", "ssh://me:secret@big", {}, False, "an address holds no password"),
    ("big", "ssh://me@big?x=1", {}, False, "there is text after the host"),
    ("big", "tcp://", {}, False, "it names no host and port"),
    ("big", "tcp://big", {}, False, "it names no host and port"),
    ("big", "tcp://big:0", {}, False, "it names no host and port"),
    ("big", "tcp://big:2376", {}, False, "without TLS everybody on the way can"),
    ("big", "tcp://big:2376", {"cacert": "ca.pem"}, False, "TLS takes three files, and --cert is missing"),
    ("big", "tcp://big:2376", {"cacert": "ca.pem"}, True, "are opposites"),
    ("big", "tcp://big:2376", {"cacert": "/no", "cert": "/no", "key": "/no"}, False, "--cacert: there is no file /no"),
    ("big", "ssh://me@big", {"cert": "c.pem"}, False, "--cert belongs to tcp://"),
    ("big", "unix:///run/x.sock", {}, True, "--insecure belongs to tcp://"),
]


@pytest.fixture
def state(short: Path) -> StateFolder:
    return StateFolder(short / "state")


@pytest.mark.parametrize(("name", "address"), GOOD)
def test_an_address_of_a_known_kind_is_taken(name: str, address: str) -> None:
    assert member_of_words(name, address, {}, insecure=False) == Member(name, address)


@pytest.mark.parametrize(("name", "address", "files", "insecure", "sentence"), BAD)
def test_a_wrong_word_is_named(name: str, address: str, files: dict[str, str], insecure: bool, sentence: str) -> None:
    with pytest.raises(UsageInvalid) as raised:
        member_of_words(name, address, files, insecure=insecure)
    assert sentence in "\n".join(raised.value.lines())
    assert "secret" not in "\n".join(raised.value.lines())


def test_tcp_is_taken_without_tls_only_when_the_user_says_so(tmp_path: Path) -> None:
    assert member_of_words("big", "tcp://192.0.2.7:2375", {}, insecure=True).is_tls is False
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    files = {option: str(tmp_path / option.removesuffix("cert") or "") for option in ("cacert",)}
    files |= {"cert": str(tmp_path / "cert"), "key": str(tmp_path / "key")}
    assert member_of_words("big", "tcp://192.0.2.7:2376", files, insecure=False).is_tls is True


def test_the_parts_of_an_address_for_ssh() -> None:
    place = ssh_place("ssh://me@[2001:db8::7]:2222/run/user/1000/docker.sock")
    assert (place.destination, place.port, place.socket) == ("me@2001:db8::7", 2222, "/run/user/1000/docker.sock")
    assert ssh_place("ssh://big").socket == "/var/run/docker.sock"


def test_members_are_kept_for_their_owner_alone(state: StateFolder) -> None:
    assert members(state) == ()
    add_member(state, Member("b", "ssh://me@b", engine_id="2", architecture="x86_64"))
    add_member(state, Member("a", "unix:///a.sock", engine_id="1"))
    assert [member.name for member in members(state)] == ["a", "b"]
    assert member_named(state, "b").architecture == "x86_64"
    assert stat.S_IMODE((state.root / "members.json").stat().st_mode) == 0o600
    assert remove_member(state, "a").address == "unix:///a.sock"
    assert [member.name for member in members(state)] == ["b"]


def test_neither_a_name_nor_an_engine_is_taken_twice(state: StateFolder) -> None:
    add_member(state, Member("a", "ssh://me@a", engine_id="1"))
    with pytest.raises(UsageInvalid, match="'a' is a member already"):
        add_member(state, Member("a", "ssh://me@b", engine_id="2"))
    with pytest.raises(UsageInvalid, match="is the engine of the member 'a'"):
        add_member(state, Member("b", "ssh://me@192.0.2.1", engine_id="1"))
    assert [member.name for member in members(state)] == ["a"]


def test_an_unknown_member_is_named_with_the_nearest_one(state: StateFolder) -> None:
    with pytest.raises(UsageInvalid) as raised:
        member_named(state, "bigg")
    assert raised.value.why == "no member has been added yet"
    add_member(state, Member("big", "ssh://me@big"))
    with pytest.raises(UsageInvalid) as raised:
        chosen_members(state, ["local", "bigg"])
    assert (raised.value.why, raised.value.hint) == ("the members are big", "did you mean 'big'?")
    assert chosen_members(state, ["local", "big", "big"]) == (None, member_named(state, "big"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"members": 3}', '{"members": ["a"]}', '{"members": [{}]}'])
def test_a_damaged_list_is_named_with_its_file(state: StateFolder, text: str) -> None:
    (state.private(state.root) / "members.json").write_text(text)
    with pytest.raises(WorldError) as raised:
        members(state)
    assert str(state.root / "members.json") in raised.value.why
    assert (state.root / "members.json").read_text() == text


def test_what_a_later_version_added_is_passed_over(state: StateFolder) -> None:
    row = {"name": "a", "address": "ssh://me@a", "colour": "red"}
    (state.private(state.root) / "members.json").write_text(json.dumps({"members": [row]}))
    assert members(state) == (Member("a", "ssh://me@a"),)


def test_an_engine_that_is_not_there_is_named_by_its_member(state: StateFolder, tmp_path: Path) -> None:
    with pytest.raises(MemberUnreachable) as raised:
        reach_member(state, Member("big", f"unix://{tmp_path}/nobody.sock"))
    assert raised.value.lines() == (
        "error: the member 'big' does not answer",
        f"why:   nobody listens on unix://{tmp_path}/nobody.sock",
        "try:   start that engine; see what is wrong: wirelab members doctor big",
    )


@pytest.mark.slow
def test_what_ssh_says_is_why_a_member_does_not_answer(state: StateFolder, tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    ssh.chmod(0o755)
    with pytest.raises(MemberUnreachable) as raised:
        reach_member(state, Member("big", "ssh://me@big:2222"), {"WIRELAB_SSH": str(ssh)})
    assert raised.value.why == "ssh me@big: Host key verification failed."
    assert raised.value.hint == f"see that this works without a question: {ssh} -p 2222 me@big true"


@pytest.mark.slow
def test_ssh_is_called_once_and_ended_by_its_own_word(state: StateFolder, tmp_path: Path) -> None:
    """The next command finds the socket, and calls nobody."""
    calls = tmp_path / "calls"
    ssh = tmp_path / "ssh.py"
    # It stands in for ssh: it forwards nothing, and answers the ping itself.
    ssh.write_text(
        f"import os, socket, sys\n"
        f"open({str(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
        "if '-O' in sys.argv: sys.exit()\n"
        "local = sys.argv[sys.argv.index('-L') + 1].partition(':')[0]\n"
        "control = sys.argv[sys.argv.index('-S') + 1]\n"
        "server = socket.socket(socket.AF_UNIX); server.bind(local); server.listen()\n"
        "open(control, 'w').close()\n"
        "if os.fork(): os._exit(0)\n"
        "for _ in range(3):\n"
        "    link, _ = server.accept(); link.recv(4096); link.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n'); link.close()\n"
    )
    environ = {"WIRELAB_SSH": f"{sys.executable} {ssh}"}
    member = Member("big", "ssh://me@big:2222")
    url = reach_member(state, member, environ)
    assert url == member_url(state, member) == f"unix://{state.root}/members/big.sock"
    assert reach_member(state, member, environ) == url
    (call,) = calls.read_text().splitlines()
    assert "-o BatchMode=yes" in call
    assert call.endswith(f"-p 2222 -L {state.root}/members/big.sock:/var/run/docker.sock -- me@big")
    assert reach_member(state, member, environ) == url
    leave_member(state, member, environ)
    assert calls.read_text().splitlines()[1:] == [f"-S {state.root}/members/big.ctl -O exit -- me@big"]
    assert list((state.root / "members").iterdir()) == []


@pytest.fixture
def short() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="wl-"))
    yield folder
    shutil.rmtree(folder)


def test_sockets_of_a_state_folder_with_a_long_path_are_in_a_short_one(tmp_path: Path, short: Path) -> None:
    state = StateFolder(tmp_path / ("long" * 25))
    environ = {"XDG_RUNTIME_DIR": str(short)}
    sockets = member_sockets(state, "a" * 32, environ)
    assert sockets.socket.parent.parent == short
    assert len(str(sockets.control)) + 17 <= 107
    assert stat.S_IMODE(sockets.socket.parent.stat().st_mode) == 0o700
    assert member_sockets(state, "a" * 32, environ) == sockets
    assert member_sockets(StateFolder(tmp_path / ("Long" * 25)), "a" * 32, environ) != sockets


def test_a_short_folder_that_others_may_enter_is_refused(tmp_path: Path, short: Path) -> None:
    state = StateFolder(tmp_path / ("long" * 25))
    environ = {"XDG_RUNTIME_DIR": str(short)}
    folder = member_sockets(state, "big", environ).socket.parent
    folder.chmod(0o755)
    with pytest.raises(WorldError) as raised:
        reach_member(state, Member("big", "ssh://me@big"), environ | {"WIRELAB_SSH": "/bin/false"})
    assert raised.value.why == f"{folder}: it is not a folder of this user alone"
    folder.chmod(0o700)
    leave_member(state, Member("big", "ssh://me@big"), environ)
    assert not folder.exists()
    folder.symlink_to(short)
    with pytest.raises(WorldError, match="there is no place for the socket"):
        member_sockets(state, "big", environ)
