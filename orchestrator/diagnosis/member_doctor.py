"""What a member can do for labs, judged: measured values in, rows with a verdict and a hint out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.diagnosis.doctor import MISSING, OK, OLDEST_API, OLDEST_PODMAN, WARNING, EngineFacts, Row, version_of
from orchestrator.diagnosis.doctor import free_ranges as count_free_ranges
from orchestrator.errors import WirelabError

# Further apart, the order of events from two machines is not to be read from their times.
CLOCK_SECONDS = 0.5
LEAST_MEMORY = 1024  # MiB
# A network that spans members carries packets of 1450 bytes, and VXLAN adds 50 (RFC 7348, section 5).
SPANNING_BYTES = 1500
_MIB = 1024 * 1024


@dataclass(frozen=True)
class MemberFacts:
    """What was measured of one member.

    `clock_offset` is how many seconds its clock is ahead, known within `clock_error`. `memory_free` is in MiB, None
    where nobody could measure it. `wanted_architecture` is that of the engine in use, empty where none answers.
    `images` has each of wirelab's images with its state; `sees_files` is None where that could not be tried. `packets`
    has the largest packet that reaches other machines of its Swarm, by their addresses; 0 where no ping is answered.
    """

    name: str
    engine: EngineFacts
    architecture: str
    wanted_architecture: str
    clock_offset: float
    clock_error: float
    memory_free: int | None
    images: Mapping[str, str]
    is_swarm_manager: bool
    sees_files: bool | None
    packets: Mapping[str, int] = field(default_factory=dict)


def member_rows(facts: MemberFacts) -> tuple[Row, ...]:
    """All that is known of the member, in the order in which it is read."""
    rows = (_engine_rows, _architecture_row, _files_row, _clock_row, _memory_row, _ranges_row, _images_row)
    return tuple(row for judge in (*rows, _swarm_row, _packet_rows) for row in judge(facts))


def answer_row(name: str, address: str, trouble: WirelabError | None) -> Row:
    """Whether a member answers, in the table of this machine."""
    if trouble:
        return Row(f"member {name}", WARNING, f"{address} does not answer: {trouble.why or trouble.what}", trouble.hint)
    return Row(f"member {name}", OK, f"{address} answers", f"what it has: wirelab members doctor {name}")


def _engine_rows(facts: MemberFacts) -> Iterator[Row]:
    engine = facts.engine
    named = f"{engine.product} {engine.version}, API {engine.api or 'unknown'}, kernel {engine.kernel}"
    if engine.product == "Podman" and version_of(engine.version) < OLDEST_PODMAN:
        yield Row("engine", MISSING, named, "wirelab needs Podman 4.3 or newer")
    elif version_of(engine.api) < OLDEST_API:
        yield Row("engine", MISSING, named, "wirelab needs API 1.41: install Docker Engine 20.10 or newer")
    elif engine.rootless:
        yield Row("engine", WARNING, f"{named}, rootless", "captures on this member see nothing of the labs")
    else:
        yield Row("engine", OK, named)


def _architecture_row(facts: MemberFacts) -> Iterator[Row]:
    if not facts.wanted_architecture:
        yield Row("architecture", OK, f"{facts.architecture}; no engine in use answers to compare it with")
    elif facts.architecture == facts.wanted_architecture:
        yield Row("architecture", OK, f"{facts.architecture}, as the engine in use")
    else:
        value = f"{facts.architecture}, and the engine in use has {facts.wanted_architecture}"
        yield Row("architecture", MISSING, value, "its images do not run there; use a machine of the same architecture")


def _files_row(facts: MemberFacts) -> Iterator[Row]:
    if facts.sees_files is None:
        yield Row("files of labs", WARNING, "not tried", "an image could not be made there; see the other rows")
    elif facts.sees_files:
        yield Row("files of labs", OK, "it sees the state folder of this machine")
    else:
        value = "it does not see the state folder of this machine"
        yield Row("files of labs", OK, value, "wirelab copies the files of a lab into a volume there")


def _clock_row(facts: MemberFacts) -> Iterator[Row]:
    offset, error = facts.clock_offset, facts.clock_error
    if abs(offset) <= max(error, CLOCK_SECONDS):
        yield Row("clock", OK, f"{abs(offset):.2f} s off, measured within {error:.2f} s")
        return
    side = "ahead of" if offset > 0 else "behind"
    value = f"{abs(offset):.1f} s {side} this machine's, measured within {error:.2f} s"
    yield Row("clock", WARNING, value, "set the clocks by NTP on both machines; certificates and --since need it")


def _memory_row(facts: MemberFacts) -> Iterator[Row]:
    total = facts.engine.memory // _MIB
    if facts.memory_free is None:
        value = f"{total} MiB in all; what is free is not measured"
        yield Row("memory", OK, value, "it is measured by an image of wirelab's, which the first up sends")
    elif facts.memory_free < LEAST_MEMORY:
        hint = "take down labs there: wirelab ls"
        yield Row("memory", WARNING, f"{facts.memory_free} of {total} MiB are free", hint)
    else:
        yield Row("memory", OK, f"{facts.memory_free} of {total} MiB are free")


def _ranges_row(facts: MemberFacts) -> Iterator[Row]:
    free = count_free_ranges(facts.engine.networks)
    value = f"{free} of 256 in 192.168.0.0/16 are free"
    hint = "take down labs there, or name a subnet in the scenario"
    yield Row("private ranges", OK, value) if free else Row("private ranges", MISSING, value, hint)


def _images_row(facts: MemberFacts) -> Iterator[Row]:
    missing = sorted(name for name, state in facts.images.items() if state == "missing")
    if missing:
        yield Row("images", OK, f"missing: {', '.join(missing)}", "up sends those that a lab needs")
    else:
        yield Row("images", OK, f"all {len(facts.images)} are there")


def _swarm_row(facts: MemberFacts) -> Iterator[Row]:
    state = facts.engine.swarm or "unknown"
    if state != "active":
        yield Row("swarm", OK, "it is part of no swarm" if state == "inactive" else f"its state is {state}")
    else:
        yield Row("swarm", OK, "it is a manager" if facts.is_swarm_manager else "it is a worker")


def _packet_rows(facts: MemberFacts) -> Iterator[Row]:
    """Whether what a split lab sends fits between the machines."""
    for address, size in facts.packets.items():
        name = f"packets to {address}"
        if not size:
            yield Row(name, OK, "not measured: it answers no ping")
        elif size < SPANNING_BYTES:
            value = f"at most {size} bytes arrive whole; a split lab needs {SPANNING_BYTES}"
            hint = "give all networks between the machines an MTU of 1500 or more, or do not split a lab over them"
            yield Row(name, WARNING, value, hint)
        else:
            yield Row(name, OK, f"{size} bytes arrive whole")
