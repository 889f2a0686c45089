"""The ways the world may be: as believed, without the views, with one of them wrong, or in another risk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..constraints.policies import Policy
from ..models.accounts import Account
from ..models.markets import Market
from ..models.shocks import Shock
from ..models.tilts import NO_TILT, Tilt, tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.outlooks import Outlook

BELIEVED, NO_VIEWS = "as believed", "no views"


def list_views(views: Sequence[View] | View) -> tuple[View, ...]:
    """Return one view or several as a tuple."""
    return (views,) if isinstance(views, View) else tuple(views)


@dataclass(frozen=True, eq=False)
class Believer:
    """Who believes: one account's model under a policy in a market on a day, with an overlay beside its views."""

    account: Account
    policy: Policy
    market: Market
    on: dt.date
    overlay: Tilt = NO_TILT
    trail: Trail | None = None

    def believe(self, views: Sequence[View]) -> Tilt:
        """Return the tilt of some views and the overlay."""
        model = self.policy.model(self.account)
        return tilt(views, self.market, model, self.on, trail=self.trail) + self.overlay

    def live(self, views: Sequence[View]) -> tuple[View, ...]:
        """Return the views that say something to this account today."""
        heard = self.believe(views).views
        return tuple(view for view in views if view.live(self.on) and view.id in heard)

    def believe_failed(self, view: View, views: Sequence[View]) -> Tilt:
        """Return the tilt of views of which one is wrong: its opposite is so, and the others hold."""
        return self.believe([self.failed(each) if each is view else each for each in views])

    def failed(self, view: View) -> View:
        """Return the opposite of a view: over what strategic weights imply, its legs lose what it said they gain."""
        strategic, gain = self.policy.model(self.account).vector(self.market.universe), view.gain
        if view.basis != "active":
            row = self.believe([view]).legs[0]
            gain -= self.policy.aversion(self.account) * float(row @ self.market.risk.times(strategic))
            gain -= self.market.cash_rate * float(row.sum()) if view.basis == "total" else 0.0
        return replace(view, gain=-gain, basis="active", hurdle=None)


def list_outlooks(who: Believer, views: Sequence[View], shocks: Sequence[Shock] = ()) -> tuple[Outlook, ...]:
    """Return the outlooks there are to be robust against.

    ``as believed``, ``no views``, ``VIEW fails`` for each live view (the others hold), and as believed in the risk of
    each shock that changes risk.
    """
    live, universe = who.live(views), who.market.universe
    found = [Outlook(BELIEVED, who.believe(views))]
    if live:
        found.append(Outlook(NO_VIEWS, who.believe(())))
    found += [Outlook(f"{view.id} fails", who.believe_failed(view, views)) for view in live]
    shaken = [(shock.name, shock.risk(who.market.risk, universe)) for shock in shocks if shock.of_risk]
    found += [Outlook(name, found[0].belief, risk) for name, risk in shaken]
    return tuple(found)
