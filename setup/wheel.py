"""How wirelab is built for an installation that is not this checkout: what stands beside the package goes into it."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parents[1]
CARRIED = ("images", "scenarios")


class CarryingBuild(build_py):  # type: ignore[misc]
    """Builds the package with `images/` and `scenarios/` in it, where `host/bundled_files.py` looks for them."""

    def run(self) -> None:
        """An editable installation uses those of the checkout."""
        super().run()
        if self.editable_mode:
            return
        for name in CARRIED:
            into = Path(self.build_lib) / "orchestrator" / name
            shutil.rmtree(into, ignore_errors=True)  # an earlier build's files would change the images' tags
            shutil.copytree(ROOT / name, into, ignore=shutil.ignore_patterns("__pycache__"))

    def get_source_files(self) -> list[str]:
        """What a source distribution must hold, so that it can be built in turn."""
        files = (path for name in CARRIED for path in sorted((ROOT / name).rglob("*")) if path.is_file())
        own = [path for path in files if "__pycache__" not in path.parts]
        return [
            *super().get_source_files(),
            *(str(path.relative_to(ROOT)) for path in (*own, Path(__file__).resolve())),
        ]
