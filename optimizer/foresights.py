"""What an account brings along was known by the day, or the account is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np

from ..constraints.limits import Context
from ..errors import AccountError


def check_started(started: float, context: Context) -> None:
    """Refuse a schedule that began after the day."""
    if started > context.day:
        raise AccountError(
            f"its schedule began after {context.market.on}",
            code="LOOK_AHEAD",
            table="phases",
            field="started",
            value=dt.date.fromordinal(int(started)),
            mend="use what was known on the day",
        )


def check_opened(context: Context) -> None:
    """Refuse positions that were opened after the day: nobody knew them then."""
    if context.clocks is not None and (late := context.clocks.opened > context.day).any():
        asset = context.market.universe.assets[int(np.argmax(late.any(0)))]
        raise AccountError(
            f"its position in {asset!r} was opened after {context.market.on}",
            code="LOOK_AHEAD",
            table="positions",
            field="opened",
            value=asset,
            mend="use what was known on the day",
        )
