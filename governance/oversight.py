"""What a committee asks of the ledger: who did what, what is due, what waits, and whether tilts have become a habit.

Everything is a data frame computed on the spot from the ledger and the folders of sealed runs; nothing is kept.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..batches.streams import stream
from .approvals import unreviewed
from .gates import Candidate, excess, measure, policy_of, read_candidate
from .ledgers import Ledger, read
from .states import MACHINES
from .statuses import standing, standings

ACTS: Mapping[str, str] = {
    "submit": "proposed", "edit": "proposed", "approve": "approved", "release": "released", "complete": "released",
    "reject": "held", "withdraw": "held", "revert": "held", "expire": "held", "kill": "held",
    "override": "overridden", "lift": "overridden", "review": "reviewed",
}  # fmt: skip
"""What a verb comes to, as people speak of it."""
DRIFT = 0.5
"""Above that share of the deviation limit a mean tilt is a habit."""
YEAR = 365
SOON = 14
"""Days before their end at which approvals are listed."""


def acts(ledger: Ledger, since: dt.date | None = None, until: dt.date | None = None) -> pd.DataFrame:
    """Return who proposed, approved, released, held and overrode what, in order.

    Parameters
    ----------
    since, until
        The first and the last day (UTC); all by default.

    Returns
    -------
    pandas.DataFrame
        ``at``, ``person``, ``act``, ``verb``, ``subject``, ``version``, ``because``; ``accounts`` released and ``held``
        of a release.
    """
    rows = [
        (
            e.at, e.actor, ACTS[e.kind], e.kind, e.subject, e.version, str(e.body.get("because", "")),
            e.body.get("accounts"), len(held) if isinstance(held := e.body.get("held"), list) else None,
        )
        for e in read(ledger, kind=sorted(ACTS))
        if (since is None or e.at.date() >= since) and (until is None or e.at.date() <= until)
    ]  # fmt: skip
    names = ["at", "person", "act", "verb", "subject", "version", "because", "accounts", "held"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({"accounts": "Int64", "held": "Int64"})


def by_person(done: pd.DataFrame) -> pd.DataFrame:
    """Return how often each person did what: a row a person, a column an act."""
    columns = list(dict.fromkeys(ACTS.values()))
    return pd.crosstab(done["person"], done["act"]).reindex(columns=columns, fill_value=0)


def due(ledger: Ledger, at: dt.datetime | None = None, within: int = SOON) -> pd.DataFrame:
    """Return what people have to look at: overrides that nobody reviewed, approvals that end within some days.

    Returns
    -------
    pandas.DataFrame
        ``due`` (a day), ``what``, ``subject``, ``people``, ``overdue``; the earliest first.
    """
    now = at or dt.datetime.now(dt.UTC)
    rows: list[tuple[dt.date, str, str, str]] = []
    for subject, overrides in unreviewed(ledger).items():
        people = ", ".join(dict.fromkeys(entry.actor for entry in overrides))
        day = min(dt.date.fromisoformat(str(entry.body["review"])) for entry in overrides)
        rows.append((day, "review of an override", subject, people))
    for sort in MACHINES:
        for subject, one in standings(ledger, sort, now).items():
            signed = one.in_force if sort != "run" else one.current if one.state == "approved" else None
            ends = sorted((a.until for a in signed.approvals if a.holds(now)), reverse=True) if signed else []
            # The quorum ends with the approval after which too few are left.
            if signed and len(ends) >= signed.people and ends[signed.people - 1] <= now + dt.timedelta(within):
                people = ", ".join(sorted(signed.signers(now)))
                rows.append((ends[signed.people - 1].date(), "approval ends", subject, people))
    frame = pd.DataFrame(sorted(rows), columns=["due", "what", "subject", "people"])
    frame["overdue"] = [day < now.date() for day in frame["due"]]
    return frame


def relaxations(
    ledger: Ledger, runs: Iterable[str | Path], policy: bytes, at: dt.datetime | None = None
) -> pd.DataFrame:
    """Return the limits that gave way in runs that wait for approval.

    Parameters
    ----------
    runs
        Folders; those that are not proposed are passed over.
    policy
        The bytes of their policy's file: it says how many have to agree.

    Returns
    -------
    pandas.DataFrame
        ``run``, ``account_id``, ``limit``, ``on``, ``bound``, ``used``, ``excess``, ``people`` (how many have to
        approve the run), ``approved`` (how many have); the largest excess first.
    """
    rows, rules = [], policy_of(policy).governance
    for run in map(read_candidate, runs):
        one = standing(ledger, run.subject, at)
        sizes = measure(run)
        people = rules.people(deviation=sizes.deviation, relaxation=sizes.relaxation)
        given = len(one.current.signers(one.at))
        if one.state not in ("proposed", "approved") or given >= people or one.current.sha256 != run.version:
            continue
        for account, bound in _relaxed(run):
            told = (bound["limit"], bound["on"], bound["bound"], bound["used"], excess(bound))
            rows.append((run.run_id, account, *told, people, given))
    names = ["run", "account_id", "limit", "on", "bound", "used", "excess", "people", "approved"]
    return pd.DataFrame(rows, columns=names).sort_values("excess", ascending=False, kind="stable", ignore_index=True)


def _relaxed(run: Candidate) -> Iterable[tuple[str, dict]]:
    for piece in stream(run.path, "accounts", ("account_id", "relaxed")):
        for account, text in zip(piece["account_id"].to_pylist(), piece["relaxed"].to_pylist(), strict=True):
            for bound in json.loads(text or "[]"):
                yield account, bound


def drift(
    ledger: Ledger,
    runs: Iterable[str | Path],
    limits: Mapping[str, float],
    on: dt.date,
    *,
    per: str = "model_id",
) -> pd.DataFrame:
    """Return the mean active weights of the released runs of a year, flagged beyond half the deviation limit.

    A run's targets count from its day until the next one's, the last to the end of ``on``; accounts by their net asset
    value::

        mean_i = sum_r days_r sum_a nav_ra (target_rai - strategic_rai) / sum_r days_r sum_a nav_ra

    Parameters
    ----------
    runs
        Folders; those that are not released are passed over.
    limits
        The deviation limit of each asset, a decimal (`calendars.deviation_limits`); without one there is no flag.
    on
        The last day of the year.
    per
        ``model_id`` or ``account_id``.

    Returns
    -------
    pandas.DataFrame
        ``per``, ``asset_id``, ``mean``, ``limit``, ``share`` (of the limit), ``flagged``; the largest share first.
    """
    chosen = _released(ledger, runs, on)
    parts, first = [], on - dt.timedelta(YEAR - 1)
    for run, after in itertools.zip_longest(chosen, chosen[1:]):
        end = after.on if after else on + dt.timedelta(1)
        if (days := (end - max(run.on, first)).days) > 0:
            parts.append(_leanings(run, per) * days)
    if not parts:
        names = [per, "asset_id", "mean", "limit", "share", "flagged"]
        return pd.DataFrame({name: pd.Series(dtype=object) for name in names})
    total = _added(parts)
    frame = total.assign(mean=total["active"] / total["nav"])[["mean"]].reset_index()
    frame["limit"] = frame["asset_id"].map(dict(limits).get)
    frame["share"] = frame["mean"].abs() / frame["limit"]
    frame["flagged"] = frame["share"] > DRIFT
    return frame.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _released(ledger: Ledger, runs: Iterable[str | Path], on: dt.date) -> Sequence[Candidate]:
    """Return the runs released until a day, in the order of their days."""
    found = []
    for run in map(read_candidate, runs):
        one = standing(ledger, run.subject)
        if run.on <= on and one.state in ("released", "sealed") and one.current.sha256 == run.version:
            found.append(run)
    return sorted(found, key=lambda run: run.on)


def _leanings(run: Candidate, per: str) -> pd.DataFrame:
    """Return money of active weight and net asset value, summed, by model or account and by asset."""
    accounts = pd.concat([p.to_pandas() for p in stream(run.path, "accounts", ("account_id", "model_id", "nav"))])
    known = accounts.set_index("account_id", drop=False)
    sums = []
    for piece in stream(run.path, "targets", ("account_id", "asset_id", "strategic", "target")):
        rows = piece.to_pandas()
        nav = rows["account_id"].map(known["nav"])
        rows["active"], rows["nav"] = (rows["target"] - rows["strategic"]) * nav, nav
        rows[per] = rows["account_id"].map(known[per])
        sums.append(rows.groupby([per, "asset_id"])[["active", "nav"]].sum())
    return _added(sums)


def _added(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Add frames up by the two levels of their index."""
    return pd.DataFrame(pd.concat(parts).groupby(level=[0, 1]).sum())
