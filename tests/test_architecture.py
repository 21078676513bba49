"""The shape of the code: imports point one way, the core is pure, and what is public says what it is.

`LADDER` is the whole rule. A new package needs a rung; the tests say so until it has one.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "procession"

# From the top down: a package may import those on lower rungs, never those on its own or a higher one.
LADDER = [
    {"__init__", "__main__"},
    {"cli"},
    {"app"},
    {"api", "worker", "integration"},
    {"client", "web"},
    {"runtime"},
    {"plugins"},
    {"hookspecs"},
    {"storage", "bus"},
    {"engine"},
    {"bpmn", "dmn"},
    {"feel"},
    {"definition"},
    {"errors"},
]
RUNG = {package: len(LADDER) - depth for depth, packages in enumerate(LADDER) for package in packages}
NEVER = {("engine", "bpmn"), *(("definition", lower) for lower in RUNG if lower != "errors")}
ABOVE_THE_LADDER = "testing"  # may import everything; nothing imports it, pytest finds its plugin by name

PURE = {"engine", "bpmn", "dmn", "feel", "definition", "errors"}
IMPURE_MODULES = {"time", "asyncio", "random", "socket", "threading", "os", "uuid", "sqlite3", "apsw"}
IMPURE_CALLS = {"open", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
ALLOWED = {("feel", "threading")}  # a step limit per thread: threading.local

LAZY = {"__init__", "cli", "app"}  # import inside functions, so that starting up stays quick

MODULES = sorted(path for path in SOURCE.rglob("*.py"))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the full dotted name of everything that the tree imports."""
    inside = ("procession", *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(inside[: len(inside) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


@each_module
def test_every_module_stands_on_the_ladder(path):
    package = package_of(path)
    assert package in RUNG or package == ABOVE_THE_LADDER, f"give '{package}' a rung in LADDER"


@each_module
def test_imports_point_down_the_ladder(path):
    package = package_of(path)
    for line, name in imports(path, tree_of(path)):
        root, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if root != "procession" or package in (target, ABOVE_THE_LADDER):
            continue
        where = f"{path.relative_to(SOURCE)}:{line} imports {name}"
        assert target in RUNG, f"{where}: '{target}' is not on the ladder"
        assert RUNG[target] < RUNG[package], f"{where}: {package} may not know {target}"
        assert (package, target) not in NEVER, f"{where}: {package} may not know {target}"


@each_module
def test_imports_stand_at_the_top_of_a_module(path):
    if package_of(path) in LAZY:
        return
    for function in ast.walk(tree_of(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for line, name in imports(path, function):
                pytest.fail(f"{path.relative_to(SOURCE)}:{line} imports {name} inside {function.name}")


@each_module
def test_from_engine_down_there_is_no_clock_no_chance_and_no_io(path):
    package, tree = package_of(path), tree_of(path)
    if package not in PURE:
        return
    for line, name in imports(path, tree):
        root = name.partition(".")[0]
        allowed = root not in IMPURE_MODULES or (package, root) in ALLOWED
        assert allowed, f"{path.relative_to(SOURCE)}:{line} imports {root}: take it as an argument"
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            name = ".".join(ast.unparse(call.func).split(".")[-2:])
            assert name not in IMPURE_CALLS, f"{path.relative_to(SOURCE)}:{call.lineno} calls {name}"


@each_module
def test_every_module_says_what_it_is(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree) or not tree.body, f"{path.relative_to(SOURCE)} has no docstring"


@pytest.mark.parametrize("package", ["procession", "procession.testing"])
def test_what_is_public_says_what_it_is(package):
    """The public names are those that the two packages export; a class answers for its public methods too."""
    if not (SOURCE.parent / Path(*package.split(".")) / "__init__.py").exists():
        pytest.skip(f"there is no {package} yet")
    module = importlib.import_module(package)
    missing = []
    for name in module.__all__:
        value = getattr(module, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        if not value.__doc__ or value.__doc__.startswith(f"{name}("):  # what a dataclass writes of itself
            missing.append(name)
        for member, part in vars(value).items() if inspect.isclass(value) else ():
            public = not member.startswith("_") and (inspect.isroutine(part) or isinstance(part, property))
            if public and not inspect.getdoc(getattr(value, member)):
                missing.append(f"{name}.{member}")
    assert not missing, f"{package} exports without a docstring: {', '.join(missing)}"
