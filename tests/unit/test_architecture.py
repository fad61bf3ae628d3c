"""The house rules, read from the source itself: which folder may know which, and what a file may hold."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions, requires

import pytest
from source_tree import ORDER, PACKAGE, ROOT, all_imports, folder_of, imports, module_of, nodes_of, trees

pytestmark = pytest.mark.slow

CORE = ORDER[: ORDER.index("engine")]
WORLDLY = {"subprocess", "socket", "threading", "time", "os", "random", "tempfile", "docker", "asyncio", "requests"}
# At the top of the package: the version, the door to `python -m`, and the fixtures for pytest, which use everything.
ENTRANCES = {"__init__", "__main__", "pytest_plugin"}


def test_every_folder_is_in_the_house() -> None:
    """No folder stands beside the list, where no rule would hold it."""
    assert {path.stem for path in PACKAGE.iterdir() if path.name not in ("__pycache__", "py.typed")} - ENTRANCES == set(
        ORDER
    )


def test_a_folder_imports_only_from_those_above_it() -> None:
    wrong = [
        str(one)
        for one in all_imports()
        if (here := folder_of(module_of(one.file)))
        and (there := folder_of(one.module))
        and ORDER.index(there) > ORDER.index(here)
    ]
    assert wrong == []


def test_the_traffic_library_imports_nothing_else_of_ours_but_errors() -> None:
    """Packets to stories is a library of its own; an import for the type checker alone would tie it too."""
    ours = [found for found in all_imports() if folder_of(module_of(found.file)) == "traffic"]
    assert ours
    assert [str(found) for found in ours if folder_of(found.module) not in ("traffic", "errors", None)] == []


def test_the_core_touches_nothing_of_the_world() -> None:
    """Text and values in, text and values out."""
    wrong = [
        str(one)
        for one in all_imports()
        if folder_of(module_of(one.file)) in CORE and one.module.partition(".")[0] in WORLDLY
    ]
    assert wrong == []


def circles(imported: Mapping[str, Iterable[str]]) -> list[str]:
    """A circle among modules (name -> what it imports), in the order of the imports; empty if there is none."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        return [str(module) for module in reversed(error.args[1])]
    return []


def test_no_module_imports_itself_in_a_circle() -> None:
    """Not by an import in a function, nor by one for the type checker, which only hide the circle."""
    graph: dict[str, set[str]] = {module_of(file): set() for file in trees()}
    for one in all_imports():
        here = module_of(one.file)
        if one.module in graph and one.module != here:
            graph[here].add(one.module)
    assert circles(graph) == []


@pytest.mark.parametrize(
    "source",
    [
        "import orchestrator.model.node",
        "from orchestrator.model import node",
        "from orchestrator.model.node import Node",
        "def f():\n    from orchestrator.model.node import Node",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from orchestrator.model.node import Node",
        "import_module('orchestrator.model.node')",
    ],
)
def test_a_circle_is_found_however_it_is_imported(source: str) -> None:
    tree = ast.parse(source)
    imported = [found.module for found in imports(PACKAGE / "x.py", tree, tuple(ast.walk(tree)))]
    circle = circles({"x": imported, "orchestrator.model.node": ["y"], "y": ["x"], "z": []})
    assert len(circle) == 4
    assert set(circle) == {"x", "y", "orchestrator.model.node"}


def loaded_with(*modules: str) -> set[str]:
    """All that is imported when these modules are: what they import at their top, and what that imports in turn."""
    direct: dict[str, set[str]] = {}
    for one in all_imports():
        if not one.lazy:
            direct.setdefault(module_of(one.file), set()).add(one.module)
    loaded, todo = set[str](), list(modules)
    while todo:
        if (module := todo.pop()) not in loaded:
            loaded.add(module)
            todo += direct.get(module, ())
    return loaded


def test_what_only_removes_a_lab_does_not_load_the_scenario_language() -> None:
    """`down` and the watchdog know a lab by its label alone, and load neither the language nor what reads it."""
    needless = {"pydantic", "yaml", "rich"}
    removing = ("orchestrator.cli.main", "orchestrator.cli.lab_commands", "orchestrator.lab.take_down")
    assert (
        needless & loaded_with(*removing, "orchestrator.operations.dead_command", "orchestrator.lab.removal") == set()
    )
    assert "yaml" in loaded_with("orchestrator.reading.scenario")


def called(node: ast.Call) -> str:
    """`name` or `name.name`; empty for anything longer."""
    match node.func:
        case ast.Name(name):
            return name
        case ast.Attribute(ast.Name(owner), name):
            return f"{owner}.{name}"
        case _:
            return ""


def test_only_the_command_line_speaks_and_ends() -> None:
    """Everybody else tells its caller."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, nodes in nodes_of().items()
        for node in nodes
        if isinstance(node, ast.Call) and called(node) in ("print", "exit", "quit", "sys.exit", "os._exit")
        if folder_of(module_of(file)) != "cli" and file.name != "__main__.py"
    ]
    assert wrong == []


def test_use_cases_know_no_command_line() -> None:
    """A web page, a test suite and a script call the same operations as the command line."""
    faces = ("click", "orchestrator.cli")
    wrong = [
        str(found)
        for found in all_imports()
        if folder_of(module_of(found.file)) == "operations" or found.file.stem in ("pytest_plugin", "__init__")
        if folder_of(module_of(found.file)) != "cli"
        if any(found.module == face or found.module.startswith(f"{face}.") for face in faces)
    ]
    assert wrong == []


def test_the_rules_see_where_an_import_stands() -> None:
    """The reader of imports is not blind to those in a function and to those for the type checker alone."""
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import docker\ndef f():\n    import subprocess\n"
    tree = ast.parse(source)
    lazy = {each.module: each.lazy for each in imports(PACKAGE / "x.py", tree, tuple(ast.walk(tree)))}
    assert lazy == {"typing": False, "docker": True, "subprocess": True}


# uvicorn imports it where it is there: without it, it serves no WebSocket.
BY_OTHERS = {"websockets"}


def distribution(requirement: str) -> str:
    """The normal form of the name in a requirement (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def test_whoever_installs_wirelab_gets_all_that_it_imports_and_nothing_else() -> None:
    """Tests bring more packages, so that one that is missing from `dependencies` is missed by users alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {distribution(one) for one in project["dependencies"]}
    brought = {distribution(one) for name in declared for one in requires(name) or () if "extra ==" not in one}
    known = packages_distributions()
    foreign = {found.module.partition(".")[0] for found in all_imports()} - sys.stdlib_module_names
    # pytest is there where the plugin is loaded.
    used = {distribution(known[module][0]) for module in foreign - {"orchestrator", "pytest"}}
    assert used - brought <= declared
    assert declared <= used | BY_OTHERS


ROLE_NAMES = {path.parent.name for path in (PACKAGE / "model" / "roles").glob("*/__init__.py")}


def is_name_of_a_role(node: ast.AST) -> bool:
    """Whether an expression reads the name of a node's role: `node.role`, `node["role"]`, `node.get("role")`."""
    match node:
        case ast.Attribute(attr="role"):
            return True
        case ast.Subscript(slice=ast.Constant("role")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant("role"), *_]):
            return True
        case _:
            return False


def literal_role(node: ast.AST) -> bool:
    """Whether a role's name is written out in an expression."""
    return any(isinstance(part, ast.Constant) and part.value in ROLE_NAMES for part in ast.walk(node))


def role_by_name(node: ast.AST) -> bool:
    """Whether a node of the source compares a role's name with text, or looks a role up by a text."""
    match node:
        case ast.Compare(left, _, comparators):
            operands = (left, *comparators)
            return any(map(is_name_of_a_role, operands)) or (
                any(map(literal_role, operands)) and "role" in ast.unparse(node).lower()
            )
        case ast.Match(subject, cases):
            written = is_name_of_a_role(subject) or "role" in ast.unparse(subject).lower()
            return written and any(literal_role(case.pattern) for case in cases)
        case ast.Subscript(owner, index):
            return literal_role(index) and "role" in ast.unparse(owner).lower()
        case ast.Call(function, arguments):
            return any(map(literal_role, arguments)) and "role" in ast.unparse(function).lower()
        case _:
            return False


def test_no_room_asks_for_a_role_by_name() -> None:
    """What is special about a role is a fact of `Role`: a new role has it, too, and no other room changes."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, nodes in nodes_of().items()
        if not file.is_relative_to(PACKAGE / "model" / "roles")
        for node in nodes
        if isinstance(node, ast.expr | ast.stmt) and role_by_name(node)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "is_by_name"),
    [
        ('node.role == "dns"', True),
        ('node.get("role") != PROXY', True),
        ('values["role"] in SERVERS', True),
        ('role.name in ("app", "proxy")', True),
        ('topology.with_role("database")', True),
        ('ROLES["dns"]', True),
        ('match node.role:\n    case "dns":\n        pass', True),
        ("role.serves == ApplicationProtocol.DNS", False),
        ("ROLES[node.role]", False),
        ('layer.name == "dns"', False),
        ('observed.images["client"]', False),
    ],
)
def test_the_rule_tells_a_role_by_name_from_a_fact_of_a_role(source: str, is_by_name: bool) -> None:
    assert any(map(role_by_name, ast.walk(ast.parse(source)))) is is_by_name
