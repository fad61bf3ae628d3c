"""wirelab: a laboratory for the client-server model."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.operations.lab_handle import ChecksFailed, open_lab

__all__ = ["ChecksFailed", "__version__", "open_lab"]
__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    """The Python API, loaded once it is used: the command line imports this package at each start."""
    if name in ("ChecksFailed", "open_lab"):
        # By its name: modules of every room import this package for its version or its folder.
        return getattr(import_module("orchestrator.operations.lab_handle"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
