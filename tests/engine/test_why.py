"""A lab is broken by plain Docker calls and by programs inside its nodes; `wirelab why` names what is broken.

One lab serves all tests (tests/support/breakages.py).
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator

import pytest
from breakages import BREAKAGES, PAIRS, REJECTED, Breakage, Broken, named, trust
from lab_bench import CHECKOUT, Bench, Engine, eventually

pytestmark = pytest.mark.truth


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


@pytest.mark.sampled(12)
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
    assert eventually(lambda: lab.cli("check").code == 0, 240)
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


def test_on_basic_nothing_is_named(shared: Bench) -> None:
    """Whatever its checks ask, refusals and NXDOMAIN among it: each layer held."""
    ran = shared.cli("why", "--json")
    assert ran.code == 0, ran.err + ran.out
    assert {finding["why"]["sentence"] for finding in ran.document["findings"]} == {"Each layer held."}
