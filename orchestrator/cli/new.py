"""`wirelab new`: a small working scenario to start from."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

import click

from orchestrator.cli.console import out, say
from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.model.values import LABEL

SCENARIO = Template("""\
# yaml-language-server: $$schema=../../scenario.schema.json
# Every key: wirelab help KEY
name: $name
title: A client, an app and its database
domain: $name.lab

nodes:
  dns:    {role: dns}
  db:     {role: database, seed: seed.sql}
  app:    {role: app, uses: [db]}
  client: {role: client, uses: [app]}

checks:
  - name: The client asks the lab's DNS server where the app is
    from: client
    resolves: app.$name.lab
    to: app
    answered_by: dns
  - name: The app answers with a row that only the database has
    from: client
    http: http://app.$name.lab/items
    contains: hello
  - name: On the client itself nothing listens on port 80
    from: client
    cannot_connect: 127.0.0.1:80
""")
SEED = """\
create table items (id serial primary key, name text not null);
insert into items (name) values ('hello');
"""


@click.command("new")
@click.argument("name")
def command(name: str) -> None:
    """Write a small working scenario, scenarios/NAME/scenario.yaml, to start from."""
    if not re.fullmatch(LABEL, name):
        why = "it becomes a part of DNS names: 1 to 63 of the letters a-z, the digits and '-', no '-' at either end"
        raise UsageInvalid(f"{name[:80]!r} cannot be the name of a scenario", why=why, hint="wirelab new my-first-lab")
    folder = Path("scenarios") / name
    try:
        folder.mkdir(parents=True)
        (folder / "seed.sql").write_text(SEED, encoding="utf-8")
        (folder / "scenario.yaml").write_text(SCENARIO.substitute(name=name), encoding="utf-8")
    except FileExistsError as error:
        hint = f"wirelab new {name[:58]}-2, or remove the folder first"
        raise UsageInvalid(f"{folder} is already there", why="nothing was written over it", hint=hint) from error
    except OSError as error:
        raise WorldError(f"cannot write {folder}", why=str(error), hint="go to a folder of your own") from error
    out(str(folder / "scenario.yaml"))
    say(f"next: wirelab run {name} brings it up and proves it; then change the file, and run it again")
    if not Path("scenario.schema.json").exists():
        say("for completion and help in your editor: wirelab schema > scenario.schema.json")
