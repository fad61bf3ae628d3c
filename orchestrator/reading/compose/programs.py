"""What a node runs: the command of a service, the settings of a database, the configuration of nginx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from orchestrator.model.postgresql_settings import OWN_SETTINGS
from orchestrator.model.roles.proxy.files import HEAD
from orchestrator.reading.compose.files import FOLDER
from orchestrator.reading.compose.images import Replacement
from orchestrator.reading.compose.short_forms import words_of
from orchestrator.reading.compose.source import ComposeFolder, ComposeSource

NGINX_CONF, CONF_D, HTML = "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/", "/usr/share/nginx/html/"
SEEDS = "/docker-entrypoint-initdb.d/"
# What a configuration of nginx says of files and of a user that are not there in wirelab's image.
PLACES = re.compile(r"^[ \t]*(user|pid|daemon|error_log|access_log)\s[^;{}]*;[ \t]*\n?", re.MULTILINE)
HTTP = re.compile(r"^\s*http\s*\{", re.MULTILINE)
SITE = f"    server {{\n        listen 80;\n        root {HTML.rstrip('/')};\n        index index.html;\n    }}\n"
PYTHON = re.compile(r"((?:^|[;&|(]\s*|exec\s+))python(?=\s)")
SETTING = re.compile(r"([a-z][a-z0-9_]*)=(.*)", re.DOTALL)


def command_of(
    source: ComposeSource,
    service: str,
    options: dict[str, Any],
    replacement: Replacement,
    node: str,
    databases: list[str],
    environment: dict[str, str],
) -> tuple[str, ...]:
    """The command of a node; changes `environment` where the client of a database needs its password."""
    command, entrypoint = words_of(options.get("command")), words_of(options.get("entrypoint"))
    if replacement.kind == "image":
        if entrypoint:
            source.note(("services", service, "entrypoint"), "no equal: the image's own entry point runs", node)
        return command
    if replacement.kind != "tools":
        return ()
    words = tuple(PYTHON.sub(r"\1python3", word) for word in (*(entrypoint or replacement.entrypoint), *command))
    if words[:1] == ("python",):
        words = ("python3", *words[1:])
    if words and isinstance(folder := options.get("working_dir"), str):
        words = ("sh", "-c", 'cd "$0" && exec "$@"', folder, *words)
    if words and len(databases) == 1 and "PGPASSWORD" in environment:
        del environment["PGPASSWORD"]
        environment |= {"PGUSER": "app", "PGDATABASE": "app"}
        words = ("sh", "-c", 'PGPASSWORD=$(cat /wirelab/password) exec "$@"', "sh", *words)
        path = ("services", service, "environment")
        source.note(path, "the client logs in as app, with the password that wirelab makes", node)
    return words


def settings_of(source: ComposeSource, service: str, options: dict[str, Any], node: str) -> dict[str, Any]:
    """The settings that `postgres -c name=value` gives."""
    words = [word for word in words_of(options.get("command")) if word not in ("postgres", "-c")]
    settings = {}
    for word in words:
        setting = SETTING.fullmatch(word.removeprefix("-c").removeprefix("--"))
        if setting and setting[1] not in OWN_SETTINGS:
            settings[setting[1]] = setting[2]
        else:
            source.note(("services", service, "command"), f"no equal: {word[:80]} of the database", node)
    return {"settings": settings} if settings else {}


def seed_of(copied: dict[str, str], folder: ComposeFolder) -> str:
    """The SQL files that fill a fresh database, in the order of their names; they are no files of the node."""
    seeds = sorted(target for target in copied if target.startswith(SEEDS) and target.endswith(".sql"))
    return "\n".join(folder.text(copied.pop(target)) or "" for target in seeds)


def proxy_files(copied: dict[str, str], written: dict[str, str], node: str, folder: ComposeFolder) -> None:
    """Give nginx a configuration by which it runs as a normal user on a read-only disk, where the file has one."""
    place = f"{FOLDER}/{node}-nginx.conf"
    whole = copied.pop(NGINX_CONF, "")
    if whole:
        text = written.pop(whole, None) or folder.text(whole) or ""
        # The function, for the text holds backslashes.
        written[place] = HTTP.sub(lambda match: match[0] + _temporary(), PLACES.sub("", text), count=1)
        written[place] = f"pid /tmp/nginx.pid;\nerror_log stderr notice;\n{written[place]}"
    elif any(target.startswith(CONF_D) for target in copied):
        written[place] = f"{HEAD}    include /etc/nginx/mime.types;\n    include {CONF_D}*.conf;\n}}\n"
    elif any(target.startswith(HTML) for target in copied):
        written[place] = f"{HEAD}    include /etc/nginx/mime.types;\n{SITE}}}\n"
    else:
        return
    copied["/wirelab/nginx.conf"] = place


def _temporary() -> str:
    """The lines of wirelab's own configuration that name folders for temporary files, and its log."""
    lines = HEAD.partition("http {")[2]
    return f"{lines.rstrip()}\n"


def connection_attempt(node: str, kind: str, ports: Sequence[int], password_file: str) -> str:
    """A shell command that succeeds once the node serves: it accepts, or, as a database, lets its client log in."""
    if kind == "postgresql":
        return f"PGPASSWORD=$(cat /wirelab/{password_file}) psql -qtA -h {node} -U app -c 'select 1' app"
    return f"nc -z -w 1 {node} {ports[0]}"
