"""Whether an engine sees the files of this machine: Docker and Podman are asked in the way in which each refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker.images import DockerImageStore
from orchestrator.engine.opening import open_engine
from orchestrator.errors import EngineMissing
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.members.file_probe import sees_files

pytestmark = pytest.mark.slow
UNSEEN = {
    "docker": (400, 'invalid mount config for type "bind": bind source path does not exist: /x'),
    # What Podman 5.4.2 answers.
    "podman": (500, "statfs /x: no such file or directory"),
}


class Probed(Answers):
    """An engine of one product; `answer` is what it says of a container with a mount. It keeps what is there."""

    product: ClassVar[str]
    answer: ClassVar[tuple[int, str]]
    there: ClassVar[set[str]]
    mounted: ClassVar[list[str]]

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        if self.product == "podman":
            self.send_header("Libpod-Api-Version", "5.4.2")

    def do_GET(self) -> None:
        if self.pinged():
            return
        if urlsplit(self.path).path.endswith("/images/json"):
            ours = {"Id": "i", "RepoTags": ["wirelab/client:1"], "Labels": {"wirelab.image": "client"}, "Size": 1}
            self.whole([ours])
        elif "c1" in self.there:
            self.whole({"Id": "c1", "Name": "/c1", "NetworkSettings": {"Networks": {}}})
        else:
            self.whole({"message": "no such container"}, 404)

    def do_POST(self) -> None:
        document = json.loads(self.asked())
        own = "/libpod/" in self.path
        mounts = document["mounts"] if own else document["HostConfig"]["Mounts"]
        self.mounted.extend(mount.get("source") or mount.get("Source") for mount in mounts)
        code, why = self.answer
        if self.product == "podman" and not own:
            code = 201  # it makes what it does not see, as a folder
        if code < 400:
            self.there.add("c1")
            self.whole({"Id": "c1"}, code)
        else:
            self.whole({"message": why}, code)

    def do_DELETE(self) -> None:
        self.there.discard("c1")
        self.whole([] if "/libpod/" in self.path else {})


@pytest.fixture(params=["docker", "podman"])
def probed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[type[Probed], str]]:
    probed = type("Product", (Probed,), {"product": request.param, "there": set(), "mounted": [], "answer": (201, "")})
    with served(tmp_path / "engine.sock", probed) as url:
        yield probed, url


def seen(url: str, state: StateFolder) -> bool | None:
    with closing(open_engine(url)) as engine:
        return sees_files(engine, DockerImageStore(url), state)


def test_an_engine_that_mounts_a_file_of_ours_sees_them(probed: tuple[type[Probed], str], tmp_path: Path) -> None:
    engine, url = probed
    assert seen(url, StateFolder(tmp_path / "state")) is True
    assert [str(Path(path).parent) for path in engine.mounted] == [f"{tmp_path}/state/members"]
    assert (engine.there, list((tmp_path / "state" / "members").iterdir())) == (set(), [])


def test_an_engine_that_refuses_a_file_of_ours_does_not_see_them(
    probed: tuple[type[Probed], str], tmp_path: Path
) -> None:
    engine, url = probed
    engine.answer = UNSEEN[engine.product]
    assert seen(url, StateFolder(tmp_path / "state")) is False
    assert (engine.there, list((tmp_path / "state" / "members").iterdir())) == (set(), [])


def test_any_other_refusal_tells_nothing(probed: tuple[type[Probed], str], tmp_path: Path) -> None:
    engine, url = probed
    engine.answer = (500, "it is being upgraded")
    assert seen(url, StateFolder(tmp_path / "state")) is None


def test_an_engine_that_is_gone_is_said(probed: tuple[type[Probed], str], tmp_path: Path) -> None:
    _, url = probed
    with closing(open_engine(url)) as engine:
        (tmp_path / "engine.sock").unlink()
        with pytest.raises(EngineMissing):
            sees_files(engine, DockerImageStore(url), StateFolder(tmp_path / "state"))
