"""A program that prints nothing, null or half a document is a layer that could not be asked: `why` raises nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from walks import NAMES, finding

from orchestrator.checks.probes import Probe, ProbeResult, ProgramResult, RunProgram
from orchestrator.rendering.findings import finding_text

pytestmark = pytest.mark.slow

PRINTED = (
    "",
    "null",
    "[]",
    "[null]",
    "[{}]",
    "{}",
    "[[]]",
    "7",
    '"up"',
    "[7]",
    "{",
    "Error: ?\n",
    "\x00",
    "\ufffd" * 9,
)


@pytest.mark.parametrize("printed", PRINTED)
def test_whatever_the_programs_print_there_is_a_walk(printed: str) -> None:
    def change(_probe: Probe, result: ProbeResult) -> ProbeResult:
        return replace(result, out=printed) if isinstance(result, ProgramResult) else result

    for name in NAMES:
        walk = finding(name, change).why
        assert walk
        assert walk.sentence.endswith(".")


@pytest.mark.parametrize("printed", PRINTED[::4])
def test_whatever_they_write_to_standard_error_there_is_a_walk(printed: str) -> None:
    def change(_probe: Probe, result: ProbeResult) -> ProbeResult:
        return replace(result, err=printed, exit_code=1) if isinstance(result, ProgramResult) else result

    for name in NAMES:
        assert finding(name, change).why


def test_a_node_whose_interfaces_could_not_be_read_is_not_called_cut_off() -> None:
    """As of one whose `ip` ended before it had printed anything."""

    def change(probe: Probe, result: ProbeResult) -> ProbeResult:
        is_asked = isinstance(probe, RunProgram) and probe.argv[:3] == ("ip", "-j", "addr") and probe.node == "client"
        return replace(result, out="") if is_asked and isinstance(result, ProgramResult) else result

    walk = finding("nothing-broken", change).why
    assert walk
    assert (walk.broken, [layer.verdict for layer in walk.layers].count("unknown")) == (None, 1)
    assert "not asked: the interfaces of client could not be read" in finding_text(finding("nothing-broken", change))


def _with_nulls(value: Any) -> Iterator[Any]:
    """The document with one of its values as null, each in its turn."""
    match value:
        case dict():
            for key, part in value.items():
                yield {**value, key: None}
                yield {other: kept for other, kept in value.items() if other != key}
                yield from ({**value, key: changed} for changed in _with_nulls(part))
        case list():
            for index, part in enumerate(value):
                yield from ([*value[:index], changed, *value[index + 1 :]] for changed in (None, *_with_nulls(part)))
        case _:
            return


def _documents(name: str) -> Sequence[tuple[Probe, str]]:
    """What the programs of a recording print as JSON, each with its question."""
    found: dict[Probe, str] = {}

    def note(probe: Probe, result: ProbeResult) -> ProbeResult:
        if isinstance(result, ProgramResult) and result.out.startswith(("[", "{")):
            found[probe] = result.out
        return result

    finding(name, note)
    return list(found.items())


@pytest.mark.parametrize("name", ["nothing-broken"])
def test_a_value_that_is_null_or_missing_stops_no_walk(name: str) -> None:
    documents = _documents(name)
    assert any("addr_info" in printed for _, printed in documents)
    for probe, printed in documents:
        for changed in _with_nulls(json.loads(printed)):

            def change(asked: Probe, result: ProbeResult, probe: Probe = probe, text: Any = changed) -> ProbeResult:
                if asked == probe and isinstance(result, ProgramResult):
                    return replace(result, out=json.dumps(text))
                return result

            assert finding(name, change).why
