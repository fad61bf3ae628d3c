"""The JSON Schema of the language (draft-07), from the same model that validates.

pydantic writes the 2020-12 dialect with some of OpenAPI in it; editors know draft-07 best. Titles that pydantic makes
up from the keys are left out: an editor shows the descriptions.
"""

from __future__ import annotations

from typing import Any

from orchestrator.model.scenario import Scenario
from orchestrator.model.validation import pydantic_model

DIALECT = "http://json-schema.org/draft-07/schema#"
# keys that say something other than a schema below them: their values stay as they are
VERBATIM = ("const", "default", "enum", "examples", "required")


def scenario_schema() -> dict[str, Any]:
    """The schema of a scenario file, draft-07."""
    return schema_of(Scenario, "wirelab scenario")


def schema_of(model: Any, title: str) -> dict[str, Any]:
    """The schema of a file that holds one value of a class of the language, draft-07."""
    schema = pydantic_model(model).model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs", {})
    top = _converted(schema)
    top["description"] = _sentence(model.__doc__)
    return {
        "$schema": DIALECT,
        "title": title,
        **top,
        "definitions": {name: _converted(definitions[name]) for name in sorted(definitions)},
    }


def _converted(schema: Any) -> Any:
    """One schema in draft-07, without what only OpenAPI knows."""
    if isinstance(schema, list):
        return [_converted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("title", "discriminator"):
            continue
        if key == "properties":
            converted[key] = {name: _converted(subschema) for name, subschema in value.items()}
        elif key == "default" and value is None:
            continue  # the key may be left out; that says it
        elif key == "prefixItems":
            converted["items"] = _converted(value)
            if schema.get("items") is False:
                converted["additionalItems"] = False
        elif key == "items" and "prefixItems" in schema:
            continue
        elif key == "description":
            converted[key] = " ".join(str(value).split())
        else:
            converted[key] = value if key in VERBATIM else _converted(value)
    if "patternProperties" in converted:  # pydantic refuses the other keys, and so must the schema
        converted.setdefault("additionalProperties", False)
    return _without_ref_siblings(converted)


def _without_ref_siblings(schema: dict[str, Any]) -> dict[str, Any]:
    """In draft-07 everything beside a `$ref` is ignored; so it goes below an allOf."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {"allOf": [{"$ref": schema["$ref"]}], **rest}


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())
