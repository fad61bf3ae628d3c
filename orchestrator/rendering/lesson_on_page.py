"""The words of a lesson that depend on where one learns: an author writes those for the terminal, the page has its own.

In the terminal, the lesson fills one terminal and the client's shell another, so a command of wirelab needs a third.
The page has the lesson and the shells. Its steps are moved by buttons, and what is a word in the terminal is a button.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# What an author writes for the terminal, and what the page says instead. A text may break at any blank.
PHRASES = (
    (r"\ba third terminal\b", "a terminal of your machine"),
    (r"\bthe third terminal\b", "the terminal of your machine"),
    (r"\btype their numbers, such as [0-9 ]+[0-9]\.", "put them in order with the arrows."),
    (r"\bin this terminal, the word \"why\" helps", 'the button "Why not?" helps'),
)
PATTERNS = tuple((re.compile(terms.replace(" ", r"\s+"), re.IGNORECASE), words) for terms, words in PHRASES)
# A command that a learner may use, and what does the same on the page.
HERE = {
    "wirelab heal": 'On this page: "Heal all" below Faults.',
    "wirelab shell": "On this page: open a terminal of this node.",
}


def page_words(text: str) -> str:
    """The text as the page shows it."""
    for pattern, words in PATTERNS:
        text = pattern.sub(_with_case(words), text)
    return text


def _with_case(words: str) -> Callable[[re.Match[str]], str]:
    """Gives the words, with a capital letter where the text has one."""
    return lambda match: words[0].upper() + words[1:] if match[0][0].isupper() else words


def allowed_on_page(sentence: str) -> str:
    """What a learner may do to repair the lab, and how the page does it."""
    ways = (way for command, way in HERE.items() if command in sentence)
    return ". ".join((sentence, *ways))
