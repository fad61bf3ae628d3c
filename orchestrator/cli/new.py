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
LESSON = Template("""\
---
# yaml-language-server: $$schema=../../lesson.schema.json
title: Ask for a name, then for a page
minutes: 5
shell: [client]
tasks:
  look-up:
    title: Ask the DNS server for the address of app.$name.lab.
    observe: {from: client, resolves: app.$name.lab, to: app}
    hints:
      - "In the client's shell: `dig app.$name.lab`"
    wrong:
      - {from: client, run: [dig, ap.$name.lab], told: nobody has that name}
    solve: {from: client, run: [dig, app.$name.lab]}
  repair:
    title: The client gets no page any more. Find out why, and heal the lab.
    fault: {stop: app}
    holds: {name: The client gets a page, from: client, http: "http://app.$name.lab/items"}
    hints:
      - "Which machine is stopped? wirelab ps $name"
    solve: heal
---
A name becomes an address before anything else happens.

::task{look-up}

Now one machine of the lab is broken.

::task{repair}

A name that leads to an address says nothing about the machine at this address.
""")


@click.command("new")
@click.argument("name")
@click.option("--lesson", is_flag=True, help="Also write a lesson, scenarios/NAME/lesson.md.")
def command(name: str, lesson: bool) -> None:
    """Write a small working scenario, scenarios/NAME/scenario.yaml, to start from."""
    if not re.fullmatch(LABEL, name):
        why = "it becomes a part of DNS names: 1 to 63 of the letters a-z, the digits and '-', no '-' at either end"
        raise UsageInvalid(f"{name[:80]!r} cannot be the name of a scenario", why=why, hint="wirelab new my-first-lab")
    folder = Path("scenarios") / name
    try:
        folder.mkdir(parents=True)
        (folder / "seed.sql").write_text(SEED, encoding="utf-8")
        (folder / "scenario.yaml").write_text(SCENARIO.substitute(name=name), encoding="utf-8")
        if lesson:
            (folder / "lesson.md").write_text(LESSON.substitute(name=name), encoding="utf-8")
    except FileExistsError as error:
        hint = f"wirelab new {name[:58]}-2, or remove the folder first"
        raise UsageInvalid(f"{folder} is already there", why="nothing was written over it", hint=hint) from error
    except OSError as error:
        raise WorldError(f"cannot write {folder}", why=str(error), hint="go to a folder of your own") from error
    out(str(folder / "scenario.yaml"))
    say(f"next: wirelab run {name} brings it up and proves it; then change the file, and run it again")
    if lesson:
        say(f"the lesson is beside it: wirelab lesson prove {name} carries it out")
    if not Path("scenario.schema.json").exists():
        say("for completion and help in your editor: wirelab schema > scenario.schema.json")
    if lesson and not Path("lesson.schema.json").exists():
        say("and for lessons: wirelab schema --lesson > lesson.schema.json")
