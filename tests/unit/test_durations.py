"""Durations are read and written as people do, and what is none is told with an example."""

from __future__ import annotations

import pytest

from orchestrator.errors import UsageInvalid
from orchestrator.operations.durations import parse_duration, parse_moment
from orchestrator.rendering.quantities import duration_text


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("90m", 5400), ("2h", 7200), ("1h30m", 5400), ("2d", 172800), (" 2H ", 7200)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text, "--for") == seconds


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("5", "--for '5' has no unit", "--for 5m for minutes, --for 5h for hours"),
        ("soon", "--for 'soon' is no duration", "--for 90m, or --for 1h30m"),
        ("", "--for '' is no duration", "--for 90m, or --for 1h30m"),
        ("-2h", "--for '-2h' is no duration", "--for 90m, or --for 1h30m"),
        ("1.5h", "--for '1.5h' is no duration", "--for 90m, or --for 1h30m"),
        ("0h", "--for '0h' is not possible", "--for 2h"),
        ("31d", "--for '31d' is not possible", "--for 2h"),
        ("999999999d", "--for '999999999d' is not possible", "--for 2h"),
    ],
)
def test_what_is_no_duration_is_told_with_an_example(text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageInvalid) as caught:
        parse_duration(text, "--for")
    assert (caught.value.what, caught.value.hint) == (what, hint)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 9400.0),
        ("1970-01-01T01:00:00Z", 3600.0),
        ("1970-01-01T01:00:00.5+01:00", 0.5),
        ("1970-01-02 00:00Z", 86400.0),
    ],
)
def test_a_moment_is_a_time_or_so_long_ago(text: str, seconds: float) -> None:
    assert parse_moment(text, "--since").seconds(now=10_000.0) == seconds


@pytest.mark.parametrize("text", ["2026-13-01", "2026-01-31T25:00", "0000-01-01T00:00Z"])
def test_what_is_no_time_is_told_with_an_example(text: str) -> None:
    with pytest.raises(UsageInvalid) as caught:
        parse_moment(text, "--since")
    assert (caught.value.what, caught.value.hint) == (
        f"--since {text!r} is no time", "--since 2026-01-31T12:00, or --since 90m"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45.9, "45s"), (125, "2m"), (7500, "2h 5m"), (7205, "2h"), (93600, "1d 2h"), (86400 + 60, "1d")],
)
def test_a_duration_is_written_in_its_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
