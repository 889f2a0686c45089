"""Every code that the source can say, read from the source: pure `ast`, nothing is imported or raised.

A code is an upper-case word: handed on as `code`, by keyword or in its place, or in a table of codes. What is upper
case and no code stands in `NO_CODES`, so that a new word asks to be one or the other.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
FLOORS = tuple(name.split(".")[1] for name in PACKAGES if "." in name and name != "trimtab.demo")
WORD = re.compile(r"^[A-Z][A-Z_]{2,}$")
ERROR = re.compile(r"^(?:\w+Error|EntryRefused|LedgerBroken|NotApproved|Caution)$")
NO_CODES = frozenset({
    "ADDRESS", "BAA", "BEGIN", "CASH", "CHUNK", "CLARABEL", "CREATE", "CYRILLIC", "DELETE", "GREEK", "HELD", "LATIN",
    "MKL_NUM_THREADS", "NAME", "NFC", "NFKC", "NO_TILT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPTIMAL",
    "O_DIRECTORY", "O_NOFOLLOW", "PIQP", "QUARANTINED", "RELAXED", "TBILL", "TRIMTAB_AS", "TRIMTAB_LEDGER",
    "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_NOTADB", "SQLITE_READONLY", "SQLITE_READONLY_DIRECTORY", "NEW",
    "TRIMTAB_SIGN", "TRIMTAB_STORE", "UNSOLVED", "UPDATE", "VECLIB_MAXIMUM_THREADS", "XNYS",
})  # fmt: skip
"""Names of assets, solvers, outcomes, alphabets, variables, and words of SQL."""

HELPERS = {"bad_cell": "BookError", "bad_file": "BookError", "refuse": "AccountError"}
"""Functions that other modules make their errors with."""


@dataclass(frozen=True)
class Saying:
    """One place that says a code: the error, its sentence and its mend, as far as they stand there as text."""

    code: str
    module: str
    error: str = ""
    sentence: str = ""
    mend: str = ""


@dataclass
class _Module:
    name: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node


def read_sayings(root: Path = ROOT) -> list[Saying]:
    """Return every place of the source that says a code, in the order of the floors."""
    found: list[Saying] = []
    for path in [root / "errors.py", *(p for floor in FLOORS for p in sorted((root / floor).rglob("*.py")))]:
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found += sayings_of(name, ast.parse(path.read_text(encoding="utf-8")))
    return found


def sayings_of(name: str, tree: ast.Module) -> Iterator[Saying]:
    """Yield every place of one module that says a code."""
    module = _Module(name, tree)
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and WORD.match(node.value)):
            continue
        if node.value not in NO_CODES and not isinstance(module.parents[node], ast.Compare):
            yield _saying(node, module)


def _saying(node: ast.Constant, module: _Module) -> Saying:
    """Say what stands around a code: the call it is in, its row of a table of codes, or nothing."""
    code, parent = str(node.value), module.parents[node]
    if isinstance(parent, ast.Dict) and node in parent.keys:
        value = parent.values[parent.keys.index(node)]
        return Saying(code, module.name, "", _text(value) if isinstance(value, ast.Constant) else "")
    if isinstance(parent, ast.Tuple):
        texts = [t for t in (_text(each) for each in parent.elts[parent.elts.index(node) + 1 :]) if " " in t]
        return Saying(code, module.name, "", *texts[:2])
    here: ast.AST = node
    while here in module.parents and not isinstance(here, (ast.Call, ast.stmt)):
        here = module.parents[here]
    if not isinstance(here, ast.Call):
        return Saying(code, module.name)
    helper = ast.unparse(here.func).split(".")[-1]
    error = helper if ERROR.match(helper) else _raised_by(helper, module)
    keywords = {each.arg: _text(_known(each.value, module)) for each in here.keywords}
    texts = [_text(_known(arg, module)) for arg in here.args if arg is not node]
    texts = [text for text in texts if " " in text]
    sentence = keywords.get("words") or keywords.get("message") or (texts.pop(0) if texts else "")
    rest = texts[-1] if texts and (helper != error or error == "Caution") else ""
    return Saying(code, module.name, error, sentence, keywords.get("mend") or rest)


def _known(node: ast.AST, module: _Module) -> ast.AST:
    """Return what a name was last given above it, in its function or in the module; anything else as it is."""
    if not isinstance(node, ast.Name):
        return node
    room: ast.AST = node
    while not isinstance(room, (ast.FunctionDef, ast.Module)):
        room = module.parents[room]
    for place in (room, module.tree):
        given = [each for each in ast.walk(place) if isinstance(each, ast.Assign) and _gives(each, node.id)]
        above = [each for each in given if place is module.tree or each.lineno <= node.lineno]
        if above:
            return max(above, key=lambda each: each.lineno).value
    return node


def _gives(assigned: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in assigned.targets)


def _raised_by(helper: str, module: _Module) -> str:
    """Return the error that a helper of the same module makes."""
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == helper:
            calls = (ast.unparse(each.func) for each in ast.walk(node) if isinstance(each, ast.Call))
            return next((name for name in calls if ERROR.match(name)), "")
    return HELPERS.get(helper, "")


def _text(node: ast.AST) -> str:
    """Return text as it reads, with the names of what is put into it."""
    match node:
        case ast.Constant(value=str(text)):
            found = text
        case ast.JoinedStr(values=parts):
            found = "".join(map(_text, parts))
        case ast.FormattedValue(value=inside):
            found = f"‹{_name(inside)}›"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            found = _text(left) + _text(right)
        case ast.BoolOp(op=ast.Or(), values=options):
            found = next(filter(None, map(_text, reversed(options))), "")
        case ast.IfExp(body=body, orelse=orelse):
            found = _text(body) or _text(orelse)
        case _:
            found = ""
    return found


def _name(node: ast.AST) -> str:
    """Return the plainest word for what is put into a sentence; what is called is no word for it."""
    called = {id(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}
    names = [
        each.attr if isinstance(each, ast.Attribute) else each.id for each in ast.walk(node)
        if isinstance(each, (ast.Attribute, ast.Name)) and id(each) not in called
    ]  # fmt: skip
    return next((name.strip("_") for name in names if name != "self"), "...")
