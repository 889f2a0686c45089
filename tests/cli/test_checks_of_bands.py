"""What `check` says of bands."""

from trimtab.batches import read_book
from trimtab.cli.checks import examine
from trimtab.constraints import read_policy
from trimtab.demo import ON, book_path
from trimtab.units import day


def test_a_band_that_nobody_looks_at_is_told():
    band = {"kind": "band", "absolute": 0.05}
    told = {}
    for trigger in ("always", "band"):
        policy = read_policy({"risk": {"periods_per_year": 12}, "rebalance": {"trigger": trigger}, "limits": [band]})
        told[trigger] = " ".join(examine(read_book(book_path()), policy, day(ON)).worth_a_look)
    assert "band is never looked at" in told["always"]
    assert "never looked at" not in told["band"]
