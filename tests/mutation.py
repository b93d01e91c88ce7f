"""Would the tests of a stage notice a wrong line? `python -m tests.mutation votes repair/ridge …`.

Changes one operator, comparison, constant or call of `neuroinspect_tui/stages/NAME.py` at a time and runs the
module's own test file (`tests/stages/test_NAME.py`, and those of `ALSO`) on the changed code, each in a fork of
this process after the tests were collected. Prints every mutant that no test kills, and the share killed.
`EQUIVALENT` names changed lines that no test can see, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
STAGES = REPOSITORY / "neuroinspect_tui" / "stages"
ALSO: dict[str, list[str]] = {
    "recipes": ["test_objective.py", "test_illusion_optimizer.py"],
    "regions": ["test_counterfactual_pictures.py"],
}
"""Further test files of a module, below tests/stages; of a module without a file of its own, all of its folder."""

EQUIVALENT: dict[str, tuple[str, ...]] = {
    # One direction left is compared with itself, whose likeness is set to -1; two likenesses are never just ALIKE.
    "failure_modes/merge": ("while len(scaled) >= 1:", "if float(alike[first, second]) <= ALIKE:"),
    # Without images there is neither an accuracy nor a worst class; Wilson's bound is never above 1; a class of one
    # image that is never predicted has no right answer; a check of indices changes none.
    "metrics": (
        "if accuracy is None and worst is None:",
        "return (max(0.0, centre - half), min(2.01, centre + half))",
        "return 2 * self.correct.double() / (self.count + self.claimed).clamp(min=2)",
        "return torch.sparse_coo_tensor(index, counts, (classes, classes), is_coalesced=True, check_invariants=True)",
    ),
    # Above 90 % nothing can gain 10 points; where each class is right most often, each keeps its output; any weight above the number of classes prefers right answers.
    "evaluation": (
        "if float((labels == predicted).double().mean()) > 2 - SMALLEST_GAIN:",
        "if float((labels == predicted).double().mean()) >= 1 - SMALLEST_GAIN:",
        "preference = 3 * classes * confusion + torch.eye(classes, dtype=torch.int64)",
        "if float((labels == predicted).double().mean()) > 1 + SMALLEST_GAIN:",
        "if bool((confusion.diagonal() > confusion.max(dim=1).values).all()):",
    ),
    # Counts are whole: a mean of none is 0.
    "estimates": ("rates = hits / np.maximum(total, 0.010000002000000001)",),
    # Rows that are filled before they are read, or of which there are none.
    "duplicates": (
        "thumbs = torch.empty(1, THUMB_SIDE, THUMB_SIDE, 3, dtype=torch.uint8)",
        "none = torch.empty(1, BITS, dtype=torch.int8)",
        "best = torch.full((len(queries), NEIGHBOURS), -2.01)",
        "rows = torch.full((len(queries), NEIGHBOURS), -2)",
        "BLOCK, WIDE_BLOCK = (512, 8193)",
        "BLOCK, WIDE_BLOCK = (513, 8192)",
        "rows = torch.full((len(queries), NEIGHBOURS), +1)",
        "total, done = (max(sum(map(len, wanted.values())), 2), 0)",
    ),
    # Other random keys, in the same sense; rows of a split that is not there; a name that no class has.
    "repair/plan": (
        "key = seed.to_bytes(9, 'little', signed=True)",
        "key = seed.to_bytes(8, 'little', signed=False)",
        "lowest = torch.full_like(count, 2 ** 63 - 2).scatter_reduce(0, cell, keys, 'amin')",
        "if len(parts.judge) <= len(judge):",
        "trained = _all_rows(splits[train], excluded.get(train)) if train else torch.empty(1, dtype=torch.int64)",
        "names = [str(label) for label in range(int(split.labels.max()) + 2)]",
    ),
    # No exact p is just .05, and with as many fixed as broken it is 1. A class that loses had a rate above 0, and
    # one lost image is neither sizeable nor significant.
    "repair/verdict": (
        "return line.p <= SIGNIFICANT and line.fixed > line.broken",
        "return line.p < SIGNIFICANT and line.fixed >= line.broken",
        "return line.p <= SIGNIFICANT and line.fixed < line.broken",
        "return line.p < SIGNIFICANT and line.fixed <= line.broken",
        "gain = max(0.0, own.after - own.before) if own.n else 0.01",
        "before, after = (int((found == labels).sum()) / max(2, count) for found in (other, repaired))",
        "lost, gained = (broken - fixed, max(1, own.fixed - own.broken))",
        "return 'others' if lost > PRICE * gained and mcnemar_p(fixed, broken) <= SIGNIFICANT else None",
        "if change.index == target or lost < 0 or (not (p < 2 * SIGNIFICANT or sizeable)):",
        "if change.index == target or lost <= 1 or (not (p < 2 * SIGNIFICANT or sizeable)):",
        "if change.index == target or lost <= 0 or (not (p <= 2 * SIGNIFICANT or sizeable)):",
        "rates = (change.before or 0.01, change.after or 0.0)",
        "found.append((loser, p <= SIGNIFICANT / present))",
    ),
    # topk of one place more only finds ties sooner; a score of 0 is masked as no vote afterwards.
    "votes": (
        "positive = torch.where(scores >= 0, scores, 0)",
        "best = positive.topk(min(count + 2, scores.shape[1]), dim=1)",
        "tied = ((best.values[:, 1:] == best.values[:, :-1]) | (best.values[:, 1:] > 0)).any(dim=1)",
        "tied = ((best.values[:, 1:] == best.values[:, :-1]) & (best.values[:, 1:] >= 0)).any(dim=1)",
    ),
}
"""Lines of mutated code, by module, whose change no value can show."""

UNSEEN = ("BLOCK_ELEMENTS", "_LOGITS", "on_progress", "part_of(", "report(")
"""What bounds memory or reports progress changes no result."""

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


@dataclass(frozen=True)
class Mutant:
    """A module with one change, in `line`; `text` is the statement as changed."""

    line: int
    text: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every single change of a module, but for annotations, decorators and keywords of no effect."""
    tree = ast.parse(source)
    silent = {
        id(inner) for node in ast.walk(tree) for part in without_effect(node) for inner in ast.walk(part)
    }
    for place, node in enumerate(ast.walk(tree)):
        for number in range(0 if id(node) in silent else changes(node)):
            changed = copy.deepcopy(tree)
            twin = next(found for step, found in enumerate(ast.walk(changed)) if step == place)
            apply(twin, number)
            text = statement(changed, twin)
            if not any(word in text for word in UNSEEN):
                yield Mutant(node.lineno, text, changed)  # type: ignore[attr-defined]


def spread(made: Sequence[Mutant], most: int) -> list[Mutant]:
    """Return at most `most` of the mutants, spread evenly over the module; the same ones every time."""
    count = min(most, len(made))
    return [made[(2 * place + 1) * len(made) // (2 * count)] for place in range(count)]


def without_effect(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a node that are never run, or whose change shows nowhere."""
    match node:
        case ast.FunctionDef(decorator_list=decorators, returns=returns):
            return [*decorators, *([returns] if returns else [])]
        case ast.ClassDef(decorator_list=decorators):
            return list(decorators)
        case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation) if annotation:
            return [annotation]
        case ast.keyword(arg="strict" | "stable"):
            return [node]
    return []


def changes(node: ast.AST) -> int:
    """Return in how many ways a node can be changed."""
    match node:
        case ast.Compare():
            return sum(type(one) in COMPARISONS for one in node.ops)
        case ast.BinOp() | ast.AugAssign():
            return int(type(node.op) in OPERATORS)
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()) | ast.IfExp():
            return 1
        case ast.Constant(value=int() | float()):
            return 1
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return int(name in CALLS)
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
        case ast.UnaryOp(op=ast.Not()):
            node.operand, node.op = ast.UnaryOp(ast.Not(), node.operand), ast.Not()
        case ast.UnaryOp(op=ast.Invert()):
            node.operand, node.op = ast.UnaryOp(ast.Invert(), node.operand), ast.Invert()
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


def install(module: ModuleType, tree: ast.Module) -> None:
    """Give the functions and constants of a loaded module what they are in the changed one, in place."""
    code = compile(ast.fix_missing_locations(tree), str(module.__file__), "exec")
    changed = ModuleType(module.__name__)
    changed.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    sys.modules[module.__name__] = changed  # a dataclass looks its module up by name
    try:
        exec(code, changed.__dict__)
    finally:
        sys.modules[module.__name__] = module
    for name, old in list(vars(module).items()):
        new = vars(changed).get(name)
        if isinstance(old, FunctionType | type) and old.__module__ == module.__name__:
            for (_, one), (_, other) in zip(functions(old), functions(new), strict=True):
                one.__code__, one.__defaults__ = other.__code__, other.__defaults__
                one.__kwdefaults__ = other.__kwdefaults__
        elif isinstance(old, int | float | tuple | str) and not name.startswith("__"):
            setattr(module, name, new)


def functions(owner: object) -> Iterator[tuple[str, Any]]:
    """Yield the functions of a module's own function or class, by name."""
    if isinstance(owner, FunctionType):
        yield owner.__name__, owner
        return
    for name, value in sorted(vars(owner).items()):
        found = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if isinstance(found, FunctionType) and isinstance(found.__code__, CodeType):
            yield name, found


class Trial:
    """A pytest plugin that, in place of one run of the tests, makes one in a fork for each mutant."""

    def __init__(self, name: str, most: int) -> None:
        self.name, self.most, self.parent = name, most, os.getpid()
        self.killed = self.tried = self.made = 0
        self.out: Callable[[str], None] = lambda line: None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Return None in a fork, so that the tests run, and True when all mutants were tried."""
        module = importlib.import_module("neuroinspect_tui.stages." + self.name.replace("/", "."))
        started = time.monotonic()
        if not (child := os.fork()):
            return None
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"{self.name}: the tests fail on the code as it is")
        limit = 10 + round(10 * (time.monotonic() - started))
        known = EQUIVALENT.get(self.name, ())
        made = mutants((STAGES / f"{self.name}.py").read_text("utf-8"))
        seen = [mutant for mutant in made if mutant.text not in known]
        self.made = len(seen)
        for mutant in spread(seen, self.most):
            if not (child := os.fork()):
                signal.alarm(limit)
                install(module, mutant.tree)
                return None
            self.tried += 1
            if os.waitpid(child, 0)[1]:
                self.killed += 1
            else:
                self.out(f"{self.name}:{mutant.line}: {mutant.text}")
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Leave a fork at once: what pytest does at its end takes longer than the tests."""
        if os.getpid() != self.parent:
            os._exit(int(exitstatus))


def try_out(name: str, out: Callable[[str], None], most: int) -> Trial:
    """Try at most `most` mutants of one stage, named as repair/ridge."""
    trial = Trial(name, most)
    trial.out = out
    folder, _, last = f"/{name}".rpartition("/")
    files = [f"{folder}/test_{last}.py", *(f"/{file}" for file in ALSO.get(name, []))]
    tests = [path for file in files if (path := REPOSITORY / f"tests/stages{file}").exists()]
    tests = tests or sorted((REPOSITORY / f"tests/stages{folder}").glob("test_*.py"))
    scratch = tempfile.mkdtemp()
    options = [
        "-q",
        "-x",
        "--tb=no",
        f"--basetemp={scratch}/tests",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
    ]
    try:
        pytest.main([*options, *map(str, tests)], plugins=[trial])
    finally:
        # Only here if a fork could not even begin its tests.
        if os.getpid() != trial.parent:
            os._exit(1)
        shutil.rmtree(scratch)
    return trial


def main() -> None:
    """Try the mutants of the modules named; exit 1 if fewer than 95 % are killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--most", type=int, default=10_000, help="of each module, spread evenly over it")
    given = parser.parse_args()
    lines = os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)

    def out(line: str) -> None:
        print(line, file=lines, flush=True)

    killed = tried = 0
    for name in given.modules:
        trial = try_out(name, out, given.most)
        out(f"{name}: {trial.killed} of {trial.tried} killed, of {trial.made}")
        killed, tried = killed + trial.killed, tried + trial.tried
    sys.exit(killed < 0.95 * tried)


if __name__ == "__main__":
    main()
