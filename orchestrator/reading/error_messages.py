"""What pydantic says of one value -> a sentence that names what was found, what is allowed, and the nearest word."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from orchestrator.model.language import FieldDeclaration
from orchestrator.model.values import DisplayName
from orchestrator.reading.message_parts import in_quotes, listed
from orchestrator.reading.schema_forms import Form
from orchestrator.reading.spelling import did_you_mean

TRUTH = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
PLAIN: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    IPv4Address: "an address",
    IPv4Network: "a subnet",
}
ALTERNATIVES = re.compile(r"\^\(([^()\\.*+?\[\]]+)\)\$")
WITH_UNIT = re.compile(r"(?!0x)[0-9]+(\.[0-9]+)? ?[A-Za-z%].*")
BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def expected(form: Form) -> str:
    """What may stand at a form, in a few words."""
    if form.literals:
        return f"one of {listed(map(str, form.literals))}" if len(form.literals) > 1 else str(form.literals[0])
    if form.item:
        return "a list"
    if form.table or form.mapping or form.tagged_union:
        return "a mapping (key: value)"
    if form.branches:
        return " or ".join(dict.fromkeys(map(expected, form.branches)))
    if form.core is str and (choices := alternatives(form)):
        return f"one of {listed(choices)}"
    called = form.metadata_of(DisplayName) if form.core is str else None
    return called.words if called else PLAIN.get(form.core, "a value")


def sentence(error: Mapping[str, Any], form: Form | None, value: Any) -> str:
    """The sentence for one pydantic error; `form` is None where the rule belongs to several keys."""
    kind = error["type"]
    if kind == "value_error":
        message = str(error["ctx"]["error"])
        return message if form is None else f"{message}; found {in_quotes(value)}"
    if form is None:
        return str(error["msg"])
    if kind in ("literal_error", "string_pattern_mismatch"):
        return _not_one_of(error, form, value)
    if kind in BOUNDS:
        return f"expected {bounds_text(form)}, found {in_quotes(value)}"
    if kind in ("too_short", "string_too_short") and not value:
        return f"{'this text' if value == '' else 'it'} must not be empty"
    if kind in ("too_short", "too_long") and isinstance(value, list):
        least, most = error["ctx"].get("min_length"), error["ctx"].get("max_length")
        return (
            f"expected {f'at least {least}' if kind == 'too_short' else f'at most {most}'} entries, found {len(value)}"
        )
    if kind == "string_too_long":
        return f"expected at most {error['ctx']['max_length']} characters, found {len(value)}"
    return f"expected {expected(form)}, found {in_quotes(value)}{advice(form, value)}"


def advice(form: Form, value: Any) -> str:
    """How to write what was probably meant."""
    if form.core is str and isinstance(value, bool | int | float):
        quoted = json.dumps(value)
        return f"; put it in quotes: {json.dumps(quoted)}" if is_right(form, quoted) else ""
    if form.core is bool and isinstance(value, str):
        meant = TRUTH.get(value.lower(), value.lower())
        return f"; write {meant}" if meant in ("true", "false") else ""
    if form.core in (int, float) and isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return "; write it without quotes"
    if form.core in (int, float) and isinstance(value, str) and WITH_UNIT.fullmatch(value):
        about = form.field.description.split(";")[0].rstrip(".") if form.field and form.field.description else ""
        example = f", such as {form.field.examples[0]}" if form.field and form.field.examples else ""
        return f"; write a number alone{example}" + (f" ({about})" if about else "")
    if form.item and not form.item.item and isinstance(value, str) and value and len(value) < 60:
        return f"; write [{', '.join(value.replace(',', ' ').split())}]"
    if isinstance(value, dict) and form.item and value:
        return "; a list is written [a, b], or with '- ' before each entry"
    if isinstance(value, list) and form.table and value and form.field and form.field.examples:
        return f"; write it like {as_flow(form.field.examples[0])}"
    return ""


def is_right(form: Form, value: str) -> bool:
    """Whether a value may stand at a form."""
    try:
        TypeAdapter(form.annotation).validate_python(value)
    except ValidationError:
        return False
    return True


def as_flow(value: Any) -> str:
    """A value in one line of YAML."""
    text: str = yaml.safe_dump(
        _plain(value), default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value


def _not_one_of(error: Mapping[str, Any], form: Form, value: Any) -> str:
    choices = alternatives(form)
    if choices:
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        return f"expected {'one of ' if choices[1:] else ''}{listed(choices)}; found {in_quotes(value)}{hint}"
    about = form.field.description if form.field else None
    examples = form.field.examples if form.field else None
    fit = f": {about.rstrip('.')}" if about else f" {error['ctx'].get('pattern')}"
    example = f" (for example {examples[0]})" if examples else ""
    return f"{in_quotes(value)} does not fit here{fit}{example}"


def alternatives(form: Form) -> list[str]:
    """The words of which one must stand at a form; none where it is not a tagged_union of words."""
    if form.literals:
        return [str(literal) for literal in form.literals]
    patterns = [mark.pattern for mark in _declarations(form) if mark.pattern]
    match = next(filter(None, map(ALTERNATIVES.fullmatch, patterns)), None)
    return match[1].split("|") if match else []


def _declarations(form: Form) -> list[FieldDeclaration]:
    return [mark for mark in form.metadata if isinstance(mark, FieldDeclaration)]


def bounds_text(form: Form) -> str:
    """`a whole number from 16 to 65536`, from the bounds in the model; nothing where it has none."""
    bounds: dict[str, Any] = {}
    for mark in _declarations(form):
        bounds.update(mark.bounds)
    if not bounds:
        return ""
    low = f"from {bounds['ge']}" if "ge" in bounds else f"above {bounds['gt']}" if "gt" in bounds else ""
    high = f"to {bounds['le']}" if "le" in bounds else f"below {bounds['lt']}" if "lt" in bounds else ""
    if high.startswith("to") and "ge" not in bounds:
        high = f"up {high}" if not low else f"and up {high}"
    return " ".join(word for word in (PLAIN.get(form.core, "a number"), low, high) if word)
