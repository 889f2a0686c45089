"""The page of `docs/benchmarks.md`, written from `results/peers.json` and nothing else: a test compares the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .duels import ALONE
from .environments import OURS, PEERS
from .features import ROWS
from .tasks import STEPS

__all__ = ["PAGE", "RESULTS", "page"]

RESULTS = Path(__file__).parents[1] / "results" / "peers.json"
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_NAMES = {OURS: "**trimtab**", ALONE: "trimtab, an account at a time", **PEERS}
_SAYS = {
    "views": "views into a Black-Litterman posterior; long-only mean-variance; each weight within 5 % of its strategic one",
    "tracking": "and a tracking error of at most 1 %",
    "turnover": "and a one-way turnover of at most 8 %",
    "costs": "and proportional costs of trading in the objective",
}
_HEAD = """\
# Benchmarks

trimtab beside the libraries that others use for the same work. This page is written by `python3 run.py bench peers` from
[`benchmarks/results/peers.json`](https://github.com/trimtab/trimtab/blob/main/benchmarks/results/peers.json); no number of it is typed.
"""


def page(told: Mapping[str, Any]) -> str:
    """Return the page of some results."""
    parts = [_HEAD, _how(told), _many(told), _one(told), _agreement(told), _features(told), _reading(told)]
    return "\n".join(parts).rstrip() + "\n"


def _how(told: Mapping[str, Any]) -> str:
    where = told["machine"]
    rows = [
        [_NAMES[name], f"`{list(versions)[1]} {list(versions.values())[1]}`", ", ".join(_rest(versions))]
        for name, versions in told["versions"].items()
    ]
    return "\n".join(
        [
            "## Who, where, when",
            "",
            f"Measured {told['when'][:10]} at commit `{told['commit']}` on {where['cores']} cores of {where['processor']} "
            f"({where['system']}, load {where['load']:g} at the end), one BLAS thread each, the median of "
            f"{told['rounds']} rounds ({2 * told['rounds']} for one account). Each library lives in an environment of its own, "
            "made from hashed requirements in `benchmarks/peers/`. In each round all are asked once, in turn; the first round "
            "is not counted; a ratio compares seconds of one round. Machines differ and are busy: run the commands.",
            "",
            *_table(["library", "release", "with"], rows),
        ]
    )


def _rest(versions: Mapping[str, str]) -> list[str]:
    return [f"{name} {version}" for k, (name, version) in enumerate(versions.items()) if k != 1]


def _many(told: Mapping[str, Any]) -> str:
    lines = [
        "## Many accounts",
        "",
        f"Seconds an account. trimtab decides a book of {told['accounts']:,} accounts in one call of `run` with one worker: tables "
        "read and checked, every account solved, proved, turned into trades with their reasons, the sealed run written; all of "
        "that is in its time. No peer has a call for many accounts: theirs is a loop over its interface, with what accounts "
        f"share done before the clock starts, of {told['chunk']} accounts a round and **extrapolated** to one; it ends at weights. "
        "`trimtab, an account at a time` is such a loop over trimtab's own Python objects. The ratio is to trimtab's `run`.",
        "",
    ]
    return "\n".join([*lines, *_timings(told, "many")])


def _one(told: Mapping[str, Any]) -> str:
    lines = [
        "## One account",
        "",
        "From plain numbers to an answer, everything anew: the views read, the problem stated, compiled and solved. The peers "
        "answer with weights; trimtab with a proposal: trades, a reason for each, room and price of every limit, a proof.",
        "",
    ]
    return "\n".join([*lines, *_timings(told, "one")])


def _timings(told: Mapping[str, Any], work: str) -> list[str]:
    """Return a table a size: a row a library, a column a step, the command of each number in its head."""
    lines: list[str] = []
    for assets in _sizes(told):
        found = {(f["library"], f["step"]): f for f in told["findings"] if (f["assets"], f["work"]) == (assets, work)}
        rows = [
            [_NAMES[name], *(_time(found.get((name, step)), name) for step in STEPS)]
            for name in dict.fromkeys(library for library, _ in found)
        ]
        lines += [f"### {assets} assets", "", *_table([f"{assets} assets", *STEPS], rows), ""]
        lines += _commands(assets)
    return lines


def _commands(assets: int) -> list[str]:
    """Return the command behind each column."""
    return ["```sh", *(f"python3 run.py bench peers --assets {assets} --step {step}" for step in STEPS), "```", ""]


def _time(found: Mapping[str, Any] | None, name: str) -> str:
    if found is None:
        return "cannot state it"
    times = "" if name == OURS else f" ({found['ratio']:.3g} x)"
    return f"{_milli(found['seconds'])}{times}"


def _milli(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"


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
    return "\n".join(
        [
            "## Do they agree?",
            "",
            "The largest difference of any weight from trimtab's, over all accounts that were asked for and all sizes: the statements "
            "are the same, so what is left is the solvers' tolerance (1e-9 asked of Clarabel by all). The commands are those above.",
            "",
            *_table(["library", *STEPS], rows),
            "",
        ]
    )


def _features(told: Mapping[str, Any]) -> str:
    names = list(told["features"])
    rows = [[words, *(_cell(told["features"][name][row]) for name in names)] for row, words in ROWS.items()]
    return "\n".join(
        [
            "## Who can state what",
            "",
            "**yes**: the library has a name for it; *by hand*: its user writes it out; *partly*: some of it; no: the API named lacks it. "
            "A ✓ is a use of it that runs when this page is made: `benchmarks/peers/clients/can_*.py`.",
            "",
            *_table(["", *(_NAMES[name] for name in names)], rows),
            "",
            "```sh",
            "python3 run.py bench peers --features",
            "```",
            "",
        ]
    )


def _cell(cell: Mapping[str, Any]) -> str:
    state = {"yes": "**yes**", "by hand": "*by hand*", "partly": "*partly*"}.get(cell["state"], cell["state"])
    proved = " ✓" if cell["proved"] and cell["state"] != "failed" else ""
    return f"{state}{proved}" + (f": {cell['note']}" if cell["note"] else "")


def _reading(told: Mapping[str, Any]) -> str:
    steps = [f"- **{step}**: {words}." for step, words in _SAYS.items()]
    return "\n".join(
        [
            "## The work",
            "",
            *steps,
            "",
            "Cash stays at its strategic 2 %, each view has the confidence of one half that Riskfolio-Lib has built in, views are of "
            "excess returns between single assets, and libraries that want a history are given the shortest one of exactly the "
            "covariance that the others are given. What a library cannot state itself is left out, not imitated, unless its "
            "interface takes a constraint written in cvxpy. skfolio and Riskfolio-Lib would use a covariance that has the doubt "
            "in the mean added; they are told to use that of the returns, as the others do. cvxportfolio, which has no views, is "
            "given the posterior mean. cvxpy solves a problem with parameters that is compiled once (DPP) in the loop, and one of "
            "plain numbers for a single account.",
            "",
            "Figures of trimtab beside hand-written solver loops, and of its own parts, stand in "
            "[`benchmarks/README.md`](https://github.com/trimtab/trimtab/blob/main/benchmarks/README.md). Every run of the benchmarks adds "
            "its ratios to `benchmarks/results/history.jsonl`; what became worse by 1.3 times or more is marked by",
            "",
            "```sh",
            "python3 run.py bench history",
            "```",
        ]
    )


def _sizes(told: Mapping[str, Any]) -> list[int]:
    return list(dict.fromkeys(f["assets"] for f in told["findings"]))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
