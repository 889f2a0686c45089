"""One account in a hundred poisoned, in twenty ways: the others keep every bit.

    python -m benchmarks.poisonings [--accounts 50000] [--variant plain|whole|capped|capped_whole] [--share 0.01]

Makes the same book twice, once with poison, runs both, and compares every row of the accounts that were left alone.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from trimtab.batches import run

from .books import ON, make_book, poisoned_ids, policy_of

TABLES = ("accounts", "targets", "trades")


def main() -> None:
    """Print how both runs ended and whether the rows of the others are equal; leave with 1 where they are not."""
    parser = argparse.ArgumentParser(prog="benchmarks.poisonings", description=__doc__)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--variant", default="plain")
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sound, spoilt = Path(folder) / "sound", Path(folder) / "spoilt"
        make_book(sound, chosen.accounts)
        make_book(spoilt, chosen.accounts, poisoned=chosen.share)
        runs = [
            run(book, policy_of(book, chosen.variant), ON, book.with_suffix(".run"), workers=chosen.workers)
            for book in (sound, spoilt)
        ]
        bad = set(poisoned_ids(spoilt))
        print(f"sound:    {dict(runs[0].counts)}\npoisoned: {dict(runs[1].counts)}, {len(bad)} accounts")
        equal = True
        for table in TABLES:
            first, second = (r.table(table) for r in runs)
            kept = set(first["account_id"]) - bad
            first, second = (t[t["account_id"].isin(kept)].reset_index(drop=True) for t in (first, second))
            equal &= first.equals(second)
            print(f"{table}: {len(first):,} rows of the others, {'equal' if first.equals(second) else 'NOT EQUAL'}")
    raise SystemExit(0 if equal else 1)


if __name__ == "__main__":
    main()
