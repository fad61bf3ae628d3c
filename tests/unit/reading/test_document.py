"""YAML becomes plain values with marks; what is hostile, ambiguous or broken is told, and never slow."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml

from orchestrator.reading.document import LARGEST_TEXT, read_document
from orchestrator.reading.reading import Position
from orchestrator.reading.yaml_scalars import Ambiguous, plain

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]
BOTH = pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)

WORDS = [
    ("true", True),
    ("false", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("0", 0),
    ("-7", -7),
    ("+7", 7),
    ("1.5", 1.5),
    (".5", 0.5),
    ("1e3", 1000.0),
    ("22:22", "22:22"),
    ("no", "no"),
    ("Yes", "Yes"),
    ("True", "True"),
    ("NULL", "NULL"),
    ("on", "on"),
    ("1_000", "1_000"),
    ("0x1F", "0x1F"),
    ("0o17", "0o17"),
    ("192.168.7.1", "192.168.7.1"),
    ("2024-01-01", "2024-01-01"),
    (".inf", ".inf"),
    ("-", "-"),
    ("1.2.3", "1.2.3"),
]


@pytest.mark.parametrize(("word", "value"), WORDS)
def test_a_plain_word_is_what_it_looks_like(word: str, value: object) -> None:
    """Truth values, null and decimal numbers are what the core schema says; all else is text."""
    assert plain(word) == value
    assert type(plain(word)) is type(value)


@pytest.mark.parametrize("word", ["010", "00", "-01", "1" * 30, "1e999"])
def test_a_word_with_two_readings_is_refused(word: str) -> None:
    """Where one program reads 8 and another 10, the author must say which."""
    with pytest.raises(Ambiguous):
        plain(word)


@BOTH
def test_every_value_and_key_has_its_place(loader: type) -> None:
    """Marks count lines and columns from 1, in characters."""
    document = read_document("a: é\nb:\n  - {c: 1}\n  - x\n", loader)
    assert document.value == {"a": "é", "b": [{"c": 1}, "x"]}
    assert document.positions[("b", 0, "c")] == Position(3, 9)
    assert document.keys[("b", 0, "c")] == Position(3, 6)
    assert document.positions[("b", 1)] == Position(4, 5)


@BOTH
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(loader: type) -> None:
    """A file that was saved on Windows reads like any other."""
    document = read_document("\ufeffa: 1\r\nb: 2\r\n", loader)
    assert (document.value, document.violations) == ({"a": 1, "b": 2}, ())
    assert document.keys[("b",)] == Position(2, 1)


@BOTH
def test_quoted_words_and_blocks_are_text(loader: type) -> None:
    """Quotes make text of anything, and so do the block styles."""
    document = read_document("a: '010'\nb: \"true\"\nc: |\n  12\n", loader)
    assert document.value == {"a": "010", "b": "true", "c": "12\n"}


HOSTILE = {
    "200,000 brackets": ("[" * 200_000, "levels of nesting"),
    "200,000 braces": ("{" * 200_000, "levels of nesting"),
    "a list in a list in a list": ("- " * 100_000, "levels of nesting"),
    "a key in a key in a key": ("? " * 100_000, "levels of nesting"),
    "ten megabytes": ("a: " + "x" * 10_000_000, f"more than {LARGEST_TEXT // 1024} KiB"),
    "a zero byte": ("a: \0", "U+0000"),
    "bytes of a program": ("\x7fELF\x02\x01", "U+007F"),
    "half of a character": ("a: \ud800", "U+D800"),
    "a line end that only YAML knows": ("a: 1\u2028b", "U+2028"),
    "aliases of aliases": ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors"),
    "a thousand million laughs": (
        "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghij")),
        "aliases",
    ),
    "merge keys of merge keys": ("a: &a {x: 1}\nb: &b {<<: *a}\nc: {<<: [*a, *b]}\n", "merge keys"),
    "a number of 200,000 digits": ("a: " + "1" * 200_000, "digits"),
    "a key of 200,000 characters": ("? " + "k" * 200_000 + "\n: [" + "[" * 100, "levels of nesting"),
    "a tag that makes objects": ("a: !!python/object/apply:os.system [id]\n", "tags"),
    "an alias as a key": ("a: &x 1\n*x : 2\n", "anchors"),
    "an anchor on a key": ("&x a: 1\n", "anchors"),
}


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_told_in_a_sentence(name: str, loader: type) -> None:
    """Neither parser crashes, recurses or builds what it must not."""
    text, words = HOSTILE[name]
    violations = read_document(text, loader).violations
    assert words in " ".join(violation.message for violation in violations)


@pytest.mark.slow
def test_a_file_of_very_many_values_is_told() -> None:
    """The number of values is bounded, too; not only the number of characters."""
    violations = read_document("[" + "1," * 100_000 + "]").violations
    assert [violation.message for violation in violations] == ["the file holds more than 30000 values"]


@pytest.mark.slow
def test_both_parsers_speak_with_one_voice() -> None:
    """What is said of broken YAML does not depend on which of PyYAML's parsers is installed."""
    from golden_scenarios import cases

    broken = [case.bad for case in cases() if case.rule in ("yaml-broken", "second-document", "anchors")]
    assert len(broken) > 10
    for text in broken:
        told = {tuple(violation.message for violation in read_document(text, loader).violations) for loader in LOADERS}
        assert len(told) == 1, text
