"""The fault `cut`: who drops what, what is remembered of it, and what healing takes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faulty import healed, injected
from observed_labs import BASIC, planned, scenario, standing, with_container

from orchestrator.errors import UsageInvalid
from orchestrator.model.faults.cut import Cut, CutPath
from orchestrator.operations.faults import fault_of_words
from orchestrator.planning.plan import CutOff, Plan
from orchestrator.planning.snapshot import Snapshot

FIXED = BASIC.replace("nodes:", "networks: {lab: {subnet: 192.168.7.0/24, ipv6: true}}\nnodes:")
DNS, DB, APP, CLIENT = "192.168.7.10", "192.168.7.11", "192.168.7.12", "192.168.7.13"


def cut(*groups: tuple[str, ...], only: str | None = None, seen: Snapshot | None = None) -> Plan:
    return injected(FIXED, seen or standing(FIXED), Cut(cut=groups, only=only))[0]


def cut_off(*groups: tuple[str, ...], only: str | None = None, seen: Snapshot | None = None) -> Snapshot:
    """What is seen while such a cut is in."""
    return injected(FIXED, seen or standing(FIXED), Cut(cut=groups, only=only))[1]


def drops(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {step.action.node: step.action.addresses for step in plan.steps if isinstance(step.action, CutOff)}


@pytest.mark.slow
def test_each_node_drops_what_the_other_group_sends() -> None:
    """All addresses of the other side, IPv6 too; who stands in no group, and one's own side, is heard as before."""
    dropped = drops(cut(("client",), ("app", "db"), only="ipv4"))
    assert dropped == {"client": (DB, APP), "app": (CLIENT,), "db": (CLIENT,)}
    both = drops(cut(("client",), ("app", "db")))
    assert [address.partition("::")[2] for address in both["client"] if ":" in address] == ["11", "12"]
    assert {node: len(addresses) for node, addresses in both.items()} == {"client": 4, "app": 2, "db": 2}


def test_one_version_of_ip_can_be_cut_alone() -> None:
    """The path over IPv6 goes, that over IPv4 stays."""
    dropped = drops(cut(("client",), ("app",), only="ipv6"))
    assert all(":" in address for addresses in dropped.values() for address in addresses)


def test_a_helper_does_it_and_the_plan_says_it() -> None:
    plan = cut(("client",), ("dns",), only="ipv4")
    assert str(plan) == "cut:dns from client  (fault)\ncut:client from dns  (fault)"
    action = plan.steps[1].action
    assert isinstance(action, CutOff)
    assert action.helper.command == ("/usr/lib/wirelab/cut", DNS)
    assert (action.helper.user, action.helper.capabilities) == ("0", ("NET_ADMIN",))


@pytest.mark.slow
def test_what_is_cut_already_is_not_cut_again_and_a_second_cut_adds_to_the_first() -> None:
    seen = cut_off(("client",), ("app",), only="ipv4")
    assert not cut(("client",), ("app",), only="ipv4", seen=seen)
    more = drops(cut(("client",), ("db",), only="ipv4", seen=seen))
    assert more == {"client": (DB, APP), "db": (CLIENT,)}


@pytest.mark.slow
def test_healing_takes_out_just_what_was_put_in() -> None:
    """Two nodes were cut, so two are mended; the cable that somebody pulled by hand is a matter of `up`."""
    seen = with_container(cut_off(("client",), ("app",)), "client", addresses={}, addresses6={})
    plan, _ = healed(FIXED, seen, "cut-client-app")
    assert [str(step).split("  ")[-1] for step in plan.steps[:1]] == ["(cut from client)"]
    assert [step.id for step in plan.steps] == ["mend:app", "mend:client"]
    assert set(drops(plan).values()) == {()}
    _, plan = planned(FIXED, replace(seen, faults=()))
    assert [step.id for step in plan.steps] == ["mend:app", "mend:client", "connect:client:lab"]
    assert plan.steps[2].needs == ("mend:client",)


@pytest.mark.slow
def test_a_restart_heals_its_own_side() -> None:
    """A new start has a network of its own, in which nothing was cut; the other side is mended still."""
    seen = cut_off(("client",), ("app",))
    again = with_container(seen, "app", started="2026-01-01T00:00:09.000000001Z")
    assert [step.id for step in planned(FIXED, replace(again, faults=()))[1].steps] == ["ready:app", "mend:client"]
    assert list(drops(cut(("client",), ("app",), seen=replace(again, faults=())))) == ["app"]


@pytest.mark.slow
def test_a_stopped_node_hears_nothing_anyway() -> None:
    """Its side is not cut, and not mended either: it has no network."""
    seen = replace(cut_off(("client",), ("app",)), faults=())
    stopped = with_container(seen, "app", state="exited", addresses={}, addresses6={})
    assert "mend:app" not in [step.id for step in planned(FIXED, stopped)[1].steps]
    assert list(drops(cut(("app",), ("db",), seen=stopped))) == ["db"]


def test_what_a_killed_command_has_left_unknown_is_made_sure() -> None:
    """A helper may have been at work: what is desired is put in once more, or taken out."""
    seen = cut_off(("client",), ("app",))
    torn = replace(seen, blocked={node: replace(entry, complete=False) for node, entry in seen.blocked.items()})
    assert str(planned(FIXED, torn)[1]).splitlines()[0] == "cut:app from client  (an earlier change was not completed)"
    plan = str(planned(FIXED, replace(torn, faults=()))[1])
    assert plan.splitlines()[0] == "mend:app  (an earlier change was not completed)"


def test_no_node_is_cut_from_itself() -> None:
    topology, _ = planned(FIXED, standing(FIXED))
    with pytest.raises(UsageInvalid, match="'client' is in both groups"):
        Cut(cut=(("client",), ("app", "client"))).effect(topology)


def path_cut(*words: str, seen: Snapshot | None = None) -> tuple[Plan, Snapshot]:
    """The plan of such a cut, in the words of the command line, and what is seen while it is in."""
    return injected(FIXED, seen or standing(FIXED), fault_of_words(("cut", *words), scenario(FIXED)))


def test_one_port_alone_is_cut() -> None:
    """The server drops what goes to its port, the client what comes from there; the plan says which packets."""
    plan, _ = path_cut("client", "db", "ipv4", "5432")
    assert drops(plan) == {"db": (f"{CLIENT} tcp dport 5432",), "client": (f"{DB} tcp sport 5432",)}
    assert str(plan).splitlines() == [
        "cut:db from client (tcp dport 5432)  (fault)",
        "cut:client from db (tcp sport 5432)  (fault)",
    ]
    action = plan.steps[0].action
    assert isinstance(action, CutOff)
    assert action.helper.command == ("/usr/lib/wirelab/cut", f"{CLIENT} tcp dport 5432")


@pytest.mark.slow
def test_one_way_and_one_protocol_can_be_cut() -> None:
    """One way: only the other end drops anything. Without a port: every port of the protocol."""
    assert drops(path_cut("client", "dns", "ipv4", "53", "udp", "one-way")[0]) == {"dns": (f"{CLIENT} udp dport 53",)}
    assert drops(path_cut("dns", "client", "ipv4", "one-way")[0]) == {"client": (DNS,)}
    both = drops(path_cut("client", "dns", "ipv4", "udp")[0])
    assert both == {"dns": (f"{CLIENT} udp",), "client": (f"{DNS} udp",)}
    six = drops(path_cut("client", "dns", "ipv6", "53", "udp")[0])
    assert all(":" in packets.split()[0] for dropped in six.values() for packets in dropped)


@pytest.mark.slow
def test_healing_a_cut_of_one_port_leaves_another_cut_in() -> None:
    """A second cut adds its packets; healing the first takes out just its own."""
    _, seen = path_cut("client", "db", "ipv4", "5432")
    plan, seen = path_cut("client", "db", "ipv4", "udp", "one-way", seen=seen)
    assert drops(plan) == {"db": (f"{CLIENT} tcp dport 5432", f"{CLIENT} udp")}
    plan, seen = healed(FIXED, seen, "cut-client-db-5432")
    assert drops(plan) == {"db": (f"{CLIENT} udp",), "client": ()}
    assert "mend:db  (cut from client (tcp dport 5432))" in str(plan)
    assert drops(healed(FIXED, seen, "cut-client-db")[0]) == {"db": ()}


def test_a_cut_reads_the_same_from_a_file_and_from_the_command_line() -> None:
    """One name or a list, and the words that put the same fault in again."""
    written = Cut.model_validate({"cut": {"from": "client", "to": ["app", "db"], "port": 80, "one_way": True}})
    assert written.words == ("cut", "client", "app,db", "80", "one-way")
    again = fault_of_words(written.words, scenario(FIXED))
    assert isinstance(again, Cut)
    assert isinstance(again.cut, CutPath)
    assert (again.words, again.short_name) == (written.words, "cut-client-app-80")
    assert Cut.model_validate(written.as_written()) == written


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("client", "app", "80", "443"), "a cut takes one of '80' and '443', not both"),
        (("client", "app", "ipv4", "ipv6"), "a cut takes one of 'ipv4' and 'ipv6', not both"),
        (("client",), "'cut' does not take 1 word"),
        (("client", "app", "0"), "expected a whole number from 1 to 65535, found the number 0"),
        (
            ("client", "app", "tpc"),
            "after the two groups, a cut takes tcp, udp, ipv4, ipv6, one-way or a port; 'tpc' is none of them",
        ),
    ],
)
def test_wrong_words_of_a_cut_are_refused(words: tuple[str, ...], message: str) -> None:
    """As a scenario file would be, with the usage below."""
    with pytest.raises(UsageInvalid) as caught:
        fault_of_words(("cut", *words), scenario(FIXED))
    assert caught.value.what == message
    assert "[PORT] [tcp|udp] [one-way]" in caught.value.why
