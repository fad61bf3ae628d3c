"""Results that were handed in: the right one, and each way in which one is not."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
import recorded_packets
from pydantic import TypeAdapter

from orchestrator.lessons.collected import Collection, ResultJudge
from orchestrator.lessons.evidence import answer_evidence
from orchestrator.lessons.lesson import Lesson
from orchestrator.lessons.packet_evidence import not_kept
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.lessons.questions import Question
from orchestrator.lessons.sealed_result import WITHOUT_PACKETS, ResultOrigin, seal_of, sealed_document
from orchestrator.lessons.seat_code import SeatCode
from orchestrator.lessons.seed import shuffled
from orchestrator.model.secret import Secret
from orchestrator.rendering.collected import collection_csv, collection_document, collection_page, collection_text

LESSON = TypeAdapter(Lesson).validate_python(
    {
        "title": "DNS",
        "minutes": 5,
        "shell": ["client"],
        "tasks": {
            "look-up": {
                "title": "Look up",
                "observe": {"from": "client", "resolves": "app.shop.lab", "to": "app"},
                "solve": {"from": "client", "run": ["dig", "app.shop.lab"]},
            },
            "ask": {
                "title": "Who?",
                "ask": "choices",
                "choices": ["one", "two", "three", "four"],
                "truth": {"value": "two", "source": "x"},
                "because": "x",
            },
        },
    }
)
CODES = {f"seat0{n}": SeatCode("monday", f"seat0{n}", n, Secret(str(n * 10**20))) for n in (1, 2, 3)}


def load(_seed: int, _addresses: Mapping[str, str]) -> Lesson:
    return LESSON


JUDGE = ResultJudge("monday", "basic", "v1", CODES, load, recorded_packets.decode)


def evidence_of(seat: int) -> dict[str, Any]:
    """Each seat has looked up the name, and answered the question."""
    choices = shuffled(LESSON.tasks["ask"].choices, seat, "Who?")  # type: ignore[union-attr]
    answered = {**answer_evidence(Question(choices, "two"), "two"), **recorded_packets.LAB}
    asked = recorded_packets.evidence("web", recorded_packets.lookup("web", seat - 1))
    return {"look-up": asked, "ask": answered}


def progress_of(seat: int, evidence: Mapping[str, Any]) -> Progress:
    times = {"look-up": 100.0 + seat, "ask": 160.0 + seat}
    tasks = {
        name: TaskProgress(done=True, attempts=2, begun_at=40.0 + seat, done_at=times[name], evidence=evidence[name])
        for name in evidence
    }
    return Progress("basic", seat, f"monday-seat0{seat}", tasks)


def document(seat: int, progress: Progress | None = None, **origin: Any) -> dict[str, Any]:
    """The result of a seat, sealed with its own secret."""
    code = CODES[f"seat0{seat}"]
    values = ResultOrigin(**{"wirelab": "0.2.0", "class_name": "monday", "seat": code.seat, "version": "v1", **origin})
    return sealed_document(values, progress or progress_of(seat, evidence_of(seat)), 500.0, code.secret)


def collected(**documents: Any) -> Collection:
    return JUDGE.collection(
        [(name, json.dumps(value).encode() if isinstance(value, dict) else value) for name, value in documents.items()]
    )


def verdicts(collection: Collection) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(judged.file, judged.verdict, judged.reasons) for judged in collection.files]


@pytest.mark.slow
def test_right_results_are_right_and_who_is_missing_is_named() -> None:
    collection = collected(a=document(1), b=document(2))
    assert verdicts(collection) == [("a", "right", ()), ("b", "right", ())]
    assert [task.judgement.verdict for task in collection.files[0].tasks] == ["holds", "holds"]
    assert collection.missing == ("seat03",)
    assert not collection.is_wrong
    assert not collection.is_unknown


def test_what_is_altered_without_the_secret_is_named() -> None:
    changed = document(1)
    changed["tasks"]["look-up"]["attempts"] = 1
    assert verdicts(collected(a=changed))[0][1:] == (
        "altered",
        ("it was altered by somebody who does not know the secret of the seat",),
    )
    unknown = {**document(1), "seat": "seat09"}
    assert verdicts(collected(a=unknown))[0][1:] == ("altered", ("the class has no seat seat09",))
    collection = collected(a=changed)
    assert collection.is_wrong
    assert collection.missing == ("seat01", "seat02", "seat03")


@pytest.mark.slow
def test_a_result_under_another_name_is_named_with_whose_it_is() -> None:
    """A copy with the name changed alone, and the same sealed with the secret of the seat that was copied."""
    renamed = {**document(2), "seat": "seat01"}
    own, copied = verdicts(collected(own=document(2), renamed=renamed))
    assert own[1] == "right"
    assert copied[1] == "altered"
    assert copied[2][1] == "ask, look-up: the evidence is that of seat02"
    sealed = {**renamed, "seal": seal_of(renamed, CODES["seat02"].secret)}
    assert verdicts(collected(a=sealed))[0][1:] == (
        "other seat",
        ("it says seat01, and is sealed with the secret of seat02",),
    )


@pytest.mark.slow
def test_the_seed_of_another_seat_is_named() -> None:
    other = document(1, replace(progress_of(2, evidence_of(2)), seed=2))
    assert verdicts(collected(a=other))[0][1:] == ("other seed", ("its values are those of seat02",))
    own_seed = document(1, replace(progress_of(2, evidence_of(2)), seed=1))
    assert verdicts(collected(a=own_seed))[0][1:] == (
        "wrong evidence",
        ("ask: the choices stand in the order of another seed",),
    )


@pytest.mark.slow
def test_evidence_of_another_seat_is_a_copy_in_both() -> None:
    evidence = {**evidence_of(1), "look-up": evidence_of(2)["look-up"]}
    collection = collected(a=document(1, progress_of(1, evidence)), b=document(2), c=document(3))
    assert verdicts(collection) == [
        ("a", "copied", ("look-up: the evidence is that of seat02",)),
        ("b", "copied", ("look-up: the evidence is that of seat01",)),
        ("c", "right", ()),
    ]


@pytest.mark.slow
def test_who_has_no_secret_or_another_seed_accuses_nobody() -> None:
    assert verdicts(collected(a=document(1), b={**document(1), "seat": "seat02"}))[0] == ("a", "right", ())
    right, thief = verdicts(collected(a=document(1), b=document(2, progress_of(1, evidence_of(1)))))
    assert right == ("a", "right", ())
    assert thief[1:] == (
        "other seed",
        ("its values are those of seat01", "ask, look-up: the evidence is that of seat01"),
    )


def test_evidence_that_does_not_hold_or_is_not_there_is_named() -> None:
    wrong = evidence_of(1)
    wrong["look-up"]["exchange"]["rcode"] = "NXDOMAIN"
    [(_, verdict, (reason,))] = verdicts(collected(a=document(1, progress_of(1, wrong))))
    assert verdict == "wrong evidence"
    assert reason.startswith("look-up: client asked dns for app.shop.lab A: NXDOMAIN")
    none: dict[str, Any] = {"look-up": None, "ask": {"kind": "answer"}}
    assert verdicts(collected(a=document(1, progress_of(1, none))))[0][2] == (
        "look-up: no evidence was kept",
        "ask: the addresses of its lab are none",
    )


@pytest.mark.parametrize(
    ("packets", "verdict", "why"),
    [
        (None, "no packets", "look-up: no packets were kept"),
        (
            not_kept("they have more than 32 KiB"),
            "no packets",
            "look-up: its packets were not kept: they have more than",
        ),
        ({"pcapng": "%"}, "wrong evidence", "look-up: the packets cannot be read: they are no base64"),
    ],
)
def test_packets_that_are_not_there_or_cannot_be_read_are_named(packets: Any, verdict: str, why: str) -> None:
    evidence = evidence_of(1)
    evidence["look-up"]["packets"] = packets
    collection = collected(a=document(1, progress_of(1, evidence)))
    [(_, said, (reason,))] = verdicts(collection)
    assert (said, reason[: len(why)]) == (verdict, why)
    assert (collection.is_wrong, collection.is_unknown) == (verdict == "wrong evidence", verdict == "no packets")


def test_packets_of_another_seat_are_a_copy_whatever_the_rest_says() -> None:
    """The packets alone are copied; the exchange, and when the task was done, are made up."""
    evidence = evidence_of(1)
    evidence["look-up"]["packets"] = evidence_of(2)["look-up"]["packets"]
    collection = collected(a=document(1, progress_of(1, evidence)), b=document(2), c=document(3))
    first, second, third = verdicts(collection)
    assert first[1] == "wrong evidence"
    assert first[2][1] == "look-up: the evidence is that of seat02"
    assert (second[1], third[1]) == ("right", "right")


def test_a_result_of_before_packets_were_kept_has_a_sentence_of_its_own() -> None:
    made = {**document(1), "schema": WITHOUT_PACKETS}
    for task in made["tasks"].values():
        task["evidence"].pop("packets", None)
    made["seal"] = seal_of(made, CODES["seat01"].secret)
    collection = collected(a=made)
    [(_, verdict, (reason,))] = verdicts(collection)
    assert verdict == "other version"
    assert reason.startswith("an earlier wirelab (0.2.0) made it, which kept no packets")
    assert collection.missing == ("seat02", "seat03")
    later = {**document(1), "schema": 99}
    assert verdicts(collected(a=later))[0][2] == ("a later wirelab made it: collect it with that version",)


def test_without_what_reads_packets_nothing_is_wrong_and_nothing_is_right() -> None:
    collection = replace(JUDGE, decode=None).collection([("a", json.dumps(document(1)).encode())])
    reason = "look-up: its packets were not read: that needs a container engine"
    assert verdicts(collection) == [("a", "no packets", (reason,))]


def test_another_version_another_class_and_what_is_no_result_are_named() -> None:
    collection = collected(a=document(1, version="v0"), b=b"{", c="it is a link", d=document(2, class_name="friday"))
    assert [(verdict, why) for _, verdict, why in verdicts(collection)] == [
        ("other version", ("it was made with another version of the lesson; the evidence is not judged",)),
        ("unreadable", ("it is no JSON (line 1, column 2)",)),
        ("unreadable", ("it is a link",)),
        ("other class", ("it is of the class friday",)),
    ]
    assert collection.is_unknown
    assert collected(a=document(1, version="v0")).files[0].tasks[0].judgement.verdict == "not judged"


@pytest.mark.slow
def test_a_class_of_thirty_takes_little_time_and_memory() -> None:
    """Thirty results with 1 MiB of evidence each, one after the other; only one is in memory as text."""
    codes = {f"seat{n:02}": SeatCode("monday", f"seat{n:02}", n, Secret(str(n * 10**20))) for n in range(1, 31)}
    judge = replace(JUDGE, codes=codes)

    def handed_in() -> Iterator[tuple[str, bytes]]:
        for code in codes.values():
            evidence = {**evidence_of(1), "look-up": {"kind": "dns", "exchange": {"filler": "x" * 1_000_000}}}
            origin = ResultOrigin("0.2.0", "monday", code.seat, "v1")
            made = sealed_document(origin, progress_of(code.seed, evidence), 500.0, code.secret)
            yield code.seat, json.dumps(made).encode()

    tracemalloc.start()
    began = time.process_time()
    collection = judge.collection(handed_in())
    seconds, (kept, most) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {judged.verdict for judged in collection.files} == {"wrong evidence"}
    assert len(collection.files) == 30
    assert most < 15 * 2**20, f"{most / 2**20:.0f} MiB at most, {kept / 2**20:.0f} kept"
    assert seconds < 30  # only ends what hangs


def test_the_newest_result_of_a_seat_counts() -> None:
    older = {**document(1), "written_at": 400.0}
    older = {**older, "seal": seal_of(older, CODES["seat01"].secret)}
    collection = collected(a=older, b=document(1))
    assert verdicts(collection) == [("a", "older", ("b of the same seat is newer, or the same",)), ("b", "right", ())]
    assert not collection.is_wrong


def test_results_as_text_json_csv_and_page() -> None:
    hostile = {**document(2), "seat": "<script>\x1b[2J"}
    collection = JUDGE.collection(
        [("a.json", json.dumps(document(1)).encode()), ("=cmd()\u202e.json", json.dumps(hostile).encode())]
    )
    text, page = collection_text(collection), collection_page(collection)
    assert re.search(r"^a.json +seat01 +2 of 2 +right$", text, re.MULTILINE)
    assert "no result of: seat02, seat03" in text
    assert "\x1b" not in text + page + collection_csv(collection)
    assert "<script>\\x1b" not in page
    assert "can forge packets" in page
    assert "monday,basic,a.json,seat01,right,,look-up,done,holds,packets,2,0,no,1.0\r\n" in collection_csv(collection)
    assert "monday,basic,'=cmd()\\u202e.json,<script>\\x1b[2J,altered,the class has no seat" in collection_csv(
        collection
    )
    files = collection_document(collection)["files"]
    assert [(file["verdict"], len(file["tasks"])) for file in files] == [("right", 2), ("altered", 0)]


@pytest.mark.slow
@pytest.mark.parametrize("key", list(asdict(TaskProgress())))
def test_a_sealed_result_of_another_form_raises_nothing(key: str) -> None:
    """Who owns the secret can seal anything."""
    values: list[Any] = [None, [], {"kind": "dns"}, "x" * 1000, -(10**300), 1e308, True]
    for value in values:
        made = document(1)
        made["tasks"]["look-up"][key] = value
        made["seal"] = seal_of(made, CODES["seat01"].secret)
        assert collected(a=made).files[0].verdict in ("right", "wrong evidence", "unreadable")
