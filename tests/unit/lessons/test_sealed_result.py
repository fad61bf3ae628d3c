"""A sealed result: right as it was written, and no longer once one byte of its content is another."""

from __future__ import annotations

import json

import pytest

from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.lessons.sealed_result import (
    MOST_BYTES,
    ResultOrigin,
    is_sealed_with,
    read_result,
    sealed_document,
)
from orchestrator.model.secret import Secret

SECRET, OTHER = Secret("12345678901234567890"), Secret("12345678901234567891")
DONE = TaskProgress(done=True, attempts=2, begun_at=1.0, done_at=1.5, evidence={"kind": "check", "seen": "ä"})
PROGRESS = Progress("basic", 7, "monday-seat03", {"fetch": DONE, "look": TaskProgress(begun=True)})
DOCUMENT = sealed_document(ResultOrigin("0.2.0", "monday", "seat03", "abc"), PROGRESS, 1764267000.25, SECRET)
CONTENT = json.dumps(DOCUMENT, indent=1).encode()


def test_a_result_that_is_read_again_is_the_same_and_its_seal_fits() -> None:
    result, document = read_result(CONTENT)
    assert (result.seat, result.seed, result.tasks) == ("seat03", 7, dict(PROGRESS.tasks))
    assert (result.tasks["fetch"].begun_at, result.tasks["fetch"].done_at) == (1.0, 1.5)
    assert is_sealed_with(document, SECRET)
    assert not is_sealed_with(document, OTHER)


def test_no_digit_or_letter_can_be_changed_without_the_secret() -> None:
    """Each byte of a value and of a key; what is no result any more is refused before the seal is looked at."""
    fitting = 0
    for at, byte in enumerate(CONTENT):
        if chr(byte) in ' \n":,{}[]':
            continue
        changed = bytes([*CONTENT[:at], byte ^ 1, *CONTENT[at + 1 :]])
        try:
            document = json.loads(changed)
            fitting += is_sealed_with(document, SECRET)
        except ValueError:
            continue
    assert fitting == 0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no JSON"),
        (CONTENT[: len(CONTENT) // 2], "no JSON"),
        (b"\xff\xfe{", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "no result of wirelab learn"),
        (b'{"schema": 2}', "no result of wirelab learn"),
        (b'{"schema": 3}', "a later wirelab made it"),
        (b'{"schema": "2"}', "no result of wirelab learn"),
        (CONTENT.replace(b'"seed": 7', b'"seed": "7"'), "seed"),
        (CONTENT.replace(b'"seed": 7', b'"seed": ' + b"9" * 5000), "no JSON"),
        (CONTENT.replace(b"1764267000.25", b"NaN"), "no JSON"),
        (CONTENT.replace(b"1764267000.25", b"1e999"), "no JSON"),
        (CONTENT.replace(b'"tasks": {', b'"tasks": {"x": 1, '), "tasks"),
        (b" " * (MOST_BYTES + 1), "more than 2048 KiB"),
    ],
)
def test_what_is_no_result_is_named(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_result(content)
