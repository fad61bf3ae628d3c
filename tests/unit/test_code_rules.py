"""The house rules for what stands inside a file, read from the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from source_tree import ORDER, ROOT, folder_of, module_of, nodes_of, trees

pytestmark = pytest.mark.slow

MOST_LINES = 400
# A screen is 30; a `match` over the steps of a plan needs its 40.
MOST_FUNCTION_LINES = 40
MOST_LEVELS = 3


def reads_prose(node: ast.AST) -> bool:
    """Whether a node of the source searches for a text in the sentences of an error."""
    match node:
        case ast.Compare(_, [ast.In() | ast.NotIn()], [searched]):
            return is_prose(searched)
        case ast.Call(ast.Attribute(owner, "search" | "match" | "startswith" | "endswith" | "find"), arguments):
            return any(map(is_prose, (owner, *arguments)))
        case _:
            return False


def is_prose(node: ast.AST) -> bool:
    """Whether an expression reads a sentence of an error: `error.why`, `str(failure).lower()`."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return bool(names & {"error", "failure", "failures", "refusal"})


def test_nobody_above_the_seam_reads_the_prose_of_an_engine() -> None:
    """What it means is an error type of `errors.py`, made in `engine/`."""
    above = ORDER[ORDER.index("host") :]
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, nodes in nodes_of().items()
        if folder_of(module_of(file)) in above
        for node in nodes
        if isinstance(node, ast.expr) and reads_prose(node)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ('"active endpoints" in error.why', True),
        ('"overlaps" not in str(error).lower()', True),
        ('any("active endpoints" in failure for failure in failures)', True),
        ('re.search("in use", error.why)', True),
        ('error.why.startswith("network")', True),
        ("isinstance(error, NetworkBusy)", False),
        ('"x" in texts', False),
    ],
)
def test_the_rule_sees_who_reads_prose(source: str, reads: bool) -> None:
    assert any(map(reads_prose, ast.walk(ast.parse(source)))) is reads


def test_files_stay_short() -> None:
    sizes = {file: len(file.read_text("utf-8").splitlines()) for file in trees()}
    assert {str(file): size for file, size in sizes.items() if size >= MOST_LINES} == {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long a function is from its `def` on, without its docstring; decorators stand before that."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    match function.body[0]:
        case ast.Expr(ast.Constant(str())) as docstring:
            return whole - (docstring.end_lineno or docstring.lineno) + docstring.lineno - 1
    return whole


def test_functions_fit_a_screen() -> None:
    wrong = {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}": size
        for file, nodes in nodes_of().items()
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (size := lines_of(node)) > MOST_FUNCTION_LINES
    }
    assert wrong == {}


def test_the_length_of_a_function_is_what_it_does() -> None:
    source = '@decorated\n@twice\ndef f(\n    one,\n):\n    """It does.\n\n    And how.\n    """\n    return one\n'
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert lines_of(function) == len(("def f(", "one,", "):", "return one"))


def test_names_say_what_they_are() -> None:
    """A file called helper or utils takes in everything."""
    shy = {"utils", "util", "helper", "helpers", "manager", "common", "misc", "info", "data"}
    assert [str(file) for file in trees() if file.stem in shy] == []


def levels_of(node: ast.AST) -> int:
    """How deep statements are nested in a node; `elif` is no further level, and a function inside counts by itself."""
    return max((_levels_in(node, child) for child in ast.iter_child_nodes(node)), default=0)


def _levels_in(node: ast.AST, child: ast.AST) -> int:
    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return 0
    is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
    nests = isinstance(child, ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match) and not is_elif
    return levels_of(child) + nests


def test_statements_are_nested_three_levels_deep_at_most() -> None:
    wrong = {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}": levels
        for file, nodes in nodes_of().items()
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (levels := levels_of(node)) > MOST_LEVELS
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        ("def f():\n    pass", 0),
        ("def f():\n    if a:\n        pass\n    elif b:\n        pass\n    elif c:\n        pass", 1),
        ("def f():\n    if a:\n        pass\n    else:\n        for b in c:\n            pass", 2),
        (
            "def f():\n    try:\n        pass\n    except E:\n        while b:\n            if c:\n                d()",
            3,
        ),
    ],
)
def test_levels_are_counted_as_a_reader_counts_them(source: str, levels: int) -> None:
    assert levels_of(ast.parse(source).body[0]) == levels


# Words that do not tell what they hold. The term of the field does: `container`, `finding`, `messages`, `result`.
EMPTY_NAMES = {"one", "found", "told", "asked", "heard"}


def bound_names(node: ast.AST) -> Iterator[str]:
    """The names that a node of the source gives to a value or a function."""
    match node:
        case ast.Name(name, ast.Store()) | ast.arg(name) | ast.FunctionDef(name):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name


def test_names_tell_what_they_hold() -> None:
    """A loop over containers has a `container`, and not a `one` or a `found`."""
    keys = {id(key.target) for node in classes() for key in node.body if isinstance(key, ast.AnnAssign)}
    wrong = [
        f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', '?')} {name}"
        for file, nodes in nodes_of().items()
        for node in nodes
        # What an author writes in a file may be called as it reads there.
        if id(node) not in keys
        for name in bound_names(node)
        if name.strip("_") in EMPTY_NAMES
    ]
    assert wrong == []


def classes() -> list[ast.ClassDef]:
    return [node for nodes in nodes_of().values() for node in nodes if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize(
    "source",
    ["for one in x: pass", "[one for one in x]", "if found := x: pass", "def told(): pass", "lambda asked: 1"],
)
def test_the_rule_sees_every_way_to_give_a_name(source: str) -> None:
    assert {name for node in ast.walk(ast.parse(source)) for name in bound_names(node)} & EMPTY_NAMES
