"""What is in an offline file, and for which machine it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from orchestrator.errors import UsageInvalid

SCHEMA = 1
MANIFEST, CHECKSUM, INSTALLER, IMAGES = "manifest.json", "manifest.sha256", "install.py", "images.tar"
WHEELS, PACKAGES, SCENARIOS = "wheels/", "packages/", "scenarios/"


@dataclass(frozen=True)
class Member:
    """A file of the archive: its name there, its size in bytes, and the SHA-256 of its content."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Image:
    """An image by the tag that nodes use, and the digest (`sha256:…`) by which the engine knows it."""

    tag: str
    digest: str


@dataclass(frozen=True)
class Target:
    """The machine that a file is for: processor, Python (`3.11`), and distribution (`debian 12`)."""

    machine: str
    python: str
    distribution: str


@dataclass(frozen=True)
class Manifest:
    """All that a file holds; `members` has every file but the manifest itself and its checksum."""

    wirelab: str
    target: Target
    images: tuple[Image, ...]
    scenarios: tuple[str, ...]
    members: tuple[Member, ...]

    def below(self, folder: str) -> tuple[Member, ...]:
        """The members whose name begins with `folder`."""
        return tuple(member for member in self.members if member.name.startswith(folder))

    @property
    def size(self) -> int:
        """The bytes of all members."""
        return sum(member.size for member in self.members)

    def text(self) -> str:
        """As JSON, as it stands in the file."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n"


def manifest_of(text: bytes, file: str) -> Manifest:
    """Read a manifest. Raises UsageInvalid where it is none, or one of a later wirelab."""
    try:
        document = json.loads(text)
        schema = document["schema"]
        if schema != SCHEMA:
            raise UsageInvalid(
                f"{file} was made by another wirelab", why=f"its manifest has schema {schema}, not {SCHEMA}"
            )
        return Manifest(
            str(document["wirelab"]),
            Target(**document["target"]),
            tuple(Image(**image) for image in document["images"]),
            tuple(map(str, document["scenarios"])),
            tuple(Member(**member) for member in document["members"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(file, f"{MANIFEST} is not a manifest") from error


def damaged(file: str, why: str) -> UsageInvalid:
    """The error for a file that is not as it was made."""
    return UsageInvalid(f"{file} is damaged, or is no offline file", why=why, hint="copy or make the file again")
