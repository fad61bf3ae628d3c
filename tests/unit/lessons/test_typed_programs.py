"""What a shell records of itself is read as programs that began and ended; what is no record is left out."""

from __future__ import annotations

from orchestrator.lessons.repairs import ProgramRun
from orchestrator.lessons.typed_programs import MOST_RUNS, TypedPrograms

RECORD = """\
1795864365.283427 62 - 0
1795864367.193036 62 +     1  curl http://app.shop.lab/items
1795864367,593990 62 - 7
1795864370.0 62 +    12*  psql -h db
1795864371.0 71 +     1  nc -l 80
nonsense
99 + 1 no time
"""


def test_each_line_that_was_typed_is_a_program_and_the_next_prompt_is_its_end() -> None:
    typed = TypedPrograms("clerk")
    for line in RECORD.splitlines():
        typed.add(line)
    assert typed.runs == (
        ProgramRun("clerk", ("curl http://app.shop.lab/items",), "shell 62", 1795864367.193036, 1795864367.59399, 7),
        ProgramRun("clerk", ("psql -h db",), "shell 62", 1795864370.0),
        ProgramRun("clerk", ("nc -l 80",), "shell 71", 1795864371.0),
    )


def test_a_prompt_after_an_empty_line_ends_no_program_a_second_time() -> None:
    typed = TypedPrograms("clerk")
    for line in ("10.0 62 + 1 false", "11.0 62 - 1", "15.0 62 - 0"):
        typed.add(line)
    assert [(run.ended, run.exit_code) for run in typed.runs] == [(11.0, 1)]


def test_of_very_many_and_very_long_lines_the_last_ones_and_their_beginnings_are_kept() -> None:
    typed = TypedPrograms("clerk")
    for number in range(3 * MOST_RUNS):
        typed.add(f"{number}.0 62 + {number} {'x' * 5000}")
    assert len(typed.runs) == MOST_RUNS
    assert typed.runs[-1].began == 3 * MOST_RUNS - 1
    assert len(typed.runs[-1].argv[0]) < 300
