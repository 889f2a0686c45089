"""trimtab itself, asked as the others are: an account at a time, and a book at once."""

import tempfile
import time
from pathlib import Path

import pyarrow as pa
from sheets import STEPS

from trimtab.batches.books import read_book
from trimtab.batches.runs import run as run_book
from trimtab.batches.streams import stream
from trimtab.constraints.documents import read_policy
from trimtab.demo import ON
from trimtab.models.tilts import tilt
from trimtab.optimizer.problems import state
from trimtab.optimizer.rebalancing import decide, rebalance
from trimtab.units import day

LIBRARIES = ("trimtab", "clarabel", "piqp", "numpy")
STATES = STEPS
TODAY = day(ON)


def desk(sheet, step):
    """Read what a book says: accounts, policy, market, views."""
    folder = Path(sheet.folder) / step
    book = read_book(folder)
    policy = book.policy(read_policy(folder / "policy.toml"))
    return list(book.accounts(policy)), policy, book.market(policy, TODAY), book.views(TODAY)


def weights(proposal):
    """Return where a proposal goes."""
    return proposal.weights["target"].to_numpy()


def one(sheet, step):
    """Views to proposal, the problem stated anew: trades, reasons and proof with it."""
    accounts, policy, market, views = desk(sheet, step)
    return lambda i: weights(rebalance(accounts[i], policy, market, views, ON))


def loop(sheet, step):
    """Do the same with the problem stated once and the views read once a model, from Python, an account at a time."""
    accounts, policy, market, views = desk(sheet, step)
    problem = state(policy, market.dated(TODAY))
    first = {account.model: account for account in reversed(accounts)}
    beliefs = {m: tilt(views, problem.market, policy.model(account), TODAY) for m, account in first.items()}
    return lambda i: weights(decide(problem, accounts[i], beliefs[accounts[i].model], TODAY))


def run(sheet, step, accounts):
    """Decide the whole book from its files to a sealed run, by one worker; return seconds and weights of some."""
    folder = Path(sheet.folder) / step
    with tempfile.TemporaryDirectory() as out:
        began, clock = time.process_time(), time.perf_counter()
        done = run_book(folder, folder / "policy.toml", ON, Path(out) / "run", workers=1)
        seconds, wall = time.process_time() - began, time.perf_counter() - clock
        pieces = stream(Path(out) / "run", "targets", ["account_id", "target"])
        found = pa.concat_tables(list(pieces)).to_pandas()
        groups = {name: rows["target"].tolist() for name, rows in found.groupby("account_id")}
    counts = {str(name): int(count) for name, count in done.counts.items()}
    return {"seconds": seconds, "wall": wall, "counts": counts, "weights": [groups[f"{i:06d}"] for i in accounts]}
