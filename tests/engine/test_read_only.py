"""The commands that look write nothing: not to the engine, not to the disk, no package.

Each test has a state folder of its own, so that all of it can be compared. Images have no owner on an engine, and other
tests build and remove some meanwhile: they are judged by what the commands of the test itself ask of the engine.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import docker
import pytest
from engine_proxy import EngineProxy
from lab_bench import CHECKOUT, Bench
from own_images import client_image

pytestmark = pytest.mark.sampled(3)

# What could install a package. What else changes packages on this machine meanwhile is no matter of these tests.
INSTALLERS = ("apt-get", "apt", "dpkg", "dnf", "yum", "zypper", "pacman", "apk", "sudo")
RECORDING = """#!/bin/sh
echo "$(basename "$0") $*" >> "$(dirname "$0")/calls"
exit 1
"""
# The scenario with passwords, certificates and keys, so that each kind of secret could be drawn.
TEXT = """\
name: looked-at
title: Each kind of secret
domain: shop.lab
nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  app:    {role: app, uses: [db]}
  web:    {role: proxy, uses: [app], listens: [{port: 443, tls: true}]}
  jump:   {role: ssh}
  client: {role: client, uses: [web, jump]}
"""
# What makes, names or removes an image: Engine API, "Image", "ImageBuild" and "ImageCommit".
CHANGES_AN_IMAGE = re.compile(r"(POST|DELETE) (/v[\d.]+)?/(build|commit|images)\b")
ON_A_LAB = ("plan", "ps", "inspect", "graph", "events")


@dataclass(frozen=True)
class Place:
    """A lab of the test's own, in a state folder of the test's own, and the scenario that it is of."""

    bench: Bench
    state: Path
    proxy: EngineProxy
    installers: Path

    def commands(self) -> Iterator[tuple[str, ...]]:
        for command in ON_A_LAB:
            yield (command, self.bench.scenario, "--lab", self.bench.lab)
        yield ("validate", self.bench.scenario)
        yield ("ls",)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = (sys.executable, "-m", "orchestrator", *words)
        environ = dict(self.bench.engine.environ)
        return subprocess.run(argv, env=environ, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)

    def seen(self) -> dict[str, object]:
        """What a command could have changed."""
        client = self.bench.engine.client
        volumes = client.volumes.list(filters={"label": f"wirelab.lab={self.bench.lab}"})
        calls = self.installers / "calls"
        return {
            "containers": [(c.id, c.status, c.attrs["State"]["StartedAt"]) for c in self.bench.containers()],
            "networks": [(network.id, network.attrs["Labels"]) for network in self.bench.networks()],
            "volumes": [volume.name for volume in volumes],
            "images": [request for request in self.proxy.requests if CHANGES_AN_IMAGE.match(request)],
            "state": list(entries(self.state)),
            "parent of state": sorted(path.name for path in self.state.parent.iterdir()),
            "packages": calls.read_text().splitlines() if calls.exists() else [],
        }


def entries(path: Path) -> Iterator[tuple[str, int, int, str]]:
    """Of a file, or of all that a folder holds: name, mode, time of the last change and a hash of the content."""
    for entry in (path, *sorted(path.rglob("*"))):
        if entry.exists():
            status = entry.lstat()
            content = hashlib.sha256(entry.read_bytes()).hexdigest() if entry.is_file() else ""
            yield str(entry), status.st_mode, status.st_mtime_ns, content


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "scenario"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(TEXT)
    (folder / "seed.sql").write_text("create table items (name text);")
    state = tmp_path / "home" / "state"
    state.parent.mkdir()
    proxy = EngineProxy(bench.engine.url, tmp_path / "engine.sock").open()
    installers = tmp_path / "installers"
    installers.mkdir()
    for name in INSTALLERS:
        (installers / name).write_text(RECORDING)
        (installers / name).chmod(0o755)
    path = f"{installers}{os.pathsep}{os.environ['PATH']}"
    environ = {**bench.engine.environ, "WIRELAB_STATE": str(state), "DOCKER_HOST": proxy.url, "PATH": path}
    bench = replace(bench, engine=replace(bench.engine, environ=environ), scenario=str(folder))
    place = Place(bench, state, proxy, installers)
    yield place
    if state.exists():
        assert place.run("down", place.bench.scenario, "--lab", place.bench.lab).returncode == 0
    assert proxy.requests, "the commands of the test ask this engine"
    proxy.shut()


def succeed(place: Place, words: tuple[str, ...]) -> None:
    ran = place.run(*words)
    assert ran.returncode == 0, ran.stderr


def changed_by(place: Place, act: Callable[[], object]) -> list[str]:
    before = place.seen()
    act()
    after = place.seen()
    return [part for part in before if before[part] != after[part]]


def test_a_command_that_looks_makes_no_state_folder(place: Place) -> None:
    for words in place.commands():
        ran = place.run(*words)
        # There are no events of a lab that never was.
        assert ran.returncode == (3 if words[0] == "events" else 0), ran.stderr
        assert not place.state.exists(), words


def test_a_plan_of_what_is_not_up_draws_no_secret_and_says_which_are_to_be_made(place: Place) -> None:
    plan = place.run("plan", place.bench.scenario, "--lab", place.bench.lab).stdout.splitlines()
    assert {"password:db  (missing)", "credentials certificates of web; keys of jump  (missing)"} <= set(plan)


def test_commands_that_look_write_nothing_where_a_lab_is(place: Place) -> None:
    place.bench.up()
    for words in place.commands():
        assert changed_by(place, partial(succeed, place, words)) == [], words
    plan = place.run("plan", place.bench.scenario, "--lab", place.bench.lab).stdout
    assert plan == f"nothing to do: the lab {place.bench.lab!r} is as its file declares\n"


def test_commands_that_look_write_nothing_where_the_lab_is_broken(place: Place) -> None:
    """Here there is something to repair: a stopped node, a lost password and files that somebody changed."""
    place.bench.up()
    place.bench.container("app").stop(timeout=0)
    (place.bench.folder / "nodes" / "db" / "files" / "password").unlink()
    (place.bench.folder / "credentials.json").unlink()
    for words in place.commands():
        assert changed_by(place, partial(place.run, *words)) == [], words


def test_this_comparison_sees_what_is_written(place: Place) -> None:
    """The control: a command that works, a file that is touched, a program that installs packages."""
    assert changed_by(place, place.bench.up) == ["containers", "networks", "volumes", "state", "parent of state"]
    assert changed_by(place, lambda: place.bench.cli("exec", "client", "--", "true")) == ["state"]
    assert changed_by(place, lambda: place.bench.cli("inject", "pause", "app")) == ["containers", "state"]
    assert changed_by(place, (place.state / "anything").touch) == ["state"]
    environ = dict(place.bench.engine.environ)
    assert changed_by(place, lambda: subprocess.run(("apt-get", "update"), env=environ, check=False)) == ["packages"]


@pytest.mark.parametrize("act", ["build", "tag", "remove"])
def test_this_comparison_sees_an_image_that_is_made_or_removed(place: Place, act: str) -> None:
    """The control: an image that is built, tagged or removed over the same way is seen; what others do is not."""
    images = place.bench.engine.client.images
    client = client_image(place.bench.engine.client)
    assert client
    tag = f"wirelab-tests/{place.bench.lab}:1"

    def work(engine_url: str) -> None:
        own = docker.DockerClient(base_url=engine_url, version="auto", timeout=60)
        match act:
            case "build":
                text = f"FROM {client}\nLABEL wirelab.image= tests.made={place.bench.lab}\n"
                own.images.build(fileobj=io.BytesIO(text.encode()), tag=tag, network_mode="host")
            case "tag":
                own.images.get(client).tag(tag)
            case "remove":
                place.bench.engine.client.images.get(client).tag(tag)
                own.images.remove(tag)
        own.close()

    assert changed_by(place, partial(work, place.proxy.url)) == ["images"]
    assert changed_by(place, partial(work, place.bench.engine.url)) == []
    if act != "remove":
        images.remove(tag, force=True)
