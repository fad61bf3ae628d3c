"""The seats of a class that is served: a thread each brings the lab up, and goes on with the lesson in it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from orchestrator.errors import BUG_SENTENCE, WORLD, WirelabError, WorldError, bug_report
from orchestrator.lessons.board import SeatState

if TYPE_CHECKING:
    from orchestrator.operations.live.lab import LiveLab

LOOK_SECONDS = 1.0
LOST_LOOKS = 3  # in a row: a lab that is made anew is out of sight for a moment
MOST_STARTS = 2  # of a lab that the machine was too busy for, before somebody has to reset the seat
MOST_RETURNS = 3  # times that a lab which was taken away is brought back by itself
END_SECONDS = 60.0


class RunningSeat:
    """One seat. `watch` brings its lab up and gives the live lab; `renew` removes the lab before.

    `watch` calls the function that it is given once the lab is up: while the lesson begins, the next lab may start.
    `places` limits how many seats start at the same time; the lab is looked at every `look_seconds`. `on_change` is
    called, in the seat's thread, with each new state. `read_used_up` says what nodes of the lab have no more of.
    A seat that fails tells `reset_command`, which brings it back.
    """

    def __init__(
        self,
        name: str,
        watch: Callable[[Callable[[], None]], AbstractContextManager[LiveLab]],
        renew: Callable[[], object],
        places: threading.Semaphore,
        look_seconds: float = LOOK_SECONDS,
        read_used_up: Callable[[LiveLab], str] = lambda _live: "",
        reset_command: str = "",
    ) -> None:
        self.name = name
        self.state: SeatState = "waiting"
        self.why = ""
        self.used_up = ""
        self.live: LiveLab | None = None
        # Whether the learner lets the teacher look into the terminals, for as long as the class is served.
        self.lets_look = False
        self.on_change: list[Callable[[RunningSeat], None]] = []
        self._watch = watch
        self._renew = renew
        self._places = places
        self._look_seconds = look_seconds
        self._read_used_up = read_used_up
        self._reset_command = reset_command
        self._is_to_be_renewed = False
        self._ending = threading.Event()
        self._waking = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"seat {name}")

    def start(self) -> None:
        """Begin to bring the lab up."""
        self._thread.start()

    def reset(self) -> None:
        """Remove the lab, bring it up anew, and go on with the lesson where the learner is."""
        self._is_to_be_renewed = True
        self._waking.set()

    def look_at_resources(self) -> None:
        """Find out what the nodes have no more of: `used_up` says it, empty where they lack nothing."""
        live = self.live
        self.used_up = self._read_used_up(live) if live else ""

    def end(self) -> None:
        """Let the thread end; the lab stays."""
        self._ending.set()
        self._waking.set()

    def join(self) -> None:
        """Wait until the thread has ended, after `end`."""
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        returns = starts = 0
        while not self._ending.is_set():
            try:
                was_taken_away = self._serve()
            except WirelabError as error:
                starts += 1
                if error.exit_code == WORLD and starts < MOST_STARTS:
                    continue
                starts = 0
                self._fail(error)
                continue
            except Exception as error:  # a mistake of ours in one seat ends no other one
                self._fail(WorldError(BUG_SENTENCE, why=bug_report(error)))
                continue
            starts = 0
            returns = returns + 1 if was_taken_away else 0
            if returns > MOST_RETURNS:
                self._fail(WorldError("the lab does not stay", why=f"it was taken away {returns} times"))
                returns = 0

    def _serve(self) -> bool:
        """Go on with the lesson until somebody wakes this thread up (False), or the lab is gone (True)."""
        self._become("waiting")
        with ExitStack() as stack:
            with ExitStack() as place:
                place.enter_context(self._places)
                self._waking.clear()
                if self._ending.is_set():
                    return False
                self._become("starting")
                if self._is_to_be_renewed:
                    self._is_to_be_renewed = False
                    self._renew()
                live = stack.enter_context(self._watch(place.close))
            self._become("ready", live)
            stack.callback(self._become, "waiting")
            return self._attend(live)

    def _attend(self, live: LiveLab) -> bool:
        lost = 0
        while not self._waking.wait(self._look_seconds):
            lost = lost + 1 if live.is_lost else 0
            if lost == LOST_LOOKS:
                return True
        return False

    def _fail(self, error: WirelabError) -> None:
        """Say why, and how to go on; wait until somebody resets the seat, or ends it."""
        hints = (error.hint, self._reset_command)
        failure = WirelabError(error.what, why=error.why, hint=", then ".join(hint for hint in hints if hint))
        self._become("failed", why="\n".join(failure.lines()))
        self._waking.wait()

    def _become(self, state: SeatState, live: LiveLab | None = None, why: str = "") -> None:
        if (state, why, live) == (self.state, self.why, self.live):
            return
        self.state, self.why, self.live = state, why, live
        self.used_up = ""
        for tell in self.on_change:
            tell(self)
