"""The words of lessons as entries to read: the keys of the front matter, and what a learner types."""

from __future__ import annotations

from functools import cache

from orchestrator.lessons.lesson import Lesson
from orchestrator.lessons.words import WORDS
from orchestrator.rendering.language_reference import Section, sections, sections_of

WHERE = "lesson"
# What the documents call a task that begins with something broken: it has no key of its own.
TERMS = {
    "repair": "A task with `holds` that breaks the lab first, by `fault` or `setup`; `allow` says how to repair it."
}


@cache
def lesson_sections() -> tuple[Section, ...]:
    """Every mapping of the front matter, each once. Checks and faults are those of the scenario language."""
    known = {_content(section) for section in sections()}
    new = {_content(section): section for section in reversed(sections_of(Lesson, WHERE))}
    return tuple(section for content, section in reversed(new.items()) if content not in known)


def _content(section: Section) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What a section says, wherever it stands."""
    return section.tag, tuple((entry.key, entry.meaning) for entry in section.entries)


def learner_words() -> dict[str, list[str]]:
    """Each word that means something in a lesson and is no key -> lines that explain it."""
    lines = {term: [f"{term}: a kind of task in a lesson", f"  {meaning}"] for term, meaning in TERMS.items()}
    for typed, meaning in WORDS.items():
        lines.setdefault(typed.split(" ")[0], ["typed in a lesson:"]).append(f"  {typed}: {meaning}")
    return lines
