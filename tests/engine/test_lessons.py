"""Lessons in a real lab: scripted learners, and the proof of a lesson that holds and of one that does not."""

from __future__ import annotations

import json
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from secrets import randbelow

import pytest
from lab_bench import CHECKOUT, Bench, Engine, piped
from learner import HELP, Learner
from live_view import follow
from websockets.sync.client import ClientConnection

from orchestrator.host.state_folder import StateFolder

LESSONS = sorted(path.parent.name for path in (CHECKOUT / "scenarios").glob("*/lesson.md"))

SENTENCES = Path(__file__).parent / "lesson_sentences"


def entries(text: str) -> list[tuple[str, ...]]:
    """Of each wrong attempt, its task, its command, and the sentences that it may be told."""
    return [tuple(entry.split("\n  ")) for entry in text.removesuffix("\n\n").split("\n\n")]


@pytest.mark.waits
@pytest.mark.truth
@pytest.mark.rounds(1, full=3)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.engines) if name == "basic" else name for name in LESSONS]
)
def test_a_lesson_is_proved_with_a_seed_by_chance(name: str, engine: Engine, tmp_path: Path) -> None:
    """Solutions complete their tasks and no others; wrong attempts are told, word for word, what they must be told.

    The sentences are written anew by `wirelab lesson prove NAME --sentences tests/engine/lesson_sentences/NAME.txt`.
    Where any of equal machines may answer, or the kernel has two words for the same, the file has a line for each.
    """
    seed, told = randbelow(1_000_000), tmp_path / "sentences.txt"
    ran = engine.wirelab("lesson", "prove", name, "--seed", str(seed), "--sentences", str(told))
    wrong = [line for line in ran.out.splitlines() if not line.startswith("holds")]
    assert (ran.code, wrong) == (0, []), f"seed {seed}\n{ran.err}"
    assert ran.out.count("is completed by its solution") >= 2
    wanted = entries((SENTENCES / f"{name}.txt").read_text("utf-8"))
    assert [
        (task, attempt, sentence)
        for (task, attempt, sentence), alternatives in zip(entries(told.read_text("utf-8")), wanted, strict=True)
        if (task, attempt) != alternatives[:2] or sentence not in alternatives[2:]
    ] == [], f"seed {seed}"


SMALL_LESSON = """---
title: One task
minutes: 1
shell: [client]
tasks:
  look-up:
    title: Ask for the address of the app.
    observe: {from: client, resolves: app.shop.lab}
    wrong: [{from: client, run: [dig, WRONG], told: nobody has that name}]
    solve: {from: client, run: [dig, SOLVE]}
---
::task{look-up}
"""


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("wrong", "solve", "broken_claim"),
    [
        ("ap.shop.lab", "app.shop.lab", ""),
        ("ap.shop.lab", "db.shop.lab", "look-up: is completed by its solution"),
        ("app.shop.lab", "app.shop.lab", "look-up: is not completed by 'dig app.shop.lab'"),
        ("db.shop.lab", "app.shop.lab", "look-up: 'dig db.shop.lab' is told 'nobody has that name'"),
    ],
)
def test_what_does_not_hold_of_a_lesson_is_said(
    wrong: str, solve: str, broken_claim: str, engine: Engine, tmp_path: Path
) -> None:
    """A solution that completes nothing, an attempt that completes the task, and one that is told something else."""
    folder = shutil.copytree(CHECKOUT / "scenarios" / "basic", tmp_path / "basic")
    (folder / "lesson.md").write_text(SMALL_LESSON.replace("WRONG", wrong).replace("SOLVE", solve), "utf-8")
    ran = engine.wirelab("lesson", "prove", str(folder))
    failed = [line for line in ran.out.splitlines() if line.startswith("DOES NOT HOLD")]
    assert ran.code == (1 if broken_claim else 0), ran.err
    assert any(broken_claim in line for line in failed) if broken_claim else failed == []


def test_a_learner_is_told_what_is_wrong_and_comes_back_another_day(bench: Bench) -> None:
    """Wrong answers and attempts get their sentences; any program will do; what was done is kept."""
    with Learner(bench, seed=4) as learner:
        learner.hears("task 1 of 8")
        learner.types("app")
        learner.hears('not yet: "app" is not right.')
        learner.types("hint")
        learner.hears("hint 1 of 2")
        learner.types("dns")
        learner.hears("task 2 of 8")
        learner.runs("host", "ap.shop.lab")
        learner.hears("not yet: client asked dns for ap.shop.lab: NXDOMAIN, nobody has that name.")
        learner.hears(
            "why (DNS answer): The DNS server dns answers that the name ap.shop.lab does not exist (NXDOMAIN)."
        )
        learner.runs("getent", "hosts", "app.shop.lab", node="app")
        learner.hears("not yet: app asked dns for app.shop.lab A. Expected: client does it.")
        learner.runs("getent", "ahostsv4", "app.shop.lab")
        learner.hears("done: client asked dns for app.shop.lab A")
        learner.hears("task 3 of 8")
        learner.types("quit")
        assert learner.ends() == 1
        kept = learner.said.rpartition("Your progress is kept: ")[2]
        assert kept.strip().endswith(f"wirelab learn basic --lab {bench.lab}")
    with Learner(bench, seed=4) as learner:
        first = learner.hears("task 3 of 8")
        assert "task 1 of 8" not in first
        learner.types(bench.address("app"))
        learner.hears("task 4 of 8")
        learner.runs("curl", "-sS", "http://app.shop.lab:8080/items")
        learner.hears("not yet: client opened a connection to app")
        learner.runs("curl", "-sS", "http://app.shop.lab/items")  # at once, while it is asked why
        learner.hears("task 5 of 8")
        learner.types("help")
        asked = learner.hears(HELP)
    pages = steps_on_two_pages(bench)
    assert pages[0] == pages[1]
    # The learner's request has just opened the app's connection to the database: the question is of a whole request.
    assert "app opens a connection to db, port 5432" in pages[0]
    assert " ".join(f"{number} {step}" for number, step in enumerate(pages[0], 1)) in asked


def steps_on_two_pages(bench: Bench) -> list[list[str]]:
    """The choices of the task that is open, in two tabs of a browser. The learner goes on there."""
    with bench.start("learn", "--web") as process:
        try:
            link = re.search(r"http://\S+", piped(process.stdout).readline())
            assert link
            visitor = follow(link[0])
            with visitor.socket() as page, visitor.socket() as other:
                return [choices_told(socket) for socket in (page, other)]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def choices_told(socket: ClientConnection) -> list[str]:
    """The choices of the task that a page is told of when it opens."""
    while True:
        message = json.loads(socket.recv(timeout=60))
        if message["type"] == "lesson":
            return list(message["task"]["choices"])


def test_a_learner_goes_through_the_lesson_to_its_end(bench: Bench) -> None:
    """Everything is done by programs in the client, and the repair by `heal`; exit code 0."""
    with Learner(bench, seed=9) as learner:
        learner.hears("task 1 of 8")
        learner.types("dns")
        learner.hears("task 2 of 8")
        learner.runs("dig", "app.shop.lab")
        learner.hears("task 3 of 8")
        learner.types(bench.address("app"))
        learner.hears("task 4 of 8")
        learner.runs("python3", "-c", "import urllib.request as r; r.urlopen('http://app.shop.lab/items')")
        learner.hears("task 5 of 8")
        learner.types("1")
        learner.hears("not yet: Type each number from 1 to")
        learner.types(learner.solution())
        learner.hears("task 6 of 8")
        learner.types("db")
        learner.hears("task 7 of 8")
        learner.runs("curl", "-sS", "--json", '{"name": "anything"}', "http://app.shop.lab/items")
        learner.hears("task 8 of 8")
        learner.runs("curl", "-sS", "http://app.shop.lab/items")
        told = learner.hears("not yet: ")
        assert "done" not in told.split("task 8 of 8")[-1]
        assert bench.cli("heal").code == 0
        learner.hears("8 of 8 tasks done")
        assert learner.ends() == 0
    assert "lesson   basic repair: done" in bench.cli("events").out


REPAIR_SCENARIO = """name: small
title: One page
domain: shop.lab
nodes:
  dns: {role: dns}
  web: {role: service, command: [python3, -m, http.server, "8080", --bind, 0.0.0.0], listens: [{port: 8080}]}
  client: {role: client, uses: [web]}
"""
# The cause of the attempt: at once, or on a busy machine after what came of it.
LOOPBACK_ALONE = "On web port 8080 is open on 127.0.0.1 (loopback) alone"
REPAIR_LESSON = """---
title: One repair
minutes: 1
shell: [client]
tasks:
  repair:
    title: Mend the file.
    setup: {edits: [{replace: "--bind, 0.0.0.0", by: "--bind, 127.0.0.1"}]}
    allow: {do: [edit], shell: [dns]}
    holds: {name: The page comes, from: client, http: "http://web.shop.lab:8080/"}
    solve: edit
---
::task{repair}
"""


@pytest.mark.waits
def test_a_learner_repairs_the_labs_own_copy_of_the_file(bench: Bench, tmp_path: Path) -> None:
    """The copy stays as the learner left it until `restore`; `up` on it completes the task; the file never changes."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(REPAIR_SCENARIO, "utf-8")
    (folder / "lesson.md").write_text(REPAIR_LESSON, "utf-8")
    bench = replace(bench, scenario=str(folder))
    copy = StateFolder.of(bench.engine.environ).root / "lessons" / bench.lab / "scenario.yaml"
    with Learner(bench, seed=1) as learner:
        learner.hears(f"Work in a shell of dns: wirelab shell {bench.lab} dns")
        learner.hears(f"own copy of the scenario file, {copy}, and then: wirelab up {bench.lab}")
        learner.runs("curl", "-sS", "http://web.shop.lab:8080/")
        learner.hears(LOOPBACK_ALONE)
        learner.types("undo")
        learner.hears("You have put no fault in.")
        copy.write_text(copy.read_text("utf-8") + "# mine\n", "utf-8")
        learner.types("quit")
        assert learner.ends() == 1
    with Learner(bench, seed=1) as learner:
        learner.hears("task 1 of 1")
        assert "# mine" in copy.read_text("utf-8")
        assert bench.cli("inject", "stop", "web").code == 0
        learner.types("undo")
        learner.hears("Taken back: stop-web.")
        learner.types("reset lab")
        learner.hears("All machines of the lab are new")
        learner.types("restore")
        learner.hears("The lab is again what it was when this task began.")
        assert copy.read_text("utf-8") == REPAIR_SCENARIO.replace("0.0.0.0", "127.0.0.1")
        address = bench.address("web")
        second_server = f"python3 -m http.server 8080 --bind {address} > /dev/null 2>&1 & "
        second_server += f"until ss -Htln | grep -qF {address}:8080; do sleep 0.1; done"
        assert bench.cli("exec", "web", "--", "sh", "-c", second_server).code == 0
        learner.hears("not yet: A shell or a program ran in web when the check began to hold. This task does not count")
        assert bench.cli("up").code == 0  # from the lesson's own file, which repairs the lab and teaches nothing
        learner.hears("not yet: The lab was made from another file")
        learner.hears(f"What counts: Work in a shell of dns: wirelab shell {bench.lab} dns. Edit the lab's own copy")
        assert bench.cli("reset").code == 0
        learner.hears("The lab is gone. The lesson goes on when it is up again: wirelab up")
        learner.hears("The lab was removed and made anew. The task begins again.")
        learner.hears("task 1 of 1")
        learner.runs("curl", "-sS", "http://web.shop.lab:8080/")  # its traffic is read again
        learner.hears(LOOPBACK_ALONE)
        copy.write_text(REPAIR_SCENARIO, "utf-8")
        assert bench.run("up", bench.lab).code == 0
        learner.hears("1 of 1 task done")
        assert learner.ends() == 0
    assert (folder / "scenario.yaml").read_text("utf-8") == REPAIR_SCENARIO


def test_a_scenario_without_a_lesson_says_so(bench: Bench, tmp_path: Path) -> None:
    folder = shutil.copytree(CHECKOUT / "scenarios" / "basic", tmp_path / "basic")
    (folder / "lesson.md").unlink()
    ran = replace(bench, scenario=str(folder)).cli("learn")
    assert ran.code == 2
    assert "the scenario 'basic' has no lesson" in ran.err
    assert bench.containers() == []
