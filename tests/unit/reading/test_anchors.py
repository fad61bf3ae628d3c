"""Anchors, aliases and merge keys of a Compose file: what PyYAML makes of them, and never more than its size allows."""

from __future__ import annotations

import pytest
import yaml

from orchestrator.reading.document import Dialect, read_document

COMMON = Dialect("a Compose file", "services", is_common=True)
ALIKE = (
    "a: &x {b: 1, c: [1, 2]}\nd: *x\n",
    "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3, e: 4}\n",
    "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y], f: 4}\n",
    "a: &x\n  b: &y {c: 1}\nd:\n  <<: *x\n  e: *y\n",
    "a: &word text\nb: [*word, *word]\n*word : c\n",
    "a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y}\n",
)
REFUSED = {
    "a: *x\n": "1:4 *x names no anchor that stands before it",
    "a: &x [*x]\n": "1:8 *x names no anchor that stands before it",
    "a: {<<: 1}\n": "1:5 << takes a mapping, or a list of mappings",
    "a: {<<: [1]}\n": "1:5 << takes a mapping, or a list of mappings",
    "a: !!int 3\n": "1:4 tags (words that begin with '!') are not used here; remove it",
    "": "1:1 the file is empty; a Compose file has at least services",
}


def messages(text: str) -> list[str]:
    document = read_document(text, dialect=COMMON)
    return [f"{(at := document.position_of(found)).line}:{at.column} {found.message}" for found in document.violations]


@pytest.mark.parametrize("text", ALIKE)
def test_they_are_read_as_by_pyyaml(text: str) -> None:
    assert messages(text) == []
    assert read_document(text, dialect=COMMON).value == yaml.safe_load(text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_told_with_its_place(text: str) -> None:
    assert messages(text) == [REFUSED[text]]


def test_a_value_stands_where_its_anchor_stands() -> None:
    document = read_document("a: &x\n  b: 1\nc: {<<: *x}\n", dialect=COMMON)
    assert document.positions[("c", "b")].line == 2


def laughs(depth: int, line: str) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    return "\n".join([*lines, *(line.format(n, n - 1) for n in range(1, depth))])


@pytest.mark.parametrize(
    "text",
    [
        laughs(9, "a{0}: &a{0} [" + ", ".join(["*a{1}"] * 9) + "]"),
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 3000)),
        "a0: &a0 {k0: 1}\n" + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 1}}\n" for n in range(1, 3000)),
        "[" * 20000,
    ],
    ids=["billions of values", "a chain", "a chain of merges", "brackets"],
)
@pytest.mark.slow
def test_a_small_text_never_becomes_a_large_value(text: str) -> None:
    """It is refused with a sentence, soon and in little memory."""
    (message,) = messages(text)
    assert any(words in message for words in ("more than", "nesting", "levels"))


def test_a_scenario_still_has_no_anchors() -> None:
    document = read_document("a: &x 1\nb: *x\n")
    assert [violation.message for violation in document.violations] == [
        "anchors (&x) are not used here; remove it",
        "aliases (*x) are not used here; write the value again",
    ]
    assert read_document("a: 010\n", dialect=COMMON).value == {"a": "010"}
