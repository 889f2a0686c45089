"""A tactical day, from signals to release: what is known, what one account does about it and why, and who lets it go.

    python examples/tactical_day.py [FOLDER]

Everything is the demo book's real data, as it was known on 28 February 2017, under the mandate
`policies/balanced.toml`. Tables, ledger and pages are written into FOLDER, a new or empty one; without it into a
temporary one, whose name is told at the end. Two things are made up, and said to be: the people, and the fills.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from pathlib import Path

import pandas as pd

from trimtab.batches import Run, read_book, summarise
from trimtab.batches.questions import Question, ask_about
from trimtab.constraints import read_policy
from trimtab.demo import ON, book_path
from trimtab.errors import EntryRefused, NotApproved
from trimtab.governance import (
    Ledger,
    Store,
    approve,
    create_ledger,
    make_key,
    make_store,
    read,
    read_checkpoints,
    record_fills,
    release,
    replay,
    run_governed,
    sign_head,
    submit,
    verify,
)
from trimtab.governance.gates import measure, read_candidate
from trimtab.optimizer import rebalance, why
from trimtab.reports import proposal_page, run_page, write_page

DAY = dt.date.fromisoformat(ON)
MANDATE = Path(__file__).parent / "policies" / "balanced.toml"
BOOK = book_path()
ACCOUNT = "001"
ANN, BEN, CAL = "ann", "ben", "cal"


def morning() -> Question:
    """Read what is known, and hand back the question of one account."""
    book = read_book(BOOK)
    policy = book.policy(read_policy(MANDATE))
    market = book.market(policy, DAY)
    reading = book.read(policy, market, DAY)

    # A score is a signal in its own units, as it could be known that evening: `known` is never later than the day.
    print(f"1. What is known on the evening of {DAY}\n")
    scores = reading.scores.set_index("signal")[["about", "value", "raw", "date", "known"]]
    print(scores.to_string(float_format="{:+.3f}".format))

    # Signals on one subject make one view, and how far they agree is its confidence. People have views too.
    print(f"\n{reading}\n")
    asked = ask_about(book, policy, ACCOUNT, DAY)
    print("2. What is believed\n")
    for view in asked.views:
        print(f"{view.about:31} {view.gain:+.2%} a year, sure {view.confidence:.2f}, until {view.until}, {view.author}")
    return asked


def one_account(asked: Question) -> None:
    """Decide one account, and say where each trade comes from."""
    given = (asked.account, asked.policy, asked.market, asked.views, asked.on)
    proposal = rebalance(*given, overlay=asked.overlay, trail=asked.trail)
    print(f"\n3. What account {ACCOUNT} should do\n\n{proposal}")

    # The parts of a trade sum to it, so that nobody has to guess which view paid for which order.
    told = why(*given, overlay=asked.overlay, trail=asked.trail)
    parts = told.to_frame()
    remainder = parts.drop(columns="trade").sum(axis=1) - parts["trade"]
    print("\n4. Why\n")
    print("\n".join(f"- {sentence}" for sentence in told.sentences[:5]))
    print(f"the parts of each trade sum to it, to 1e-12 of the account: {remainder.abs().max() < 1e-12}")


def mandate_in_force(ledger: Ledger) -> None:
    """Have the mandate, the views and the committee's decision approved, each by somebody else than who hands it in."""
    print("\n5. Two people agree to what the run will be made from\n")
    for subject, file in (
        ("policy/balanced", MANDATE),
        ("view/views", BOOK / "views.csv"),
        ("view/tilts", BOOK / "tilts.csv"),
    ):
        data = file.read_bytes()  # what is agreed to are these bytes, not a name
        submit(ledger, ANN, subject, data, because="the committee of February")
        approve(ledger, BEN, subject, data, because="as agreed in the committee")
        print(f"{subject}: submitted by {ANN}, approved by {BEN}")


def whole_run(ledger: Ledger, store: Store, out: Path) -> Run:
    """Decide every account from a snapshot, and seal the answer."""
    run, seal = run_governed(ledger, store, BOOK, MANDATE, DAY, out, ANN, workers=1)
    print(f"\n6. Every account, sealed as record {seal.sequence} of the ledger\n\n{summarise(run)}")
    return run


def let_go(ledger: Ledger, store: Store, run: Run) -> None:
    """Release the run: not before it is approved, and not by approving one's own."""
    print("\n7. Two people, one release\n")
    subject, data = f"run/{run.run_id}", (run.path / "run.json").read_bytes()
    submit(ledger, ANN, subject, data, because="the rebalance of February")
    try:
        release(ledger, ANN, run.path, MANDATE, store=store)
    except NotApproved as refused:
        print(f"{ANN} releases: {refused.code}")
    try:
        approve(ledger, ANN, subject, data)
    except EntryRefused as refused:
        print(f"{ANN} approves: {refused.code}")
    approve(ledger, BEN, subject, data, because="within the mandate")
    gave = measure(read_candidate(run.path)).relaxation
    try:  # limits of one account gave way by far, so the mandate asks for a third person
        release(ledger, ANN, run.path, MANDATE, store=store)
    except NotApproved as refused:
        print(f"{BEN} approves, {ANN} releases: {refused.code} (a limit gave way by {gave:.2%} of an account)")
    approve(ledger, CAL, subject, data, because="034 has to sell, its owner changed the model")
    done = release(ledger, ANN, run.path, MANDATE, store=store, because="to the brokers")
    print(f"{CAL} approves, {ANN} releases: {done.accounts} accounts, {done.orders} orders")


def fills_come_in(ledger: Ledger, store: Store, run: Run, folder: Path) -> None:
    """Record what became of the orders; here all but the last are said to be filled at the prices of the book."""
    trades = run.table("trades")
    fills = trades[["trade_id", "quantity"]].assign(price=trades["value"] / trades["quantity"], cost=trades["cost"])
    fills.iloc[:-1].to_csv(folder / "fills.csv", index=False)
    first, again = (record_fills(ledger, store, folder / "fills.csv", BEN) for _ in range(2))
    print("\n8. Fills come in\n")
    print(f"{first.new} of {len(trades)} orders are filled; the file sent again records {again.new} new ones")


def a_year_later(ledger: Ledger, store: Store, run: Run, folder: Path) -> None:
    """Sign the newest record, read every record, and decide the account again from what was kept."""
    print("\n9. A year later\n")
    make_key(folder / "desk.key")
    sign_head(ledger, folder / "desk.checkpoints", folder / "desk.key")
    verdict = verify(ledger, read_checkpoints(folder / "desk.checkpoints", folder / "desk.key.pub"))
    print(f"{verdict.records} records; every one as it was written: {verdict.is_whole}")
    again = replay(ledger, store, run.run_id, ACCOUNT)
    print(f"account {ACCOUNT}, decided again from the snapshot: {again.outcome[1]}, the same bits: {again.same_bits}")
    print("who decided what:")
    for entry in read(ledger, kind=("seal", "submit", "approve", "release")):
        sort, _, name = entry.subject.partition("/")
        what = sort if sort == "run" else f"{sort} {name}"
        print(f"  {entry.actor:5}{entry.kind:9}{what:17}{entry.body.get('because', '')}")


def pages(asked: Question, run: Run, folder: Path) -> None:
    """Write the two pages that a committee reads: one file each, without a network."""
    print("\n10. For the committee\n")
    for page, name in ((run_page(run), "run.html"), (proposal_page(asked), f"{ACCOUNT}.html")):
        write_page(page, folder / name)
        print(f"{name}: {page.title}. {page.subtitle}")


def main(folder: Path) -> None:
    """Live through the day; everything that it leaves is in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pd.set_option("display.width", 200)
    asked = morning()
    one_account(asked)
    store = make_store(folder / "store")
    with create_ledger(folder / "desk.ledger") as ledger:
        mandate_in_force(ledger)
        run = whole_run(ledger, store, folder / "run")
        let_go(ledger, store, run)
        fills_come_in(ledger, store, run, folder)
        a_year_later(ledger, store, run, folder)
    pages(asked, run, folder)


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="trimtab-day-"))
    main(place)
    print(f"\nAll of it is in {place}")
