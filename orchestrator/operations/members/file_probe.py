"""Find out whether an engine sees the files of this machine, which the nodes of a lab mount.

A file with a random name is written into the state folder, and a container is made, never started, that would mount it.
An engine refuses a mount whose source it does not see; Podman only if it is asked in its own way.
"""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING

from orchestrator.errors import EngineMissing, FileUnseen, WirelabError
from orchestrator.planning import labels
from orchestrator.planning.specs import Bind, ContainerSpec

if TYPE_CHECKING:
    from orchestrator.engine.docker import DockerEngine
    from orchestrator.engine.images import ImageStore
    from orchestrator.host.state_folder import StateFolder

PROBE_IMAGE = "wirelab/probe:empty"
PROBE = "probe"


def sees_files(engine: DockerEngine, store: ImageStore, state: StateFolder) -> bool | None:
    """Whether the engine sees the state folder of this machine; None where it could not be tried.

    An engine that has no image of wirelab's is given an empty one for the moment. Raises EngineMissing.
    """
    token = token_hex(8)
    marker = state.private(state.root / "members") / f".{PROBE}-{token}"
    marker.touch()
    image = next((image.tag for image in store.seen()), "")
    try:
        if not image:
            store.take_tar(_empty_tar(), PROBE_IMAGE, {})
        spec = ContainerSpec(
            name=f"wirelab-{PROBE}-{token}",
            image=image or PROBE_IMAGE,
            labels={labels.LAB: f"{PROBE}-{token}"},
            command=("none",),
            binds=(Bind(str(marker), "/marker"),),
        )
        engine.require_files(spec)
        return True
    except EngineMissing:
        raise
    except FileUnseen:
        return False
    except WirelabError:
        return None
    finally:
        marker.unlink(missing_ok=True)
        if not image:
            with suppress(WirelabError):
                store.remove(PROBE_IMAGE)


def _empty_tar() -> io.BytesIO:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w"):
        pass
    content.seek(0)
    return content
