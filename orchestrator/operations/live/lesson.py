"""A lesson beside a live lab: a thread watches what the learner does, and keeps what the lesson has told."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType

from orchestrator.errors import UsageInvalid, WirelabError
from orchestrator.lessons.lesson import DoneTask, HoldsTask, Lesson
from orchestrator.lessons.messages import LessonDone, Message, Note, TaskBegun, TaskHeld
from orchestrator.lessons.progress import Progress
from orchestrator.operations.classroom.teacher_actions import begin_if_open, mark_done, show_hint
from orchestrator.operations.lessons.learn import TURN_SECONDS, OpenLesson
from orchestrator.operations.lessons.run import LessonRun

MOST_MESSAGES = 500
BUSY_SECONDS = 5.0  # since something happened last: what follows from it is told at once
REST_SECONDS = 0.5  # between two turns in which nothing happens
END_SECONDS = 10.0


class LessonMessages:
    """All that a lesson has told, the oldest first, and the task that it told of last."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self.task: TaskBegun | None = None
        self.on_message: Callable[[], None] = lambda: None

    @property
    def all(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    def add(self, message: Message) -> None:
        """Keep a message, and say that there is one."""
        self._messages = [*self._messages[1 - MOST_MESSAGES :], message]
        if isinstance(message, TaskBegun | TaskHeld | LessonDone):
            self.task = message if isinstance(message, TaskBegun) else None
        self.on_message()


class LiveLesson:
    """A context in which the lesson goes on. `changing` is held while it may change the lab."""

    def __init__(self, lesson: OpenLesson, messages: LessonMessages, changing: threading.Lock) -> None:
        self._lesson = lesson
        self.messages = messages
        self._changing = changing
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._wishes: SimpleQueue[Callable[[LessonRun], None]] = SimpleQueue()
        self._busy_until = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="lesson")

    @property
    def lesson(self) -> Lesson:
        return self._lesson.run.text.lesson

    @property
    def shells(self) -> tuple[str, ...]:
        """The nodes in which the lesson, or one of its tasks, gives a shell."""
        tasks = [task for task in self.lesson.tasks.values() if isinstance(task, DoneTask)]
        names = (*self.lesson.shell, *(node for task in tasks for node in task.allowed.shell))
        return tuple(dict.fromkeys(names))

    @property
    def progress(self) -> Progress:
        return self._lesson.run.progress

    @property
    def is_repair(self) -> bool:
        """Whether the learner is to find what is broken in the lab."""
        return isinstance(self._lesson.run.state.task, HoldsTask)

    @property
    def run_id(self) -> str:
        """The run that puts in the faults of tasks."""
        return self._lesson.run.lab.made.settings.actor.run

    def say(self, line: str) -> None:
        """A line as in the terminal: an answer, or `hint`, `solution`, `why`, `reset`."""
        self._lines.put(line)
        self.wake()

    def wake(self) -> None:
        """Look now, and often for a while, at what happens: somebody works on the lab."""
        self._busy_until = time.monotonic() + BUSY_SECONDS
        self._lesson.reader.wake()

    def mark_done(self, task_name: str) -> None:
        """Take a task as done, because a teacher says so.

        Raises UsageInvalid where the lesson has no such task, or where it is done: the results would show it as marked.
        """
        if task_name not in self.lesson.tasks:
            known = ", ".join(self.lesson.tasks)
            raise UsageInvalid(f"the lesson has no task {task_name!r}", why=f"its tasks are {known}")
        task = self.progress.task(task_name)
        if task.done:
            why = "a teacher has marked it" if task.marked else "the learner has completed it"
            raise UsageInvalid(f"the task {task_name!r} is done already", why=why)
        self._wish(lambda run: mark_done(run, task_name))

    def show_teachers_hint(self, text: str) -> None:
        """Tell the learner a hint that a teacher gives."""
        self._wish(lambda run: show_hint(run, text))

    def look_at_hold(self) -> None:
        """Begin the task that waits, if the teacher has opened it."""
        self._wish(begin_if_open)

    def _wish(self, wish: Callable[[LessonRun], None]) -> None:
        self._wishes.put(wish)
        self.wake()

    @property
    def has_stopped(self) -> bool:
        """Whether the lesson sees no traffic any more, because its lab was taken away."""
        return not self._thread.is_alive()

    def __enter__(self) -> LiveLesson:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._lesson.reader.wake()
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._ending.is_set():
            events = self._lesson.reader.new_events(self._turn_seconds())
            if events:
                self._busy_until = time.monotonic() + BUSY_SECONDS
            line: str | None = None
            with contextlib.suppress(Empty):
                line = self._lines.get_nowait()
            try:
                with self._changing:
                    self._grant_wish()
                    self._lesson.react(line, events)
            except WirelabError as error:
                self.messages.add(Note(f"{error.what}: {error.why}" if error.why else error.what))
                if self._lesson.traffic.failure:
                    return

    def _turn_seconds(self) -> float:
        """How long a turn waits for traffic: a lab in which nobody works takes few turns."""
        is_busy = self._lesson.run.owes_cause or time.monotonic() < self._busy_until
        return TURN_SECONDS if is_busy else REST_SECONDS

    def _grant_wish(self) -> None:
        """Do the next thing that a teacher wishes, if there is one."""
        with contextlib.suppress(Empty):
            wish = self._wishes.get_nowait()
            wish(self._lesson.run)
