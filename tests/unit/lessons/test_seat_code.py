"""The code of a seat: what a class hands out is what a learner's machine reads; a mistyped one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UsageInvalid
from orchestrator.lessons.seat_code import ALPHABET, SeatCode, parse_seat_code, without_secret
from orchestrator.model.secret import Secret
from orchestrator.operations.classroom.folder import new_class

CODE = SeatCode("monday-2", "seat03", 999_999, Secret(str(2**90 - 7)))


def test_a_code_gives_the_seat_the_seed_and_the_secret() -> None:
    assert parse_seat_code(CODE.text) == CODE
    assert parse_seat_code(f"  {CODE.text.lower()} ") == CODE
    assert parse_seat_code(CODE.text[:16] + CODE.text[16:].replace("0", "o").replace("1", "l")) == CODE
    seat = new_class("monday", Path("/basic/scenario.yaml")).with_seats(2).seats[1]
    code = parse_seat_code(seat.code)
    assert (code.class_name, code.seat, code.seed, code.seat_name) == ("monday", "seat02", seat.seed, seat.lab)


def test_a_code_with_one_other_letter_is_refused() -> None:
    head, letters = CODE.text[:16], CODE.text[16:]
    wrong = [
        head + letters[:at] + ALPHABET[(ALPHABET.index(letter) + 1) % 32] + letters[at + 1 :]
        for at, letter in enumerate(letters)
        if letter != "-"
    ]
    assert len(wrong) == 24
    refused = 0
    for text in (*wrong, CODE.text.replace("seat03", "seat04"), CODE.text.replace("monday-2", "monday-3")):
        with pytest.raises(UsageInvalid, match="mistyped"):
            parse_seat_code(text)
        refused += 1
    assert refused == 26


@pytest.mark.parametrize(
    "text", ["", "seat03", "monday-seat03-1234", "../x-seat03-" + "-".join(["1234"] * 6), "ä" * 40]
)
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(UsageInvalid, match="no code of a seat"):
        parse_seat_code(text)


def test_a_command_line_is_kept_without_the_secret() -> None:
    assert without_secret(f"--seat={CODE.text}") == "--seat=monday-2-seat03-***"
    assert without_secret("basic") == "basic"
    assert CODE.secret.reveal() not in repr(CODE)
