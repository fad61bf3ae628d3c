"""The labs that stand, and what is left of others: as `wirelab ls` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from orchestrator.checks.verdict import Verdict, worst
from orchestrator.planning.leftovers import LabLeftovers
from orchestrator.rendering.quantities import counted, duration_text
from orchestrator.rendering.tables import table


@dataclass(frozen=True)
class LastCheck:
    """What the last run of checks found; `at` is in seconds since 1970."""

    at: float
    verdicts: tuple[Verdict, ...]

    def document(self) -> dict[str, Any]:
        """The verdict on all checks, and how many of them have each verdict."""
        counts = {verdict: self.verdicts.count(verdict) for verdict in get_args(Verdict)}
        return {"verdict": worst(self.verdicts), **counts, "at": self.at}


@dataclass(frozen=True)
class LabSummary:
    """One lab: its containers, who made it and when, what is broken in it on purpose, and how its last check ended.

    `ends` is when it removes itself, if it does, and `has_timer` whether a process waits for that moment.
    `member` is the one on whose engine it stands, empty for the engine in use.
    Times are in seconds since 1970. Of a lab of somebody else (`owner` is None) only what the engine tells is known.
    """

    lab: str
    scenario: str
    nodes: int
    running: int
    owner: str | None
    run: str = ""
    made: float = 0.0
    file: str = ""
    faults: int = 0
    check: LastCheck | None = None
    ends: float | None = None
    has_timer: bool = False
    member: str = ""


def labs_document(labs: Sequence[LabSummary], left: Sequence[LabLeftovers] = ()) -> dict[str, Any]:
    """The labs, and what is `left` of those whose removal is not complete."""
    return {
        "schema": 1,
        "labs": [_lab_document(lab) for lab in labs],
        "left": [
            {
                "lab": leftovers.lab,
                "containers": leftovers.containers,
                "networks": leftovers.networks,
                "volumes": leftovers.volumes,
                "command": leftovers.command,
            }
            for leftovers in left
        ],
    }


def _lab_document(lab: LabSummary) -> dict[str, Any]:
    return {
        "lab": lab.lab,
        "scenario": lab.scenario,
        "file": lab.file or None,
        "nodes": lab.nodes,
        "running": lab.running,
        "owner": lab.owner,
        "member": lab.member or None,
        "run": lab.run,
        "made": lab.made or None,
        "faults": lab.faults,
        "check": lab.check.document() if lab.check else None,
        "ends": lab.ends,
        "timer": lab.has_timer,
    }


def labs_text(
    document: dict[str, Any], now: float = 0.0, width: int | None = None, *, has_members: bool = False
) -> str:
    """The same as a table. `now` is the time to which ages are counted."""
    labs = document["labs"]
    headings: tuple[str, ...] = ("LAB", "SCENARIO", "RUNNING", "AGE", "OWNER", "FAULTS", "LAST CHECK")
    rows = [_row(lab, now) for lab in labs]
    if has_members:
        headings = (*headings, "MEMBER")
        rows = [(*row, lab["member"] or "-") for row, lab in zip(rows, labs, strict=True)]
    if any(lab["ends"] for lab in labs):
        headings = (*headings, "ENDS")
        rows = [(*row, _end_text(lab, now)) for row, lab in zip(rows, labs, strict=True)]
    text = table(headings, rows, width) if rows else "no lab is up"
    if hints := [hint for lab in labs if (hint := _end_hint(lab, now))]:
        text = "\n".join((text, "", *hints))
    leftovers = [LabLeftovers(d["lab"], d["containers"], d["networks"], d["volumes"]) for d in document["left"]]
    return f"{text}\n\n{leftovers_text(leftovers)}" if leftovers else text


def _end_text(lab: dict[str, Any], now: float) -> str:
    if not lab["ends"]:
        return "-"
    remaining = lab["ends"] - now
    return f"in {duration_text(remaining)}" if remaining > 0 else f"{duration_text(-remaining)} ago"


def _end_hint(lab: dict[str, Any], now: float) -> str:
    """What to do where nobody waits for the end of a lab: somebody killed the timer, or the machine was restarted."""
    if not lab["ends"] or lab["timer"]:
        return ""
    if lab["ends"] <= now:
        return f"the time of the lab {lab['lab']!r} is over; remove it: wirelab sweep"
    return f"nothing waits for the end of the lab {lab['lab']!r}; to start its timer again: wirelab up {lab['lab']}"


def _row(lab: dict[str, Any], now: float) -> tuple[str, ...]:
    check = lab["check"]
    return (
        lab["lab"],
        lab["scenario"],
        f"{lab['running']} of {lab['nodes']}",
        duration_text(now - lab["made"]) if lab["made"] else "-",
        lab["owner"] or "another",
        str(lab["faults"] or "-"),
        f"{check['verdict']}, {duration_text(now - check['at'])} ago" if check else "-",
    )


def leftovers_text(leftovers: Sequence[LabLeftovers]) -> str:
    """One line a lab: what is left of it, and the command that removes it."""
    return "\n".join(
        f"of the lab {lab_leftovers.lab!r} {left_words(lab_leftovers)} left; "
        f"remove {'it' if lab_leftovers.count == 1 else 'them'}: {lab_leftovers.command}"
        for lab_leftovers in leftovers
    )


def left_words(leftovers: LabLeftovers) -> str:
    """What is left of a lab, with its verb: `1 network is`."""
    counts = (
        ("container", leftovers.containers),
        ("network", leftovers.networks),
        ("volume", leftovers.volumes),
    )
    words = [counted(count, noun) for noun, count in counts if count]
    things = " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)
    return f"{things or 'files'} {'is' if leftovers.count == 1 else 'are'}"
