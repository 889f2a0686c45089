"""`errors.md`: every outcome, exit status, error and warning, from the source that says it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

from trimtab import errors
from trimtab.optimizer.solutions import Outcome

from .codes import Saying, read_sayings
from .docstrings import table
from .words import WORDS

_HEAD = """\
# Outcomes, errors and warnings

Everything trimtab says on purpose when something is not as it should be. This page is written from the source by
`python -m docs.reference`: each code of the source stands here, with the sentence and the mend as they stand there. In
sentences ‹name› is what is filled in.

An error says what is wrong, in which table and field, and what would mend it:

```python
>>> from trimtab.constraints import read_policy
>>> from trimtab.errors import PolicyError
>>> try:
...     read_policy({"limits": [{"kind": "turnovr", "most": "5%"}]})
... except PolicyError as error:
...     print(error)
...     print(error.code, error.table, error.field, error.value, sep="; ")
limits[1].kind: 'turnovr' is no kind of limit [table policy, field limits[1].kind]; mend: did you mean 'turnover'?
UNKNOWN_KIND; policy; limits[1].kind; turnovr

```

In a run a bad *account* raises nothing: it is QUARANTINED, and code, field, value and sentence stand in
`quarantine.parquet`. A bad *shared* input (assets, strategic weights, risk, views, policy) stops the run at the door.
"""
_AFTER: Mapping[str, str] = {
    "OPTIMAL": "Trades are proposed, possibly none.",
    "RELAXED": "Look which limit gave way, and by how much: `relaxed` of the account.",
    "HELD": "No trigger asked, or a phase waits for its day: the reason says which.",
    "UNSOLVED": "The reason names the limits that cannot hold together, and each number that would end it.",
    "QUARANTINED": "The reason names table, field, value and mend; the next run takes it back by itself.",
}
_STATUS: Mapping[int, str] = {
    0: "done: sealed, and every account accounted for, refused ones too",
    1: "our fault: please report it",
    2: "a bad shared input, wrong usage, a folder that holds another run, or a refusal of the ledger",
    3: "it waits for people: a tripwire blocked the run, the kill switch is on, the ledger is not as it was written",
    130: "interrupted; the same command resumes a run",
}
_KINDS: Mapping[str, str] = {
    "DUPLICATE_HOLDING": "AccountError", "BAD_NUMBER": "AccountError", "BAD_CELL": "BookError",
    "IMPLAUSIBLE": "MarketError", "ZERO_VARIANCE": "MarketError", "MIXED_BASIS": "ViewError",
    "UNKNOWN_TRADE": "BookError", "BAD_INPUT": "InputError", "REFUSED": "GovernanceError",
    "APPEND_ONLY": "EntryRefused", "DIGEST": "EntryRefused", "NOTHING_SUBMITTED": "EntryRefused",
    "PREVIOUS": "EntryRefused", "SEQUENCE": "EntryRefused", "UNAPPROVED": "EntryRefused",
}  # fmt: skip
"""What is raised, where the code stands in a table or a default."""
_GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Books, markets, accounts", "Tables of a book, and what is made of them.", ("models", "batches")),
    ("Policies and limits", "A mandate, its limits and its numbers.", ("constraints", "optimizer")),
    ("Signals", "Series in time, and what is read from them.", ("signals",)),
    ("What if, and what came of it", "Questions of scenarios and attribution.", ("scenarios", "attribution")),
    ("Governance", "Ledger, store, approvals, releases, replays.", ("governance",)),
    ("Reports and commands", "Files that a command or a page is to write.", ("reports", "cli", "errors")),
)


def _tree() -> str:
    """Return the tree of errors as `errors.py` draws it."""
    drawn = (inspect.getdoc(errors) or "").split("::\n", 1)[1].split("\n\nA *shared*")[0]
    return inspect.cleandoc(drawn)


def by_code(sayings: Iterable[Saying]) -> dict[str, list[Saying]]:
    """Return what is said under each code, codes by the alphabet."""
    found: dict[str, list[Saying]] = {}
    for saying in sorted(sayings, key=lambda each: each.code):
        found.setdefault(saying.code, []).append(saying)
    return found


def told(code: str, sayings: list[Saying]) -> tuple[str, str]:
    """Return meaning and mend of a code: the fullest of what the source says, unless `words.py` says it better."""
    meaning, mend = WORDS.get(code, ("", ""))
    best = max(sayings, key=lambda each: (bool(each.sentence) + bool(each.mend), len(each.sentence)))
    return meaning or best.sentence, mend or best.mend


def _row(code: str, sayings: list[Saying]) -> tuple[str, str, str, str]:
    kinds = sorted({each.error for each in sayings if each.error and each.error != "Caution"})
    meaning, mend = told(code, sayings)
    raised = ", ".join(f"`{kind}`" for kind in kinds or [_KINDS.get(code, "?")])
    return f"`{code}`", raised, _inert(meaning), _inert(mend)


def _inert(text: str) -> str:
    """Keep stars and angles of a sentence from being marks."""
    return text.replace("*", "\\*").replace("<", "&lt;")


def _warnings(found: Mapping[str, list[Saying]]) -> str:
    rows = []
    for code, sayings in found.items():
        own = [each for each in sayings if each.error == "Caution"]
        if own:
            rows.append((f"`{code}`", *map(_inert, told(code, own))))
    return table(("code", "says", "mend"), rows)


def page() -> str:
    """Return the page."""
    found = by_code(read_sayings())
    ends = [(f"`{each.name}`", each.value, _AFTER[each.name]) for each in Outcome]
    lines = [_HEAD, "## Outcomes", "", "Every account of a run ends in exactly one.", ""]
    lines += [table(("outcome", "means", "then"), ends), "", "## Exit status", ""]
    lines += [table(("status", "means"), [(str(k), v) for k, v in _STATUS.items()]), ""]
    lines += ["## The tree of errors", "", "```text", _tree(), "```", "", "## Warnings", ""]
    lines += [
        "What is accepted and deserves a look: `trimtab check` and `trimtab rebalance` print them, and `run.json` keeps"
    ]
    lines += ["them under `warnings`.", "", _warnings(found), ""]
    for title, words, floors in _GROUPS:
        rows = []
        for code, sayings in found.items():
            errors_of = [each for each in sayings if each.error != "Caution"]
            if errors_of and errors_of[0].module.split(".")[0] in floors:
                rows.append(_row(code, errors_of))
        lines += [f"## {title}", "", words, "", table(("code", "raised as", "sentence", "mend"), rows), ""]
    return "\n".join(lines)
