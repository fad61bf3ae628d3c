"""The reading of a page's commands, and of their outputs: what is there is seen, and what is missing too."""

from __future__ import annotations

import pytest
from scenario_pages import Step, difference, steps

PAGE = """\
## Try it

```console
$ make scenario NAME=x
$ wirelab exec x client -- dig +short app
192.168.7.10
```

```console
$ wirelab shell x client
client$ hostname
client
client$ exit
```

## What is proved
"""


def test_commands_come_with_their_outputs_and_what_is_typed_in_a_shell() -> None:
    assert steps(PAGE) == [
        Step("make scenario NAME=x"),
        Step("wirelab exec x client -- dig +short app", [], ["192.168.7.10"]),
        Step("wirelab shell x client", ["hostname", "exit"], ["...", "client", "..."]),
    ]


@pytest.mark.parametrize(
    ("shown", "written", "same"),
    [
        (["a b"], "a    b\n", True),
        (["a b"], "a c\n", False),
        (["a ... d"], "a b c d\n", True),
        (["a ... d"], "a d\n", True),
        (["...", "x 12 ms"], "first\nx 12 ms\n", True),
        (["...", "x 12 ms"], "first\nx 13 ms\n", False),
        (["took ...ms"], "took 34.5ms", True),
        (["lab. ... IN NS a.lab. ..."], "lab. 3 IN NS a.lab.\n", True),
        (['"reason": "..."}'], '"reason": "x. y"}', True),
        (["... status: OK, ...", "...", "x"], "status: OK, 3\nx\n", True),
        (["a", "..."], "a\n", True),
        (["a"], "a\nTraceback\n", False),
        (["a.c"], "abc", False),
    ],
)
def test_an_output_is_as_the_page_shows_it_or_it_is_not(shown: list[str], written: str, same: bool) -> None:
    assert (difference(Step("command", [], shown), written) == "") is same


def test_the_rows_of_a_table_of_the_kernel_come_in_any_order() -> None:
    """All that are shown must be there, and no others unless some are left out."""
    table = Step("wirelab exec x y -- ss -tln", [], ["... :80", "... :81"])
    assert difference(table, "LISTEN :81\nLISTEN :80\n") == ""
    assert difference(table, "LISTEN :81\n") != ""
    assert difference(table, "LISTEN :81\nLISTEN :80\nLISTEN :82\n") != ""
    other = Step("wirelab exec x y -- curl", [], ["a", "b"])
    assert difference(other, "b\na\n") != ""


def test_a_difference_shows_both_sides() -> None:
    assert "the page shows:\n    a\nit was:\n    b" in difference(Step("command", [], ["a"]), "b\n")
