"""The Docker Engine, and what speaks its API, behind the protocols of `engine/`."""

from orchestrator.engine.docker.engine import DockerEngine

__all__ = ["DockerEngine"]
