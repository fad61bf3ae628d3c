"""A lesson as the live page is told it: the task, what is done, and all that was said, as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from orchestrator.lessons.lesson import AnyTask, AskTask, HoldsTask, Lesson, ObserveTask, PredictTask
from orchestrator.lessons.messages import (
    HintShown,
    LessonDone,
    Message,
    NotDone,
    Note,
    SolutionShown,
    TaskBegun,
    TaskDone,
    TaskHeld,
)
from orchestrator.lessons.progress import Progress
from orchestrator.rendering.lesson import end_text
from orchestrator.rendering.lesson_on_page import allowed_on_page, page_words

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

NO_LESSON: dict[str, Any] = {"type": "lesson", "task": None, "tasks": [], "messages": []}
PLACEHOLDERS = {"address": "an address, such as 192.168.1.7", "port": "a number, such as 8080"}


def lesson_message(
    lesson: Lesson, progress: Progress, begun: TaskBegun | None, messages: Sequence[Message]
) -> dict[str, Any]:
    """The whole state of a lesson: what is told is the same as in the terminal."""
    return {
        "type": "lesson",
        "title": lesson.title,
        "task": _task(lesson.tasks[begun.task], begun) if begun else None,
        "tasks": _tasks(lesson, progress),
        "messages": list(_messages(lesson, messages)),
    }


def _messages(lesson: Lesson, messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    begun: TaskBegun | None = None
    names = tuple(lesson.tasks)
    for message in messages:
        begun = message if isinstance(message, TaskBegun) else begun
        layer = message.layer if isinstance(message, NotDone) and message.is_cause else ""
        html = message_html(message)
        if isinstance(message, SolutionShown) and begun and isinstance(lesson.tasks[begun.task], PredictTask):
            html = _steps_html(message.text, begun.choices)
        done = names.index(message.task) + 1 if isinstance(message, TaskDone) and message.task in names else None
        yield {"kind": kind_of(message), "task": done, "layer": layer, "html": html}


def _steps_html(numbers: str, choices: Sequence[str]) -> str:
    """The steps in their right order, in words: the page numbers them by their present place."""
    steps = (choices[int(number) - 1] for number in numbers.split())
    return f"<ol>{''.join(f'<li>{escape(step)}</li>' for step in steps)}</ol>"


def _task(task: AnyTask, begun: TaskBegun) -> dict[str, Any]:
    question = isinstance(task, AskTask | PredictTask)
    return {
        "name": begun.task,
        "number": begun.number,
        "of": begun.total,
        "title": page_words(begun.title),
        "html": markdown_html(page_words(begun.text)),
        "kind": task_kind(task),
        "choices": list(begun.choices),
        "allowed": [allowed_on_page(sentence) for sentence in begun.allowed],
        "question": page_words(begun.title) if question else "",
        "placeholder": PLACEHOLDERS.get(task.ask, "") if isinstance(task, AskTask) else "",
    }


def task_kind(task: AnyTask) -> str:
    """What a page calls a task; one that begins with a fault and ends with a check is a repair."""
    match task:
        case ObserveTask():
            return "observe"
        case HoldsTask():
            return "repair" if task.fault else "holds"
        case AskTask():
            return "ask"
        case PredictTask():
            return "predict"


def _tasks(lesson: Lesson, progress: Progress) -> list[dict[str, Any]]:
    names = tuple(lesson.tasks)
    current = progress.current(names)
    rows = []
    for name in names:
        kept = progress.task(name)
        state = "done" if kept.done else "skipped" if kept.skipped else "open" if name == current else "later"
        row = {"name": name, "title": page_words(lesson.tasks[name].title), "state": state, "attempts": kept.attempts}
        rows.append(row | {"hints": kept.hints, "shown": kept.solution_shown})
    return rows


def kind_of(message: Message) -> str:
    """A word for what a message is."""
    match message:
        case TaskBegun():
            return "begun"
        case TaskDone():
            return "done"
        case NotDone():
            return "not_done"
        case HintShown():
            return "hint"
        case SolutionShown():
            return "solution"
        case Note():
            return "note"
        case TaskHeld():
            return "held"
        case LessonDone():
            return "over"


def message_html(message: Message) -> str:
    """What an author wrote is Markdown, in the words of the page; what comes from the lab is text."""
    match message:
        case TaskBegun(number=number, total=total, title=title):
            return f"<p>Task {number} of {total}: {escape(title)}</p>"
        case TaskDone(because=text):
            return f"<p>{escape(text)}</p>"
        case NotDone(sentence=text) | Note(text=text) | TaskHeld(text=text):
            return f"<p>{escape(text)}</p>"
        case HintShown(number=number, total=total, text=text):
            return f"<p>Hint {number} of {total}:</p>{markdown_html(page_words(text))}"
        case SolutionShown(text=text):
            return f"<pre><code>{escape(text)}</code></pre>"
        case LessonDone(text=text):
            return f"{markdown_html(page_words(text))}<p>{escape(end_text(message))}</p>"


def markdown_html(text: str) -> str:
    """Markdown without HTML in it: a tag is shown as it is written."""
    html: str = _markdown().render(text)
    return html


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")
