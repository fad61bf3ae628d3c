"""The JSON Schema, the model and the reference say the same, because they are made from the same."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from orchestrator.errors import FileInvalid
from orchestrator.reading.scenario import read_scenario, shape_violations
from orchestrator.reading.schema import scenario_schema
from orchestrator.rendering.reference import reference

ROOT = Path(__file__).parents[3]
SCHEMA = scenario_schema()
VALIDATOR = Draft7Validator(SCHEMA)
# What the model refuses and a JSON Schema cannot express: told in docs/scenario-reference.md, and here by the sentence.
ONLY_THE_MODEL = {
    "the address of a subnet has no bits set beyond its prefix": r"has host bits set",
    "for a JSON Schema `1.0` is a whole number": r"expected a whole number.*found the number .*\.0",
}


def test_the_schema_in_the_repository_is_the_models() -> None:
    """scenario.schema.json is not stale: `wirelab schema > scenario.schema.json`."""
    assert json.loads((ROOT / "scenario.schema.json").read_text("utf-8")) == SCHEMA


def test_the_reference_in_the_repository_is_the_models() -> None:
    """docs/scenario-reference.md is not stale: `wirelab schema --reference > docs/scenario-reference.md`."""
    assert (ROOT / "docs" / "scenario-reference.md").read_text("utf-8") == reference()


@pytest.mark.slow
def test_the_schema_is_draft_07() -> None:
    """It is valid against its own dialect, and holds no word of a later one."""
    Draft7Validator.check_schema(SCHEMA)
    assert not {"$defs", "prefixItems", "discriminator", "unevaluatedProperties"} & _words(SCHEMA)


def _words(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_words, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema).union(*map(_words, schema.values()))


def test_every_key_has_a_description_and_an_example() -> None:
    """An editor has something to show for each key."""
    bare = [
        f"{name}.{key}"
        for name, schema in {"": SCHEMA, **SCHEMA["definitions"]}.items()
        for key, value in schema["properties"].items()
        if not value.get("description") or not (value.get("examples") or "const" in value)
    ]
    assert bare == []


@pytest.mark.parametrize("name", ["", *SCHEMA["definitions"]])
def test_every_example_is_valid(name: str) -> None:
    """What the documentation shows can be written."""
    schema = SCHEMA["definitions"][name] if name else SCHEMA
    for key, value in schema["properties"].items():
        for example in value.get("examples", []):
            found = list(VALIDATOR.evolve(schema=value).iter_errors(example))
            assert found == [], f"{name}.{key}"


def test_what_only_the_model_knows_is_told_in_the_reference() -> None:
    """The reference lists each thing that an editor cannot see."""
    text = " ".join(reference().split())
    assert [told for told in ONLY_THE_MODEL if told not in text] == []


JSON = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text("ab: ", max_size=3), st.just([1]), st.just({"k": 1})
)
YES_OR_NO: st.SearchStrategy[bool] = st.booleans()
JUNK = st.sampled_from(
    [
        None,
        True,
        3,
        -1,
        1.5,
        4.0,
        70000,
        "",
        "x",
        "NO_",
        "a" * 64,
        "no",
        "5",
        [],
        [None],
        ["x"],
        {},
        {"x": 1},
        "192.168.7.9",
    ]
).map(copy.deepcopy)


def later(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    """The same as `documents`, looked at only when it is drawn from: a schema may hold itself."""
    return st.deferred(lambda: documents(schema, depth))


def documents(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that the schema allows."""
    if "$ref" in schema:
        return documents(SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]], depth)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return st.one_of([later(one, depth) for one in schema[key]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "string":
            return (
                st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else st.text("ab-é", min_size=1)
            )
        case "integer":
            return st.integers(schema.get("minimum", -9), schema.get("maximum", 9))
        case "number":
            return st.floats(0.5, schema.get("maximum", 9))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            items = st.deferred(lambda: documents(schema["items"], depth + 1))
            least = schema.get("minItems", 0)
            return st.lists(items, min_size=least, max_size=least + (2 if depth < 3 else 0))
        case "object":
            return _objects(schema, depth)
        case _:
            return JSON


def _objects(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "properties" in schema:
        parts = {key: later(one, depth + 1) for key, one in schema["properties"].items()}
        required = {key: parts.pop(key) for key in schema.get("required", [])}
        return st.fixed_dictionaries(required, optional=parts if depth < 4 else {})
    pattern, values = next(iter(schema.get("patternProperties", {}).items()), ("", schema["additionalProperties"]))
    inner = st.deferred(lambda: documents(values, depth + 1))
    names = [name for name in ("a", "b-1", "app", "/etc/a") if re.search(pattern, name)]
    return st.dictionaries(st.sampled_from(names), inner, min_size=schema.get("minProperties", 0), max_size=2)


def _assert_agreement(document: Any) -> None:
    by_schema = VALIDATOR.is_valid(document)
    messages = [violation.message for violation in shape_violations(document)]
    beyond = [
        message for message in messages if not any(re.search(known, message) for known in ONLY_THE_MODEL.values())
    ]
    if by_schema:
        assert beyond == []
    else:
        assert messages != []


@pytest.mark.slow
@given(documents(SCHEMA))
def test_what_the_schema_allows_the_model_accepts(document: Any) -> None:
    """Files made from the schema are valid for the model, but for what only the model can know."""
    assert VALIDATOR.is_valid(document)
    _assert_agreement(document)


@pytest.mark.slow
@given(documents(SCHEMA), st.data())
def test_schema_and_model_refuse_the_same(document: Any, data: st.DataObject) -> None:
    """Files with a mistake in a random place are refused by both or accepted by both."""
    damaged = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 2))):
        _damage(damaged, data)
    _assert_agreement(damaged)


def _damage(document: Any, data: st.DataObject) -> None:
    """Change, remove or add one thing, in place."""
    places = list(_containers(document))
    place = data.draw(st.sampled_from(places))
    if isinstance(place, list):
        place[:] = [*place, data.draw(JUNK)]
        return
    keys: list[str] = sorted(place)
    of_what_is_there = data.draw(YES_OR_NO)
    if keys and of_what_is_there:
        key: str = data.draw(st.sampled_from(keys))
        if data.draw(YES_OR_NO):
            del place[key]
        else:
            place[key] = data.draw(JUNK)
    else:
        place[data.draw(st.sampled_from(["usez", "asker", "role", "Bad Key", "to", "seed", "subnet"]))] = data.draw(
            JUNK
        )


def _containers(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _containers(part)


@pytest.mark.slow
@given(documents(SCHEMA), st.data())
def test_rules_take_values_of_any_shape(document: Any, data: st.DataObject) -> None:
    """The rules that look at several places judge a file whose parts are wrong in other ways, and do not fall over."""
    damaged = copy.deepcopy(document)
    _damage(damaged, data)
    with contextlib.suppress(FileInvalid):
        read_scenario(json.dumps(damaged), file="f", read_companion=lambda _name: None)
