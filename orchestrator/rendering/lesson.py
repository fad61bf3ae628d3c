"""What a lesson tells a learner, as lines of plain text for a terminal of any width."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

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
from orchestrator.rendering.quantities import counted

WIDEST = 100
LEAST_WIDTH = 30
# Below so many columns there is no room for empty columns below a label that is longer than this.
NARROW, SHORT_LABEL, NARROW_INDENT = 60, 6, 2
# A command stays on one line, so that a reader can copy it: one in backticks, or one that ends a wirelab sentence.
COMMAND = re.compile(r"`([^`]+)`|(?<=: )(wirelab [^:`]+)$")
ITEM = "- "  # begins an item of a list
PROGRAM = re.compile(r"[a-z0-9-]+\$ ")
UNBROKEN_BLANK = "\N{NO-BREAK SPACE}"  # textwrap breaks no line there


def message_text(message: Message, width: int) -> str:
    """The text of a message, wrapped at words to the width."""
    return "\n".join(_lines(message, max(LEAST_WIDTH, min(width, WIDEST))))


def _lines(message: Message, width: int) -> Iterator[str]:
    match message:
        case TaskBegun():
            yield from _task(message, width)
        case TaskDone(because=because):
            yield from _labelled("done: ", because, width)
        case NotDone(sentence=sentence, layer=layer, is_cause=is_cause):
            why = f"why ({layer}): " if layer else "why: "
            yield from _labelled(why if is_cause else "not yet: ", sentence, width)
        case HintShown(number=number, total=total, text=text):
            yield from _labelled(f"hint {number} of {total}: ", _with_whole_commands(text), width)
        case SolutionShown(text=text):
            is_program = PROGRAM.match(text)  # a reader copies it
            yield from _labelled("solution: ", text.replace(" ", UNBROKEN_BLANK) if is_program else text, width)
        case Note(text=text) | TaskHeld(text=text):
            yield from _wrapped(text, width)
        case LessonDone():
            yield from _end(message, width)


def _task(message: TaskBegun, width: int) -> Iterator[str]:
    yield ""
    yield f"--- task {message.number} of {message.total} ".ljust(width, "-")
    if message.text:
        yield from _wrapped(message.text, width, is_authored=True)
        yield ""
    yield from _labelled("? " if message.is_question else "> ", message.title, width)
    for number, choice in enumerate(message.choices, 1):
        yield from _labelled(f"  {number}  ", choice, width)
    for sentence in message.allowed:
        yield from _labelled("  - ", _with_whole_commands(sentence), width)


def _end(message: LessonDone, width: int) -> Iterator[str]:
    yield ""
    yield "--- the end ".ljust(width, "-")
    if message.text:
        yield from _wrapped(message.text, width, is_authored=True)
        yield ""
    yield from _wrapped(end_text(message), width)


def end_text(message: LessonDone) -> str:
    """What it took to do the lesson."""
    counts = (counted(message.attempts, "attempt"), counted(message.hints, "hint"))
    shown = f", {counted(message.solutions, 'solution')} shown" if message.solutions else ""
    return f"{message.done} of {counted(message.total, 'task')} done; {', '.join(counts)}{shown}."


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    """A text behind its label. A long word, such as the name of a file, is not broken: a reader copies it."""
    yield from _broken_at_words(text, width, label) or [label]


def _broken_at_words(text: str, width: int, label: str = "") -> list[str]:
    """The text behind its label goes on below its own beginning, where there is room for that."""
    indent = len(label) if width >= NARROW or len(label) <= SHORT_LABEL else NARROW_INDENT
    longest = max(map(len, re.split(r"[ \n]", text)))
    indent = min(indent, width - longest) if longest <= width else indent
    wrapper = textwrap.TextWrapper(width, label, " " * indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace(UNBROKEN_BLANK, " ") for line in wrapper.wrap(text)]


def _with_whole_commands(text: str) -> str:
    """A text of an author or of wirelab, with each command on one line. What comes from the lab stays as it is."""
    return COMMAND.sub(lambda command: re.sub(r"\s+", UNBROKEN_BLANK, command[1] or command[2]), text)


def _wrapped(text: str, width: int, *, is_authored: bool = False) -> Iterator[str]:
    """Paragraphs and the lines of lists wrapped at words; blocks of code stay as they are.

    What an author wrote may hold commands.
    """
    in_code = False
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        in_code = in_code or paragraph.startswith("```")
        if in_code or paragraph.startswith("    "):
            yield from (line for line in paragraph.splitlines() if not line.startswith("```"))
            in_code = in_code and not paragraph.rstrip().endswith("```")
        elif paragraph.startswith(ITEM):
            for line in paragraph.splitlines():
                label = ITEM if line.startswith(ITEM) else " " * len(ITEM)
                item = line.removeprefix(ITEM).strip()
                yield from _labelled(label, _with_whole_commands(item) if is_authored else item, width)
        else:
            yield from _broken_at_words(_with_whole_commands(paragraph) if is_authored else paragraph, width)


def course_text(lessons: Sequence[Mapping[str, str]], width: int) -> str:
    """The lessons in the order in which they build on each other, one line each."""
    names = max((len(lesson["name"]) for lesson in lessons), default=0)
    lines = ["The lessons, in an order in which each builds on those before:", ""]
    for lesson in lessons:
        label = f"  {lesson['name'].ljust(names)}  "
        lines += _labelled(label, f"{lesson['title']} ({lesson['minutes']} min, {lesson['progress']})", width)
    if name := next((lesson["name"] for lesson in lessons if lesson["progress"] != "done"), None):
        lines += ["", f"Begin or continue: wirelab learn {name}"]
    return "\n".join(lines)
