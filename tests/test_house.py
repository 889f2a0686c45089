"""The floor plan as a test: who may import whom, and how. Pure `ast`, so it costs milliseconds.

Each rule is a function from a `House` (modules by name) to the sentences that say what breaks it. The tests ask the
rules of this checkout, and `test_a_rule_can_fail` asks them of houses that are known to be wrong.
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "trimtab"
GROUND = ("errors", "units")
COLUMN = (
    "models",
    "signals",
    "constraints",
    "optimizer",
    "batches",
    "scenarios",
    "attribution",
    "governance",
    "reports",
    "cli",
)
ROOT_FILES = {"__init__", "errors", "units", "run"}
SOLVERS = {"cvxpy", "clarabel", "piqp", "highspy", "qoco", "daqp"}
LIGHT = {"__future__", "typing", "importlib"}
DATA = "demo"  # not a floor: its face is plain code that says where the files are

# Above this a room is asked whether it is two things. One that has a good answer stands here with it.
MOST_LINES = 350
GROWN: dict[str, str] = {
    "run": "set-up and tasks run before anything is installed: they cannot import a second file of the package",
}

PUBLIC = {
    "models": "Universe Risk Costs Market Model Account View Tilt tilt Shock TacticalPosition PastTrade PhasedTrade",
    "signals": "Panel Signal Score score scores raws Playbook Reading read record Opinion RiskOpinion Rule Condition "
    "Action MomentumOverlay ValuationOverlay VolatilityOverlay MacroOverlay",
    "constraints": "Band Deviation Group TrackingError Volatility Turnover Cash Position Restriction Leverage "
    "TradeSize TradeCount Lots Custom TimeLimit Stress Cooldown Holding Policy Phases Rebalance read_policy",
    "optimizer": "state due solve propose rebalance",
    "batches": "read_book run summarise export open_run Summary",
    "scenarios": "shock sweep board find_breakpoints sensitivity Knob frontier implied_views propose_robust "
    "ask_after shake replay_window spread_moves spread_factors pool_moves draw_sweep draw_board "
    "backtest Backtest Chronicle Conduct read_chronicle try_grid try_all doubt",
    "attribution": "Attribution Chain Record Review attribute brinson calibrate chain contributions judge_by link "
    "propose_confidences read_chain read_record realised_contributions record_backtest record_runs review roll_up "
    "score_benchmarks settle_views trace write_proposal write_record",
    "governance": "create_ledger open_ledger append read verify sign_head read_checkpoints make_key "
    "make_store open_store run_governed seal derive record_fills replay collect_records export_records prove_account "
    "submit approve approved_confidences release kill lift signing unsigned_acts",
    "reports": "Chart Figures Listing Page Words attribution_page backtest_page board_page calendar_page plot "
    "proposal_page render run_page study sweep_page write_page",
}


# ---------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class Module:
    """One file of the house; `name` is its dotted name below the package (`models.tilts`), a face's its folder's."""

    name: str
    is_face: bool
    source: str
    tree: ast.Module

    @property
    def floor(self) -> str:
        return self.name.split(".")[0]

    @property
    def folder(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.is_face else self.name.rpartition(".")[0]


House = dict[str, Module]


def module(name: str, source: str, *, is_face: bool = False) -> Module:
    return Module(name, is_face, source, ast.parse(source))


def house(*modules: Module) -> House:
    return {each.name: each for each in modules}


@cache
def read_house(root: Path) -> House:
    files = [path for path in root.glob("*.py") if path.stem != "__init__"]
    for folder in (*COLUMN, DATA):
        files += (root / folder).rglob("*.py")
    found = [module("", (root / "__init__.py").read_text(encoding="utf-8"), is_face=True)]
    for path in sorted(files):
        parts = path.relative_to(root).with_suffix("").parts
        is_face = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_face else parts)
        found.append(module(name, path.read_text(encoding="utf-8"), is_face=is_face))
    return house(*found)


@dataclass(frozen=True)
class Import:
    """One imported thing: the file it names, if it is ours, and whether the statement has the shape it should."""

    line: int
    text: str
    target: str | None  # a module of ours; None for what lies outside
    outside: str  # the distribution's top name, "" for ours
    is_well_formed: bool


def imports(one: Module, all_modules: House, nodes: Iterator[ast.AST] | None = None) -> Iterator[Import]:
    """Every import of a module, inside functions too."""
    for node in nodes or ast.walk(one.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _absolute(node, alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield _absolute(node, node.module or "")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield _relative(node, alias.name, one, all_modules)


def _absolute(node: ast.stmt, name: str) -> Import:
    top, _, rest = name.partition(".")
    ours = top == PACKAGE
    return Import(node.lineno, ast.unparse(node), rest if ours else None, "" if ours else top, is_well_formed=not ours)


def _relative(node: ast.ImportFrom, alias: str, one: Module, all_modules: House) -> Import:
    """`from .x import y`: y is a name of the module x, or itself a module of the folder x; never a name of a face."""
    folder = one.folder.split(".") if one.folder else []
    inside = node.level - 1 <= len(folder)
    base = ".".join([*folder[: len(folder) - node.level + 1], *(node.module or "").split(".")]).strip(".")
    for name in (f"{base}.{alias}".strip("."), base):
        found = all_modules.get(name)
        if inside and found and (not found.is_face or name == DATA):
            return Import(node.lineno, ast.unparse(node), name, "", is_well_formed=True)
    return Import(node.lineno, ast.unparse(node), base, "", is_well_formed=False)


# ---------------------------------------------------------------------------------------------------- the rules


def may_import(floor: str) -> set[str]:
    """The floors that a floor may import from, its own included."""
    if floor in GROUND:
        return set(GROUND)
    if floor not in COLUMN:  # run.py and demo/ stand beside the column
        return {floor}
    above = {*GROUND, *COLUMN[: COLUMN.index(floor) + 1]}
    return above | {DATA} if floor == "cli" else above


def climbs(of: House) -> Iterator[str]:
    """Imports from a floor below."""
    for one in of.values():
        for found in imports(one, of):
            if found.target is not None and found.target.split(".")[0] not in may_import(one.floor):
                yield f"{one.name}:{found.line}: `{found.text}` is not above {one.floor or 'the root'} in the column"


def misnamed(of: House) -> Iterator[str]:
    """Imports of ours that are absolute, or that name a face instead of a module."""
    for one in of.values():
        for found in imports(one, of):
            if not found.is_well_formed:
                yield f"{one.name}:{found.line}: `{found.text}` should be relative and name the module"


def circles(of: House) -> Iterator[str]:
    """Modules that import each other, however far round and inside functions too."""
    graph = {one.name: {f.target for f in imports(one, of) if f.target in of} for one in of.values()}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            yield " -> ".join((*path[path.index(name) :], name))
        elif name not in done:
            for target in sorted(graph[name]):
                yield from walk(target, (*path, name))
            done.add(name)

    for name in sorted(graph):
        yield from walk(name, ())


def solvers_elsewhere(of: House) -> Iterator[str]:
    """Solvers imported outside optimizer/."""
    for one in of.values():
        for found in imports(one, of):
            if found.outside in SOLVERS and one.floor != "optimizer":
                yield f"{one.name}:{found.line}: only optimizer/ imports {found.outside}"


def heavy_faces(of: House) -> Iterator[str]:
    """Faces that import something when they are imported; what only a type checker reads is free."""
    for one in of.values():
        if not one.is_face:
            continue
        allowed = {"": set(), DATA: LIGHT | {"pathlib"}}.get(one.name, LIGHT)  # the root imports nothing at all
        for found in imports(one, of, _at_import(one.tree)):
            if found.outside not in allowed:
                yield f"{one.name or 'the root'}:{found.line}: a face does not import at once: `{found.text}`"


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The statements that run when a module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from (inner for kept in child.orelse for inner in ast.walk(kept))
            continue
        yield child
        yield from _at_import(child)


def hidden_modules(of: House) -> Iterator[str]:
    """Public names that equal the name of a module in their folder: a face that hands them on would hide the module."""
    stems: dict[str, set[str]] = {}
    for one in of.values():
        if not one.is_face:
            stems.setdefault(one.folder, set()).add(one.name.rpartition(".")[2])
    for one in of.values():
        for name in sorted(public_names(one.tree) & stems.get(one.folder, set())) if one.folder else ():
            yield f"{one.name}: the name {name} hides the module {one.folder}.{name}"


def public_names(tree: ast.Module) -> set[str]:
    """The public names that a module defines."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def silent_failures(of: House) -> Iterator[str]:
    """`assert` for bad input, bare excepts, and broad excepts that do nothing."""
    for one in of.values():
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Assert):
                yield f"{one.name}:{node.lineno}: assert vanishes under -O; raise an error of errors.py"
            elif isinstance(node, ast.ExceptHandler) and node.type is None:
                yield f"{one.name}:{node.lineno}: a bare except catches even a keyboard interrupt"
            elif isinstance(node, ast.ExceptHandler) and _is_broad(node) and _does_nothing(node):
                yield f"{one.name}:{node.lineno}: this except swallows every error"


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = {leaf.id for leaf in ast.walk(handler.type) if isinstance(leaf, ast.Name)}
    return bool(caught & {"Exception", "BaseException"})


def _does_nothing(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(each, (ast.Pass, ast.Continue)) or _is_ellipsis(each) for each in handler.body)


def _is_ellipsis(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def too_long(of: House) -> Iterator[str]:
    """Files that outgrew their room without a reason, and reasons that are no longer needed."""
    for one in of.values():
        lines = len(one.source.splitlines())
        if lines > MOST_LINES and one.name not in GROWN:
            yield f"{one.name} has {lines} lines: is it two things? If not, name it in GROWN with the reason"
        elif lines <= MOST_LINES and one.name in GROWN:
            yield f"{one.name} has {lines} lines: it no longer needs its row in GROWN"


RULES = (climbs, misnamed, circles, solvers_elsewhere, heavy_faces, hidden_modules, silent_failures, too_long)


# ---------------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule):
    broken = list(rule(read_house(ROOT)))
    assert not broken, "\n".join(broken)


FACE = module("models", "", is_face=True)
TILTS = module("models.tilts", "def tilt(): ...")
WRONG = [
    (climbs, house(TILTS, module("errors", "from .models.tilts import tilt"))),
    (climbs, house(module("optimizer.x", ""), module("models.a", "def f():\n    from ..optimizer.x import y"))),
    (climbs, house(TILTS, module("run", "from .models.tilts import tilt"))),
    (climbs, house(module("errors", ""), module("", "from . import errors", is_face=True))),
    (misnamed, house(FACE, TILTS, module("cli.a", "from ..models import tilt"))),
    (misnamed, house(FACE, TILTS, module("cli.a", "from .. import models"))),
    (misnamed, house(FACE, TILTS, module("cli.a", "from trimtab.models.tilts import tilt"))),
    (misnamed, house(FACE, TILTS, module("cli.a", "import trimtab.models"))),
    (misnamed, house(TILTS, module("models.a", "from ....models.tilts import tilt"))),
    (misnamed, house(module("models.a", "from .gone import x"))),
    (circles, house(module("models.a", "from .b import x"), module("models.b", "def f():\n    from . import a"))),
    (circles, house(module("models.a", "from .a import x"))),
    (solvers_elsewhere, house(module("batches.a", "def f():\n    import cvxpy as cp"))),
    (solvers_elsewhere, house(module("constraints.a", "from clarabel.x import y"))),
    (heavy_faces, house(TILTS, module("models", "from .tilts import tilt", is_face=True))),
    (heavy_faces, house(module("models", "try:\n    import numpy\nexcept ImportError:\n    pass", is_face=True))),
    (heavy_faces, house(module("", "import typing", is_face=True))),
    (hidden_modules, house(TILTS, module("models.a", "def tilts(): ..."))),
    (hidden_modules, house(TILTS, module("models.a", "tilts: int = 1"))),
    (silent_failures, house(module("models.a", "assert 1"))),
    (silent_failures, house(module("models.a", "try:\n    f()\nexcept:\n    raise"))),
    (silent_failures, house(module("models.a", "try:\n    f()\nexcept (ValueError, Exception):\n    pass"))),
    (too_long, house(module("models.a", "x = 1\n" * (MOST_LINES + 1)))),
]


@pytest.mark.parametrize(("rule", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_a_rule_can_fail(rule, wrong):
    assert list(rule(wrong))


RIGHT = """
from __future__ import annotations
from typing import TYPE_CHECKING
import numpy as np
from .. import errors
from ..errors import InputError
from ..models import tilts
from ..models.tilts import tilt
if TYPE_CHECKING:
    from ..models.tilts import Tilt
def f():
    from ..demo.books import folder
    try:
        tilt()
    except ValueError:
        pass
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rules_accept_what_is_right(rule):
    light = "from importlib import import_module\nif TYPE_CHECKING:\n    from .tilts import tilt as tilt\n"
    face = module("models", light, is_face=True)
    assert not list(
        rule(house(face, TILTS, module("errors", ""), module("demo.books", ""), module("cli.commands", RIGHT)))
    )


def test_only_four_files_stand_at_the_root():
    assert {path.stem for path in ROOT.glob("*.py")} <= ROOT_FILES


def test_every_folder_of_the_house_ships():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = set(table["tool"]["setuptools"]["packages"])
    folders = {path.parent for folder in (*COLUMN, DATA) for path in (ROOT / folder).rglob("*.py")}
    assert shipped == {PACKAGE} | {".".join((PACKAGE, *folder.relative_to(ROOT).parts)) for folder in folders}


def test_the_tests_are_not_a_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh Python has loaded because of a statement."""
    told = f"import sys; before = set(sys.modules)\n{statement}\nprint(*sorted(set(sys.modules) - before))"
    answer = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return set(answer.stdout.split())


def test_importing_the_root_imports_nothing_else():
    assert modules_after("import trimtab") == {PACKAGE}


@pytest.mark.parametrize(
    ("name", "file"), [("batches", "batches/__init__.py"), ("optimizer.engines", "optimizer/engines.py")]
)
def test_imports_without_cvxpy(name, file):
    if not (ROOT / file).exists():
        pytest.skip(f"{file} does not exist")
    loaded = modules_after(f"import {PACKAGE}.{name}")
    assert f"{PACKAGE}.{name}" in loaded
    assert "cvxpy" not in loaded


@pytest.mark.parametrize(("folder", "names"), PUBLIC.items(), ids=PUBLIC)
def test_each_face_hands_on_its_public_names(folder, names):
    face = importlib.import_module(f"{PACKAGE}.{folder}")
    assert set(names.split()) <= set(face.__all__)
    assert all(getattr(face, name) is not None for name in face.__all__)
    with pytest.raises(AttributeError):
        face.no_such_name  # noqa: B018  a lazy face must still refuse what it does not have
