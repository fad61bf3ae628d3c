"""Programs inside the containers of Podman."""

from __future__ import annotations

import time

from orchestrator.engine.docker.programs import DockerPrograms

# After the end of its output Podman still calls a program running, until it has noted its exit code.
NOTED_SECONDS = 2.0


class PodmanPrograms(DockerPrograms):
    """The capability `Programs`."""

    def _exit_code(self, program: str) -> int | None:
        deadline = time.monotonic() + NOTED_SECONDS
        while (code := super()._exit_code(program)) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return code
