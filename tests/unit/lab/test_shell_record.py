"""A real bash records what is typed in it, and the reader prints the record until its input ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.lab.shell_record import ENVIRONMENT, FILE, READER, SHELL, shell_environment
from orchestrator.lessons.typed_programs import TypedPrograms

pytestmark = pytest.mark.slow

SECONDS = 60


def typed_in_bash(record: str, lines: str) -> subprocess.CompletedProcess[str]:
    """An interactive bash without its own files, which reads these lines."""
    variables = {name: value.replace(FILE, record) for name, value in ENVIRONMENT.items()}
    argv = ("bash", "--norc", "--noediting", "-i")
    environment = {"PATH": os.environ["PATH"], "PS1": "$ ", **variables}
    return subprocess.run(
        argv, input=lines, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def read_record(record: str) -> str:
    argv = tuple(word.replace(FILE, record) for word in READER)
    return subprocess.run(argv, input="", capture_output=True, text=True, timeout=SECONDS, check=True).stdout


def test_what_is_typed_in_bash_is_recorded_with_its_exit_code_and_read_again(tmp_path: Path) -> None:
    record = str(tmp_path / "record")
    shell = typed_in_bash(record, "echo 'one %s' | cat\nfor x in 1 2; do\n(exit 3); done\nexit\n")
    assert shell.stdout == "one %s\n"  # the record shows nothing
    programs = TypedPrograms("app")
    for line in read_record(record).splitlines():
        programs.add(line)
    assert [(run.argv, run.exit_code) for run in programs.runs] == [
        (("echo 'one %s' | cat",), 0),
        (("for x in 1 2; do (exit 3); done",), 3),
        (("exit",), None),
    ]


def test_a_shell_that_can_write_no_record_works_as_ever(tmp_path: Path) -> None:
    shell = typed_in_bash(str(tmp_path / "nowhere" / "record"), "echo one\nfalse\necho $?\nexit\n")
    assert shell.stdout == "one\n1\n"
    assert "nowhere" not in shell.stderr


def test_a_line_that_is_written_in_two_pieces_is_read_as_one(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.write_text("1.0 7 + ", "utf-8")
    argv = tuple(word.replace(FILE, str(record)) for word in READER)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin
        assert reader.stdout
        with record.open("a", encoding="utf-8") as more:
            more.write("   1  dig app\n")
        assert reader.stdout.readline() == "1.0 7 +    1  dig app\n"
        reader.stdin.close()
        assert reader.wait(SECONDS) == 0


def test_only_a_shell_that_can_record_is_asked_to() -> None:
    assert shell_environment(SHELL) == ENVIRONMENT
    assert shell_environment(("sh", "-i")) == {}
