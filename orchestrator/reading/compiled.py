"""A valid scenario as JSON, so that an unchanged file needs neither the YAML parser nor pydantic.

Only plain values: whatever such a text holds, nothing in it runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from orchestrator.model.language import ScenarioModel
from orchestrator.model.scenario import Scenario
from orchestrator.reading.reading import Path, Position, Reading

# What may go wrong when a text is read that is not what `compile_reading` wrote.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


def compile_reading(reading: Reading) -> str:
    """The reading as a text that ends with the hash of what comes before."""
    count = len(reading.scenario.checks)
    document = {
        "scenario": _encoded(reading.scenario),
        "files": {name: digest(text) for name, text in reading.texts.items()},
        "checks": [reading.positions.get(("checks", at), Position(1, 1)) for at in range(count)],
    }
    body = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return f"{body}\n{digest(body)}\n"


def compiled_reading(text: str, read_companion: Callable[[str], str | None]) -> Reading | None:
    """The reading of such a text; None where it is damaged, or where a file beside the scenario has changed."""
    body, _, end = text.partition("\n")
    if end.strip() != digest(body):
        return None
    try:
        document = json.loads(body)
        texts = {name: read_companion(name) for name in document["files"]}
        if any(text is None or digest(text) != document["files"][name] for name, text in texts.items()):
            return None
        scenario = _decoded(document["scenario"], {_name(model): model for model in _models(ScenarioModel)})
        positions: dict[Path, Position] = {
            ("checks", at): Position(*place) for at, place in enumerate(document["checks"])
        }
    except UNREADABLE:
        return None
    if not isinstance(scenario, Scenario):
        return None
    return Reading(scenario, {name: text or "" for name, text in texts.items()}, positions, compiled=True)


def digest(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _models(base: type[ScenarioModel]) -> Iterator[type[ScenarioModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _name(model: type[ScenarioModel]) -> str:
    return f"{model.__module__}:{model.__qualname__}"


def _encoded(value: Any) -> Any:
    """A value as JSON: single values as they are, all others as a list of their kind and their parts."""
    match value:
        case ScenarioModel():
            return [_name(type(value)), {name: _encoded(part) for name, part in value.written.items()}]
        case dict():
            return ["dict", {key: _encoded(part) for key, part in value.items()}]
        case tuple():
            return ["tuple", [_encoded(part) for part in value]]
        case list():
            return ["list", [_encoded(part) for part in value]]
        case IPv4Address() | IPv4Network():
            return [type(value).__name__, str(value)]
        case None | str() | int() | float():
            return value
    raise TypeError(f"a scenario holds no {type(value).__name__}")


def _decoded(value: Any, models: dict[str, type[ScenarioModel]]) -> Any:
    if not isinstance(value, list):
        return value
    kind, parts = value
    match kind:
        case "dict":
            return {key: _decoded(part, models) for key, part in parts.items()}
        case "tuple":
            return tuple(_decoded(part, models) for part in parts)
        case "list":
            return [_decoded(part, models) for part in parts]
        case "IPv4Address":
            return IPv4Address(parts)
        case "IPv4Network":
            return IPv4Network(parts)
    return models[kind].of_written({name: _decoded(part, models) for name, part in parts.items()})
