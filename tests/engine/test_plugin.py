"""The pytest plugin, as a suite of somebody else's uses it: in a pytest of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lab_bench import Engine
from suites import SMALL

pytestmark = pytest.mark.sampled(3)

Suite = Callable[..., subprocess.CompletedProcess[str]]
CHECKOUT = Path(__file__).resolve().parents[2]
SUITE = """\
import os
import pytest

SEEN = []

@pytest.mark.lab("basic")
def test_ask(lab):
    found = lab.node("client").run("dig", "+short", "app.shop.lab")
    assert (found.exit_code, found.out.strip(), found.err) == (0, lab.address("app"), "")
    assert lab.node("client").run("false").exit_code == 1
    SEEN.append(lab.name)

@pytest.mark.lab("basic")
def test_checks(lab):
    assert {finding.verdict for finding in lab.check("The app answers")} == {"pass"}
    assert len(lab.check()) >= 15
    SEEN.append(lab.name)

@pytest.mark.lab("basic")
def test_one_lab_a_module(lab):
    assert SEEN == [lab.name, lab.name]
    assert os.environ["DOCKER_HOST"] == lab.docker_host
    lab.node("app").run("true")
    print("LAB", lab.name)
"""
WORKERS = """\
import pytest

@pytest.mark.parametrize("number", range(2))
@pytest.mark.lab("{scenario}", scope="session")
def test_names(lab, number, worker_id):
    assert f"-{{worker_id}}-" in lab.name
    assert lab.check()[0].verdict == "pass"
"""
SLIP = """\
import pytest

@pytest.mark.lab("basic", captur=True)
def test_slip(lab):
    pass
"""
FAILS = """\
  - name: Nobody is somebody
    from: client
    resolves: nobody.shop.lab
    rcode: NOERROR
    within: 0.5
"""

FAILING = """\
import pytest

@pytest.mark.lab("small", capture=True)
def test_first_holds(lab):
    assert lab.check("The name is known")[0].verdict == "pass"

@pytest.mark.lab("small", capture=True)
def test_then_fails(lab):
    lab.node("client").run("dig", "client.shop.lab.")
    assert lab.address("client") == "nowhere"

@pytest.mark.lab("small", capture=True)
def test_proves(lab):
    lab.prove("Nobody")

@pytest.mark.lab("small", capture=True)
def test_asks_for_a_node_that_is_not_there(lab):
    lab.node("nobody").run("true")
"""


@pytest.fixture
def suite(engine: Engine, tmp_path: Path) -> Iterator[Suite]:
    """Run pytest with the plugin on `tmp_path`; afterwards no lab of its state folder is left."""
    own = tmp_path / "state"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = (*engine.pytest, "-p", "no:cacheprovider")
        return subprocess.run(
            (*argv, "--rootdir", str(tmp_path), *words),
            env={**engine.environ, "WIRELAB_STATE": str(own)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    yield run
    containers = engine.client.containers.list(all=True, filters={"label": "wirelab.lab"}, ignore_removed=True)
    assert [c.name for c in containers if any(m["Source"].startswith(str(own)) for m in c.attrs["Mounts"])] == []
    assert [path.name for folder in ("labs", "runs") for path in (own / folder).glob("*")] == []


def test_fixture(suite: Suite, tmp_path: Path) -> None:
    """Tests marked with a scenario get its lab: one a module, with nodes, addresses and checks."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    shutil.copytree(CHECKOUT / "scenarios", tmp_path / "scenarios")
    ran = suite("-q", "-s", "test_suite.py")
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout
    assert "LAB basic-" in ran.stdout


def test_scenarios_are_tests(suite: Suite, tmp_path: Path) -> None:
    """`pytest scenarios/` collects each check of each scenario as a test; one that fails shows why and where."""
    folder = tmp_path / "scenarios" / "small"
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SMALL + FAILS)
    ran = suite("scenarios")
    assert ran.returncode == 1, ran.stdout
    assert "1 failed, 1 passed" in ran.stdout
    assert "expected:" in ran.stdout
    assert "NXDOMAIN" in ran.stdout
    line = (SMALL + FAILS).splitlines().index("  - name: Nobody is somebody") + 1
    assert f"scenario.yaml:{line}" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_collecting_needs_no_engine(suite: Suite, tmp_path: Path) -> None:
    """Collecting brings nothing up; names are those of the checks."""
    shutil.copytree(CHECKOUT / "scenarios", tmp_path / "scenarios")
    ran = suite("-q", "--collect-only", "scenarios")
    assert ran.returncode == 0, ran.stdout
    assert "scenario.yaml::The client asks the lab's DNS server where the app is" in ran.stdout
    assert not (tmp_path / "state").exists()


def test_a_wrong_file(suite: Suite, tmp_path: Path) -> None:
    """A scenario with mistakes is a collection error that tells each of them with its place."""
    folder = tmp_path / "scenarios" / "small"
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SMALL.replace("role: client", "rule: client"))
    ran = suite("scenarios")
    assert ran.returncode == 2
    assert "scenario.yaml:6:" in ran.stdout
    assert "rule" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_a_lab_that_does_not_stand(suite: Suite, tmp_path: Path) -> None:
    """A lab that cannot be brought up is an error of its tests, told in the three lines of the command."""
    folder = tmp_path / "scenarios" / "small"
    folder.mkdir(parents=True)
    broken = SMALL.replace("client: {role: client}", "client: {role: client, image: 'wirelab.invalid/nobody:1'}")
    (folder / "scenario.yaml").write_text(broken)
    ran = suite("scenarios")
    assert ran.returncode == 1
    assert "1 error" in ran.stdout
    assert "error: " in ran.stdout
    assert "wirelab.invalid/nobody:1" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_a_marker_with_a_slip(suite: Suite, tmp_path: Path) -> None:
    """A word that a marker does not have is told: otherwise a capture that somebody asked for would be missing."""
    (tmp_path / "test_slip.py").write_text(SLIP)
    ran = suite("test_slip.py")
    assert ran.returncode == 1
    assert "a lab marker has scope= and capture=, not captur=" in ran.stdout


def test_workers_do_not_meet(suite: Suite, tmp_path: Path) -> None:
    """Parallel workers have a lab each, named after the worker."""
    folder = tmp_path / "scenarios" / "small"
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SMALL)
    (tmp_path / "test_suite.py").write_text(WORKERS.format(scenario="small"))
    ran = suite("-q", "-n", "2", "test_suite.py")
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


PCAPNG = bytes.fromhex("0a0d0d0a")  # the type of a section header (draft-ietf-opsawg-pcapng)
KINDS = (("logs", "log"), ("resolv.conf", "conf"), ("sockets", "txt"))


@pytest.fixture
def failing(tmp_path: Path, suite: Suite) -> Path:
    """The folder in which a suite with failures and a scenario with a false check have run."""
    folder = tmp_path / "scenarios" / "small"
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SMALL + FAILS)
    (tmp_path / "test_suite.py").write_text(FAILING)
    ran = suite("test_suite.py", "scenarios", "--junit-xml", str(tmp_path / "junit.xml"))
    assert "4 failed, 2 passed" in ran.stdout, ran.stdout
    (tmp_path / "said.txt").write_text(ran.stdout)
    return tmp_path


def test_a_failed_test_leaves_a_bundle(failing: Path) -> None:
    """One for each failure, none for what passed, and the output says where they are."""
    said = (failing / "said.txt").read_text()
    bundles = sorted(path for path in (failing / "lab-bundles").iterdir())
    assert len(bundles) == 4
    for bundle in bundles:
        assert said.count(f"lab-bundles/{bundle.name}") >= 2, "with the error, and in the summary"
        files = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
        nodes = {f"{kind}/{node}.{end}" for kind, end in KINDS for node in ("dns", "client")}
        packets = {"capture.pcapng"} if "test_suite" in bundle.name else set()
        assert files == {"report.html", "failure.txt", "dns-queries.log", *nodes, *packets}
    ours = next(one for one in bundles if "test_then_fails" in one.name)
    assert "nowhere" in (ours / "failure.txt").read_text()
    assert re.search(r"nameserver 192\.168\.", (ours / "resolv.conf" / "client.conf").read_text())
    assert ":53" in (ours / "sockets" / "dns.txt").read_text()
    assert "client.shop.lab IN A" in (ours / "dns-queries.log").read_text()
    assert (ours / "capture.pcapng").read_bytes().startswith(PCAPNG)
    page = (ours / "report.html").read_text()
    assert "A test failed." in page
    assert "client to dns:</b> client.shop.lab A?" in page
    assert "The name is known" in page
    check = next(bundle for bundle in bundles if "scenario.yaml" in bundle.name)
    assert "NXDOMAIN" in (check / "report.html").read_text()


def test_junit_output_of_pytest_names_the_bundle(failing: Path) -> None:
    """As a property of the test case, in the message of its failure, and in the failure's text."""
    cases = [case for case in ElementTree.parse(failing / "junit.xml").iter("testcase") if list(case.iter("failure"))]
    assert len(cases) == 4
    for case in cases:
        (path,) = [str(tag.get("value")) for tag in case.iter("property") if tag.get("name") == "wirelab_bundle"]
        assert (failing / path / "report.html").is_file()
        failure = case.find("failure")
        assert failure is not None
        assert path in (failure.text or "")
        if case.get("name") != "Nobody is somebody":  # pytest has its own message where it calls no function
            assert path in (failure.get("message") or "")


def test_a_traceback_ends_in_the_test(failing: Path) -> None:
    """No line of wirelab's own code is in it; an error of wirelab has its three lines."""
    said = (failing / "said.txt").read_text()
    assert 'lab.prove("Nobody")' in said
    # The middle of the lab's name is the worker's, where pytest-xdist runs this test.
    assert re.search(r"ChecksFailed: these checks of the lab small-\w+-", said)
    assert "UsageInvalid: error: " in said
    assert "lab_handle.py" not in said
    assert "operations/" not in said
