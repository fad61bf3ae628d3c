"""What crosses a network and what does not, at the level of packets: counted in both network namespaces.

Nothing leaves the lab, for each kind of network; who may speak to whom is a matter of networks and ways; a cut is
silence. A SYN that does not arrive proves something only if it left, and if one that may arrive is counted.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from lab_bench import Bench, Engine, eventually

pytestmark = pytest.mark.sampled(3)

PORT = 8080
KINDS = """
name: kinds
title: Each kind of network
networks:
  plain:
  left:
  right:
  six: {ipv6: true}
  open: {internal: false}
nodes:
  alone:   {role: client, networks: [plain]}
  router:  {role: router, networks: [left, right]}
  west:    {role: client, networks: [left]}
  east:    {role: service, networks: [right], command: [nc, -lk, "8080"], listens: [{port: 8080}]}
  modern:  {role: service, networks: [six], command: [nc, "-6", -lk, "8080"], listens: [{port: 8080}]}
  sixth:   {role: client, networks: [six]}
  several: {role: client, networks: [plain, left]}
  free:    {role: client, networks: [open]}
"""
CLOSED = """
name: closed
title: Two machines that do not reach the host
nodes:
  inside: {role: client}
  other:  {role: service, command: [nc, -lk, "8080"], listens: [{port: 8080}]}
"""
# What the kernel sends and takes in, before any rule of another table: packets that open a connection to the port.
OPENS = f"tcp dport {PORT} tcp flags & (syn | ack) == syn counter"
COUNT = f"""
table inet counted {{
  chain leaves {{ type filter hook output priority -400; {OPENS}; }}
  chain arrives {{ type filter hook prerouting priority -400; {OPENS}; }}
}}
"""


@dataclass(frozen=True)
class Lab:
    """The lab of this module and the means to look into its nodes."""

    bench: Bench
    image: str

    def inside(self, container: str, *argv: str) -> str:
        """A program as root with NET_ADMIN in the container's network."""
        out = self.bench.engine.client.containers.run(
            self.image, argv, network_mode=f"container:{container}", cap_add=["NET_ADMIN"], user="0", remove=True
        )
        return str(out.decode())

    def node(self, name: str) -> str:
        return str(self.bench.container(name).id)

    def address(self, node: str, *, six: bool = False, network: str = "") -> str:
        ends = self.bench.container(node).attrs["NetworkSettings"]["Networks"]
        end = next(end for name, end in ends.items() if name.endswith(network))
        return str(end["GlobalIPv6Address" if six else "IPAddress"])

    def gateway(self, node: str) -> str:
        return str(next(iter(self.bench.container(node).attrs["NetworkSettings"]["Networks"].values()))["Gateway"])

    def count(self, *containers: str) -> None:
        """Begin to count, from nothing."""
        for container in containers:
            self.inside(container, "bash", "-c", f"nft delete table inet counted 2>/dev/null; nft '{COUNT}'")

    def counted(self, container: str) -> tuple[int, int]:
        """How many SYNs left, and how many arrived."""
        listed = self.inside(container, "nft", "list", "table", "inet", "counted")
        numbers = [int(line.split("packets ")[1].split()[0]) for line in listed.splitlines() if "packets " in line]
        return numbers[0], numbers[1]

    def tries(self, container: str, address: str, port: int = PORT) -> str:
        """What becomes of an attempt to connect: `open`, or what nc says."""
        argv = ["nc", "-zv", "-w", "2", address, str(port)]
        code, said = self.bench.engine.client.containers.get(container).exec_run(argv)
        return "open" if code == 0 else said.decode() or "silence"


@pytest.fixture(scope="module")
def kinds(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab with each kind of network; it is healed by each test that breaks it."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "scenario.yaml").write_text(KINDS)
    bench = Bench(engine, f"n{secrets.token_hex(4)}", str(folder), seconds=180)
    try:
        bench.up()
        yield Lab(bench, str(bench.container("alone").image.id))
    finally:
        ran = bench.cli("down")
    assert ran.code == 0, ran.err
    assert bench.left() == []


@contextmanager
def outside(kinds: Lab) -> Iterator[tuple[Any, dict[str, str]]]:
    """A listener on another network of the engine, and a network that is not the lab's: gateway and address."""
    client, name = kinds.bench.engine.client, f"outside-{secrets.token_hex(4)}"
    network = client.networks.create(name, driver="bridge")
    made = None
    try:
        made = client.containers.run(
            kinds.image, ["nc", "-lk", str(PORT)], network=name, name=name, detach=True, init=True
        )
        made.reload()
        end = made.attrs["NetworkSettings"]["Networks"][name]
        assert eventually(lambda: listens(made, PORT), 60)
        yield made, {"address": end["IPAddress"], "gateway": end["Gateway"], "network": name}
    finally:
        if made:
            made.remove(force=True)
        network.remove()


def listens(container: Any, port: int) -> bool:
    """Whether somebody listens on the port of this container, or of the host where it shares the host's network."""
    _, table = container.exec_run(("ss", "-Htln", f"sport = :{port}"))
    return b"LISTEN" in table


def test_nothing_leaves_a_network(kinds: Lab) -> None:
    """From a node on each kind of network no SYN arrives outside, though it is sent; from a neighbour there one does.

    A network that the file opens (`internal: false`) is the declared exception: it has a way out, which ends at the
    engine's own rules between its networks. Nor does a node that was just restarted get out before `up` repairs it.
    """
    with outside(kinds) as (listener, there):
        closed = {name: kinds.node(name) for name in ("alone", "west", "router", "several", "sixth")}
        kinds.bench.engine.client.containers.get(closed["west"]).restart(timeout=0)
        kinds.count(listener.id, *closed.values())
        said = {name: kinds.tries(container, there["address"]) for name, container in closed.items()}
        left = {name for name, container in closed.items() if kinds.counted(container)[0]}
        # `up` has given these no way: not even a SYN leaves. The one that was restarted has the engine's, a dead end.
        no_way = {name for name, words in said.items() if "Network is unreachable" in words}
        assert (left, no_way) == ({"alone", "west", "sixth"}, {"router", "several"}), said
        assert kinds.counted(listener.id)[1] == 0
        assert neighbour_reaches(kinds, there)
        assert kinds.counted(listener.id)[1] > 0
    assert list(kinds.bench.steps()) == ["routes:west", "ready:west"]


def neighbour_reaches(kinds: Lab, there: dict[str, str], port: int = PORT) -> bool:
    argv = ["nc", "-zv", "-w", "60", there["address"], str(port)]
    client = kinds.bench.engine.client
    return b"succeeded" in client.containers.run(
        kinds.image, argv, network=there["network"], remove=True, stdout=True, stderr=True
    )


def test_a_dead_end_does_not_even_reach_the_host(kinds: Lab) -> None:
    """Networks with a router or with IPv6: no address of the engine's host but its end on the IPv6 bridge answers.

    On other networks only wirelab's own engine keeps nodes from the host: `tests/engine/test_private_engine.py`.
    """
    with outside(kinds) as (_, there), host_listener(kinds, there["gateway"]) as port:
        for name in ("west", "router", "sixth"):
            assert kinds.tries(kinds.node(name), there["gateway"], port) != "open", name
        # A container that is no node of ours, by which we see that this could have been otherwise.
        assert neighbour_reaches(kinds, {**there, "address": there["gateway"]}, port)


def test_a_closed_lab_does_not_reach_the_host(kinds: Lab, tmp_path: Path) -> None:
    """`up --close-host`: neither the gateway nor another address of the host answers."""
    (tmp_path / "scenario.yaml").write_text(CLOSED)
    bench = Bench(kinds.bench.engine, f"n{secrets.token_hex(4)}", str(tmp_path))
    try:
        ran = bench.cli("up", "--close-host")
        assert ran.code == 0, ran.err
        (network,) = bench.networks()
        gateways = network.attrs["IPAM"]["Config"][0]["Gateway"], kinds.gateway("free")
        with outside(kinds) as (_, there), host_listener(kinds, there["gateway"]) as port:
            for address in (*gateways, there["gateway"]):
                assert kinds.tries(str(bench.container("inside").id), address, port) != "open", address
            assert neighbour_reaches(kinds, {**there, "address": there["gateway"]}, port)
            # Neighbours still reach each other.
            assert kinds.tries(str(bench.container("inside").id), bench.address("other")) == "open"
        assert bench.steps() == {}
    finally:
        ran = bench.cli("down")
    assert (ran.code, bench.left()) == (0, []), ran.err


def test_up_says_once_what_an_engine_of_ones_own_leaves_open(kinds: Lab, tmp_path: Path) -> None:
    """An engine at another address than wirelab's own. Of that one, and of a closed lab, there is nothing to say."""
    (tmp_path / "scenario.yaml").write_text(CLOSED)
    own = kinds.bench.engine
    (tmp_path / "docker.sock").symlink_to(own.url.removeprefix("unix://"))
    there = replace(own, environ={**own.environ, "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"})
    bench = Bench(there, f"n{secrets.token_hex(4)}", str(tmp_path))
    try:
        first, again = bench.cli("up"), bench.cli("up")
        closed = bench.cli("up", "--close-host")
    finally:
        down = bench.cli("down")
    of_own = replace(bench, engine=own).cli("run", "--rm")
    assert [ran.code for ran in (first, again, closed, down, of_own)] == [0] * 5, first.err
    note, way_out = first.err.splitlines()[-2:]
    assert note == ("note: nodes may reach services of the engine's machine, over lab: the engine is not wirelab's own")
    assert way_out == (f"      to close the lab to that machine: wirelab up {tmp_path} --close-host --lab {bench.lab}")
    assert [ran for ran in (again, closed, of_own) if "may reach services" in ran.err] == []
    assert bench.left() == []


@contextmanager
def host_listener(kinds: Lab, address: str) -> Iterator[int]:
    """The port of a listener on all addresses of the engine's host; on this one it accepts."""
    # Below the range that Linux gives to connections of others.
    port = 20000 + secrets.randbelow(10000)
    host = kinds.bench.engine.client.containers.run(
        kinds.image, ["nc", "-lk", str(port)], network_mode="host", detach=True, init=True, remove=True
    )
    try:
        assert eventually(lambda: listens(host, port), 60)
        assert kinds.tries(host.id, address, port) == "open"
        yield port
    finally:
        host.kill()


def test_who_may_speak_to_whom(kinds: Lab) -> None:
    """A SYN leaves and none arrives where no network is shared and no router leads; otherwise it arrives."""
    east, modern = kinds.node("east"), kinds.node("modern")
    kinds.count(east, modern, *(kinds.node(name) for name in ("alone", "west", "sixth")))
    assert kinds.tries(kinds.node("alone"), kinds.address("east")) != "open"
    assert (kinds.counted(kinds.node("alone"))[0] > 0, kinds.counted(east)[1]) == (True, 0)
    assert kinds.tries(kinds.node("west"), kinds.address("east")) == "open"
    assert kinds.counted(east)[1] > 0
    assert kinds.tries(kinds.node("sixth"), kinds.address("modern", six=True)) == "open"
    assert kinds.counted(modern)[1] > 0


def test_without_a_way_the_kernel_says_so_at_once(kinds: Lab) -> None:
    """A node on a network with a router has the routes to what routers reach, and no other, not even a default one."""
    assert "Network is unreachable" in kinds.tries(kinds.node("west"), kinds.address("alone"))


def test_routes_that_a_hand_took_are_set_again(kinds: Lab) -> None:
    """And a second `up` finds nothing to do."""
    right = kinds.inside(
        kinds.node("west"), "ip", "route", "show", "via", kinds.address("router", network="left")
    ).split()[0]
    kinds.inside(kinds.node("west"), "ip", "route", "delete", right)
    assert kinds.tries(kinds.node("west"), kinds.address("east")) != "open"
    assert kinds.bench.steps() == {"routes:west": "it has none"}
    assert kinds.tries(kinds.node("west"), kinds.address("east")) == "open"
    assert kinds.bench.steps() == {}


@pytest.mark.parametrize(
    ("asker", "target", "six", "only"),
    [("west", "east", False, ()), ("sixth", "modern", True, ()), ("sixth", "modern", True, ("ipv6",))],
    ids=["over a router", "IPv6 too", "IPv6 alone"],
)
def test_a_cut_is_silence_and_healing_takes_out_just_that(
    kinds: Lab, asker: str, target: str, six: bool, only: tuple[str, ...]
) -> None:
    """The SYN leaves the asker, reaches the target's end of the wire, and is dropped there before anybody hears it."""
    one, other = kinds.node(asker), kinds.node(target)
    assert kinds.bench.cli("inject", "cut", asker, target, *only).code == 0
    kinds.count(one, other)
    said = kinds.tries(one, kinds.address(target, six=six))
    assert "timed out" in said or said == "silence"
    assert kinds.counted(one)[0] > 0
    dropped = kinds.inside(other, "nft", "list", "table", "inet", "wirelab")
    assert "packets 0 " not in next(line for line in dropped.splitlines() if f"ip{'6' if six else ''} saddr" in line)
    assert ("ip saddr" in dropped) == (not only)
    assert "already" in kinds.bench.cli("inject", "cut", asker, target, *only).err
    assert kinds.bench.steps() == {}
    assert set(kinds.bench.healed()) == {f"mend:{asker}", f"mend:{target}"}
    assert kinds.tries(one, kinds.address(target, six=six)) == "open"
    assert "inet wirelab" not in kinds.inside(other, "nft", "list", "tables")
    assert kinds.bench.steps() == {}


def test_one_version_of_ip_is_cut_alone(kinds: Lab) -> None:
    """With IPv4 cut, IPv6 goes on."""
    assert kinds.bench.cli("inject", "cut", "sixth", "modern", "ipv4").code == 0
    assert kinds.tries(kinds.node("sixth"), kinds.address("modern", six=True)) == "open"
    assert set(kinds.bench.healed()) == {"mend:sixth", "mend:modern"}


@pytest.mark.parametrize(("six", "way"), [(False, ()), (True, ("one-way",))], ids=["IPv4", "IPv6 one way"])
def test_one_port_is_cut_alone(kinds: Lab, six: bool, way: tuple[str, ...]) -> None:
    """SYNs to the port arrive and are dropped there; another port answers, and so does the port once it is healed."""
    asker, target, address = kinds.node("sixth"), kinds.node("modern"), kinds.address("modern", six=six)
    assert kinds.bench.cli("inject", "cut", "sixth", "modern", str(PORT), *way).code == 0
    said = kinds.tries(asker, address)
    assert "timed out" in said or said == "silence"
    assert "refused" in kinds.tries(asker, address, PORT + 1)
    rules = kinds.inside(target, "nft", "list", "table", "inet", "wirelab").splitlines()
    rule = next(line for line in rules if f"ip{'6' if six else ''} saddr" in line)
    assert f"tcp dport {PORT} counter" in rule
    assert "packets 0 " not in rule
    assert set(kinds.bench.healed()) == ({"mend:modern"} if way else {"mend:sixth", "mend:modern"})
    assert kinds.tries(asker, address) == "open"
    assert "inet wirelab" not in kinds.inside(target, "nft", "list", "tables")


def test_a_restart_ends_a_cut_on_its_own_side_and_heal_the_other(kinds: Lab) -> None:
    """What was put in belongs to a start; a new one has nothing to mend, and heal says so by what it does."""
    assert kinds.bench.cli("inject", "cut", "west", "east").code == 0
    kinds.bench.container("east").restart(timeout=0)
    assert set(kinds.bench.healed()) == {"routes:east", "ready:east", "mend:west"}
    assert kinds.tries(kinds.node("west"), kinds.address("east")) == "open"
