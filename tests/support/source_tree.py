"""The source of the package as trees, and its imports, for the tests of the house rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "orchestrator"
# DESIGN: a folder imports only from folders above it in this list.
ORDER = (
    "errors",
    "quick_dataclass",
    "events",
    "model",
    "reading",
    "planning",
    "traffic",
    "checks",
    "diagnosis",
    "lessons",
    "rendering",
    "engine",
    "host",
    "lab",
    "operations",
    "web",
    "cli",
)


@dataclass(frozen=True)
class Import:
    """One import: where it stands, and the module that it names."""

    file: Path
    line: int
    module: str
    lazy: bool
    """Whether it stands anywhere but at the top of the file: inside a function, or for the type checker alone."""

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def nodes_of() -> dict[Path, tuple[ast.AST, ...]]:
    return {file: tuple(ast.walk(tree)) for file, tree in trees().items()}


def imports(file: Path, tree: ast.Module, nodes: tuple[ast.AST, ...]) -> Iterator[Import]:
    """Every import of a file: also inside functions, under TYPE_CHECKING, and `import_module("name.written.out")`."""
    top = {id(node) for node in tree.body}
    for node in nodes:
        if isinstance(node, ast.expr | ast.stmt):
            for module in imported_modules(node):
                yield Import(file, node.lineno, module, id(node) not in top)


def imported_modules(node: ast.AST) -> Iterator[str]:
    """The modules that one statement or call imports; none for everything else."""
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module, names, level):
            assert level == 0, f"line {node.lineno}: a relative import hides which folder is meant"
            # A submodule taken out of its package is what is meant, not the package around it.
            whole = [f"{module}.{alias.name}" for alias in names]
            yield from dict.fromkeys(name if _is_module(name) else module or "" for name in whole)
        case ast.Call(ast.Name("import_module"), [ast.Constant(str(module))]):
            yield module


@cache
def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@cache
def all_imports() -> list[Import]:
    return [found for file, tree in trees().items() for found in imports(file, tree, nodes_of()[file])]


def folder_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "orchestrator" and len(parts) > 1 and parts[1] in ORDER else None


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
