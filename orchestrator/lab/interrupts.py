"""Ctrl-C and a polite end (SIGTERM): exceptions that come at a moment when no lock is half taken, or not at all.

Python calls a signal's handler between any two steps of the main thread. An exception in the middle of taking a lock
leaves it taken for ever, and the threads that need it wait for ever (Python's documentation of `signal`, "Note on
Signal Handlers and Exceptions").
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from orchestrator.quick_dataclass import dataclass

Handler = Callable[[int, FrameType | None], object]
Hook = Callable[["sys.UnraisableHookArgs"], object]
INTERRUPTS: Mapping[type[BaseException], int] = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}

# Where Python code takes locks and gives them back: in these files, as they stand in a frame.
LOCKING = frozenset(
    (
        threading.Thread.start.__code__.co_filename,
        threading.__file__.replace("threading.py", "logging/__init__.py"),
        "<frozen importlib._bootstrap>",
    )
)
# Those of them that wait for somebody else; the others hold a thread up for a moment only.
WAITING = ("wait", "join", "_wait_for_tstate_lock")
LOOK_AGAIN_SECONDS = 0.01


def between_locks(handler: Handler) -> Handler:
    """The same handler, called once the main thread is not inside the code of a lock, or stands still there, waiting.

    Who moves is out of it in a moment; so it is looked at again then.
    """
    stood: list[tuple[object, float]] = [(None, 0.0)]

    def later(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        inside = frame is not None and frame.f_code.co_filename in LOCKING
        place = (id(frame), frame.f_code, frame.f_lasti) if frame and inside else None
        known, since = stood[0]
        still = place == known and now - since >= LOOK_AGAIN_SECONDS
        if place is None or (still and frame and frame.f_code.co_name in WAITING):
            stood[0] = (None, 0.0)
            handler(number, frame)
            return
        if place != known:
            stood[0] = (place, now)
        # Of the lowest kind: a Timer would take locks itself.
        _thread.start_new_thread(_once_more, (number,))

    return later


def _once_more(number: int) -> None:
    time.sleep(LOOK_AGAIN_SECONDS)
    signal.pthread_kill(threading.main_thread().ident or 0, number)


class _Layer:
    """A handler or hook of ours, and what stood in its place before.

    Two guards may end in another order than they began, as those of two labs do. A layer that has ended under another
    one stays until that one ends too.
    """

    def __init__(self, handle: Callable[..., object], before: Any) -> None:
        self._handle = handle
        self.before = before
        self.ended = False

    def __call__(self, *args: object) -> object:
        return self._handle(*args)


@dataclass(frozen=True)
class InterruptNotice:
    """What tells a person that Ctrl-C has come: that the command stops now, or that it cannot stop yet.

    Both are called in a signal handler, which may have interrupted a write to the same stream.
    """

    stops: Callable[[], None] = lambda: None
    waits: Callable[[], None] = lambda: None


class _InterruptingLayer(_Layer):
    """One that raises KeyboardInterrupt, as Python's own handler does, after it has given notice."""

    def __init__(self, notice: InterruptNotice, before: Any) -> None:
        super().__init__(between_locks(self._interrupt), before)
        self.notice = notice

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.notice.stops()
        signal.default_int_handler(number, frame)


def _without_ended(current: Any) -> Any:
    """What is to stand here: the topmost layer that has not ended, or what was there before all of them."""
    while isinstance(current, _Layer) and current.ended:
        current = current.before
    return current


def _on_main_thread() -> bool:
    """Whether this is the thread that may set handlers of signals, and that alone gets them."""
    return threading.current_thread() is threading.main_thread()


def _begin_layer(number: int, layer: _Layer) -> _Layer:
    signal.signal(number, layer)
    return layer


def _end_layer(number: int, layer: _Layer) -> None:
    layer.ended = True
    if _on_main_thread() and isinstance(current := signal.getsignal(number), _Layer):
        signal.signal(number, _without_ended(current))


@contextmanager
def interruptible_between_locks(notice: InterruptNotice | None = None) -> Iterator[None]:
    """Until its end, Ctrl-C raises KeyboardInterrupt between locks only; where it raises none, it stays so.

    Of the main thread alone; elsewhere nothing changes. Inside, the same `notice` is given unless there is another.
    """
    if not _on_main_thread():
        yield
        return
    before, layer = signal.getsignal(signal.SIGINT), None
    if before is signal.default_int_handler or isinstance(before, _InterruptingLayer):
        layer = _begin_layer(signal.SIGINT, _InterruptingLayer(notice or _notice_of(before), before))
    hook = _Layer(_not_swallowed(sys.unraisablehook), sys.unraisablehook)
    sys.unraisablehook = hook
    try:
        yield
    finally:
        hook.ended = True
        sys.unraisablehook = _without_ended(sys.unraisablehook)
        if layer:
            _end_layer(signal.SIGINT, layer)


def _notice_of(handler: Any) -> InterruptNotice:
    """The notice of the innermost layer that gives one."""
    while isinstance(handler, _Layer):
        if isinstance(handler, _InterruptingLayer):
            return handler.notice
        handler = handler.before
    return InterruptNotice()


def _not_swallowed(hook: Hook) -> Hook:
    """An interrupt that comes while Python tidies up an object is dropped there; so it is sent once more."""

    def sees(dropped: sys.UnraisableHookArgs) -> None:
        number = INTERRUPTS.get(dropped.exc_type)
        if number is None:
            hook(dropped)
        else:
            _thread.start_new_thread(_once_more, (number,))

    return sees


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Clean-up is not cut short: Ctrl-C comes at its end. Where an error or Ctrl-C has led to it, none comes.

    Off the main thread no signal comes in any case, and nothing changes.
    """
    if not _on_main_thread():
        yield
        return
    came: list[int] = []
    ending = sys.exc_info()[0] is not None
    notice = _notice_of(signal.getsignal(signal.SIGINT))

    def put_off(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        notice.waits()

    layers = {
        number: _begin_layer(number, _Layer(put_off, signal.getsignal(number)))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, layer in layers.items():
            _end_layer(number, layer)
    if came and not ending:
        signal.raise_signal(came[0])
