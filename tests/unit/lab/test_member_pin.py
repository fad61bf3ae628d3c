"""A lab stays on the member where it came up first, and forgets it when it is removed."""

from __future__ import annotations

import pytest
from lab_in_memory import LabHost, down

from orchestrator.errors import RangeTaken, UsageInvalid, WirelabError
from orchestrator.lab.member_pin import member_of, pinned_labs, require_home, stands
from orchestrator.lab.run_registry import Run, run_member

pytestmark = pytest.mark.slow


def test_up_pins_the_lab_and_down_forgets_it(lab_host: LabHost) -> None:
    lab_host.lab(member="big").up()
    assert (member_of(lab_host.state, "shop"), pinned_labs(lab_host.state, "big")) == ("big", ["shop"])
    lab_host.lab(member="big").up()
    down(lab_host)
    assert (member_of(lab_host.state, "shop"), stands(lab_host.state, "shop")) == ("", False)
    lab_host.lab(member="other").up()
    assert member_of(lab_host.state, "shop") == "other"


def test_a_lab_comes_up_on_no_second_member(lab_host: LabHost) -> None:
    lab_host.lab(member="big").up()
    for member, where in (("other", "the member 'big'"), ("", "the member 'big'")):
        with pytest.raises(UsageInvalid) as raised:
            lab_host.lab(member=member).up()
        assert raised.value.lines() == (
            f"error: the lab 'shop' stands on {where}",
            "why:   a lab stays where it came up first",
            "try:   leave --member out; or remove the lab there first: wirelab down shop",
        )
    assert member_of(lab_host.state, "shop") == "big"


def test_a_lab_of_the_engine_in_use_comes_up_on_no_member(lab_host: LabHost) -> None:
    lab_host.lab().up()
    assert (member_of(lab_host.state, "shop"), stands(lab_host.state, "shop")) == ("", True)
    with pytest.raises(UsageInvalid, match="the lab 'shop' stands on the engine in use"):
        lab_host.lab(member="big").up()
    require_home(lab_host.state, "shop", ("", "big"))


def test_an_up_that_fails_leaves_no_pin(lab_host: LabHost) -> None:
    def fail(_names: object) -> None:
        raise RangeTaken("no image")

    with pytest.raises(WirelabError):
        lab_host.lab(member="big", missing_images=lambda _names: ("app",), build_images=fail).up()
    assert member_of(lab_host.state, "shop") == ""
    lab_host.lab(member="other").up()


def test_a_run_says_on_which_member_it_makes_things(lab_host: LabHost) -> None:
    run, other = Run(lab_host.state, "big"), Run(lab_host.state)
    run.begin()
    other.begin()
    assert (run_member(lab_host.state, run.id), run_member(lab_host.state, other.id)) == ("big", "")
    run.end()
    other.end()
    assert run_member(lab_host.state, run.id) == ""
