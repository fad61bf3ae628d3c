"""Two engines on the same processor have the same architecture, whatever each of them calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_engine import Answers, served

from orchestrator.operations.members.examine import engine_identity


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("x86_64", "x86_64"),  # Docker
        ("amd64", "x86_64"),  # Podman
        ("aarch64", "aarch64"),
        ("arm64", "aarch64"),
        ("riscv64", "riscv64"),
        ("", "unknown"),
    ],
)
def test_an_architecture_has_one_name(said: str, meant: str, tmp_path: Path) -> None:
    def answer(request: Answers) -> None:
        if not request.pinged():
            request.whole([] if request.path.endswith("/networks") else {"ID": "a", "Architecture": said})

    answers = type("OfThisTest", (Answers,), {"do_GET": answer})
    with served(tmp_path / "e", answers) as url:
        assert engine_identity(url).architecture == meant
