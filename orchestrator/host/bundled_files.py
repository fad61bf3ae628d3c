"""What stands beside the package in a checkout, and is carried inside it by an installation: images and scenarios."""

from __future__ import annotations

from pathlib import Path


def bundled_files(name: str) -> Path:
    """The folder `images` or `scenarios` of this checkout or, where this is none, of this installation."""
    package = Path(__file__).resolve().parents[1]
    inside = package / name  # put there by setup/wheel.py
    return inside if inside.is_dir() else package.parent / name
