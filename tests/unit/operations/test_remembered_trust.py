"""A lab that was started with `--trusted` stays so for later commands, as long as its file says the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lab_in_memory import IMAGES, InMemoryWorkspace

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.lab import Lab
from orchestrator.lab.take_down import take_down
from orchestrator.operations.scenario_library import load_scenario

TEXT = """
name: own
title: A client with an image of the author's
nodes:
  client: {role: client, image: "own:1", listens: [], command: [sleep, "9"]}
"""


@dataclass
class OwnLab:
    """A lab whose image runs as root; each command opens a workspace of its own."""

    root: Path
    engine: FakeEngine = field(default_factory=lambda: FakeEngine([*IMAGES.values(), "own:1"]))

    @property
    def file(self) -> Path:
        return self.root / "own" / "scenario.yaml"

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.root / "state")

    def lab(self, **settings: Any) -> Lab:
        workspace = InMemoryWorkspace(self.state, "fake", self.engine)
        return workspace.lab(load_scenario(str(self.file)), None, routes=tuple, **settings)

    def lose_client(self) -> None:
        (container,) = self.engine.containers("wirelab.node=client")
        self.engine.remove_container(container.id)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnLab:
    monkeypatch.delenv("WIRELAB_TRUSTED", raising=False)
    own = OwnLab(tmp_path)
    own.file.parent.mkdir()
    own.file.write_text(TEXT)
    own.engine.image_users["own:1"] = "0"
    return own


def test_who_trusted_the_file_once_need_not_say_so_again(own: OwnLab) -> None:
    with pytest.raises(WorldError, match="may run as root"):
        own.lab().up()
    own.lab(trusted=True).up()
    own.lose_client()
    own.lab().up()  # as `heal` and `learn` do
    own.lab().up()
    assert own.lab().settings.trusted


def test_a_file_that_has_changed_is_trusted_anew(own: OwnLab) -> None:
    own.lab(trusted=True).up()
    own.file.write_text(TEXT + "# another line\n")
    own.lose_client()
    with pytest.raises(WorldError, match="may run as root"):
        own.lab().up()
    own.file.write_text(TEXT)
    assert not own.lab().settings.trusted  # the last `up` was of the other text


def test_a_lab_that_is_made_anew_is_trusted_anew(own: OwnLab) -> None:
    own.lab(trusted=True).up()
    take_down(own.engine, own.state, "own", lambda _event: None)
    assert not own.lab().settings.trusted


def test_the_refusal_of_untrusted_files_is_stronger(own: OwnLab) -> None:
    """`up --untrusted` of a lab that was trusted is as strict as on the first day."""
    own.lab(trusted=True).up()
    own.lose_client()
    with pytest.raises(WorldError, match="may run as root"):
        own.lab(trusted=False).up()
