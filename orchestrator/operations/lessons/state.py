"""The state of a lesson run: its lab, its text, the learner's progress. What is told is kept in the journal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.lessons.lesson import HoldsTask
from orchestrator.lessons.messages import Message, NotDone, event_of

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.lessons.progress import Progress
    from orchestrator.lessons.reactions import Reaction
    from orchestrator.lessons.reading import LessonText
    from orchestrator.operations.lab_handle import LabHandle
    from orchestrator.operations.lessons.lab import LessonLab
    from orchestrator.operations.lessons.learner_traffic import LearnerTraffic

# The same sentence within this time belongs to the same attempt: a program may try each address of a name.
ATTEMPT_SECONDS = 2.0


@dataclass
class LessonState:
    """One learner in one lesson; `progress` is replaced as things happen, and `save` keeps it each time.

    `load_text` reads the lesson with the addresses that the lab has now; `show` shows a message. `seen_change` is the
    last change of the lab that is known, `answered` when an attempt was last spoken of. While it `waits`, the teacher
    has not opened the present task.
    """

    lesson_lab: LessonLab
    load_text: Callable[[], LessonText]
    progress: Progress
    show: Callable[[Message], None]
    save: Callable[[Progress], None]
    traffic: LearnerTraffic
    seen_change: float = 0.0
    answered: float = 0.0
    waits: bool = False
    text: LessonText = field(init=False)
    _told: tuple[str, float] = ("", 0.0)

    def __post_init__(self) -> None:
        self.read_text()

    def read_text(self) -> None:
        """Read the lesson again: the lab may have other addresses."""
        self.text = self.load_text()

    @property
    def lab(self) -> LabHandle:
        """The lab as its last `up` left it."""
        return self.lesson_lab.handle

    @property
    def task_name(self) -> str | None:
        """The task that is to be done now; None where the lesson is over."""
        return self.progress.current(tuple(self.text.lesson.tasks))

    @property
    def task(self) -> AnyTask | None:
        """The same as the lesson has it; None also while it waits."""
        name = self.task_name
        return None if name is None or self.waits else self.text.lesson.tasks[name]

    @property
    def shells(self) -> tuple[str, ...]:
        """The nodes in which the learner works."""
        task = self.task
        return (*self.text.lesson.shell, *(task.allowed.shell if isinstance(task, HoldsTask) else ()))

    def keep(self, progress: Progress) -> None:
        """Go on with another progress."""
        self.progress = progress
        self.save(progress)

    def react(self, reaction: Reaction) -> None:
        """Keep the progress and tell the message, unless the same was just told."""
        progress, message = reaction
        if message is not None:
            self.answered = time.time()
        if message is None or (isinstance(message, NotDone) and self._was_just_told(message.sentence)):
            return
        progress = self.traffic.with_origin(progress, message, self.text.lesson.shell[0])
        self.keep(progress)
        self.tell(message)

    def _was_just_told(self, sentence: str) -> bool:
        last, at = self._told
        self._told = (sentence, time.monotonic())
        return sentence == last and time.monotonic() < at + ATTEMPT_SECONDS

    def forget_told(self) -> None:
        """Take the next sentence for a new one, whatever it says."""
        self._told = ("", 0.0)

    def tell(self, message: Message) -> None:
        """Show a message, and write to the journal that it was shown, which is no work on the lab."""
        self.show(message)
        changed = self.lesson_lab.last_change()
        if event := event_of(message, self.progress.lesson, self.task_name or ""):
            self.lab.made.settings.publish(event)
        if changed == self.seen_change:
            self.seen_change = self.lesson_lab.last_change()
