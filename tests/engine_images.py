"""`python -m tests.engine_images URL`: give the engine at URL the images that it lacks, before it is tested.

An engine of setup/engine-beside reaches no network, and cannot build them. The engine that wirelab finds without
DOCKER_HOST builds and sends them; where there is none, the engine at URL builds them.
"""

from __future__ import annotations

import os
import sys

from orchestrator.host.find import running_engine
from orchestrator.host.images.files import images_folder, names_in
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.members.images import ensure_images

if __name__ == "__main__":
    os.environ.pop("DOCKER_HOST", None)
    if running_engine(os.environ, state := StateFolder.of(os.environ)):
        ensure_images(state, sys.argv[1], names_in(images_folder()), lambda line: print(line, file=sys.stderr))
