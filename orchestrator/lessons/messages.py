"""What a lesson tells a learner: one value for each thing that is said. A face shows them and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.events import LessonEvent


@dataclass(frozen=True)
class TaskBegun:
    """A task begins: its text, what is to be done, the choices of a question, what one may do to repair the lab."""

    task: str
    number: int
    total: int
    text: str
    title: str
    is_question: bool = False
    choices: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskDone:
    """A task is done: by what was seen, or by a right answer and why it is right."""

    task: str
    because: str


@dataclass(frozen=True)
class NotDone:
    """An attempt did not complete the task, and this is why; `layer` is the broken layer where one is known.

    With `is_cause` it explains, as `wirelab why` does, an attempt that was told before.
    """

    sentence: str
    layer: str = ""
    is_cause: bool = False


@dataclass(frozen=True)
class HintShown:
    """One of the hints of a task; `number` counts from 1."""

    number: int
    total: int
    text: str


@dataclass(frozen=True)
class SolutionShown:
    """What completes the task."""

    text: str


@dataclass(frozen=True)
class Note:
    """Something else that a learner must know: a task was left out, a word was not understood."""

    text: str


@dataclass(frozen=True)
class TaskHeld:
    """The next task waits until the teacher opens it."""

    task: str

    @property
    def text(self) -> str:
        return f"Your teacher has not opened the task {self.task} yet. It begins here by itself when it is open."


@dataclass(frozen=True)
class LessonDone:
    """The lesson is over: how many tasks are done, and how many attempts, hints and solutions it took."""

    done: int
    total: int
    attempts: int
    hints: int
    solutions: int
    text: str


Message = TaskBegun | TaskDone | NotDone | HintShown | SolutionShown | Note | TaskHeld | LessonDone


def event_of(message: Message, lesson: str, task: str) -> LessonEvent | None:
    """The event that the journal keeps of a message; None where it keeps none."""
    match message:
        case TaskBegun():
            return LessonEvent("begun", lesson, message.task)
        case TaskDone():
            return LessonEvent("done", lesson, message.task, message.because)
        case NotDone():
            return LessonEvent(
                "cause" if message.is_cause else "attempt", lesson, task, message.sentence, message.layer
            )
        case HintShown():
            return LessonEvent("hint", lesson, task, message.text)
        case SolutionShown():
            return LessonEvent("solution", lesson, task)
        case LessonDone():
            return LessonEvent("over", lesson)
    return None
