"""Ten episodes of the market, from the closing high of the S&P 500 to its closing low, and what each class of assets did then.

The dates are those of the S&P 500 and the same for every asset. Figures are total returns in US dollars, but for the S&P 500
itself (its price index, as it is usually told), gold and crude oil. Where they come from:

| class | figure |
|---|---|
| equities | S&P 500, closes; 2010-05-06: its low of that day, 1065.79, over the close before, 1165.87 |
| treasuries | ten-year Treasury par bond, repriced each day on its yield (Federal Reserve H.15, DGS10), coupon added |
| long_treasuries | of thirty years (DGS30) in 1987 and 1998, of twenty (Treasury's par curve) in 2000-02; later the ETF TLT |
| short_treasuries | of two years (DGS2) until 2000-02; from 2007 on the ETF SHY |
| bonds | the ETF AGG; before 2007 the lower of the two- and the ten-year Treasury |
| inflation_linked | the ETF TIP; before 2007 as bonds |
| credit | the ETF LQD; before 2007 Moody's Baa yield, monthly averages, repriced as a ten-year par bond |
| high_yield | the ETF HYG; before 2007 no figure |
| gold | the ETF GLD; before 2007 London's price, monthly averages of the first and the last month |
| commodities | the ETF DBC; before 2007 West Texas crude oil, spot (DCOILWTICO) |
| real_estate | the ETF VNQ; before 2007 no figure |
| cash, currency | nothing is lost and nothing earned; a currency: where the market has no rates of it |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Episode:
    """returns: class -> return from the close of `start` to that of `trough`, a fraction. intraday: its low stood in no close."""

    name: str
    start: date
    trough: date
    returns: Mapping[str, float]
    intraday: bool = False


CLASSES = (
    *("equities", "treasuries", "long_treasuries", "short_treasuries", "bonds", "inflation_linked"),
    *("credit", "high_yield", "gold", "commodities", "real_estate", "cash", "currency"),
)
NO_FIGURE = float("nan")
_RETURNS: dict[str, tuple[float, ...]] = {  # in the order of CLASSES
    "1987": (-0.335, 0.011, 0.007, 0.024, 0.011, 0.011, 0.008, NO_FIGURE, 0.054, -0.032, NO_FIGURE, 0.0, 0.0),
    "1998": (-0.193, 0.043, 0.075, 0.017, 0.017, 0.017, 0.007, NO_FIGURE, -0.030, -0.052, NO_FIGURE, 0.0, 0.0),
    "2000-02": (-0.491, 0.394, 0.404, 0.223, 0.223, 0.223, 0.284, NO_FIGURE, 0.107, 0.052, NO_FIGURE, 0.0, 0.0),
    "2008": (-0.568, 0.215, 0.251, 0.088, 0.074, 0.037, -0.068, -0.329, 0.239, -0.274, -0.693, 0.0, 0.0),
    "2010-05-06": (-0.086, 0.014, 0.031, 0.002, 0.001, 0.005, -0.017, -0.025, 0.030, -0.020, -0.041, 0.0, 0.0),
    "2011": (-0.194, 0.155, 0.346, 0.009, 0.053, 0.067, 0.038, -0.091, 0.056, -0.197, -0.202, 0.0, 0.0),
    "2015-08": (-0.112, 0.004, -0.002, 0.001, 0.002, -0.002, -0.006, -0.017, 0.019, -0.050, -0.100, 0.0, 0.0),
    "2018-02": (-0.102, -0.015, -0.038, 0.0, -0.011, -0.013, -0.022, -0.025, -0.024, -0.051, -0.092, 0.0, 0.0),
    "2020": (-0.339, 0.078, 0.142, 0.021, -0.013, -0.006, -0.123, -0.219, -0.036, -0.257, -0.415, 0.0, 0.0),
    "2022": (-0.254, -0.164, -0.293, -0.044, -0.144, -0.127, -0.211, -0.146, -0.073, 0.214, -0.319, 0.0, 0.0),
}
_DATES = {
    "1987": (date(1987, 8, 25), date(1987, 12, 4)),
    "1998": (date(1998, 7, 17), date(1998, 8, 31)),
    "2000-02": (date(2000, 3, 24), date(2002, 10, 9)),
    "2008": (date(2007, 10, 9), date(2009, 3, 9)),
    "2010-05-06": (date(2010, 5, 5), date(2010, 5, 6)),
    "2011": (date(2011, 4, 29), date(2011, 10, 3)),
    "2015-08": (date(2015, 8, 17), date(2015, 8, 25)),
    "2018-02": (date(2018, 1, 26), date(2018, 2, 8)),
    "2020": (date(2020, 2, 19), date(2020, 3, 23)),
    "2022": (date(2022, 1, 3), date(2022, 10, 12)),
}
EPISODES: dict[str, Episode] = {
    name: Episode(name, *_DATES[name], dict(zip(CLASSES, told, strict=True)), intraday=name == "2010-05-06")
    for name, told in _RETURNS.items()
}

# Modified durations in years: of par bonds of ten, thirty and two years at 4 %, and round figures of the usual bond indices.
DURATIONS = {
    **{"treasuries": 8.2, "long_treasuries": 17.4, "short_treasuries": 1.9, "bonds": 6.0},
    **{"inflation_linked": 7.0, "credit": 8.0, "high_yield": 4.0, "cash": 0.0},
}
UNMOVED_BY_RATES = frozenset({"gold", "commodities", "cash", "currency"})
UNMOVED_BY_EQUITIES = frozenset(CLASSES) - {"equities", "credit", "high_yield", "real_estate"}
# What equities did a point (0.01) of ten-year yield when it rose from 1.63 % to 3.91 % in the episode of 2022.
EQUITIES_A_POINT = _RETURNS["2022"][0] / (3.91 - 1.63)

_SAME = {
    **dict.fromkeys(("equity", "stock", "share", "us_equity", "domestic_equity", "foreign_equity"), "equities"),
    **dict.fromkeys(("international_equity", "developed_equity", "emerging_equity", "emerging_market"), "equities"),
    **dict.fromkeys(("treasury", "government_bond", "government", "govt", "intermediate_treasury"), "treasuries"),
    **dict.fromkeys(("long_treasury", "long_bond", "long_government_bond"), "long_treasuries"),
    **dict.fromkeys(("short_treasury", "short_bond", "short_government_bond"), "short_treasuries"),
    **dict.fromkeys(("bond", "fixed_income", "aggregate_bond"), "bonds"),
    **dict.fromkeys(("tip", "inflation", "inflation_linked_bond", "linker"), "inflation_linked"),
    **dict.fromkeys(("credit", "corporate_bond", "investment_grade", "corporate"), "credit"),
    **dict.fromkeys(("high_yield", "high_yield_bond", "junk"), "high_yield"),
    **dict.fromkeys(("gold", "precious_metal"), "gold"),
    **dict.fromkeys(("commodity", "oil", "energy_commodity"), "commodities"),
    **dict.fromkeys(("real_estate", "reit", "property"), "real_estate"),
    **dict.fromkeys(("cash", "money_market", "t_bill", "bill"), "cash"),
}


def class_of(name: str) -> str | None:
    """The class that a policy's own word means, None where it is none of ours.

    >>> class_of("Long Treasuries"), class_of("Equity"), class_of("crypto")
    ('long_treasuries', 'equities', None)
    """
    words = re.sub(r"[^a-z]+", "_", name.lower()).strip("_")
    if words in CLASSES:
        return words
    single = re.sub(r"ies$", "y", words) if words.endswith("ies") else re.sub(r"s$", "", words)
    return _SAME.get(words) or _SAME.get(single)
