"""Use what a capture of a lab shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.lab.capture.window import CaptureResult, CaptureWindow
    from orchestrator.rendering.graph import SeenTraffic


def seen_traffic(window: CaptureWindow, result: CaptureResult) -> SeenTraffic | None:
    """Who was client of whom in a capture, the traffic of the checks apart; None if nothing could be captured."""
    from orchestrator.rendering.graph import SeenTraffic
    from orchestrator.traffic.roles import traffic_roles
    from orchestrator.traffic.story import split_events

    if result.missing:
        return None
    users, checks = split_events(result.events, window.capture.check_exclusions())
    return SeenTraffic(traffic_roles(users), traffic_roles(checks))
