"""Guards what a process makes on an engine: whatever ends the process, nothing of it stays that nobody counts.

A run names what is made, and a watchdog outlives the process by a moment. In which order they end, and after which
endings of the work they do not, is said here alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType

from orchestrator.errors import EngineMissing, Leftovers
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.interrupts import interruptible_between_locks, uninterrupted
from orchestrator.lab.run_registry import Run, is_alive
from orchestrator.lab.watchdog import Watchdog

# After these nobody knows whether what was made stands whole, or is gone.
DEADLY = (KeyboardInterrupt, SystemExit, Leftovers, EngineMissing)


class Guard:
    """A run with a watchdog: if this process dies between `begin` and `end`, what bears the run's id is removed.

    As a context it gives that id, and begins and ends by itself, unless what was done inside ended in a DEADLY way:
    then, without `keep`, the run counts as dead. The watchdog removes what is still there once this process has ended,
    and `wirelab sweep` finds what even that leaves.
    """

    def __init__(
        self, url: str, state: StateFolder, environ: Mapping[str, str], *, keep: bool = False, member: str = ""
    ) -> None:
        self._run = Run(state, member)
        self._watchdog = Watchdog(url, state.root, self._run.id, environ)
        self._keep = keep
        self._interrupts = ExitStack()

    @property
    def run(self) -> str:
        """The id that all of it carries as its label."""
        return self._run.id

    def begin(self) -> None:
        """From now on this process may die. Until the end, Ctrl-C comes between locks only."""
        self._run.begin()
        self._watchdog.begin()
        self._interrupts.enter_context(interruptible_between_locks())

    def release(self) -> None:
        """Let what was made outlive this process: from this moment it stands by itself, or is gone."""
        self._run.end()

    def end(self) -> None:
        """Release what was made, and send the watchdog away."""
        with self._interrupts, uninterrupted():
            # In this order: killed in between, the watchdog sees that the run has ended well.
            self.release()
            self._watchdog.end()

    def __enter__(self) -> str:
        self.begin()
        return self.run

    # No generator: where Ctrl-C comes between the last line inside and this one, nothing ends by itself.
    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if self._keep or kind is None or not issubclass(kind, DEADLY):
            self.end()
        self._interrupts.close()


@contextmanager
def living_run(state: StateFolder, run: str, member: str = "") -> Iterator[str]:
    """The id of a run that lives for as long as this does: `run` itself if it lives, otherwise one of its own.

    What is made beside nodes for a moment carries it: no other command takes that for something left by a dead one.
    """
    if is_alive(state, run):
        yield run
        return
    own = Run(state, member)
    own.begin()
    try:
        yield own.id
    except DEADLY:
        raise  # it counts as dead once this process has ended
    except BaseException:
        own.end()
        raise
    own.end()
