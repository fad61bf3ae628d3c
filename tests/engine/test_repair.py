"""`up` on a lab that somebody changed by hand, with plain Docker calls, repairs just that; on a changed file it changes
just what follows from the change; on a lab that stands it does nothing."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lab_bench import Bench

pytestmark = pytest.mark.sampled(3)

CHECKOUT = Path(__file__).resolve().parents[2]


def holds(bench: Bench) -> None:
    """All checks pass."""
    code, findings = bench.verdicts()
    failed = {name: f for name, f in findings.items() if f["verdict"] != "pass"}
    assert (code, failed) == (0, {})


def test_second_up_does_nothing(repaired: Bench) -> None:
    """A second `up` plans nothing and writes nothing: the engine tells of no event of this lab."""
    assert repaired.cli("check").code == 0  # after a failed one, `up` looks for what stands in the way
    began = time.time_ns()
    assert repaired.steps() == {}
    events = repaired.engine.client.events(since=began // 10**9, until=time.time_ns() // 10**9 + 1, decode=True)
    ours = [event for event in events if event["timeNano"] >= began and repaired.lab in json.dumps(event["Actor"])]
    assert ours == []


def test_plan_is_what_up_does(bench: Bench) -> None:
    """`plan` prints the steps that `up` then carries out, and makes nothing itself."""
    planned = bench.cli("plan", "--json")
    assert planned.code == 0
    assert bench.left() == []
    ids = [step["id"] for step in planned.document["steps"]]
    assert {"network:lab", "node:dns", "ready:dns", "node:db", "node:app", "node:client"} <= set(ids)
    assert set(bench.steps()) == set(ids)


def test_stopped(repaired: Bench) -> None:
    """A container stopped by hand is started again, and no other is touched."""
    before = repaired.ids()
    repaired.container("app").stop(timeout=1)
    assert set(repaired.steps()) == {"start:app", "ready:app"}
    assert repaired.ids() == before
    holds(repaired)


def test_paused(repaired: Bench) -> None:
    """A container paused by hand goes on."""
    before = repaired.ids()
    repaired.container("db").pause()
    assert set(repaired.steps()) == {"unpause:db"}
    assert repaired.ids() == before
    holds(repaired)


def test_removed(repaired: Bench) -> None:
    """A container removed by hand is made anew, at its old address; the others stay as they are."""
    before, address = repaired.ids(), repaired.address("client")
    repaired.container("client").remove(force=True)
    assert set(repaired.steps()) == {"node:client", "ready:client"}
    after = repaired.ids()
    assert after.pop("client") != before.pop("client")
    assert after == before
    assert repaired.address("client") == address
    holds(repaired)


def test_reconnected_at_another_address(repaired: Bench) -> None:
    """A container put back on its network at another address gets its own again."""
    before, address = repaired.ids(), repaired.address("app")
    network = repaired.network()
    network.disconnect(repaired.container("app"))
    network.connect(repaired.container("app"))
    assert repaired.address("app") != address
    assert set(repaired.steps()) == {"connect:app:lab"}
    assert repaired.address("app") == address
    assert repaired.ids() == before
    holds(repaired)


def test_cut_off(repaired: Bench) -> None:
    """A container taken off its network is put back, at its own address."""
    before, address = repaired.ids(), repaired.address("client")
    repaired.network().disconnect(repaired.container("client"))
    assert set(repaired.steps()) == {"connect:client:lab"}
    assert repaired.address("client") == address
    assert repaired.ids() == before
    holds(repaired)


def test_what_somebody_put_into_a_node_is_named_with_the_command_that_removes_it(repaired: Bench) -> None:
    """A packet filter rule of somebody else: nothing is to be repaired, and yet `heal` does not call the lab whole."""
    (end,) = repaired.container("app").attrs["NetworkSettings"]["Networks"].values()
    in_network_of(repaired, "app", "nft add table ip t; nft 'add chain ip t c { type filter hook input priority 0; }'")
    in_network_of(
        repaired, "app", f"nft add rule ip t c tcp dport 80 drop; ip address add {end['IPAddress']}9/32 dev lo"
    )
    assert repaired.cli("check", "--only", "rows that only the database has").code == 1
    assert repaired.cli("up", "--json").document["obstacles"]  # it looks, for the last check failed
    ran = repaired.cli("heal", "--json")
    # Other tests of this module leave nodes whose interface has another name since they were disconnected.
    texts = [obstacle["text"] for obstacle in ran.document["obstacles"] if obstacle["node"] == "app"]
    assert any("table ip t, chain c: tcp dport 80 drop" in text for text in texts)
    assert any("9/32 on lo, which wirelab did not give it" in text for text in texts)
    assert "nothing to do" not in ran.err
    tries = [line.strip().removeprefix("try: ") for line in ran.err.splitlines() if line.strip().startswith("try: ")]
    (command,) = [words for words in tries if "stop app" in words]
    for part in command.partition("  #")[0].split(" && "):
        _, verb, _, *words = shlex.split(part)
        assert repaired.cli(verb, *(word for word in words if word not in ("--lab", repaired.lab))).code == 0
    left = repaired.cli("heal", "--json").document.get("obstacles", [])
    assert [obstacle for obstacle in left if obstacle["node"] == "app"] == []
    holds(repaired)


def in_network_of(bench: Bench, node: str, script: str) -> None:
    """Run a script in the network namespace of a node, with the right to change it."""
    client = bench.container("client")
    bench.engine.client.containers.run(
        client.image.id, ["-ec", script], entrypoint=["bash"], user="0", remove=True, cap_add=["NET_ADMIN"],
        network_mode=f"container:{bench.container(node).id}",
    )  # fmt: skip


def test_network_removed(repaired: Bench) -> None:
    """The network removed by hand is made anew with the same range, and every node is put on it at its address.

    Where somebody else has taken the range meanwhile, it is another one, with the same places in it.
    """
    addresses = {node: repaired.address(node) for node in repaired.ids()}
    network = repaired.network()
    for container in repaired.containers():
        network.disconnect(container, force=True)
    network.remove()
    assert "network:lab" in repaired.steps()
    after = {node: repaired.address(node) for node in repaired.ids()}
    if after != addresses:
        (lost,) = {address.rpartition(".")[0] for address in addresses.values()}
        assert [other for other in repaired.engine.client.networks.list() if f"{lost}." in str(other.attrs["IPAM"])]
        assert {node: address.rpartition(".")[2] for node, address in after.items()} == {
            node: address.rpartition(".")[2] for node, address in addresses.items()
        }
    holds(repaired)


def test_resolver_altered_in_place(repaired: Bench) -> None:
    """The mounted resolv.conf written over by hand is put right, and the node that mounts it sees that."""
    before = repaired.ids()
    mounted = repaired.folder / "nodes" / "client" / "resolv.conf"
    mounted.write_text("nameserver 127.0.0.11\n")
    assert set(repaired.steps()) == {"files:client"}
    assert repaired.ids() == before
    holds(repaired)


def test_resolver_replaced(repaired: Bench) -> None:
    """Another file in place of the mounted resolv.conf: the container, which still sees the old one, is remade."""
    before = repaired.ids()
    mounted = repaired.folder / "nodes" / "client" / "resolv.conf"
    beside = mounted.with_name("other")
    beside.write_text("nameserver 127.0.0.11\n")
    beside.replace(mounted)
    assert {"files:client", "node:client", "ready:client"} <= set(repaired.steps())
    after = repaired.ids()
    assert after.pop("client") != before.pop("client")
    assert after == before
    holds(repaired)


@pytest.fixture
def own_file(bench: Bench, tmp_path: Path) -> tuple[Bench, Path]:
    """The basic lab, up from a copy of its file."""
    shutil.copytree(CHECKOUT / "scenarios" / "basic", tmp_path / "mine")
    own = replace(bench, scenario=str(tmp_path / "mine"))
    own.up()
    return own, tmp_path / "mine" / "scenario.yaml"


def test_a_node_is_added(own_file: tuple[Bench, Path]) -> None:
    """A node more in the file: it is made, the DNS server learns its name, and nobody else is remade."""
    own, file = own_file
    before = own.ids()
    text = file.read_text()
    file.write_text(text.replace("  client: {role", "  second: {role: client, uses: [app]}\n  client: {role"))
    steps = own.steps()
    assert "node:second" in steps
    assert {step for step in steps if step.startswith("node:")} == {"node:second"}
    after = own.ids()
    assert after.pop("second")
    assert after == before
    ran = own.cli("exec", "client", "--", "dig", "+short", "second.shop.lab")
    assert ran.out.strip() == own.address("second")
    holds(own)


def test_a_node_changes(own_file: tuple[Bench, Path]) -> None:
    """One node's declaration changes: that container alone is remade."""
    own, file = own_file
    before = own.ids()
    text = file.read_text()
    file.write_text(text.replace("client: {role: client,", "client: {role: client, environment: {GREETING: hello},"))
    own.up()
    after = own.ids()
    assert after.pop("client") != before.pop("client")
    assert after == before
    assert own.cli("exec", "client", "--", "printenv", "GREETING").out == "hello\n"


def test_a_node_leaves_the_file(own_file: tuple[Bench, Path]) -> None:
    """A node that the file no longer has goes; the others stay."""
    own, file = own_file
    before = own.ids()
    text = file.read_text()
    head, _, _ = text.partition("\nchecks:")
    file.write_text("\n".join(line for line in head.splitlines() if "client:" not in line) + "\n")
    own.up()
    after = own.ids()
    assert before.pop("client")
    assert after == before


def test_a_broken_file_changes_nothing(own_file: tuple[Bench, Path]) -> None:
    """A file that became wrong: exit 2 with every mistake, and the lab stays as it was."""
    own, file = own_file
    before = own.ids()
    file.write_text(file.read_text().replace("role: app,", "rôle: app, use: [db],"))
    ran = own.cli("up")
    assert ran.code == 2
    assert "scenario.yaml:" in ran.err
    assert own.ids() == before


def test_a_proxy_whose_servers_changed_goes_by_the_new_ones_once_up_has_ended(
    of_copy: Callable[[str], tuple[Bench, Path]],
) -> None:
    """Whatever is asked after `up` is answered by the servers that the file declares, the very first request too."""
    one, both = "uses: [app-1]", "uses: [app]"
    lab, file = of_copy("proxy")
    lab.up()
    before = lab.ids()
    for _ in range(3):
        file.write_text(file.read_text().replace(both, one))
        assert set(lab.steps()) == {"files:web", "reload:web"}
        _, out = lab.container("client").exec_run(("curl", "-s", "http://web.shop.lab/whoami?[1-9]"))
        assert (out.count(b'"app-1"'), out.count(b'"app-2"'), out.count(b'"app-3"')) == (9, 0, 0)
        file.write_text(file.read_text().replace(one, both))
        lab.up()
    assert lab.ids() == before
    file.write_text(
        file.read_text().replace(both, "uses: [app, fourth]").replace("\n  web:", "\n  fourth: {role: app}\n  web:")
    )
    assert {"reload:dns", "node:fourth", "reload:web"} <= set(lab.steps())
    _, out = lab.container("client").exec_run(("curl", "-s", "http://web.shop.lab/whoami?[1-9]"))
    assert b'"fourth"' in out


@pytest.fixture
def of_copy(bench: Bench, tmp_path: Path) -> Callable[[str], tuple[Bench, Path]]:
    """A lab of a copy of one of the library's scenarios, and the file, which may be changed."""

    def make(name: str) -> tuple[Bench, Path]:
        shutil.copytree(CHECKOUT / "scenarios" / name, tmp_path / name)
        return replace(bench, scenario=str(tmp_path / name)), tmp_path / name / "scenario.yaml"

    return make
