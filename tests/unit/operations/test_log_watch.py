"""The logs of servers are read from the beginning of a task on, and each line once."""

from __future__ import annotations

from pathlib import Path

from lab_in_memory import IMAGES, SEED, TEXT, InMemoryWorkspace

from orchestrator.engine.fake import FakeEngine
from orchestrator.engine.programs import Output
from orchestrator.host.state_folder import StateFolder
from orchestrator.lessons.server_records import ServerRecord
from orchestrator.operations.lab_handle import LabHandle
from orchestrator.operations.log_watch import PAUSE_SECONDS, LogWatch
from orchestrator.operations.scenario_library import load_scenario

LINE = 'access 192.168.7.2:40000 "GET / HTTP/1.1" 200 30B 0.1ms'


def test_each_line_is_told_once_and_a_node_made_anew_has_another_log(tmp_path: Path) -> None:
    for name, text in {"scenario.yaml": TEXT, **SEED}.items():
        (tmp_path / name).write_text(text, "utf-8")
    engine, state = FakeEngine(list(IMAGES.values()), answer=lambda _call: Output(0, "", "")), tmp_path / "state"
    workspace = InMemoryWorkspace(StateFolder(state), "unix:///nobody", engine)
    scenario = load_scenario(str(tmp_path))
    made = workspace.lab(scenario, "shop", routes=tuple, ready_seconds=0.2)
    made.up(())
    node = made.observe().container_of("app")
    assert node is not None
    engine.write(node.id, LINE)
    now = 0.0
    with LogWatch(LabHandle(made, workspace, scenario), ["app"], lambda: now) as watch:
        engine.write(node.id, LINE)
        record = ServerRecord(("app", "192.168.7.2", 40000), method="GET", target="/", status=200)
        assert watch.new() == [record]  # the line of before is none of the task's
        engine.write(node.id, LINE)
        assert watch.new() == []  # not so soon
        now = PAUSE_SECONDS
        assert watch.new() == [record]
        now = 2 * PAUSE_SECONDS
        assert watch.new() == []
        assert not watch.is_stale()
        engine.remove_container(node.id)
        assert watch.new() == []
        made.up(())
        assert watch.is_stale()
