"""What a person sees while checks run: each finding as it comes, and what is waited for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from orchestrator.cli.console import say, terminal_width
from orchestrator.rendering.quantities import counted

if TYPE_CHECKING:
    from orchestrator.checks.findings import Finding

# A check that is not judged by then no longer holds up those after it.
HOLD_SECONDS = 1.0
# Where a line cannot be written over, as in a pipe, it is told this seldom what is waited for.
SELDOM_SECONDS = 5.0
CLEAR_LINE = "\r\x1b[K"


class CheckProgress:
    """Hands findings to `show`, without their walks, and tells on standard error what is waited for.

    They come in the order of the file; after a second, each as soon as it is known. Without `show` none is shown.
    """

    def __init__(self, show: Callable[[Finding], None] | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._show = show
        self._clock = clock
        self._order: list[str] = []
        self._known: dict[str, Finding] = {}
        self._began = self._told = clock()
        self._line = False

    def begin(self, names: Sequence[str]) -> None:
        """These checks begin, in this order."""
        self._order = list(names)
        self._began = self._told = self._clock()

    def finding(self, finding: Finding) -> None:
        """One of them is judged."""
        self._known[finding.check] = finding
        self._show_known()

    def waiting(self, names: Sequence[str]) -> None:
        """These are still under way."""
        self._show_known()
        if not names:
            return
        seconds = self._clock() - self._began
        text = f"waiting for {counted(len(names), 'check')} ({seconds:.0f} s): {names[0]}"
        if width := terminal_width(sys.stderr):
            sys.stderr.write(CLEAR_LINE + text[: width - 1])
            sys.stderr.flush()
            self._line = True
        elif self._clock() - self._told >= SELDOM_SECONDS:
            self._told = self._clock()
            say(text)

    def end(self) -> None:
        """All are judged and explained."""
        self._clear()
        for name in list(self._order):
            self._show_one(name)

    def _show_known(self) -> None:
        late = self._clock() - self._began > HOLD_SECONDS
        for name in list(self._order):
            if name in self._known:
                self._show_one(name)
            elif not late:
                return

    def _show_one(self, name: str) -> None:
        finding = self._known.pop(name, None)
        if finding is None:
            return
        self._order.remove(name)
        if self._show:
            self._clear()
            self._show(finding)

    def _clear(self) -> None:
        if self._line:
            self._line = False
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
