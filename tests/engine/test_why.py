"""A lab is broken by plain Docker calls and by programs inside its nodes; `wirelab why` names what is broken.

One lab serves all tests. Each breakage is put in from outside the product and taken out again, by `up` where that
repairs it, by the same plain means where it is no matter of the file (a table, a password, a program's socket).
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab_bench import CHECKOUT, Bench, Engine, Ran, eventually

Walk = dict[str, Any]


@dataclass(frozen=True)
class Broken(Bench):
    """A lab that can be broken."""

    def inside(self, node: str, script: str, user: str = "") -> str:
        """Run a script in a node."""
        code, out = self.container(node).exec_run(("bash", "-c", script), user=user)
        assert code == 0, out
        return str(out.decode())

    def beside(self, node: str, *argv: str) -> None:
        """Run a program with the right to change the network, in the network namespace of a node."""
        client = self.engine.client
        client.containers.run(
            self.container("client").image.id,
            list(argv[1:]),
            entrypoint=argv[0],
            user="0",
            cap_add=["NET_ADMIN"],
            network_mode=f"container:{self.container(node).id}",
            remove=True,
        )

    def file(self, node: str, name: str) -> Path:
        """A file of a node on this machine; its container sees it as it is now."""
        return self.folder / "nodes" / node / name

    def edit_zone(self, edit: Callable[[str], str]) -> None:
        """Change the domain's zone file by hand, and tell the DNS server."""
        zone = self.file("dns", "files/shop.lab.zone")
        zone.write_text("".join(edit(line) for line in zone.read_text().splitlines(keepends=True)))
        self.container("dns").kill("HUP")

    def why(self, check: str) -> tuple[Ran, Walk]:
        ran = self.cli("why", check, "--json")
        assert ran.code in (0, 1, 3), ran.err
        (finding,) = ran.document["findings"]
        return ran, finding["why"]


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """The lab, up, its client trusting the certificates of `secure`."""
    folder = tmp_path_factory.mktemp("layers")
    shutil.copy(CHECKOUT / "tests/recordings/walks/scenario.yaml", folder)
    shutil.copy(CHECKOUT / "scenarios/basic/seed.sql", folder)
    one = Broken(engine, f"why-{secrets.token_hex(3)}", str(folder))
    one.up()
    trust(one)
    yield one
    ran = one.cli("down")
    assert ran.code == 0, ran.err
    assert one.left() == []


def trust(lab: Broken) -> None:
    pem = lab.inside("secure", "cat /tmp/*.pem")
    lab.inside("client", f"cat > /tmp/trusted.pem <<'END'\n{pem}END\n")


@dataclass(frozen=True)
class Breakage:
    """What is done to the lab, at which layer it shows, what the sentence holds, and the check that meets it.

    `mend` undoes what `up` does not repair; `tries` is how the proposed command begins.
    """

    name: str
    put: Callable[[Broken], object]
    layer: str
    says: tuple[str, ...]
    check: str = "the items"
    mend: Callable[[Broken], object] = Bench.up
    tries: str = "wirelab"


def moved(port: int, address: str) -> Callable[[Broken], object]:
    """The program of `web` listens elsewhere."""

    def move(lab: Broken) -> None:
        lab.inside("web", f"echo {port} {address} > /tmp/socket; kill $(pidof python3)")
        script = f"ss -Htln | grep -q ' {address}:{port} '" if address != "192.0.2.1" else "! ss -Htln | grep -q :8080"
        assert eventually(lambda: lab.container("web").exec_run(("bash", "-c", script)).exit_code == 0, 10)

    return move


def moved_back(lab: Broken) -> None:
    lab.inside("web", "rm -f /tmp/socket; kill $(pidof python3) || true")
    listens = ("bash", "-c", "ss -Htln | grep -q ' 0.0.0.0:8080 '")
    assert eventually(lambda: lab.container("web").exec_run(listens).exit_code == 0, 10)


def certified(name: str) -> Callable[[Broken], object]:
    """`secure` shows the certificate for this name."""

    def certify(lab: Broken) -> None:
        lab.inside("secure", f"echo {name} > /tmp/name; kill $(pidof openssl)")
        shows = f"openssl s_client -connect localhost:8443 </dev/null 2>/dev/null | grep -q 'subject=CN *= *{name}'"
        assert eventually(lambda: lab.container("secure").exec_run(("bash", "-c", shows)).exit_code == 0, 10)

    return certify


def gone_astray(lab: Broken) -> None:
    address = lab.address("app")
    lab.edit_zone(lambda line: line.replace(address, f"{address.rpartition('.')[0]}.99"))
    assert eventually(lambda: ".99" in lab.inside("client", "dig +short app.shop.lab."), 10)


def forgotten(lab: Broken) -> None:
    lab.edit_zone(lambda line: "" if line.startswith("app.") else line)
    assert eventually(lambda: not lab.inside("client", "dig +short app.shop.lab.").strip(), 10)


def psql(statement: str) -> Callable[[Broken], object]:
    return lambda lab: lab.inside("db", f'psql -Xq -U postgres -d app -v ON_ERROR_STOP=1 -c "{statement}"')


def route(*words: str) -> Callable[[Broken], object]:
    return lambda lab: lab.beside("client", "ip", "route", *words, lab.address("app"))


def right_password(lab: Broken) -> None:
    password = lab.file("db", "files/password").read_text()
    psql(f"alter role app password '{password}'")(lab)


def disconnect(node: str) -> Callable[[Broken], object]:
    return lambda lab: lab.network().disconnect(lab.container(node), force=True)


def stop(node: str) -> Callable[[Broken], object]:
    return lambda lab: lab.container(node).stop(timeout=1)


def pause(node: str) -> Callable[[Broken], object]:
    return lambda lab: lab.container(node).pause()


DROP = """\
nft add table inet dropped
nft add chain inet dropped in '{ type filter hook input priority 0; }'
nft add rule inet dropped in tcp dport 80 drop
"""

REJECTED = Breakage(
    "rejected by a firewall",
    lambda lab: lab.beside("app", "bash", "-c", DROP.replace("80 drop", "80 reject")),
    "tcp",
    (),
    "the app accepts",
    lambda lab: lab.beside("app", "nft", "delete", "table", "inet", "dropped"),
)

BREAKAGES = (
    Breakage("node stopped", stop("app"), "node", ("app is stopped",), "the app accepts", tries="wirelab heal"),
    Breakage("server of the server stopped", stop("db"), "node", ("db is stopped",), tries="wirelab heal"),
    Breakage(
        "node paused", lambda lab: lab.container("app").pause(), "node", ("app is paused", "kernel still accepts")
    ),
    Breakage("asker paused", lambda lab: lab.container("client").pause(), "node", ("client is paused",)),
    Breakage("DNS server stopped", stop("dns"), "node", ("DNS server dns is stopped",), "the name"),
    Breakage(
        "process not listening",
        moved(8080, "192.0.2.1"),
        "listen",
        ("Nobody listens on port 8080 of web",),
        "the page",
        moved_back,
        "wirelab exec",
    ),
    Breakage(
        "listening on loopback only",
        moved(8080, "127.0.0.1"),
        "listen",
        ("127.0.0.1 (loopback)", "only web itself"),
        "the page",
        moved_back,
    ),
    Breakage(
        "wrong port",
        moved(8081, "0.0.0.0"),
        "listen",
        ("Nobody listens on port 8080 of web", "listens on port 8081"),
        "the page",
        moved_back,
    ),
    Breakage(
        "no route",
        route("add", "unreachable"),
        "route",
        ("client has no route to app",),
        "the app accepts",
        route("del", "unreachable"),
    ),
    Breakage(
        "a neighbour as gateway",
        lambda lab: lab.beside("client", "ip", "route", "add", lab.address("app"), "via", lab.address("db")),
        "route",
        ("client sends what is for app through", "(db)", "on its own network"),
        "the app accepts",
        route("del"),
    ),
    Breakage(
        "no way back from the DNS server",
        lambda lab: lab.beside("dns", "ip", "route", "add", "blackhole", lab.address("client")),
        "route",
        ("dns has no route back to client",),
        "the name",
        lambda lab: lab.beside("dns", "ip", "route", "del", "blackhole", lab.address("client")),
    ),
    Breakage(
        "the hardware address of nobody",
        lambda lab: lab.beside(
            "client", "ip", "neigh", "replace", lab.address("app"), "lladdr", "02:00:00:00:00:99", "dev", "eth0"
        ),
        "route",
        ("client sends what is for app to the hardware address 02:00:00:00:00:99", "but app has"),
        "the app accepts",
        lambda lab: lab.beside("client", "ip", "neigh", "del", lab.address("app"), "dev", "eth0"),
    ),
    Breakage(
        "the server's address on the asker",
        lambda lab: lab.beside("client", "ip", "address", "add", f"{lab.address('app')}/32", "dev", "lo"),
        "route",
        ("client itself has the address", "sends what is for app to itself"),
        "the app accepts",
        lambda lab: lab.beside("client", "ip", "address", "del", f"{lab.address('app')}/32", "dev", "lo"),
    ),
    Breakage(
        "packets that are too long for an interface",
        lambda lab: lab.beside("app", "ip", "link", "set", "eth0", "mtu", "100"),
        "route",
        ("eth0 of app takes no packet of more than 100 bytes",),
        "the items",
        lambda lab: lab.beside("app", "ip", "link", "set", "eth0", "mtu", "1500"),
    ),
    Breakage(
        "dropped on the way",
        lambda lab: lab.beside("app", "bash", "-c", DROP),
        "tcp",
        ("Nothing comes back from port 80 of app", "lost on the way"),
        "the items",
        lambda lab: lab.beside("app", "nft", "delete", "table", "inet", "dropped"),
    ),
    Breakage("the asker's network cut", disconnect("client"), "route", ("client is cut off",), "the name"),
    Breakage("the server's network cut", disconnect("app"), "route", ("app is cut off",), "the app accepts"),
    Breakage("the DNS server's network cut", disconnect("dns"), "route", ("dns is cut off",), "the name"),
    Breakage(
        "resolv.conf wrong",
        lambda lab: lab.file("client", "resolv.conf").write_text(f"nameserver {lab.address('app')}\n"),
        "resolver",
        ("client asks", "for names, but the lab's DNS server is dns"),
        "the name",
    ),
    Breakage("wrong record", gone_astray, "dns", ("app.shop.lab is", ".99", "but app is"), "the name"),
    Breakage("record missing", forgotten, "dns", ("app.shop.lab does not exist", "NXDOMAIN"), "the items"),
    Breakage(
        "name in the certificate wrong",
        certified("other.shop.lab"),
        "tls",
        ("not for secure.shop.lab", "other.shop.lab"),
        "the secret",
        certified("secure.shop.lab"),
    ),
    Breakage(
        "password wrong",
        psql("alter role app password 'other'"),
        "answer",
        ("db refuses the password",),
        "the rows",
        right_password,
    ),
    Breakage(
        "table missing",
        psql("alter table items rename to gone"),
        "answer",
        ("no table items",),
        "the rows",
        psql("alter table gone rename to items"),
    ),
    Breakage(
        "table missing behind the app",
        psql("alter table items rename to gone"),
        "answer",
        ("app answers with status 500", "no table items"),
        "the items",
        psql("alter table gone rename to items"),
    ),
)


# of two breakages, and the check that meets both
PAIRS = (
    ("process not listening", "DNS server stopped", "the page"),
    ("no route", "record missing", "the items"),
    ("wrong record", "table missing behind the app", "the items"),
)


def named(name: str) -> Breakage:
    (found,) = [one for one in BREAKAGES if one.name == name]
    return found


@pytest.fixture
def mended(lab: Broken) -> Iterator[Callable[[Breakage], None]]:
    """Puts a breakage in; afterwards each is undone, the last one first."""
    put: list[Breakage] = []

    def break_it(one: Breakage) -> None:
        put.append(one)
        one.put(lab)

    yield break_it
    for one in reversed(put):
        one.mend(lab)


@pytest.mark.parametrize("one", BREAKAGES, ids=lambda one: one.name)
def test_a_breakage_is_named_at_its_layer(lab: Broken, mended: Callable[[Breakage], None], one: Breakage) -> None:
    """The first broken layer, in one sentence, with a command that names this lab; and nothing else is blamed."""
    mended(one)
    ran, walk = lab.why(one.check)
    assert ran.code != 0
    assert walk["broken"] == one.layer, walk
    assert all(text in walk["sentence"] for text in one.says), walk["sentence"]
    assert walk["also"] == []
    assert walk["try"].startswith(one.tries)
    assert lab.lab in walk["try"]
    (broken, *_) = [layer for layer in walk["layers"] if layer["verdict"] == "fail" and layer["layer"] == one.layer]
    assert broken["evidence"] or one.layer == "node", broken


@pytest.mark.parametrize(("first", "second", "check"), PAIRS)
def test_of_two_breakages_the_first_layer_is_named_and_the_other_beside_it(
    lab: Broken, mended: Callable[[Breakage], None], first: str, second: str, check: str
) -> None:
    """In the order in which things must work, whatever was broken first."""
    early, late = sorted((named(first), named(second)), key=lambda one: ORDER.index(one.layer))
    mended(late)
    mended(early)
    _, walk = lab.why(check)
    assert walk["broken"] == early.layer, walk
    assert all(text in walk["sentence"] for text in early.says), walk["sentence"]
    assert any(all(text in sentence for text in late.says) for sentence in walk["also"]), walk["also"]


ORDER = ("node", "listen", "route", "resolver", "dns", "tcp", "tls", "answer")


def test_on_a_lab_that_works_nothing_is_named(lab: Broken) -> None:
    """Each check holds, each of its layers held; and no command is proposed."""
    # what was healed last, a DNS server may still be reading
    assert eventually(lambda: lab.cli("check").code == 0, 30)
    ran = lab.cli("why", "--json")
    assert ran.code == 0, ran.err + ran.out
    for finding in ran.document["findings"]:
        walk = finding["why"]
        assert (walk["broken"], walk["sentence"], walk["try"]) == (None, "Each layer held.", None), finding["check"]
        assert {layer["verdict"] for layer in walk["layers"]} == {"pass"}, finding["check"]


def test_what_a_firewall_refuses_is_not_told_as_an_rst(lab: Broken, mended: Callable[[Breakage], None]) -> None:
    """An ICMP message refuses it, or nothing at all: the kernel sends few such messages a second (icmp(7))."""
    mended(REJECTED)
    ran, walk = lab.why("the app accepts")
    assert walk["broken"] == "tcp", walk
    told = ran.document["findings"][0]["actual"]
    assert told.startswith(("unreachable: refused by an ICMP message", "silent")), told
    assert "RST" not in ran.out


def test_a_check_that_fails_is_followed_by_its_walk_and_one_that_holds_is_not(
    lab: Broken, mended: Callable[[Breakage], None]
) -> None:
    """In the text and in the JSON of `wirelab check`."""
    mended(named("table missing"))
    words = ("--only", "the rows", "--only", "the app accepts")
    found = {finding["check"]: finding for finding in lab.cli("check", *words, "--json").document["findings"]}
    assert "why" not in found["the app accepts"]
    assert found["the rows"]["why"]["broken"] == "answer"
    told = lab.cli("check", *words).out
    assert "BROKEN   SQL answer" in told
    assert "The database db has no table items." in told
    assert f"try: wirelab exec {lab.scenario} db --lab {lab.lab} -- psql" in told


def test_on_basic_nothing_is_named(standing: Bench) -> None:
    """Whatever its checks ask, refusals and NXDOMAIN among it: each layer held."""
    ran = standing.cli("why", "--json")
    assert ran.code == 0, ran.err + ran.out
    assert {finding["why"]["sentence"] for finding in ran.document["findings"]} == {"Each layer held."}
