"""Two accounts that once changed each other's whole lots: each trades alone what it trades in company."""

from trimtab.batches.books import read_book
from trimtab.batches.chunks import decide_chunk
from trimtab.batches.desks import open_desk
from trimtab.constraints import read_policy
from trimtab.units import day


def test_lots_do_not_depend_on_busier_neighbours(tmp_path):
    from benchmarks.books import ON, make_book, policy_of

    make_book(tmp_path / "book", 1000)
    book = read_book(tmp_path / "book")
    policy = book.policy(read_policy(policy_of(tmp_path / "book", "capped_whole")))
    desk, roster = open_desk(book, policy, day(ON)), book.roster(policy)
    some = [roster[i] for i in (0, 1, 2, 3, roster.ids.index("0000955"), roster.ids.index("0000993"))]
    together = decide_chunk(desk, some).tables
    for entry in some:
        alone = decide_chunk(desk, [entry]).tables
        for name in ("accounts", "targets", "trades"):
            rows = together[name].to_pandas()
            own = rows[rows["account_id"] == entry.id].reset_index(drop=True)
            assert own.equals(alone[name].to_pandas())
