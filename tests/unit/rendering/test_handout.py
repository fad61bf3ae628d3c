"""The hand-out of a class: a card for each seat, with what a learner has to know before the first page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from orchestrator.rendering.handout import Handout, handout_page

pytestmark = pytest.mark.slow

LINKS = [(f"seat{number:02}", f"https://10.0.0.5:8000/?launch={number:043}") for number in (1, 2)]
ROOM = Handout("monday", "DNS first", LINKS, "AA:BB:CC:DD:EE", is_warned=True)


def test_each_seat_has_a_card_with_its_link_and_a_code_of_its_own() -> None:
    page = handout_page(ROOM)
    cards = page.split("<section")[1:]
    for (seat, link), card in zip(LINKS, cards, strict=True):
        assert re.findall(r"<h2[^>]*>([^<]+)</h2>", card) == [seat]
        assert re.findall(r'href="([^"]+)"', card) == [link]
        assert card.count("<svg") == 1
    codes = re.findall(r"<svg.*?</svg>", page)
    assert len(set(codes)) == len(LINKS)


def test_a_learner_is_told_of_the_warning_and_what_to_compare() -> None:
    page = handout_page(ROOM)
    assert page.count("<span>AA:BB:CC:DD</span> <span>EE</span>") == len(LINKS)
    assert "The browser warns" in page
    assert "on this machine only" not in page
    schools = handout_page(replace(ROOM, is_warned=False))
    assert "The browser warns" not in schools


def test_links_that_no_other_machine_can_open_are_said_to_be_such() -> None:
    page = handout_page(replace(ROOM, fingerprint="", is_warned=False))
    assert "These links work on this machine only" in page
    assert "wirelab class start monday --lan" in page
    assert "The browser warns" not in page


def test_a_text_is_text() -> None:
    page = handout_page(replace(ROOM, title="<script>alert(1)</script>"))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
