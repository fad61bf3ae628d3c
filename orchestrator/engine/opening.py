"""Opens the engine at an address, by what it says that it speaks."""

from __future__ import annotations

from orchestrator.engine.docker import DockerEngine


def open_engine(url: str) -> DockerEngine:
    """The engine at `url`. Raises EngineMissing if none answers there."""
    engine = DockerEngine(url)
    if not engine.speaks_libpod:
        return engine
    # Imported where it is needed: most commands meet a Docker engine.
    from orchestrator.engine.podman.engine import PodmanEngine

    engine.close()
    return PodmanEngine(url)
