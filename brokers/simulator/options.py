"""What an option is dealt at here: Black and Scholes with one volatility for all, no rate and no dividend."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from portfolio.types import OptionTerms

VOLATILITY = 0.25  # a year
YEAR = 365.25 * 86_400  # seconds
END, ZONE = time(16, 0), ZoneInfo("America/New_York")  # of its last day


def option_price(terms: OptionTerms, spot: Decimal, now: datetime) -> Decimal:
    """Per share of the underlying, whose price is `spot`; its intrinsic value once it has expired.

    Source: Black and Scholes (1973), eq. 13, with a rate of zero.

    >>> from datetime import date
    >>> at = datetime(2022, 10, 22, 20, tzinfo=UTC)
    >>> round(option_price(OptionTerms("SPY", date(2023, 1, 20), "P", Decimal(360)), Decimal(380), at), 4)
    Decimal('10.0178')
    """
    strike, price = float(terms.strike), float(spot)
    sign = 1 if terms.right == "C" else -1
    left = (datetime.combine(terms.expiry, END, ZONE).astimezone(UTC) - now).total_seconds() / YEAR
    if left <= 0:
        return max(sign * (spot - terms.strike), Decimal(0))
    spread = VOLATILITY * math.sqrt(left)
    near = math.log(price / strike) / spread + spread / 2
    return Decimal(str(sign * (price * _normal(sign * near) - strike * _normal(sign * (near - spread)))))


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2
