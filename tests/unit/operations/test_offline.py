"""The file for a room without a network: made whole or not at all, verified, and used only where it fits."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest

from orchestrator.cli import offline_installer as install
from orchestrator.errors import EngineMissing, ImageMissing, UsageInvalid, WorldError
from orchestrator.operations.offline.archive import opened
from orchestrator.operations.offline.make import Sources, make_offline_file
from orchestrator.operations.offline.manifest import CHECKSUM, IMAGES, MANIFEST, Image, Manifest, Member, Target
from orchestrator.operations.offline.use import (
    Machine,
    put_in_images,
    put_in_packages,
    put_in_scenarios,
    require_usable,
)
from orchestrator.operations.offline.wheels import SOURCES, copy_sources

SCENARIO = "name: tiny\ntitle: A client\ndomain: shop.lab\nnodes:\n  client: {role: client}\n"
HERE = Target("x86_64", "3.11", "debian 12")


@dataclass
class MemoryEngine:
    """The images of an engine: tag -> digest. What it loads is what it has saved."""

    images: dict[str, str]
    loads: int = 0

    def digest(self, reference: str) -> str:
        return self.images.get(reference, "")

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        text = "\n".join(f"{tag} {self.images[tag]}" for tag in references)
        yield text.encode()

    def load(self, tar: IO[bytes]) -> None:
        self.loads += 1
        self.images |= dict(line.split() for line in tar.read().decode().splitlines())


def nothing(_text: str) -> None:
    """Nobody reads the progress."""


def sources(engine: MemoryEngine) -> Sources:
    def wheels(folder: Path) -> None:
        (folder / "wirelab-0.2.0-py3-none-any.whl").write_bytes(b"wheel")

    return Sources(
        engine, lambda names: [f"wirelab/{name}:1" for name in names], Path(install.__file__), wheels, packages=None
    )


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine({"wirelab/client:1": "sha256:c", "wirelab/capture:1": "sha256:d"})


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with one scenario, its lesson, and what is no part of it."""
    folder = tmp_path / "author" / "scenarios" / "tiny"
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "lesson.md").write_text("A lesson\n")
    (folder / ".hidden").write_text("mine")
    (folder / "link").symlink_to("/etc/passwd")
    return tmp_path / "author"


@pytest.fixture
def file(tmp_path: Path, library: Path, engine: MemoryEngine) -> Path:
    made = tmp_path / "room.tar"
    make_offline_file(made, ("tiny",), library, sources(engine), nothing)
    return made


def test_the_file_holds_what_the_room_needs(file: Path) -> None:
    """Images by digest, wheels, the scenario with its lesson, the script; neither hidden files nor links."""
    with opened(file) as offline:
        manifest = offline.manifest
        assert [member.name for member in manifest.members] == [
            "install.py",
            "scenarios/tiny/lesson.md",
            "scenarios/tiny/scenario.yaml",
            "wheels/wirelab-0.2.0-py3-none-any.whl",
            "images.tar",
        ]
        assert manifest.images == (Image("wirelab/capture:1", "sha256:d"), Image("wirelab/client:1", "sha256:c"))
        assert manifest.members[3].sha256 == hashlib.sha256(b"wheel").hexdigest()


def test_a_machine_gets_what_it_lacks_and_a_second_call_puts_in_nothing(file: Path, tmp_path: Path) -> None:
    room, target = tmp_path / "room", MemoryEngine({"wirelab/capture:1": "sha256:d"})
    room.mkdir()
    with opened(file) as offline:
        assert put_in_scenarios(offline, room, nothing) == ("tiny",)
        assert put_in_images(offline, target, nothing) == 1
        assert (room / "scenarios" / "tiny" / "scenario.yaml").read_text() == SCENARIO
        assert (room / "scenarios" / "tiny" / "lesson.md").read_text() == "A lesson\n"
        assert put_in_scenarios(offline, room, nothing) == ()
        assert put_in_images(offline, target, nothing) == 0
    assert target.loads == 1


def test_an_interrupted_scenario_is_written_by_the_next_call(file: Path, tmp_path: Path) -> None:
    """scenario.yaml comes last, so a folder without it counts as missing."""
    folder = tmp_path / "room" / "scenarios" / "tiny"
    folder.mkdir(parents=True)
    (folder / "lesson.md").write_text("A le")
    with opened(file) as offline:
        assert put_in_scenarios(offline, tmp_path / "room", nothing) == ("tiny",)
    assert (folder / "lesson.md").read_text() == "A lesson\n"


def test_a_scenario_that_a_person_has_changed_stays(file: Path, library: Path) -> None:
    mine = library / "scenarios" / "tiny" / "scenario.yaml"
    mine.write_text(SCENARIO.replace("A client", "My client"))
    said: list[str] = []
    with opened(file) as offline:
        assert put_in_scenarios(offline, library, said.append) == ()
    assert said == ["note: the scenario 'tiny' that is found here differs from the one in the file; it stays"]
    assert "My client" in mine.read_text()


def test_an_engine_that_took_another_image_is_an_error(file: Path) -> None:
    class Forgetful(MemoryEngine):
        def load(self, tar: IO[bytes]) -> None:
            """Takes nothing."""

    with opened(file) as offline, pytest.raises(WorldError) as caught:
        put_in_images(offline, Forgetful({}), nothing)
    assert caught.value.why == "wirelab/capture:1 is not there; the file names sha256:d"


@pytest.mark.parametrize("name", ["install.py", "scenarios/tiny/lesson.md", IMAGES, MANIFEST, CHECKSUM])
def test_a_changed_byte_is_named_by_its_member(file: Path, name: str) -> None:
    with tarfile.open(file) as tar:
        place = tar.getmember(name).offset_data
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(UsageInvalid) as caught, opened(file):
        pass
    named = MANIFEST if name == CHECKSUM else name
    assert caught.value.why == f"{named} has changed since the file was made"


@pytest.mark.parametrize("length", [0, 100, 512, 3000, 9000])
def test_a_file_that_was_cut_off_is_refused(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(UsageInvalid) as caught, opened(file):
        pass
    assert "is damaged, or is no offline file" in caught.value.what


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for attribute, value in {"type": kind, "linkname": link}.items():
        setattr(made, attribute, value)
    return made


HOSTILE = {
    "up": (entry("../outside"), "'../outside' is no name for a member"),
    "inner up": (entry("scenarios/tiny/../../../outside"), "'scenarios/tiny/../../../outside' is no name for a member"),
    "absolute": (entry("/etc/cron.d/x"), "'/etc/cron.d/x' is no name for a member"),
    "hidden": (entry("scenarios/.git/config"), "'scenarios/.git/config' is no name for a member"),
    "link": (entry("wheels/x", tarfile.SYMTYPE, "/etc/passwd"), "'wheels/x' is no regular file"),
    "hard link": (entry("wheels/x", tarfile.LNKTYPE, "install.py"), "'wheels/x' is no regular file"),
    "device": (entry("wheels/x", tarfile.CHRTYPE), "'wheels/x' is no regular file"),
    "pipe": (entry("wheels/x", tarfile.FIFOTYPE), "'wheels/x' is no regular file"),
    "folder": (entry("wheels", tarfile.DIRTYPE), "'wheels' is no regular file"),
    "twice": (entry("install.py"), "'install.py' is there twice"),
    "unlisted": (entry("wheels/other.whl"), "wheels/other.whl is not in manifest.json"),
}


@pytest.mark.parametrize(("member", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_member_that_is_no_plain_file_of_the_manifest_is_refused(
    file: Path, member: tarfile.TarInfo, why: str
) -> None:
    with tarfile.open(file, "a") as tar:
        tar.addfile(member)
    with pytest.raises(UsageInvalid) as caught, opened(file):
        pass
    assert caught.value.why == why


def test_a_member_of_the_manifest_that_is_not_there_is_named(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    with tarfile.open(file) as tar, tarfile.open(other, "w") as less:
        for member in tar:
            if member.name != IMAGES:
                less.addfile(member, tar.extractfile(member))
    with pytest.raises(UsageInvalid) as caught, opened(other):
        pass
    assert caught.value.why == "images.tar is missing"


def write_manifest(file: Path, text: str) -> None:
    with tarfile.open(file, "w") as tar:
        digest = hashlib.sha256(text.encode()).hexdigest()
        for name, content in ((MANIFEST, text), (CHECKSUM, digest)):
            one = entry(name)
            one.size = len(content)
            tar.addfile(one, io.BytesIO(content.encode()))


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON", '{"schema": 1, "wirelab": "1", "target": {"x": 1}}'])
def test_a_manifest_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    write_manifest(tmp_path / "odd.tar", text)
    with pytest.raises(UsageInvalid) as caught, opened(tmp_path / "odd.tar"):
        pass
    assert caught.value.why == "manifest.json is not a manifest"


def test_a_file_of_a_later_wirelab_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path / "later.tar", '{"schema": 2}')
    with pytest.raises(UsageInvalid, match="was made by another wirelab"), opened(tmp_path / "later.tar"):
        pass


@pytest.mark.parametrize(
    ("here", "what", "why"),
    [
        (replace(HERE, machine="aarch64"), "processor", "it was made for x86_64, and this is aarch64"),
        (replace(HERE, python="3.13"), "Python", "it was made for 3.11, and this is 3.13"),
    ],
)
def test_a_file_for_another_machine_is_refused(here: Target, what: str, why: str) -> None:
    manifest = Manifest("0.2.0", HERE, (), (), ())
    require_usable(manifest, HERE)
    with pytest.raises(UsageInvalid) as caught:
        require_usable(manifest, here)
    assert (caught.value.what, caught.value.why) == (f"the file is for another {what}", why)


@dataclass
class Packages:
    """Stands for apt and dpkg: what is installed, as names of files."""

    there: tuple[str, ...] = ()
    got: list[str] = field(default_factory=list)

    def machine(self, target: Target = HERE, *, engine: bool = False) -> Machine:
        def missing(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for name in names if name not in self.there)

        def install(files: list[Path], _notify: Callable[[str], None]) -> None:
            self.got += [f"{path.name} {path.read_text()}" for path in files]

        return Machine(target, lambda: engine, missing, install)


@pytest.fixture
def with_packages(tmp_path: Path) -> Path:
    """The file, as if made with two packages on Debian 12."""
    content = {"packages/docker.io_1_amd64.deb": b"engine", "packages/runc_1_amd64.deb": b"runc"}
    members = tuple(Member(name, len(text), hashlib.sha256(text).hexdigest()) for name, text in content.items())
    write_manifest(tmp_path / "packages.tar", Manifest("0.2.0", HERE, (), (), members).text())
    with tarfile.open(tmp_path / "packages.tar", "a") as tar:
        for name, text in content.items():
            one = entry(name)
            one.size = len(text)
            tar.addfile(one, io.BytesIO(text))
    return tmp_path / "packages.tar"


def test_only_missing_packages_are_installed(with_packages: Path) -> None:
    packages = Packages(there=("packages/runc_1_amd64.deb",))
    with opened(with_packages) as offline:
        assert put_in_packages(offline, packages.machine(), nothing) == 1
    assert packages.got == ["docker.io_1_amd64.deb engine"]


def test_a_machine_with_an_engine_gets_no_package(with_packages: Path) -> None:
    packages = Packages()
    with opened(with_packages) as offline:
        assert put_in_packages(offline, packages.machine(engine=True), nothing) == 0
    assert packages.got == []


def test_packages_of_another_distribution_are_refused(with_packages: Path) -> None:
    packages = Packages()
    with opened(with_packages) as offline, pytest.raises(UsageInvalid) as caught:
        put_in_packages(offline, packages.machine(replace(HERE, distribution="ubuntu 24.04")), nothing)
    assert caught.value.why == "they are for debian 12, and this is ubuntu 24.04"
    assert packages.got == []


def test_a_file_without_packages_says_so_where_there_is_no_engine(file: Path) -> None:
    with opened(file) as offline, pytest.raises(UsageInvalid, match="there is no engine here, and none in the file"):
        put_in_packages(offline, Packages().machine(), nothing)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_does_not_end_leaves_nothing(tmp_path: Path, library: Path, trouble: BaseException) -> None:
    """After Ctrl-C or on a full disk there is no file and no temporary one, and an earlier file is as it was."""

    class Stopped(MemoryEngine):
        def save(self, references: Sequence[str]) -> Iterator[bytes]:
            yield from super().save(references)
            raise trouble

    engine = Stopped({"wirelab/client:1": "sha256:c", "wirelab/capture:1": "sha256:d"})
    out = tmp_path / "out"
    out.mkdir()
    (out / "room.tar").write_text("earlier")
    with pytest.raises((KeyboardInterrupt, WorldError)) as caught:
        make_offline_file(out / "room.tar", ("tiny",), library, sources(engine), nothing)
    assert [path.name for path in out.iterdir()] == ["room.tar"]
    assert (out / "room.tar").read_text() == "earlier"
    if isinstance(caught.value, WorldError):
        assert caught.value.why == "No space left on device"


def test_an_image_that_the_engine_lacks_is_named(tmp_path: Path, library: Path) -> None:
    with pytest.raises(ImageMissing, match="the engine has no image 'wirelab/capture:1'"):
        make_offline_file(tmp_path / "room.tar", ("tiny",), library, sources(MemoryEngine({})), nothing)


def test_a_folder_is_no_file(tmp_path: Path, library: Path, engine: MemoryEngine) -> None:
    with pytest.raises(UsageInvalid) as caught:
        make_offline_file(tmp_path, ("tiny",), library, sources(engine), nothing)
    assert caught.value.why == "it is a folder"


def test_packages_need_root() -> None:
    from orchestrator.host.offline_packages import install_packages

    with pytest.raises(EngineMissing) as caught:
        install_packages([], nothing, is_root=False)
    assert caught.value.hint == "sudo wirelab offline use FILE --packages, then again as this user"


def test_the_installer_refuses_another_python_and_another_processor() -> None:
    here = {"machine": platform.machine(), "python": "{}.{}".format(*sys.version_info[:2])}
    install.require_target({"target": here})
    for key in here:
        with pytest.raises(install.Refused) as caught:
            install.require_target({"target": here | {key: "other"}})
        assert caught.value.args[1] == f"it was made for other, and this is {here[key]}"


def test_the_installer_names_a_wheel_that_has_changed(file: Path, tmp_path: Path) -> None:
    with opened(file) as offline, tarfile.open(file) as tar:
        good = json.loads(offline.manifest.text())
        install.write_wheels(tar, good, str(tmp_path))
        assert (tmp_path / "wirelab-0.2.0-py3-none-any.whl").read_bytes() == b"wheel"
        bad = {"members": [member | {"sha256": "0"} for member in good["members"]]}
        with pytest.raises(ValueError, match=r"wheels/wirelab-0\.2\.0-py3-none-any\.whl has changed"):
            install.write_wheels(tar, bad, str(tmp_path))


def test_the_installer_says_in_three_lines_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "room.tar").write_text("no tar")
    assert install.main([str(tmp_path / "room.tar"), str(tmp_path / "environment")]) == 2
    assert [line[:7] for line in capsys.readouterr().err.splitlines()] == ["error: ", "why:   ", "try:   "]
    assert not (tmp_path / "environment").exists()


def test_a_wheel_is_built_from_the_sources_alone(tmp_path: Path) -> None:
    """Modules that an earlier build has left in `build/` of the checkout do not get into it."""
    checkout = tmp_path / "checkout"
    for name in (
        "orchestrator/__init__.py",
        "images/a",
        "scenarios/b",
        "setup/wheel.py",
        "build/lib/orchestrator/old.py",
    ):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    (checkout / "pyproject.toml").touch()
    (checkout / "README.md").touch()
    copy_sources(checkout, tmp_path / "source")
    assert {path.name for path in (tmp_path / "source").iterdir()} == set(SOURCES)
