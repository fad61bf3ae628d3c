"""Which lines of a log a person sees: the last, those since a moment, and none of wirelab's own questions."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.engine.fake import FakeEngine
from orchestrator.lab.node_logs import LogSelection, followed_by_node, followed_lines, written_lines

PROBE = "queries: client @0x7f 127.0.0.1#44934 (wirelab-probe): query: wirelab-probe IN SOA -T (127.0.0.1)"
MARK = (
    "queries: client @0x7f 192.168.7.16#1 (w199b3cf399.log-mark): query: w199b3cf399.log-mark IN A -E(0) (192.168.7.10)"
)
QUESTION = "queries: client @0x7f 192.168.7.13#1 (www.shop.lab): query: www.shop.lab IN A -E(0) (192.168.7.10)"
LINES = {"dns": ["running", PROBE, QUESTION, MARK, QUESTION], "app": ["access 1", "access 2"]}


class Logs(FakeEngine):
    """An engine whose containers have written these lines, and have ended."""

    def log(self, container: str, since: float = 0.0) -> str:
        del since
        return "".join(f"{line}\n" for line in LINES[container])

    def follow(self, container: str, since: float = 0.0) -> Iterator[str]:
        del since
        yield from LINES[container]


ENGINE = Logs([])


def test_questions_of_wirelab_itself_are_left_out_unless_they_are_asked_for() -> None:
    assert written_lines(ENGINE, "dns", LogSelection()) == ["running", QUESTION, QUESTION]
    assert written_lines(ENGINE, "dns", LogSelection(own=True)) == LINES["dns"]


def test_the_last_lines_are_counted_without_those_that_are_left_out() -> None:
    assert written_lines(ENGINE, "dns", LogSelection(tail=2)) == [QUESTION, QUESTION]
    assert written_lines(ENGINE, "dns", LogSelection(tail=0)) == []
    assert list(followed_lines(ENGINE, "dns", LogSelection(tail=1))) == [QUESTION]
    assert list(followed_lines(ENGINE, "app", LogSelection(tail=9))) == LINES["app"]


def test_several_nodes_are_followed_at_once_until_all_have_ended() -> None:
    lines = list(followed_by_node(ENGINE, {"dns": "dns", "app": "app"}, LogSelection()))
    assert [line for node, line in lines if node == "app"] == LINES["app"]
    assert [line for node, line in lines if node == "dns"] == ["running", QUESTION, QUESTION]
