"""Judge the results that learners of a class handed in: their seals, seeds and evidence, and what two of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any, Literal

from orchestrator.errors import FileInvalid
from orchestrator.lessons.board import TaskState, task_state
from orchestrator.lessons.evidence import Judgement, identities, judge
from orchestrator.lessons.lesson import Lesson
from orchestrator.lessons.packet_evidence import Decode
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.lessons.sealed_result import SealedResult, is_sealed_with, read_result
from orchestrator.lessons.seat_code import SeatCode

Verdict = Literal[
    "right",
    "older",
    "altered",
    "other class",
    "other seat",
    "other seed",
    "copied",
    "wrong evidence",
    "no packets",
    "other version",
    "unreadable",
]
# What of a verdict is a fault of the result, and what nobody can judge here.
WRONG: frozenset[Verdict] = frozenset(
    {"altered", "other class", "other seat", "other seed", "copied", "wrong evidence"}
)
UNKNOWN: frozenset[Verdict] = frozenset({"no packets", "other version", "unreadable"})
# The first of these that a file bears gives way to one that says more.
YIELDING: frozenset[Verdict] = frozenset({"right", "other version", "no packets"})
# The verdict on a file in which the evidence of a task is so.
REASONS: Mapping[str, Verdict] = {"does not hold": "wrong evidence", "no packets": "no packets"}
LONGEST_REASON = 300
NOTHING_KEPT = Judgement("does not hold", "no evidence was kept")
NOT_DONE = Judgement("not judged")


@dataclass(frozen=True)
class TaskResult:
    """One task of a result; what is not done has no evidence to be judged. `progress` is without its evidence."""

    name: str
    state: TaskState
    judgement: Judgement
    progress: TaskProgress


@dataclass(frozen=True)
class JudgedFile:
    """One file that was handed in. `seat` is the one that it names; `identities` is evidence -> its task."""

    file: str
    verdict: Verdict
    seat: str = ""
    reasons: tuple[str, ...] = ()
    tasks: tuple[TaskResult, ...] = ()
    written_at: float = 0.0
    is_sealed: bool = False
    identities: Mapping[tuple[Any, ...], str] = field(default_factory=dict)

    def with_reason(self, verdict: Verdict, reason: str) -> JudgedFile:
        """The same with one more reason; the first verdict that is not `right` stays."""
        gives_way = self.verdict == "right" or (self.verdict in YIELDING and verdict not in YIELDING)
        kept = verdict if gives_way else self.verdict
        return replace(self, verdict=kept, reasons=(*self.reasons, printable(reason)))


@dataclass(frozen=True)
class Collection:
    """All files of a class that were handed in, and the seats of which there is none that is sealed."""

    class_name: str
    lesson: str
    files: tuple[JudgedFile, ...]
    missing: tuple[str, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether a result is not what its seat did."""
        return any(judged.verdict in WRONG for judged in self.files)

    @property
    def is_unknown(self) -> bool:
        """Whether there is a file that cannot be judged here."""
        return any(judged.verdict in UNKNOWN for judged in self.files)


@dataclass(frozen=True)
class ResultJudge:
    """Knows the class, its seats, and the lesson by its version; `load` gives the lesson for a seed and addresses.

    `decode` reads the packets of a task; None where nothing can.
    """

    class_name: str
    lesson: str
    version: str
    codes: Mapping[str, SeatCode]
    load: Callable[[int, Mapping[str, str]], Lesson]
    decode: Decode | None = None

    def collection(self, handed_in: Iterable[tuple[str, bytes | str]]) -> Collection:
        """Judge all files, one by one: each is a name and its content, or why it cannot be read."""
        files = _without_older([self._judged(printable(file), content) for file, content in handed_in])
        judged = tuple(_with_copies(judged, files) for judged in files)
        there = {judged.seat for judged in judged if judged.is_sealed}
        return Collection(self.class_name, self.lesson, judged, tuple(seat for seat in self.codes if seat not in there))

    def _judged(self, file: str, content: bytes | str) -> JudgedFile:
        if isinstance(content, str):
            return JudgedFile(file, "unreadable", reasons=(printable(content),))
        try:
            result, document = read_result(content)
        except ValueError as error:
            return JudgedFile(file, "unreadable", reasons=(printable(str(error)),))
        judged = JudgedFile(file, "right", printable(result.seat), written_at=result.written_at)
        judged = replace(judged, identities=_identities(result))
        if result.class_name != self.class_name:
            return judged.with_reason("other class", f"it is of the class {result.class_name}")
        judged = self._with_seal(judged, result.seat, document)
        return self._with_tasks(judged, result) if judged.is_sealed else judged

    def _with_seal(self, judged: JudgedFile, seat: str, document: dict[str, Any]) -> JudgedFile:
        code = self.codes.get(seat)
        if code and is_sealed_with(document, code.secret):
            return replace(judged, is_sealed=True)
        sealed_by = next((name for name, code in self.codes.items() if is_sealed_with(document, code.secret)), None)
        if sealed_by:
            return judged.with_reason("other seat", f"it says {seat}, and is sealed with the secret of {sealed_by}")
        if code is None:
            return judged.with_reason("altered", f"the class has no seat {seat}")
        return judged.with_reason("altered", "it was altered by somebody who does not know the secret of the seat")

    def _with_tasks(self, judged: JudgedFile, result: SealedResult) -> JudgedFile:
        """Judge the seed, the version and each task."""
        if result.seed != self.codes[result.seat].seed:
            owner = next((seat for seat, code in self.codes.items() if code.seed == result.seed), "no seat")
            judged = judged.with_reason("other seed", f"its values are those of {owner}")
        is_ours = (result.lesson, result.version) == (self.lesson, self.version)
        if result.is_without_packets:
            earlier = (
                f"an earlier wirelab ({result.wirelab}) made it, which kept no packets; the evidence is not judged"
            )
            judged = judged.with_reason("other version", f"{earlier}. Do the lesson again with this version")
            is_ours = False
        elif not is_ours:
            what = "another version of the lesson" if result.lesson == self.lesson else f"the lesson {result.lesson}"
            judged = judged.with_reason("other version", f"it was made with {what}; the evidence is not judged")
        progress = Progress(result.lesson, result.seed, result.seat, result.tasks)
        names = tuple(self.load(result.seed, {}).tasks)
        tasks = tuple(self._task(name, names, progress, is_ours) for name in names)
        for task in tasks:
            if verdict := REASONS.get(task.judgement.verdict):
                judged = judged.with_reason(verdict, f"{task.name}: {task.judgement.why}")
        return replace(judged, tasks=tasks)

    def _task(self, name: str, names: Sequence[str], progress: Progress, is_ours: bool) -> TaskResult:
        kept = progress.task(name)
        state = task_state(kept, name == progress.current(names))
        judgement = self._judgement(name, kept, progress.seed) if kept.done and is_ours else NOT_DONE
        return TaskResult(name, state, judgement, replace(kept, evidence=None))

    def _judgement(self, name: str, kept: TaskProgress, seed: int) -> Judgement:
        if kept.evidence is None:
            return NOTHING_KEPT
        try:
            nodes = {str(node): str(ip_address(text)) for node, text in dict(kept.evidence["nodes"]).items()}
            task = self.load(seed, nodes).tasks[name]
        except (KeyError, ValueError, TypeError, FileInvalid):
            return Judgement("does not hold", "the addresses of its lab are none")
        return judge(task, kept.evidence, seed, self.decode)


def _identities(result: SealedResult) -> Mapping[tuple[Any, ...], str]:
    done = {name: task for name, task in result.tasks.items() if task.done and task.evidence is not None}
    return {known: name for name, task in done.items() for known in identities(task.evidence or {}, task.done_at)}


def _without_older(files: Sequence[JudgedFile]) -> list[JudgedFile]:
    """Of several results of one seat the newest one counts; the others bear the verdict `older`."""
    newest: dict[str, JudgedFile] = {}
    for judged in files:
        if judged.is_sealed and (judged.seat not in newest or judged.written_at > newest[judged.seat].written_at):
            newest[judged.seat] = judged
    return [
        judged.with_reason("older", f"{newest[judged.seat].file} of the same seat is newer, or the same")
        if judged.is_sealed and newest[judged.seat] is not judged
        else judged
        for judged in files
    ]


def _with_copies(judged: JudgedFile, files: Sequence[JudgedFile]) -> JudgedFile:
    """Name each result of another seat that has the same evidence, and can have it: with its own secret and seed."""
    for other in files:
        shared = {task for known, task in judged.identities.items() if known in other.identities}
        is_same_seat = judged.is_sealed and other.seat == judged.seat
        can_be_owner = other.is_sealed and other.verdict in (*YIELDING, "older")
        if other is judged or not shared or not can_be_owner or is_same_seat:
            continue
        judged = judged.with_reason("copied", f"{', '.join(sorted(shared))}: the evidence is that of {other.seat}")
    return judged


def printable(text: str) -> str:
    """A text out of a file that anybody may have written, for a terminal and a page."""
    short = text[:LONGEST_REASON]
    return short if short.isprintable() else ascii(short)[1:-1]
