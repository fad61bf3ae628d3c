"""The result of a lesson as its learner hands it in: the progress with its evidence, sealed with the seat's secret.

The seal is the HMAC-SHA256 (RFC 2104) of the document as canonical JSON: who does not know the secret cannot change
what the document says. Who owns the machine knows the secret.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.model.secret import Secret

SCHEMA = 2
WITHOUT_PACKETS = 1  # the schema of wirelab before results held packets
MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class SealedResult:
    """A result that was read. `version` is that of the lesson, `written_at` in seconds since 1970."""

    schema: int
    wirelab: str
    class_name: str
    seat: str
    seed: int
    lesson: str
    version: str
    written_at: float
    tasks: dict[str, TaskProgress]

    @property
    def is_without_packets(self) -> bool:
        """Whether a wirelab made it that kept no packets."""
        return self.schema == WITHOUT_PACKETS


@dataclass(frozen=True)
class ResultOrigin:
    """Where a result comes from: the seat, and the versions of wirelab and of the lesson."""

    wirelab: str
    class_name: str
    seat: str
    version: str


def sealed_document(origin: ResultOrigin, progress: Progress, written_at: float, secret: Secret) -> dict[str, Any]:
    """The result as JSON, with its seal."""
    document = {
        "schema": SCHEMA,
        **asdict(origin),
        "seed": progress.seed,
        "lesson": progress.lesson,
        "written_at": written_at,
        "tasks": {name: asdict(task) for name, task in progress.tasks.items()},
    }
    return {**document, "seal": seal_of(document, secret)}


def seal_of(document: dict[str, Any], secret: Secret) -> str:
    """The seal that a document has with this secret, whatever seal it bears. Raises ValueError."""
    unsealed = {key: value for key, value in document.items() if key != "seal"}
    return hmac.new(secret.reveal().encode(), _canonical(unsealed).encode(), "sha256").hexdigest()


def is_sealed_with(document: dict[str, Any], secret: Secret) -> bool:
    """Whether the seal of a document was made with this secret, for just this content. Raises ValueError."""
    return hmac.compare_digest(seal_of(document, secret).encode(), str(document.get("seal")).encode("utf-8", "replace"))


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read_result(content: bytes) -> tuple[SealedResult, dict[str, Any]]:
    """A result and its document, whose seal is not judged here. Raises ValueError with a reason for people."""
    from pydantic import TypeAdapter, ValidationError

    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES // 1024} KiB, which no result has")
    try:
        document = json.loads(content)
        text = _canonical(document)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"it is no JSON{at}") from None
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise ValueError("it is no result of wirelab learn")
    if document["schema"] not in (SCHEMA, WITHOUT_PACKETS):
        raise ValueError("a later wirelab made it: collect it with that version")
    try:
        return TypeAdapter(SealedResult).validate_json(text, strict=True), document
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"it is no result of wirelab learn: {place[:80]}: {first['msg'][:120]}") from None
