"""The Python API: light until it is used, without pytest, and a failed proof that explains itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

import orchestrator
from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.walk import Cause, Layer, make_walk
from orchestrator.operations.lab_handle import ChecksFailed


def loaded_by(statement: str) -> set[str]:
    """The top modules that a fresh interpreter has after the statement."""
    script = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.slow
def test_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import orchestrator") & {"docker", "pydantic", "pytest", "click"} == set()


@pytest.mark.slow
def test_the_api_needs_no_pytest() -> None:
    assert loaded_by("from orchestrator import open_lab; import orchestrator.lab.lab") & {"pytest", "click"} == set()


def test_what_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="open_lap"):
        _ = orchestrator.open_lap


def test_a_failed_proof_names_the_check_and_its_cause() -> None:
    """What was expected, what was seen, and the sentence of the walk, where a layer is broken."""
    cause = Cause("The node db is stopped.", "wirelab heal basic")
    walk = make_walk((Layer("node", "client", "db", "fail", "db is stopped", causes=(cause,)),), cause)
    judgement = Judgement("fail", "an answer", "no answer")
    error = ChecksFailed("basic-py", (Finding("The app answers", "http", "client", judgement, 0.1, walk),))
    assert isinstance(error, AssertionError)
    assert str(error).splitlines() == [
        "these checks of the lab basic-py do not hold:",
        "- The app answers (fail)",
        "  expected: an answer",
        "  seen: no answer",
        "  cause: The node db is stopped.",
    ]


def test_a_cause_of_several_checks_comes_first_in_a_failed_proof() -> None:
    """The checks that it explains take a line each."""
    cause = Cause("The node db is stopped.", "wirelab heal basic", what="db is stopped")
    walk = make_walk((Layer("node", "client", "db", "fail", "db is stopped", causes=(cause,)),), cause)
    judgement = Judgement("fail", "an answer", "no answer")
    error = ChecksFailed(
        "basic-py", tuple(Finding(name, "http", "client", judgement, 0.1, walk) for name in ("A", "B"))
    )
    assert str(error).splitlines() == [
        "these checks of the lab basic-py do not hold:",
        "One cause explains 2 checks: The node db is stopped.",
        "- A (fail): no answer",
        "- B (fail): no answer",
    ]


HEAVY = {"psutil", "pyroute2", "dns"}


@pytest.mark.slow
def test_no_module_loads_a_heavy_library_before_it_is_used() -> None:
    """All modules of ours; the `help` of a command loads those of the command line."""
    every = "import importlib, pkgutil, orchestrator\n"
    every += "for each in pkgutil.walk_packages(orchestrator.__path__, 'orchestrator.'):\n"
    every += "    importlib.import_module(each.name)" + " if not each.name.endswith('__main__') else None"
    assert not loaded_by(every) & HEAVY


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--help",), ("up", "--help")])
def test_help_loads_no_heavy_library(words: tuple[str, ...]) -> None:
    argv = (sys.executable, "-X", "importtime", "-m", "orchestrator", *words)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & (HEAVY | {"docker", "pydantic"})
