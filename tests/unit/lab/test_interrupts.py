"""An interrupt never leaves a lock taken: Python alone would, and what needs that lock would wait for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from orchestrator.lab.interrupts import InterruptNotice, between_locks, interruptible_between_locks, uninterrupted

# As if it stood in Python's own file: the signal comes, and only then the lock is given back.
SOURCE = "def give_back(lock, interrupt, number):\n    interrupt(number)\n    lock.release()\n"


def give_back(lock: threading.Lock) -> None:
    names: dict[str, Any] = {}
    exec(compile(SOURCE, threading.__file__, "exec"), names)
    names["give_back"](lock, signal.raise_signal, signal.SIGINT)


@contextmanager
def handled(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_python_alone_leaves_the_lock_taken() -> None:
    """The counter-example: what this module is for."""
    lock = threading.Lock()
    lock.acquire()
    with handled(signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        give_back(lock)
    assert lock.locked()


def test_an_interrupt_waits_until_the_lock_is_given_back() -> None:
    """And then it comes, in a moment."""
    lock = threading.Lock()
    lock.acquire()
    with handled(between_locks(signal.default_int_handler)), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        give_back(lock)
        assert not lock.locked()
        time.sleep(5)
        pytest.fail("it never came")
    assert not lock.locked()


def test_an_interrupt_outside_of_locks_comes_at_once() -> None:
    with handled(between_locks(signal.default_int_handler)), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it did not come at once")


def test_what_comes_during_clean_up_comes_at_its_end() -> None:
    """Nothing is cut short, and nothing is lost: whoever cleans up in the middle of its work goes no further."""
    done = []
    with handled(signal.default_int_handler), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("cleaned up")
        done.append("went on")
    assert done == ["cleaned up"]


def test_who_ends_already_is_not_interrupted_once_more() -> None:
    """A second Ctrl-C cuts short neither this clean-up nor the next one."""
    done = []
    with handled(signal.default_int_handler), pytest.raises(ValueError, match="broken"):  # noqa: PT012
        try:
            raise ValueError("broken")
        finally:
            for _ in range(2):
                with uninterrupted():
                    signal.raise_signal(signal.SIGINT)
                    done.append("cleaned up")
    assert done == ["cleaned up", "cleaned up"]


def test_who_waits_for_a_lock_is_interrupted() -> None:
    """Nobody ever sets this event; the thread stands still inside the code of a lock."""
    began, main = time.monotonic(), threading.main_thread().ident or 0
    with handled(between_locks(signal.default_int_handler)), pytest.raises(KeyboardInterrupt):  # noqa: PT012
        # Begun inside: a signal before the handler is there would be lost, or end the tests.
        threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT)).start()
        threading.Event().wait(10)
    assert time.monotonic() - began < 5


# In a process of its own: a signal of a storm that comes late would interrupt the tests themselves.
STORM = """
import signal, threading, time
from orchestrator.lab.interrupts import between_locks

armed, came, taken, end = [False], 0, 0, time.monotonic() + 0.5
lock = threading.Condition(threading.Lock())

def once(number, frame):
    if armed[0]:
        armed[0] = False
        raise KeyboardInterrupt

def storm(main):
    while time.monotonic() < end:
        time.sleep(0.0005)
        signal.pthread_kill(main, signal.SIGINT)

signal.signal(signal.SIGINT, between_locks(once))
threading.Thread(target=storm, args=(threading.main_thread().ident,)).start()
while time.monotonic() < end:
    try:
        armed[0] = True
        for _ in range(10_000):
            with lock:
                pass
        armed[0] = False
    except KeyboardInterrupt:
        came += 1
    taken += lock._lock.locked()
print(came > 0, taken, flush=True)
"""


@pytest.mark.slow
def test_a_storm_of_interrupts_leaves_no_lock_taken() -> None:
    """Hundreds of them while a lock is taken and given back all the time, each let through once it is free."""
    done = subprocess.run((sys.executable, "-c", STORM), capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("True 0\n", "")


class Tidied:
    """An interrupt comes while Python tidies it up, where every exception is dropped."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_python_drops_comes_once_more() -> None:
    """In a finalizer, say of a connection that nobody needs any more."""
    with handled(signal.default_int_handler), interruptible_between_locks():
        tidied: list[Tidied] = [Tidied()]
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            tidied.clear()
            time.sleep(5)
            pytest.fail("it never came")


def test_what_else_python_drops_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    events: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: events.append(dropped.exc_type))
    with interruptible_between_locks():
        del [Broken()][:]
    assert events == [ValueError]


def test_a_handler_of_somebody_else_stays() -> None:
    """Where Ctrl-C does not raise KeyboardInterrupt, as under `nohup`, nothing is put in its place."""
    with handled(signal.SIG_IGN), interruptible_between_locks():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with handled(signal.default_int_handler):
        with interruptible_between_locks():
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_off_the_main_thread_nothing_is_handled_and_nothing_fails() -> None:
    """Only the main thread may set handlers; a lab in another thread works without them."""
    done: list[object] = []

    def work() -> None:
        with interruptible_between_locks(), uninterrupted():
            done.append(signal.getsignal(signal.SIGINT))

    with handled(signal.default_int_handler):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert done == [signal.default_int_handler]


def test_guards_that_end_out_of_order_leave_the_first_handler() -> None:
    """The second one still guards after the first has ended; after both, all is as it was."""
    hook = sys.unraisablehook
    with handled(signal.default_int_handler):
        first, second = ExitStack(), ExitStack()
        first.enter_context(interruptible_between_locks())
        second.enter_context(interruptible_between_locks())
        first.close()
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        second.close()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert sys.unraisablehook is hook


def test_a_guard_that_ends_in_another_thread_is_undone_by_the_next_one() -> None:
    """A thread cannot set the handler back; Ctrl-C raises KeyboardInterrupt all the same."""
    with handled(signal.default_int_handler):
        guard = ExitStack()
        guard.enter_context(interruptible_between_locks())
        thread = threading.Thread(target=guard.close)
        thread.start()
        thread.join()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with uninterrupted():
            pass
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_guard_that_begins_during_clean_up_does_not_let_ctrl_c_in() -> None:
    done = []
    with handled(signal.default_int_handler), pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012
        with interruptible_between_locks():
            signal.raise_signal(signal.SIGINT)
        done.append("cleaned up")
    assert done == ["cleaned up"]


def test_a_person_is_told_at_once_that_the_command_stops() -> None:
    """Also where a guard inside has put its own handler in."""
    messages: list[str] = []
    notice = InterruptNotice(lambda: messages.append("stops"), lambda: messages.append("waits"))
    with handled(signal.default_int_handler), interruptible_between_locks(notice), interruptible_between_locks():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert messages == ["stops"]


def test_a_person_is_told_that_clean_up_does_not_stop() -> None:
    """While an interrupt leads to the clean-up, and while nothing has gone wrong."""
    messages: list[str] = []
    notice = InterruptNotice(lambda: messages.append("stops"), lambda: messages.append("waits"))
    with handled(signal.default_int_handler), interruptible_between_locks(notice):
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert messages == ["waits", "stops"]
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
        assert messages == ["waits", "stops", "stops", "waits"]


def test_without_a_notice_nobody_is_told() -> None:
    with handled(signal.default_int_handler), interruptible_between_locks(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
