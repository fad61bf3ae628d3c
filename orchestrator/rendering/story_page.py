"""A story as a page: the sequence diagram and its messages, which one can step through, and the tree as text."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from orchestrator.rendering.event_sentences import ms
from orchestrator.rendering.page import Section, page, scrolling
from orchestrator.rendering.sequence import LOST, Message, diagram, heads, messages
from orchestrator.rendering.story import nothing, story_text, summary, warnings
from orchestrator.traffic.story import Story

# A diagram of more would be slow on a phone, and nobody reads it: 400 messages are some sixteen screens.
MOST = 400
HEADING = "What crossed the wire"

STEPS = """\
<div class="steps" role="group" aria-label="Step through the messages" hidden>
<button type="button" value="first">First</button>
<button type="button" value="back">Back</button>
<button type="button" value="next">Next</button>
<button type="button" value="last">Last</button>
<output aria-live="polite">Press the arrow keys, or Next, to go from message to message.</output>
</div>"""


def story_page(story: Story, title: str, command: str = "") -> str:
    """The story alone, as `wirelab trace --format html` prints it; `command` is the command line that was typed."""
    when = f"{datetime.fromtimestamp(story.began, UTC):%Y-%m-%d %H:%M:%S} UTC" if story.began else ""
    lines = [f"<p><code>{escape(command)}</code></p>"] if command else []
    lines += [f'<p class="soft">Captured {when}</p>'] if when else []
    return page(title, "\n".join(lines), [story_section(story)], "Made by wirelab from packets alone.")


def story_section(story: Story) -> Section:
    """The story as a part of a page; of a long one, the beginning, and it says so."""
    whole = messages(story)
    drawn = whole[:MOST]
    parts = [f'<p class="warning">{escape(line)}</p>' for line in warnings(story) if line]
    parts += [f"<p>Left out: {count} of {escape(label)}.</p>" for label, count in story.hidden]
    if not drawn:
        parts.append(f"<p>{nothing(story)}</p>")
        return Section("story", HEADING, "\n".join(parts), "story")
    if len(whole) > MOST:
        parts.append(f'<p class="warning">The first {MOST} of {len(whole)} messages are shown.</p>')
    entries = "".join(_entry(number, message) for number, message in enumerate(drawn, 1))
    parts += [
        f"<p>{escape(summary(story))}</p>",
        STEPS,
        scrolling("Sequence diagram", diagram(drawn), "figure", f'<div class="heads" hidden>{heads(drawn)}</div>'),
        "<details open><summary><h3>The messages, one after another</h3></summary>",
        f'<ol class="messages">{entries}</ol></details>',
        "<details><summary><h3>The same as a tree: what served what</h3></summary>",
        f'<pre tabindex="0" aria-label="The story as a tree">{escape(story_text(story))}</pre></details>',
    ]
    return Section("story", HEADING, "\n".join(parts), "story")


def _entry(number: int, message: Message) -> str:
    kind = ' class="lost"' if message.style == LOST else ""
    return (
        f'<li><a href="#m{number}" data-source="{escape(message.source)}" data-target="{escape(message.target)}"{kind}>'
        f'<span class="soft">{ms(message.at)}</span> <b>{escape(message.source)} to {escape(message.target)}:</b> '
        f"{escape(message.text)}</a></li>"
    )
