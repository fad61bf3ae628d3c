"""What wirelab asks of Podman otherwise than of Docker; `tests/contract` shows on a real one that it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, ClassVar

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.docker.config import container_config
from orchestrator.engine.docker.programs import RuntimeMessageFilter
from orchestrator.engine.opening import open_engine
from orchestrator.engine.podman.config import network_config, network_seen, owned_by_user, podman_container_config
from orchestrator.engine.podman.engine import PodmanEngine
from orchestrator.engine.podman.traits import PodmanTraits, traits_of
from orchestrator.errors import AddressTaken, NotStarted, WrongState
from orchestrator.planning.specs import Attach, ContainerSpec, NetworkSpec

INTERNAL = NetworkSpec("lab", IPv4Network("10.1.2.0/24"), IPv4Address("10.1.2.1"), True, {"a": "b"})
ATTACH = Attach("lab", "n1", IPv4Address("10.1.2.9"))
RUNC = "Error: runc: exec failed: unable to start container process"
NOT_FOUND = "OCI runtime attempted to invoke a command that was not found"
THERE_IS_NONE = "there is no program 'nmap' in the node"
RUN_5 = "ns:/run/user/7/containers/networks/rootless-netns/rootless-netns"
RUN_4 = "ns:/run/user/7/netns/rootless-netns-e604d82b0af66a4854bb"
PINGERS = "net.ipv4.ping_group_range"
OPEN_PORTS = "net.ipv4.ip_unprivileged_port_start"


class Podman(Answers):
    """A Podman with the container `c1`, which refuses the first connection for `refusal`, and notes each request."""

    requests: ClassVar[list[str]]
    refusal: ClassVar[str] = ""
    state: ClassVar[str] = "exited"

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        self.send_header("Libpod-Api-Version", "5.4.2")

    def do_GET(self) -> None:
        if self.pinged():
            return
        if "/networks/" in self.path:
            self.whole({"name": "lab", "id": "n1"})
            return
        mode = "container:c2" if "/c1/" in self.path else "bridge"
        state = {"Status": self.state}
        self.whole({"Id": "c", "Name": "other", "Config": {}, "State": state, "HostConfig": {"NetworkMode": mode}})

    def do_POST(self) -> None:
        word = self.path.rpartition("/")[2]
        self.asked()
        first = word not in self.requests
        self.requests.append(word)
        if word == "connect" and first and self.refusal:
            self.whole({"message": self.refusal}, 500)
        else:
            self.whole({})


@pytest.fixture
def podman(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[DockerEngine, list[str]]]:
    requests: list[str] = []
    answers = type("OfThisTest", (Podman,), {"requests": requests, **getattr(request, "param", {})})
    with served(tmp_path / "e", answers) as url, closing(open_engine(url)) as engine:
        yield engine, requests


def test_an_engine_is_known_by_what_it_says_that_it_speaks(
    podman: tuple[DockerEngine, list[str]], tmp_path: Path
) -> None:
    assert type(podman[0]) is PodmanEngine
    docker = type("Plain", (Answers,), {"do_GET": lambda answers: answers.pinged()})
    with served(tmp_path / "d", docker) as url, closing(open_engine(url)) as engine:
        assert type(engine) is DockerEngine


@pytest.mark.parametrize(
    "spec",
    [
        INTERNAL,
        replace(INTERNAL, internal=False),
        replace(INTERNAL, host_closed=True),
        replace(INTERNAL, gateway_unanswered=True, host_closed=True, subnet6=IPv6Network("fd00:1::/64")),
        replace(INTERNAL, bridge="wl-lab"),
    ],
)
def test_a_network_is_seen_as_it_was_asked_for(spec: NetworkSpec) -> None:
    """Also that it is a dead end, which Podman knows nothing of: a label of ours says so, and nobody else sees it."""
    seen = network_seen({**network_config(spec), "id": "n1"})
    assert (seen.name, seen.subnets, seen.labels, seen.bridge) == (spec.name, (spec.subnet,), spec.labels, spec.bridge)
    assert (seen.internal, seen.host_closed) == (spec.internal, spec.host_closed)
    assert (seen.gateway_unanswered, seen.subnets6) == (
        spec.gateway_unanswered,
        (spec.subnet6,) if spec.subnet6 else (),
    )


def test_no_dns_server_of_podmans_answers_and_a_closed_network_has_no_gateway() -> None:
    for spec in (INTERNAL, replace(INTERNAL, internal=False), replace(INTERNAL, host_closed=True)):
        config = network_config(spec)
        assert config["dns_enabled"] is False
        assert ("gateway" in config["subnets"][0]) is not spec.host_closed


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("size=4m,uid=10000,gid=10000,mode=700", "size=4m,U,mode=700"),
        ("size=16m,mode=1777", "size=16m,mode=1777"),
    ],
)
def test_a_folder_in_memory_belongs_to_the_user_without_the_option_that_podman_refuses(asked: str, given: str) -> None:
    assert owned_by_user(asked) == given
    spec = ContainerSpec("node", "image", {}, tmpfs={"/home/student": asked})
    assert podman_container_config(spec)["HostConfig"]["Tmpfs"] == {"/home/student": given}


def test_logs_are_bounded_on_docker_and_left_to_podman() -> None:
    """A node that writes without end fills the disk of no machine."""
    spec = ContainerSpec("node", "image", {})
    assert container_config(spec)["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m"}}
    assert "LogConfig" not in podman_container_config(spec)["HostConfig"]


def sysctls(spec: ContainerSpec) -> dict[str, Any]:
    found: dict[str, Any] = podman_container_config(spec)["HostConfig"]["Sysctls"]
    return found


def test_a_process_that_is_not_root_may_bind_every_port_and_ping_unless_the_node_says_otherwise() -> None:
    spec = ContainerSpec("node", "image", {})
    assert sysctls(spec).items() >= {OPEN_PORTS: "0", PINGERS: "0 65534"}.items()
    assert sysctls(replace(spec, sysctls={OPEN_PORTS: "1024"}))[OPEN_PORTS] == "1024"
    # These have no network of their own, and a runtime refuses to set it there.
    assert sysctls(replace(spec, host_network=True)) == {}
    assert sysctls(replace(spec, share_network_of="c1")) == {}


def test_a_node_has_ipv6_only_where_it_has_an_address_of_it() -> None:
    """As with Docker; where the kernel has no IPv6, there is nothing to switch off."""
    four = ContainerSpec("node", "image", {}, attachments=(ATTACH,))
    both = replace(four, attachments=(ATTACH, replace(ATTACH, network="six", address6=IPv6Address("fd00::9"))))
    switch = "net.ipv6.conf.all.disable_ipv6"
    assert (sysctls(four).get(switch), sysctls(both).get(switch)) == ("1", None)
    assert switch not in podman_container_config(four, kernel_has_ipv6=False)["HostConfig"]["Sysctls"]


@pytest.mark.parametrize("podman", [{"refusal": "container c1 is already connected to network lab"}], indirect=True)
def test_a_container_that_is_on_the_network_already_is_put_on_it_anew(podman: tuple[DockerEngine, list[str]]) -> None:
    engine, requests = podman
    engine.connect("c1", ATTACH)
    assert requests == ["connect", "disconnect", "connect"]


@pytest.mark.parametrize(
    "podman", [{"refusal": "IPAM error: requested ip address is already allocated"}], indirect=True
)
def test_a_connection_that_failed_half_is_taken_back(podman: tuple[DockerEngine, list[str]]) -> None:
    """Otherwise Podman answers no list of containers any more."""
    engine, requests = podman
    with pytest.raises(AddressTaken):
        engine.connect("c1", ATTACH)
    assert requests == ["connect", "disconnect"]


def test_a_container_beside_a_stopped_one_is_not_started(podman: tuple[DockerEngine, list[str]]) -> None:
    """Podman would start the other one with it."""
    engine, requests = podman
    with pytest.raises(WrongState) as caught:
        engine.start("c1")
    assert "other, which is exited" in caught.value.why
    assert requests == []


@pytest.mark.parametrize("podman", [{"state": "running"}], indirect=True)
def test_a_container_beside_one_that_runs_is_started(podman: tuple[DockerEngine, list[str]]) -> None:
    engine, requests = podman
    engine.start("c1")
    assert requests == ["start"]


@pytest.mark.parametrize(
    ("said", "code", "what"),
    [
        (f'{RUNC}: exec: "nmap": executable file not found in $PATH: {NOT_FOUND}', 127, THERE_IS_NONE),
        (
            f"Error: crun: executable file `nmap` not found in $PATH: No such file or directory: {NOT_FOUND}",
            127,
            THERE_IS_NONE,
        ),
        (f'{RUNC}: exec: "nmap": permission denied: OCI permission denied', 126, "'nmap' cannot be run in the node"),
    ],
)
def test_what_podman_says_in_the_place_of_a_program_is_no_output_of_it(said: str, code: int, what: str) -> None:
    pieces: list[bytes] = []
    output = RuntimeMessageFilter(lambda _stream, piece: pieces.append(piece))
    output(2, f"{said}\n".encode())
    output(2, b"Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n")
    with pytest.raises(NotStarted) as caught:
        output.end("nmap", code)
    assert (caught.value.what, caught.value.exit_code, pieces) == (what, code, [])
    assert "OCI" not in caught.value.why


def test_a_program_that_only_speaks_so_is_heard() -> None:
    pieces: list[bytes] = []
    output = RuntimeMessageFilter(lambda _stream, piece: pieces.append(piece))
    output(2, b"Error: runc: is what I study\n")
    output.end("cat", 0)
    assert pieces == [b"Error: runc: is what I study\n"]


@pytest.mark.parametrize(
    ("version", "rootless", "groups", "seen"),
    [
        ("5.4.2", False, "v1", PodmanTraits("host", has_groups=True)),
        ("5.4.2", True, "v2", PodmanTraits(RUN_5, has_groups=True)),
        ("5.4.2", True, "v1", PodmanTraits(RUN_5, has_groups=False)),
        ("4.3.1", True, "v1", PodmanTraits(RUN_4, has_groups=False)),
    ],
)
def test_where_the_bridges_are_and_whether_limits_hold(
    version: str, rootless: bool, groups: str, seen: PodmanTraits
) -> None:
    """As an ordinary user Podman has its bridges in a namespace of its own, and on old control groups it has none."""
    said = {
        "host": {"security": {"rootless": rootless}, "cgroupVersion": groups},
        "store": {"runRoot": "/run/user/7/containers", "graphRoot": "/home/u/.local/share/containers/storage"},
        "version": {"Version": version},
    }
    assert traits_of(said) == seen
