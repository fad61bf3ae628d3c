"""Stories from the recordings (tests/recordings), as the tests and the golden texts see them.

`python tests/support/recorded.py` writes the golden texts again. Read the difference before you commit it.
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.rendering.sequence import mermaid, svg
from orchestrator.rendering.story import json_lines, story_text
from orchestrator.traffic.exchanges import read_events
from orchestrator.traffic.exchanges.events import TrafficEvent
from orchestrator.traffic.packets import read_packets, sort_by_time
from orchestrator.traffic.story import Exclusion, Story, build_story

RECORDINGS = Path(__file__).parents[1] / "recordings"
GOLDEN = Path(__file__).parents[1] / "unit/traffic/story/golden"
NAMES = tuple(sorted(path.stem for path in RECORDINGS.glob("*.pcapng")))
NODES = {
    "192.168.231.10": "dns",
    "192.168.231.11": "db",
    "192.168.231.12": "app",
    "192.168.231.13": "client",
    "192.168.231.14": "client2",
    "192.168.231.15": "app2",
    "192.168.231.20": "dns2",
    "fd00:231::13": "client",
}


def lines(name: str) -> list[str]:
    """What tshark printed for the recording."""
    with (RECORDINGS / f"{name}.txt").open(newline="\n") as file:
        return list(file)


def events(name: str) -> list[TrafficEvent]:
    return list(read_events(sort_by_time(read_packets(lines(name))), NODES))


def recorded(name: str, exclusions: tuple[Exclusion, ...] = ()) -> Story:
    return build_story(events(name), exclusions=exclusions)


def golden_texts(name: str) -> dict[str, str]:
    """File name -> text. All forms for the first request, the terminal's for the others."""
    story = recorded(name)
    texts = {f"{name}.txt": story_text(story)}
    if name in ("first", "silent"):
        texts[f"{name}.jsonl"] = "\n".join(json_lines(story)) + "\n"
        texts[f"{name}.mmd"] = mermaid(story)
        texts[f"{name}.svg"] = svg(story)
    return texts


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.iterdir():
        old.unlink()
    for recording in NAMES:
        for file_name, text in golden_texts(recording).items():
            (GOLDEN / file_name).write_text(text)
