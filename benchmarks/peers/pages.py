"""The page of `docs/benchmarks.md`, written from `results/peers.json` and nothing else: a test compares the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .duels import ALONE
from .environments import OURS, PEERS
from .features import ROWS
from .tasks import CASH, DEVIATION, STEPS, TRACKING, TURNOVER

__all__ = ["PAGE", "RESULTS", "page"]

RESULTS = Path(__file__).parents[1] / "results" / "peers.json"
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_NAMES = {OURS: "**trimtab**", ALONE: "trimtab, an account at a time", **PEERS}
_STATES = {"yes": "**yes**", "by hand": "*by hand*", "partly": "*partly*"}
_MANDATE = {"deviation": 100 * DEVIATION, "tracking": 100 * TRACKING, "turnover": 100 * TURNOVER, "cash": 100 * CASH}
_HEAD = """\
# Benchmarks

trimtab beside the libraries that others use for the same work. This page is written by `python3 run.py bench
peers` from `benchmarks/results/peers.json`; no number of it is typed.
"""
_WHERE = """\
## Who, where, when

Measured {day} at commit `{commit}` on {cores} cores of {processor} ({system}, load {load:g} at the end), one
BLAS thread each: the median of {rounds} rounds, of {twice} for one account. Times are **processor time** of the
one process that does the work, so that other work on the machine does not count; `peers.json` has the clock's
too. Each library lives in an environment of its own, made from hashed requirements in `benchmarks/peers/`. In
each round all are asked once, in turn; the first round is not counted; a ratio compares times of one round.
"""
_MANY = """\
## Many accounts

Time an account. trimtab decides a book of {accounts:,} accounts in one call of `run` with one worker: tables
read and checked, every account solved, proved, turned into trades with their reasons, the sealed run written;
all of that is in its time. No peer has a call for many accounts: theirs is a loop over its interface, with what
accounts share done before the clock starts, of {chunk} accounts a round and **extrapolated** to one; it ends at
weights. *trimtab, an account at a time* is such a loop over trimtab's own Python objects, which ends at a
proposal. In brackets the ratio to trimtab's `run`.
"""
_ONE = """\
## One account

From what a library takes (numbers; trimtab its own nouns) to an answer, everything anew: the views read, the
problem stated, compiled and solved. The peers answer with weights; trimtab with a proposal: trades, a reason for
each, room and price of every limit, a proof. In brackets the ratio to trimtab: below 1 the other is faster.
"""
_AGREE = """\
## Do they agree?

The largest difference of any weight from trimtab's, over all accounts that were asked for and all sizes. The
statements are the same, so what is left is the solvers' tolerance (1e-9, asked of Clarabel by all). The
commands are those above.
"""
_FEATURES = """\
## Who can state what

**yes**: the library has a name for it; *by hand*: its user writes it out; *partly*: some of it; no: the API
named lacks it. A ✓ is a use of it, or of what there is instead, that runs when this page is made
(`benchmarks/peers/clients/can_*.py`).
"""
_WORK = """\
## The work

- **views**: views into a Black-Litterman posterior; long-only mean-variance; each weight within
  {deviation:g} % of its strategic one.
- **tracking**: and a tracking error of at most {tracking:g} %.
- **turnover**: and a one-way turnover of at most {turnover:g} %.
- **costs**: and proportional costs of trading in the objective.

Cash stays at its strategic {cash:g} %, each view has the confidence of one half that Riskfolio-Lib has built in, views
are of excess returns between single assets, and libraries that want a history are given the shortest one of
exactly the covariance that the others are given. What a library cannot state is left out, not imitated, unless
its interface takes a constraint written in cvxpy. skfolio and Riskfolio-Lib would use a covariance that has the
doubt in the mean added; they are told to use that of the returns, as the others do. cvxportfolio, which has no
views, is given the posterior mean. cvxpy solves a problem of parameters that is compiled once (DPP) in the
loop, and one of plain numbers for a single account.

## Our own figures

trimtab beside hand-written solver loops, and the figures of its parts, stand in `benchmarks/README.md`. Every
run of a case, and of this page, adds its ratios to `benchmarks/results/history.jsonl`; what became 1.3 times
worse or more than in the run before is marked by

```sh
python3 run.py bench history
```
"""


def page(told: Mapping[str, Any]) -> str:
    """Return the page of some results."""
    parts = [_HEAD, _where(told), _MANY.format(**told), *_timings(told, "many"), _ONE, *_timings(told, "one")]
    parts += [_AGREE, _agreement(told), _FEATURES, _features(told["features"]), _WORK.format(**_MANDATE)]
    return "\n".join(parts)


def _where(told: Mapping[str, Any]) -> str:
    rows = []
    for name, versions in told["versions"].items():
        library, *rest = (f"{package} {version}" for package, version in versions.items() if package != "python")
        rows.append([_NAMES[name], library, ", ".join([*rest, f"Python {versions['python']}"])])
    twice, day = 2 * told["rounds"], told["when"][:10]
    words = _WHERE.format(day=day, twice=twice, **{**told, **told["machine"]})
    return words + "\n" + _table(["", "release", "with"], rows)


def _timings(told: Mapping[str, Any], work: str) -> list[str]:
    """Return a table for each size, a row a library and a column a step, and the command behind each column."""
    parts = []
    for assets in dict.fromkeys(f["assets"] for f in told["findings"]):
        found = {(f["library"], f["step"]): f for f in told["findings"] if (f["assets"], f["work"]) == (assets, work)}
        rows = [
            [_NAMES[name], *(_time(found.get((name, step))) for step in STEPS)]
            for name in dict.fromkeys(library for library, _ in found)
        ]
        commands = [f"python3 run.py bench peers --assets {assets} --step {step}" for step in STEPS]
        parts += [_table([f"{assets} assets", *STEPS], rows), "\n".join(["```sh", *commands, "```", ""])]
    return parts


def _time(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "cannot state it"
    times = "" if found["library"] == OURS else f" ({found['ratio']:{'.0f' if found['ratio'] >= 10 else '.2g'}} x)"
    return f"{1e3 * found['seconds']:.2g} ms{times}"


def _agreement(told: Mapping[str, Any]) -> str:
    worst: dict[str, dict[str, float]] = {}
    for f in told["findings"]:
        row = worst.setdefault(f["library"], {})
        row[f["step"]] = max(row.get(f["step"], 0.0), f["apart"])
    rows = [
        [_NAMES[name], *(f"{1e4 * row[step]:.2g} bp" if step in row else "cannot state it" for step in STEPS)]
        for name, row in worst.items()
        if name != OURS
    ]
    return _table(["", *STEPS], rows)


def _features(cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    rows = [[words, *(_cell(cells[name][row]) for name in cells)] for row, words in ROWS.items()]
    command = "\n```sh\npython3 run.py bench peers --features\n```\n"
    return _table(["", *(_NAMES[name] for name in cells)], rows) + command


def _cell(cell: Mapping[str, Any]) -> str:
    proved = " ✓" if cell["proved"] and cell["state"] != "failed" else ""
    note = f": {cell['note']}" if cell["note"] else ""
    return f"{_STATES.get(cell['state'], cell['state'])}{proved}{note}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)) + "\n"
