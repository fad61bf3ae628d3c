"""Serve a live page until Ctrl-C, for the commands that open one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from orchestrator.cli.console import out, say
from orchestrator.cli.desktop import has_desktop
from orchestrator.errors import OK

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.live.lab import LiveLab
    from orchestrator.operations.workspace import Workspace

LOOK_SECONDS = 0.5


def serve_lab(workspace: Workspace, target: LabTarget, *, port: int = 0, browser: bool = True) -> int:
    """Serve the page of a lab that is up until Ctrl-C."""
    from orchestrator.operations.live.lab import watch_lab

    with watch_lab(workspace.without_watcher(), target.scenario, target.lab_name) as live:
        return serve(live, port=port, browser=browser)


def serve(live: LiveLab, *, port: int = 0, browser: bool = True) -> int:
    """Serve the page of a live lab until Ctrl-C."""
    from orchestrator.operations.classroom.endpoint import Endpoint
    from orchestrator.web.lab_view import LabView
    from orchestrator.web.server import WebServer
    from orchestrator.web.sessions import Seat

    with WebServer({live.name: LabView(live)}, Endpoint(port)) as server:
        url = server.launch_url(Seat(os.environ.get("WIRELAB_SEAT", ""), live.name))
        say("The live page is at this link, which opens it once. Ctrl-C ends the page; the lab stays.")
        out(url)
        if browser:
            open_browser(url)
        while not server.wait(LOOK_SECONDS):
            pass
    return OK


def open_browser(url: str) -> None:
    """Open the link on a desktop; where there is none, a person copies it."""
    if not has_desktop(os.environ, sys.platform):
        return
    import webbrowser

    webbrowser.open(url)
