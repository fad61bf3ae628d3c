"""What a `down` could not remove is named until it is gone, with the command that removes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lab_in_memory import IMAGES, LabHost, bash, down
from sample_runs import alive, dead

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import EngineRefused, Leftovers, NetworkBusy
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.incomplete_removal import complete_removal, incomplete_removals
from orchestrator.lab.lock import lab_lock
from orchestrator.operations.sweep import sweep
from orchestrator.operations.workspace import Workspace
from orchestrator.planning.leftovers import LabLeftovers
from orchestrator.rendering.labs import labs_document, labs_text, leftovers_text

pytestmark = pytest.mark.slow

COMMAND = "wirelab down --lab shop"


class Refusing(FakeEngine):
    """Removes no network for as long as it refuses."""

    refuses = True

    def remove_network(self, network: str) -> None:
        if self.refuses:
            raise NetworkBusy("the engine refused", why=f"network {network[:12]} has active endpoints")
        super().remove_network(network)


class Holding(FakeEngine):
    """Takes no container off a network by itself; the container's removal does."""

    def disconnect(self, container: str, network: str) -> None:
        raise EngineRefused("the engine refused", why=f"{container[:12]} stays on {network[:12]}")


def test_containers_that_cannot_leave_their_network_go_with_their_ends(tmp_path: Path) -> None:
    lab_host = LabHost(Holding(list(IMAGES.values()), answer=bash), StateFolder(tmp_path / "state"))
    lab_host.lab().up()
    down(lab_host)
    assert lab_host.empty()


@pytest.fixture
def lab_host(tmp_path: Path) -> LabHost:
    return LabHost(Refusing(list(IMAGES.values()), answer=bash), StateFolder(tmp_path / "state"))


@pytest.fixture
def workspace(lab_host: LabHost) -> Workspace:
    return Workspace(lab_host.state, "unix:///nobody", lab_host.engine)


@pytest.fixture
def half_removed(lab_host: LabHost) -> LabHost:
    """A lab after a `down` that left its network."""
    lab_host.lab().up()
    with pytest.raises(Leftovers) as caught:
        down(lab_host)
    assert COMMAND in caught.value.hint
    assert "sweep" not in caught.value.hint
    return lab_host


def let_remove(lab_host: LabHost) -> None:
    assert isinstance(lab_host.engine, Refusing)
    lab_host.engine.refuses = False


def found(lab_host: LabHost) -> list[LabLeftovers]:
    return list(incomplete_removals(lab_host.engine, lab_host.state))


def test_what_a_failed_down_left_is_named_until_it_is_gone(half_removed: LabHost) -> None:
    assert found(half_removed) == [LabLeftovers("shop", networks=1)]
    let_remove(half_removed)
    down(half_removed)
    assert found(half_removed) == []
    assert half_removed.empty()


def test_a_lab_that_stands_is_not_left_over(lab_host: LabHost) -> None:
    lab_host.lab().up()
    assert found(lab_host) == []


def test_the_sweep_completes_a_removal(half_removed: LabHost, workspace: Workspace) -> None:
    with pytest.raises(Leftovers) as caught:
        sweep(workspace, all_labs=False).raise_failures()
    assert COMMAND in caught.value.hint
    let_remove(half_removed)
    result = sweep(workspace, all_labs=False)
    result.raise_failures()
    assert (result.removed, result.left) == (1, ())
    assert half_removed.empty()
    assert not (half_removed.state.labs / "shop").exists()


def test_a_lab_that_is_up_again_is_not_swept(half_removed: LabHost, workspace: Workspace) -> None:
    """Its `down` failed once; who brings it up again wants it."""
    half_removed.lab(run="run2").up()
    let_remove(half_removed)
    assert sweep(workspace, all_labs=False).removed == 0
    assert complete_removal(half_removed.engine, half_removed.state, "shop", lambda _event: None).steps == ()
    assert len(half_removed.engine.containers("wirelab.lab=shop")) == 4
    assert found(half_removed) == []


def test_a_removal_that_is_under_way_is_left_to_its_command(half_removed: LabHost, workspace: Workspace) -> None:
    let_remove(half_removed)
    with lab_lock(half_removed.state, "shop"):
        result = sweep(workspace, all_labs=False)
        result.raise_failures()
        assert result.removed == 0
    assert not half_removed.empty()


def strip(lab_host: LabHost) -> None:
    """Remove all containers of the lab by hand."""
    for container in lab_host.engine.containers("wirelab.lab=shop"):
        lab_host.engine.remove_container(container.id)


def test_a_lab_of_which_no_container_is_left_is_named_and_not_swept(lab_host: LabHost, workspace: Workspace) -> None:
    """No `down` began; the volume may hold what somebody wants."""
    lab_host.lab().up()
    strip(lab_host)
    assert found(lab_host) == [LabLeftovers("shop", networks=1, volumes=1)]
    result = sweep(workspace, all_labs=False)
    assert (result.removed, result.left) == (0, (LabLeftovers("shop", networks=1, volumes=1),))
    assert not lab_host.empty()


def test_what_a_living_command_makes_is_not_left_over(lab_host: LabHost) -> None:
    """It makes the networks first."""
    with alive(lab_host.state) as run:
        lab_host.lab(run=run).up()
        strip(lab_host)
        assert found(lab_host) == []
    assert found(lab_host) == [LabLeftovers("shop", networks=1, volumes=1)]


def test_what_a_dead_command_made_is_left_over(lab_host: LabHost) -> None:
    lab_host.lab(run=dead(lab_host.state)).up()
    strip(lab_host)
    assert found(lab_host) == [LabLeftovers("shop", networks=1, volumes=1)]


def test_what_belongs_to_somebody_else_is_not_named(lab_host: LabHost, tmp_path: Path) -> None:
    """`down` would refuse to remove it."""
    lab_host.lab(run=dead(lab_host.state)).up()
    strip(lab_host)
    assert found(replace(lab_host, state=StateFolder(tmp_path / "other"))) == []


def test_the_list_of_labs_names_what_is_left_and_the_command() -> None:
    document = labs_document([], [LabLeftovers("shop", networks=1, volumes=2), LabLeftovers("other")])
    assert document["left"] == [
        {"lab": "shop", "containers": 0, "networks": 1, "volumes": 2, "command": COMMAND},
        {"lab": "other", "containers": 0, "networks": 0, "volumes": 0, "command": "wirelab down --lab other"},
    ]
    assert labs_text(document) == (
        "no lab is up\n"
        "\n"
        "of the lab 'shop' 1 network and 2 volumes are left; remove them: wirelab down --lab shop\n"
        "of the lab 'other' files are left; remove them: wirelab down --lab other"
    )
    assert leftovers_text([LabLeftovers("shop", containers=1)]) == (
        "of the lab 'shop' 1 container is left; remove it: wirelab down --lab shop"
    )
