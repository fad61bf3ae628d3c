"""The user that runs in a container of an author's image: not root, unless the person trusts the file."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.engine.protocol import Engine
from orchestrator.errors import WorldError
from orchestrator.planning.budget import FilePath
from orchestrator.planning.specs import ContainerSpec


def require_ordinary_user(engine: Engine, place: Callable[[FilePath], str], node: str, spec: ContainerSpec) -> None:
    """Raise WorldError if the image of a node runs its program as root, or as a user whose number is not known.

    A name says nothing: the image's own /etc/passwd may give it the number 0. Kubernetes refuses names, too, where a
    pod has `runAsNonRoot` (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/).
    """
    if spec.user is not None:
        return
    user = engine.image_user(spec.image)
    name = user.partition(":")[0]
    if name.isdecimal() and int(name) != 0:
        return
    if name in ("", "root") or name.isdecimal():
        why = f"the image {spec.image!r} runs its program as root"
    else:
        why = f"the image {spec.image!r} runs its program as {name[:40]!r}, which may be another name of root"
    what = f"{place(('nodes', node, 'image'))}: the node {node!r} may run as root"
    raise WorldError(what, why=why, hint="an image with a line such as USER 1000; if you trust the file: up --trusted")
