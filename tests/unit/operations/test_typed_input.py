"""What a page types arrives once, whatever the network does: pieces come late, twice, or over another connection."""

from __future__ import annotations

import random

import pytest

from orchestrator.operations.live.typed_input import MOST_PAGES, TypedInput

PAGE, OTHER = "a" * 32, "b" * 32


def message(place: int, typed: bytes) -> bytes:
    return place.to_bytes(4, "big") + typed


def test_what_comes_twice_counts_once() -> None:
    typed = TypedInput()
    assert typed.new(PAGE, message(0, b"dig ")) == b"dig "
    assert typed.taken(PAGE) == 4
    assert typed.new(PAGE, message(0, b"dig app")) == b"app"  # sent again after a loss, with what came since
    assert typed.new(PAGE, message(0, b"dig ")) == b""  # was still on its way over the old connection
    assert typed.taken(PAGE) == 7
    assert typed.new(OTHER, message(0, b"ls")) == b"ls"  # another tab counts for itself


@pytest.mark.parametrize("broken", [b"", b"\0", b"\0\0\0"])
def test_a_message_that_is_too_short_types_nothing(broken: bytes) -> None:
    typed = TypedInput()
    assert typed.new(PAGE, broken) == b""
    assert typed.new(PAGE, message(0, b"x")) == b"x"


def test_pages_of_long_ago_are_forgotten() -> None:
    typed = TypedInput()
    for number in range(10 * MOST_PAGES):
        typed.new(f"{number:032x}", message(0, b"x"))
    assert len(typed._taken) == MOST_PAGES
    assert typed.taken(f"{0:032x}") == 0


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_or_typed_twice_over_connections_that_break(seed: int) -> None:
    """A page that sends again from what was taken, over connections that each lose their end and deliver late."""
    chance = random.Random(seed)
    text = bytes(chance.randrange(256) for _ in range(300))
    typed, came, late = TypedInput(), bytearray(), list[bytes]()
    while typed.taken(PAGE) < len(text):
        at = typed.taken(PAGE)
        sent: list[bytes] = []
        while at < len(text) and len(sent) < 8:
            size = chance.randint(1, 12)
            sent.append(message(at, text[at : at + size]))
            at += size
        arrives = chance.randint(0, len(sent))
        for piece in (*late, *sent[:arrives]):
            came += typed.new(PAGE, piece)
        late = sent[:arrives] if chance.random() < 0.5 else []
    assert bytes(came) == text
