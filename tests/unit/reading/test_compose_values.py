"""The small values of a Compose file: variables, and the short and long forms of ports, volumes and commands."""

from __future__ import annotations

import pytest

from orchestrator.reading.compose.images import replacement_for
from orchestrator.reading.compose.interpolation import InterpolationError, interpolate, variables_of
from orchestrator.reading.compose.short_forms import (
    Mount,
    Port,
    environment_of,
    mebibytes,
    mounts_of,
    ports_of,
    words_of,
)

VARIABLES = {"SET": "value", "EMPTY": ""}
# As the Compose Specification has it: with a colon, an empty variable counts as none.
FILLED = {
    "$SET/${SET}": "value/value",
    "${SET:-default} ${EMPTY:-default} ${NONE:-default}": "value default default",
    "${SET-default} ${EMPTY-default} ${NONE-default}": "value  default",
    "${SET:+other} ${EMPTY:+other} ${NONE+other}": "other  ",
    "${NONE:-${EMPTY:-${SET}}}": "value",
    "$$SET $${SET}": "$SET ${SET}",
    "${SET?must} ${NONE}": "value ",
    "${NONE:-a}b}": "ab}",
}
REFUSED = {
    "${NONE:?it is needed}": "the variable NONE must be set: it is needed",
    "${EMPTY:?it is needed}": "the variable EMPTY must be set: it is needed",
    "${SET": "a ${ is never closed",
    "${}": "${} is no variable",
    "${SET!x}": "${SET!x} is no variable",
    "5 $ each": "a $ stands before no name; write $$ for the character itself",
    "${A:-" * 20 + "}" * 20: "more than 8 defaults within each other",
}


@pytest.mark.parametrize("text", FILLED)
def test_variables_are_filled_in(text: str) -> None:
    assert interpolate(text, VARIABLES, set()) == FILLED[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_filled_in_is_told(text: str) -> None:
    with pytest.raises(InterpolationError) as raised:
        interpolate(text, VARIABLES, set())
    assert str(raised.value) == REFUSED[text]


def test_a_value_does_not_grow_without_end() -> None:
    with pytest.raises(InterpolationError, match="more than 64 KiB"):
        interpolate("$A" * 100, {"A": "x" * 1000}, set())


def test_variables_that_nobody_has_set_are_named() -> None:
    missing: set[str] = set()
    interpolate("$A ${B} ${C:-c} $SET", VARIABLES, missing)
    assert missing == {"A", "B"}


def test_an_env_file_is_read() -> None:
    text = "# no\nA=1\nexport B='two words'\n C = 3 # three\nno line\nD=\"4\"\n=5\n"
    assert variables_of(text) == {"A": "1", "B": "two words", "C": "3", "D": "4"}


def test_ports_are_read_in_all_forms() -> None:
    assert ports_of(["8080:80", 90, "127.0.0.1:53:5353/udp", "3000-3001", "a:b", "[::1]:81:80", "1-70000"])[:7] == [
        Port(80, "tcp", "8080"), Port(90, "tcp", ""), Port(5353, "udp", "53"), Port(3000, "tcp", ""),
        Port(3001, "tcp", ""), Port(80, "tcp", "81"), Port(1, "tcp", ""),
    ]  # fmt: skip
    assert ports_of([{"target": 80, "published": "8080", "protocol": "tcp"}, {}]) == [Port(80, "tcp", "8080")]
    assert len(ports_of(["1-60000"])) == 16


def test_volumes_are_read_in_all_forms() -> None:
    assert mounts_of(["./a:/b:ro", "data:/c", "/d", {"type": "tmpfs", "target": "/e"}]) == [
        Mount("bind", "./a", "/b"), Mount("volume", "data", "/c"), Mount("volume", "", "/d"), Mount("tmpfs", "", "/e"),
    ]  # fmt: skip


def test_variables_and_commands_are_read_in_all_forms() -> None:
    assert environment_of(["A=1=2", "B"]) == environment_of({"A": "1=2", "B": None}) == {"A": "1=2", "B": None}
    assert environment_of({"A": True, "B": 1.5}) == {"A": "true", "B": "1.5"}
    assert words_of("sh -c 'a b'") == words_of(["sh", "-c", "a b"]) == ("sh", "-c", "a b")
    assert words_of("it's") == ("it's",)
    assert [mebibytes(text) for text in ("64M", "1.5gb", 1048576, "much", None)] == [64, 1536, 1, None, None]


@pytest.mark.parametrize(
    ("image", "command", "kind"),
    [
        ("docker.io/library/postgres:16@sha256:ab", (), "postgresql"),
        ("postgres", ("-c", "a=1"), "postgresql"),
        ("postgres", ("psql",), "tools"),
        ("nginx:1.27", ("nginx", "-g", "daemon off;"), "nginx"),
        ("python:3", (), "tools"),
        ("registry.example.com:5000/redis:7", (), "image"),
        ("", (), "none"),
    ],
)
def test_an_image_has_its_stand(image: str, command: tuple[str, ...], kind: str) -> None:
    assert replacement_for(image, command).kind == kind
