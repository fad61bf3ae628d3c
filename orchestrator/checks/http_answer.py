"""What is wrong with an HTTP answer: its status, its headers, its body (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.checks.http_body import HttpBody
from orchestrator.checks.http_request import body_of, facts_of, headers_of
from orchestrator.checks.probes import CheckContext, ProgramResult, ResultUnavailable
from orchestrator.model.check_values import HeaderText
from orchestrator.model.checks import Http
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class HttpAnswer:
    """The answer to one request. `headers` by name in small letters; None where the request did not ask for them."""

    status: int
    body: HttpBody
    headers: Mapping[str, list[str]] | None = None


def read_answer(check: Http, result: ProgramResult) -> HttpAnswer:
    """The answer that curl got."""
    headers = headers_of(result) if check.response_headers else None
    return HttpAnswer(int(facts_of(result)["http_code"]), body_of(result), headers)


def wrong_with(check: Http, context: CheckContext, answer: HttpAnswer) -> str:
    """What is wrong with the answer, in words; empty where nothing is."""
    if wrong := wrong_status(check, answer.status) or _wrong_headers(check, context, answer):
        return wrong
    body = answer.body
    text = context.fill(check.contains, check.asker) if check.contains is not None else ""
    if text not in body.text:
        return f"the body does not hold {text!r}"
    if check.lacks is not None and (lacking := context.fill(check.lacks, check.asker)) in body.text:
        return f"the body holds {lacking!r}"
    return _wrong_json(context.fill_all(check.json_, check.asker), body) if check.json_ is not None else ""


def wrong_status(check: Http, status: int) -> str:
    """What is wrong with the status alone."""
    if check.status is None:
        return "" if 200 <= status <= 299 else "that is no success"
    wanted = check.status if isinstance(check.status, tuple) else (check.status,)
    if any(status == code if isinstance(code, int) else str(status)[0] == code[0] for code in wanted):
        return ""
    return f"that is not {status_text(check)}"


def status_text(check: Http) -> str:
    """`200`, `2xx` or `200 or 204`."""
    wanted = check.status if isinstance(check.status, tuple) else (check.status,)
    return " or ".join(map(str, wanted))


def header_texts(check: Http, context: CheckContext) -> list[str]:
    """What is wanted of each header, in words."""
    texts = []
    for name, wanted in check.response_headers.items():
        match wanted:
            case None:
                texts.append(f"no header {name}")
            case HeaderText():
                texts.append(f"the header {name} holding {context.fill(wanted.contains, check.asker)!r}")
            case _:
                texts.append(f"the header {name}: {context.fill(str(wanted), check.asker)}")
    return texts


def _wrong_headers(check: Http, context: CheckContext, answer: HttpAnswer) -> str:
    if not check.response_headers:
        return ""
    if answer.headers is None:
        raise ResultUnavailable("curl did not tell the headers of the answer; it does from version 7.83 on")
    parts = (
        _wrong_header(name, answer.headers.get(name.lower(), []), _filled(wanted, check, context))
        for name, wanted in check.response_headers.items()
    )
    return next((part for part in parts if part), "")


def _filled(wanted: str | HeaderText | None, check: Http, context: CheckContext) -> str | HeaderText | None:
    match wanted:
        case None:
            return None
        case HeaderText():
            return HeaderText(contains=context.fill(wanted.contains, check.asker))
        case _:
            return context.fill(wanted, check.asker)


def _wrong_header(name: str, values: list[str], wanted: str | HeaderText | None) -> str:
    """Fields of one name are one list (RFC 9110, section 5.3), but each may also stand for itself (Set-Cookie)."""
    if wanted is None:
        return f"it has the header {name}: {values[0]}" if values else ""
    if not values:
        return f"it has no header {name}"
    forms = (*values, ", ".join(values))
    if isinstance(wanted, HeaderText):
        fits, text = any(wanted.contains in value for value in forms), f"and does not hold {wanted.contains!r}"
    else:
        fits, text = wanted.strip() in forms, f"and not {wanted!r}"
    return "" if fits else f"the header {name} is {forms[-1]!r}, {text}"


def _wrong_json(wanted: object, body: HttpBody) -> str:
    try:
        value = body.json()
    except ValueError as error:
        return f"the body is no JSON: {error}"
    return differing(wanted, value, "the JSON")


def differing(wanted: object, actual: object, place: str) -> str:
    """Where `actual` lacks what is wanted; objects may hold more keys, lists must be equal in length."""
    if isinstance(wanted, dict):
        if not isinstance(actual, dict):
            return f"{place} is no object"
        parts = (
            differing(value, actual[key], f"{place}.{key}") if key in actual else f"{place} has no {key!r}"
            for key, value in wanted.items()
        )
        return next((part for part in parts if part), "")
    if isinstance(wanted, list):
        if not isinstance(actual, list) or len(actual) != len(wanted):
            return f"{place} is not a list of {len(wanted)}"
        each = (differing(a, b, f"{place}[{at}]") for at, (a, b) in enumerate(zip(wanted, actual, strict=True)))
        return next((part for part in each if part), "")
    return "" if _equal(wanted, actual) else f"{place} is {actual!r}, not {wanted!r}"


def _equal(wanted: object, actual: object) -> bool:
    """Whether two JSON values are equal. JSON has one kind of number: 2 equals 2.0 (RFC 8259, section 6)."""
    same_kind = type(wanted) is type(actual) or {type(wanted), type(actual)} == {int, float}
    return same_kind and wanted == actual
