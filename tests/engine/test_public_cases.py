"""The public reports of docs/cases.md on a real engine: every check of every case holds."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_bench import Bench, Engine
from public_cases import public_cases

CASES = tuple(case for case in public_cases() if not case.refused)
pytestmark = pytest.mark.truth


@pytest.fixture
def bench(engine: Engine, tmp_path: Path, round_number: int) -> Iterator[Bench]:
    """The lab of one case; nothing of it may be left."""
    folder = tmp_path / "shop"
    folder.mkdir()
    CASES[round_number % len(CASES)].write(folder)
    bench = Bench(engine, f"case-{secrets.token_hex(3)}", str(folder))
    try:
        yield bench
    finally:
        assert bench.cli("down").code == 0
    assert bench.left() == []


@pytest.mark.rounds(1, full=len(CASES))
def test_a_case_of_docs_cases_md_is_as_the_page_says(bench: Bench, round_number: int) -> None:
    """Public reports rebuilt as scenarios: each check holds, and the stories are told, as docs/cases.md says."""
    bench.up()
    code, found = bench.verdicts()
    assert {name: (finding["verdict"], finding["actual"]) for name, finding in found.items() if code} == {}
    for trace in CASES[round_number % len(CASES)].traces:
        story = bench.cli("trace", "--from", trace.node, "--", *trace.words).out
        assert trace.missing(story) == [], story
