"""Would the tests of a stage notice a wrong line? `python -m tests.mutation [--seconds N] votes repair/ridge …`.

Changes one operator, comparison, constant or call of `neuroinspect_tui/stages/NAME.py` at a time and runs the
module's own test file (`tests/stages/test_NAME.py`, and those of `ALSO`) on the changed code, each in a fork of
this process. Prints every mutant that no test kills, and the share killed. `EQUIVALENT` names the changes that no
test can see, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
STAGES = REPOSITORY / "neuroinspect_tui" / "stages"
ALSO = {
    "failure_modes/discover": ["failure_modes/test_evidence.py"],
}
"""Further test files of a module, below tests/stages."""

EQUIVALENT: dict[str, tuple[str, ...]] = {}
"""Lines of mutated code, by module, whose change no value shows: block sizes, ties that cannot be, progress."""

BLOCKS = ("BLOCK_ELEMENTS", "_LOGITS")
"""Names of block sizes: they bound memory and change no result."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Mod: ast.Mult,
}
CALLS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "amin": "amax",
    "amax": "amin",
    "argmin": "argmax",
    "argmax": "argmin",
    "mean": "sum",
    "sum": "mean",
    "ceil": "floor",
    "gt": "ge",
}


def mutants(source: str) -> Iterator[tuple[int, str, ast.Module]]:
    """Yield (line, the line as changed, tree) for every single change of a module."""
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        for number in range(changes(node)):
            changed = copy.deepcopy(tree)
            twin = next(found for step, found in enumerate(ast.walk(changed)) if step == place)
            apply(twin, number)
            yield twin.lineno, statement(changed, twin), changed


def changes(node: ast.AST) -> int:
    """Return in how many ways a node can be changed."""
    match node:
        case ast.Compare():
            return sum(type(one) in COMPARISONS for one in node.ops)
        case ast.BinOp() | ast.AugAssign():
            return int(type(node.op) in OPERATORS)
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            return 1
        case ast.Constant(value=bool()):
            return 1
        case ast.Constant(value=int() | float()):
            return 1
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return int(name in CALLS)
        case ast.IfExp():
            return 1
    return 0


def apply(node: ast.AST, number: int) -> None:
    """Make change `number` to a node, in place."""
    match node:
        case ast.Compare():
            node.ops[number] = COMPARISONS[type(node.ops[number])]()
        case ast.BinOp() | ast.AugAssign():
            node.op = OPERATORS[type(node.op)]()
        case ast.BoolOp():
            node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        case ast.UnaryOp():
            node.op = ast.UAdd()
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() | float() as value):
            node.value = value + 1 if isinstance(value, int) else 2 * value + 0.01
        case ast.Call(func=ast.Name(id=name) as function):
            function.id = CALLS[name]
        case ast.Call(func=ast.Attribute(attr=name) as function):
            function.attr = CALLS[name]
        case ast.IfExp():
            node.body, node.orelse = node.orelse, node.body


def statement(tree: ast.Module, node: ast.AST) -> str:
    """Return the first line of the innermost statement that holds `node`."""
    inside = [one for one in ast.walk(tree) if isinstance(one, ast.stmt) and node in ast.walk(one)]
    return ast.unparse(inside[-1]).splitlines()[0]


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another code."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path = name, path
        self.code = compile(ast.fix_missing_locations(tree), str(path), "exec")

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return (
            importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def passes(tests: Sequence[Path], finder: Mutated | None, limit: float) -> bool:
    """Run test files in a fork, at most `limit` seconds; return whether all of them pass."""
    child = os.fork()
    if not child:
        signal.alarm(max(1, round(limit)))
        if finder is not None:
            sys.meta_path.insert(0, finder)
        with contextlib.suppress(BaseException), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            options = ["-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts="]
            os._exit(int(pytest.main([*options, *map(str, tests)])))
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def tests_of(name: str) -> list[Path]:
    """Return the test files of the stage `name`, as repair/ridge."""
    folder, _, last = name.rpartition("/")
    files = [f"{folder}/test_{last}.py", *ALSO.get(name, [])]
    found = [REPOSITORY / "tests" / "stages" / file.lstrip("/") for file in files]
    return [path for path in found if path.exists()]


def survivors(name: str, deadline: float) -> tuple[int, int]:
    """Print the mutants of one module that live; return how many were killed and how many tried."""
    path, tests = STAGES / f"{name}.py", tests_of(name)
    module = "neuroinspect_tui.stages." + name.replace("/", ".")
    started = time.monotonic()
    if not tests or not passes(tests, None, 300):
        raise SystemExit(f"{name}: no tests, or they fail on the code as it is")
    limit = 20 + 5 * (time.monotonic() - started)
    killed = tried = 0
    for line, text, tree in mutants(path.read_text("utf-8")):
        if any(block in text for block in BLOCKS) or text in EQUIVALENT.get(name, ()):
            continue
        if time.monotonic() > deadline:
            print(f"{name}: out of time after {tried} mutants")
            break
        tried += 1
        if passes(tests, Mutated(module, path, tree), limit):
            print(f"{name}:{line}: {text}", flush=True)
        else:
            killed += 1
    return killed, tried


def main() -> None:
    """Try the mutants of the modules named; exit 1 if fewer than 95 % are killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--seconds", type=float, default=1e9)
    given = parser.parse_args()
    import scipy.stats
    import torch

    assert torch and scipy.stats  # imported once, before the forks
    torch.set_num_threads(1)
    deadline, killed, tried = time.monotonic() + given.seconds, 0, 0
    for name in given.modules:
        own, all_ = survivors(name, deadline)
        print(f"{name}: {own} of {all_} killed", flush=True)
        killed, tried = killed + own, tried + all_
    sys.exit(killed < 0.95 * tried)


if __name__ == "__main__":
    main()
