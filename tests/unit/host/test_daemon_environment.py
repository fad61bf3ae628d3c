"""The environment in which wirelab's own engine starts."""

from __future__ import annotations

from orchestrator.host.private_engine.daemon import daemon_environment


def test_it_finds_the_programs_of_root_and_collects_seldom() -> None:
    environ = daemon_environment({"PATH": "/opt/bin", "DOCKER_HOST": "tcp://192.0.2.1:2375", "LANG": "C"})
    assert environ["PATH"].split(":")[:3] == ["/opt/bin", "/usr/local/sbin", "/usr/sbin"]
    assert (environ["GOGC"], environ["LANG"]) == ("400", "C")
    assert "DOCKER_HOST" not in environ


def test_what_the_user_has_set_stays() -> None:
    assert daemon_environment({"GOGC": "100"}) == {"GOGC": "100", "PATH": daemon_environment({})["PATH"]}
