"""On which member a lab comes up: on a fake of three members, as values alone."""

from __future__ import annotations

import pytest

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.planning.placement import KEPT_FREE, LabWeight, MemberRoom, lab_weight, place_labs

THREE = (MemberRoom("a", 4000), MemberRoom("b", 8000), MemberRoom("c", 2000))


def test_a_lab_goes_where_most_memory_is_free() -> None:
    assert place_labs([LabWeight("shop", 200)], THREE) == {"shop": "b"}


def test_the_heaviest_lab_comes_first_and_what_it_takes_is_gone() -> None:
    labs = [LabWeight("small", 100), LabWeight("large", 5000), LabWeight("middle", 1000)]
    assert place_labs(labs, THREE) == {"large": "b", "middle": "a", "small": "a"}


def test_equal_members_get_equally_many_labs() -> None:
    rooms = [MemberRoom(name, 4000) for name in "abc"]
    places = place_labs([LabWeight(f"seat{number:02}", 192) for number in range(9)], rooms)
    assert sorted(places.values()) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert places == place_labs([LabWeight(f"seat{number:02}", 192) for number in reversed(range(9))], rooms)


def test_of_members_with_the_same_room_the_one_with_fewer_labs_is_taken() -> None:
    assert place_labs([LabWeight("shop", 200)], [MemberRoom("a", 4000, 3), MemberRoom("b", 4000, 2)]) == {"shop": "b"}


def test_a_lab_that_stands_stays_also_where_nothing_is_free() -> None:
    rooms = (*THREE, MemberRoom("full", 0))
    assert place_labs([LabWeight("shop", 200, pinned="full"), LabWeight("new", 200)], rooms) == {
        "shop": "full",
        "new": "b",
    }


def test_a_lab_that_stands_on_another_member_is_named() -> None:
    with pytest.raises(UsageInvalid) as raised:
        place_labs([LabWeight("shop", 200, pinned="gone")], THREE)
    assert raised.value.lines() == (
        "error: the lab 'shop' stands on the member 'gone'",
        "why:   the members to choose from are a, b, c, and a lab stays where it came up first",
        "try:   name 'gone' too, or remove the lab first: wirelab down shop",
    )


def test_a_lab_that_fits_nowhere_is_named_with_the_member_that_has_most() -> None:
    with pytest.raises(WorldError) as raised:
        place_labs([LabWeight("shop", 8000 - KEPT_FREE + 1)], THREE)
    assert raised.value.what == "no member has room for the lab 'shop'"
    assert raised.value.why == (
        "it will use about 7745 MiB, 256 MiB of a machine stay free, and 'b' has the most free memory: 8000 MiB"
    )
    assert place_labs([LabWeight("shop", 8000 - KEPT_FREE)], THREE) == {"shop": "b"}


def test_a_member_that_nobody_could_measure_is_taken_last() -> None:
    rooms = [MemberRoom("unknown", None), MemberRoom("known", 500)]
    labs = [LabWeight("one", 200), LabWeight("two", 200), LabWeight("three", 200)]
    assert place_labs(labs, rooms) == {"one": "known", "three": "unknown", "two": "unknown"}


def test_without_a_member_there_is_no_place() -> None:
    with pytest.raises(WorldError, match="no member is there for the lab 'shop'"):
        place_labs([LabWeight("shop", 200)], [])
    assert place_labs([], []) == {}


@pytest.mark.parametrize("vanished", "abc")
def test_labs_that_stand_stay_when_a_member_vanishes_and_others_go_on(vanished: str) -> None:
    """Its own labs are named; those of the others keep their places."""
    rooms = [MemberRoom(name, 4000) for name in "abc"]
    places = place_labs([LabWeight(f"seat{number}", 192) for number in range(6)], rooms)
    left = [room for room in rooms if room.member != vanished]
    staying = [LabWeight(lab, 192, pinned=member) for lab, member in places.items() if member != vanished]
    again = place_labs([*staying, LabWeight("new", 192)], left)
    assert {lab: member for lab, member in again.items() if lab != "new"} == {
        lab: member for lab, member in places.items() if member != vanished
    }
    assert again["new"] != vanished
    lost = next(lab for lab, member in places.items() if member == vanished)
    with pytest.raises(UsageInvalid, match=f"the lab '{lost}' stands on the member '{vanished}'"):
        place_labs([LabWeight(lost, 192, pinned=vanished)], left)


def test_a_lab_weighs_as_much_as_its_nodes_and_its_recorder() -> None:
    assert lab_weight("shop", 4) == LabWeight("shop", 192)
    assert lab_weight("shop", 4, records=True, pinned="a") == LabWeight("shop", 256, "a")
