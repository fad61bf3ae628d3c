"""A lesson beside a live lab: a thread watches what the learner does, and keeps what the lesson has told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType

from orchestrator.errors import WirelabError
from orchestrator.lessons.lesson import DoneTask, Lesson
from orchestrator.lessons.messages import LessonDone, Message, Note, TaskBegun
from orchestrator.lessons.progress import Progress
from orchestrator.operations.learn import TURN_SECONDS, OpenLesson

MOST_MESSAGES = 500
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
        if isinstance(message, TaskBegun | LessonDone):
            self.task = message if isinstance(message, TaskBegun) else None
        self.on_message()


class LiveLesson:
    """A context in which the lesson goes on. `changing` is held while it may change the lab."""

    def __init__(self, lesson: OpenLesson, messages: LessonMessages, changing: threading.Lock) -> None:
        self._lesson = lesson
        self.messages = messages
        self._changing = changing
        self._lines: SimpleQueue[str] = SimpleQueue()
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
    def run_id(self) -> str:
        """The run that puts in the faults of tasks."""
        return self._lesson.run.lab.made.settings.actor.run

    def say(self, line: str) -> None:
        """A line as in the terminal: an answer, or `hint`, `solution`, `why`, `reset`."""
        self._lines.put(line)

    def __enter__(self) -> LiveLesson:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._ending.is_set():
            events = self._lesson.reader.new_events(TURN_SECONDS)
            line: str | None = None
            with contextlib.suppress(Empty):
                line = self._lines.get_nowait()
            try:
                with self._changing:
                    self._lesson.react(line, events)
            except WirelabError as error:
                self.messages.add(Note(f"{error.what}: {error.why}" if error.why else error.what))
                if self._lesson.traffic.failure:
                    return
