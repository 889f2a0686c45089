"""Total returns of bonds and bills of constant maturity, from par yields.

The US Treasury publishes each day the *par curve*: the semiannual coupon at which a bond of each maturity would trade
at exactly 100. So a bond bought at one month end at the par yield of its maturity costs 1 per 1 of face. A month later
it is a little shorter, and its price is what its remaining payments are worth at the curve of that day:

    n      = number of coupons left,   t_k = T - (n - k) / 2   years until coupon k, T the years left
    price  = sum_k (c / 2) / (1 + y / 2)^(2 t_k)  +  1 / (1 + y / 2)^(2 T)
    return = price - 1

with c the yield at purchase and y the par yield today at maturity T, read linearly between the published maturities.
The price is *dirty*: it holds the accrued coupon, so it is the whole return of the month. Then the bond is sold and a
new par bond is bought. The method is that of L. Swinkels, "Treasury Bond Return Data Starting in 1962", Data 4(3), 91,
2019, which reprices monthly from constant-maturity yields; here the roll down the curve is kept. A bond so near par
makes the difference between its par yield and its yield to maturity a matter of less than a basis point a month.
"""

import math
from itertools import pairwise


def bond_price(coupon: float, par_yield: float, years: float) -> float:
    """Price, accrued coupon included, of a semiannual bond of face 1 with `years` left.

    >>> round(bond_price(0.05, 0.05, 10.0), 12)
    1.0
    >>> round(bond_price(0.05, 0.04, 10.0), 6)  # duration 7.8: about 8 points for one percentage point
    1.081757
    """
    left = math.ceil(2 * years - 1e-9)
    growth = 1 + par_yield / 2
    coupons = sum(coupon / 2 * growth ** (-2 * (years - k / 2)) for k in range(left))
    return coupons + growth ** (-2 * years)


def bill_price(simple_yield: float, years: float) -> float:
    """Price of a bill of face 1, from its coupon-equivalent (simple) yield.

    >>> round(bill_price(0.04, 0.25), 6)
    0.990099
    """
    return 1 / (1 + simple_yield * years)


def read_curve(curve: dict[float, float], years: float) -> float:
    """Par yield at `years`, linear between the published maturities, flat beyond them.

    >>> read_curve({1.0: 0.01, 2.0: 0.02}, 1.5)
    0.015
    """
    tenors = sorted(curve)
    if years <= tenors[0]:
        return curve[tenors[0]]
    for short, long in pairwise(tenors):
        if years <= long:
            share = (years - short) / (long - short)
            return (1 - share) * curve[short] + share * curve[long]
    return curve[tenors[-1]]


def bond_return(before: dict[float, float], after: dict[float, float], maturity: float, elapsed: float) -> float:
    """Return of a par bond of `maturity` years bought on the curve `before` and sold `elapsed` years later."""
    left = maturity - elapsed
    return bond_price(read_curve(before, maturity), read_curve(after, left), left) - 1


def bill_return(before: dict[float, float], after: dict[float, float], maturity: float, elapsed: float) -> float:
    """Return of a bill of `maturity` years bought on the curve `before` and sold `elapsed` years later."""
    left = maturity - elapsed
    return bill_price(read_curve(after, left), left) / bill_price(read_curve(before, maturity), maturity) - 1
