"""Shocks as a person types them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..batches.premises import read_returns
from ..batches.questions import Question
from ..errors import InputError
from ..models.shocks import Shock
from ..scenarios.moves import replay_window, spread_moves

_WINDOW = re.compile(r"(\d{4}-\d\d-\d\d)\s*\.\.\s*(\d{4}-\d\d-\d\d)(\s+with risk)?")
_SPREAD = "spread "


def read_shock(text: str, asked: Question) -> Shock:
    """Read a shock from a text; what it needs to know of the past is the book's.

    ::

        crash: equity=-30%, bonds=5%                            moves by asset, class or group
        crash: equity=-30%, volatility.equity=2, correlation=0.3    and of the risk
        fall: spread equity=-20%                                what is expected of everything else then
        autumn 2008: 2008-08-31..2009-02-28                     what assets did between two days
        autumn 2008: 2008-08-31..2009-02-28 with risk           and what their risk was

    Raises
    ------
    InputError
        It is none of these, or means nothing.
    """
    name, _, rest = (part.strip() for part in text.partition(":"))
    if not name or not rest:
        raise _bad(text)
    if window := _WINDOW.fullmatch(rest):
        return _replay(name, window, asked)
    if rest.startswith(_SPREAD):
        held = asked.policy.models[asked.account.model]
        return spread_moves(name, _pairs(text, rest.removeprefix(_SPREAD)), asked.market, held)
    pairs = _pairs(text, rest)
    volatility = {k.removeprefix("volatility."): v for k, v in pairs.items() if k.startswith("volatility.")}
    moves = {k: v for k, v in pairs.items() if not k.startswith("volatility.") and k != "correlation"}
    return Shock(name, moves, volatility, pairs.get("correlation", "0"))  # pyright: ignore[reportArgumentType]


def _pairs(text: str, rest: str) -> Mapping[str, str]:
    found = {}
    for part in rest.split(","):
        about, equals, value = (word.strip() for word in part.rpartition("="))
        if not equals or not about or not value:
            raise _bad(text)
        found[about] = value
    return found


def _replay(name: str, window: re.Match[str], asked: Question) -> Shock:
    table = asked.book.shared.get("returns")
    if table is None:
        raise InputError(
            f"shock {name!r}: the book has no returns to replay", code="NO_RETURNS", table="returns", field="shock",
            value=name, mend="say the moves: equity=-30%, bonds=5%",
        )  # fmt: skip
    returns = read_returns(table)
    since, until, risk = window.groups()
    return replay_window(name, returns, asked.market.universe, since, until, with_risk=bool(risk))


def _bad(text: str) -> InputError:
    return InputError(
        f"{text!r} is no shock", code="BAD_SHOCK", field="shock", value=text,
        mend='a name, a colon and moves or days: "crash: equity=-30%, bonds=5%" or "2008: 2008-08-31..2009-02-28"',
    )  # fmt: skip
