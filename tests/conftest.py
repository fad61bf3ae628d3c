"""What engine tests share: an engine, a lab name of their own, the real command line, and the proof that nothing stays.

The engine is found with the real environment, for a private engine lives in the user's state folder; the labs of the
tests then have a state folder of their own. What is left is judged by the plain Docker SDK.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import docker
import pytest
from command_server import command_server
from hypothesis import HealthCheck, settings
from lab_bench import ANNOUNCED, CHECKOUT, DEADLINE, Bench, Engine, eventually

# What the tests of a module share, such as a lab, is a fixture of the module's scope: its own, or `run_label` below.
SHARED_FIXTURE = re.compile(r'^@pytest\.fixture\(scope="(module|session)"|\brun_label: str\b', re.MULTILINE)

# Made-up inputs: a few each time somebody saves a file, many in `make test` (--hypothesis-profile=thorough).
settings.register_profile(
    "quick", max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=100)
settings.load_profile("quick")

# A test run in the background of a shell ignores SIGINT, and so would every command that it starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [] if ANNOUNCED else ["orchestrator.pytest_plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="Repeat tests as often as long runs do, not as a sample.")
    # Workers of xdist are given the value of the process that started them.
    today = datetime.now(UTC).toordinal()
    parser.addoption(
        "--truth-seed",
        type=int,
        default=today,
        help="Which rows of the table of situations, and which lesson, are tried.",
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"truth seed: {config.getoption('truth_seed')}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked `rounds(sample, full=N)` is repeated; it may ask for its `round_number`."""
    if (marker := metafunc.definition.get_closest_marker("rounds")) is None:
        return
    rounds = marker.kwargs["full"] if metafunc.config.getoption("full") else marker.args[0]
    if "round_number" not in metafunc.fixturenames:
        metafunc.fixturenames.append("round_number")
    metafunc.parametrize("round_number", range(rounds))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine that wirelab finds or starts here; without one, engine tests are skipped with its own reason."""
    from orchestrator.errors import EngineMissing
    from orchestrator.host.find import find_engine
    from orchestrator.host.state_folder import StateFolder

    try:
        found = find_engine(os.environ, StateFolder.of(os.environ), notify=print, confirm=lambda _question: True)
    except EngineMissing as error:
        pytest.skip(f"{error.what}: {error.why}")
    before = {name: os.environ.get(name) for name in ("DOCKER_HOST", "WIRELAB_STATE")}
    client = docker.DockerClient(base_url=found.url, version="auto", timeout=60)
    with tempfile.TemporaryDirectory(prefix="wirelab-tests-") as state:
        os.environ.update({"DOCKER_HOST": found.url, "WIRELAB_STATE": state})
        path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
        environ = {**os.environ, "PYTHONPATH": path, "CI": "true"}
        with command_server(environ) as commands:
            yield Engine(found.url, client, environ, commands)
    client.close()
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture
def bench(engine: Engine) -> Iterator[Bench]:
    """A lab name of the test's own. Afterwards the lab goes down, and nothing that bears its label may be left.

    Nor a run: a watchdog that still cleans up after a killed command would be seen by the next test of this process.
    """
    one = Bench(engine, f"t{secrets.token_hex(4)}")
    before = one.open_runs()
    yield one
    if one.left() or one.folder.exists():
        # The test may have made it from another scenario than the one that this value names.
        ran = one.run("down", "--lab", one.lab)
        assert ran.code == 0, ran.err
    assert one.left() == []
    assert not one.folder.exists()
    assert eventually(lambda: one.open_runs() <= before, DEADLINE)


@pytest.fixture
def standing(bench: Bench) -> Bench:
    """The basic lab, up."""
    bench.up()
    return bench


@pytest.fixture(scope="session")
def shared(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The basic lab, up, for all tests of this process that do not change it.

    It has a state folder of its own: tests that give no lab's name do not meet it.
    """
    lab = Bench(engine.with_state(tmp_path_factory.mktemp("shared-lab")), f"s{secrets.token_hex(4)}")
    # A second `up` completes the lab: one failure by chance must not be one of each test that shares it.
    if lab.cli("up").code != 0:
        lab.up()
    yield lab
    ran = lab.cli("down")
    assert ran.code == 0, ran.err
    assert lab.left() == []


@pytest.fixture
def repaired(shared: Bench) -> Iterator[Bench]:
    """The shared lab for a test that breaks it; afterwards it is repaired."""
    yield shared
    shared.up()


@pytest.fixture(scope="module")
def run_label(engine: Engine) -> Iterator[str]:
    """The id of a run under a watchdog: what bears it as `wirelab.run` is removed should the test process die."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lab.guard import Guard

    with Guard(engine.url, StateFolder.of(engine.environ), engine.environ) as run:
        yield run


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` the tests of a file stay together, except in `tests/engine` where they share nothing.

    A long file would go on when the others have ended. (xdist's own `loadgroup` does nothing with pytest 9.2.)
    """
    from xdist.scheduler import LoadFileScheduling

    class BySharing(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return nodeid if _shares_nothing(CHECKOUT / file) else file

    return BySharing(config, log) if config.getoption("dist") == "loadfile" else None


@cache
def _shares_nothing(file: Path) -> bool:
    """Whether each test of a file has labs of its own, so that any worker may take any of them."""
    return file.parent.name == "engine" and not SHARED_FIXTURE.search(file.read_text("utf-8"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first: begun last, it would go on when the other workers have ended."""
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)
