"""Make the picture of a lab as it is now, with its traffic if a capture runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.operations.capture import seen_traffic

if TYPE_CHECKING:
    from orchestrator.operations.scenario_library import LoadedScenario
    from orchestrator.operations.workspace import Workspace
    from orchestrator.rendering.graph import Picture


@dataclass(frozen=True)
class LabPicture:
    """A picture; `filter` limited the capture, and `missing` says why a capture that runs could not be read."""

    picture: Picture
    filter: str = ""
    missing: str = ""


def picture_lab(workspace: Workspace, scenario: LoadedScenario, lab_name: str | None) -> LabPicture:
    """The picture of a lab. Changes nothing."""
    from orchestrator.lab.capture.window import CaptureWindow
    from orchestrator.rendering.graph import make_picture
    from orchestrator.rendering.nodes import node_states

    lab = workspace.lab(scenario, lab_name)
    observed = lab.observe()
    topology = lab.topology(observed)
    window = CaptureWindow.of_running_capture(lab)
    result = window.result(topology)
    picture = make_picture(topology, node_states(topology, observed), seen_traffic(window, result))
    if not window.container:
        return LabPicture(picture)
    return LabPicture(picture, window.capture.filter, result.missing)
