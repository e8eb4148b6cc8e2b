"""Which puts an exchange lists on a share: monthly expiries, strikes on a grid, and their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal

from portfolio.market import Market
from portfolio.types import Health, HedgePolicy, OptionTerms, Policy, option_terms

GRID = ((Decimal(25), Decimal("0.5")), (Decimal(100), Decimal(1)))  # below the first the second; 5 from 100 up
WIDE = Decimal(5)
JUNETEENTH = 2022  # the first year in which the exchange is closed on it


@dataclass(frozen=True, slots=True)
class Underlying:
    """price: of the newest session, in its own currency, to six digits (what conversions leave in the last bits moves no
    strike); rate: what a unit of that is worth in the base currency.
    """

    price: float
    rate: float


def underlying(symbol: str, policy: Policy, market: Market) -> Underlying | None:
    """None where the newest session has no close of `symbol` that can be believed, or its currency no rate."""
    closes, currency = market.closes_of(symbol), policy.currency(symbol)
    if closes is None or not len(closes) or market.health.get(symbol) is Health.BLOCKED:
        return None
    rates = market.rates.get(currency)
    rate = 1.0 if currency == policy.base_currency else float(rates[-1]) if rates is not None and len(rates) else 0.0
    return Underlying(round(float(closes[-1]) / rate, 6), rate) if closes[-1] > 0 and rate > 0 else None  # NaN is above nothing


def next_put(hedge: HedgePolicy, policy: Policy, market: Market) -> OptionTerms | None:
    """The put to buy now: at the first monthly expiry at least `days` away, with the listed strike next below `moneyness` times
    the price. None where the price is not known, or no option can have such a name.
    """
    there = underlying(hedge.instrument, policy, market)
    if there is None:
        return None
    strike = listed_strike(Decimal(repr(there.price)) * Decimal(repr(hedge.moneyness)))
    found = OptionTerms(hedge.instrument, next_expiry(market.session, hedge.days), "P", strike)
    return found if strike > 0 and option_terms(found.symbol) == found else None


def listed_strike(wanted: Decimal) -> Decimal:
    """The strike next below: every 0.5 below 25, every 1 below 100, every 5 from there on. Many more are listed of what is much
    dealt in, but these are listed of all.

    >>> [str(listed_strike(Decimal(x))) for x in ("344.9", "99.9", "24.99", "0.3")]
    ['340', '99', '24.5', '0.0']
    """
    step = next((step for below, step in GRID if wanted < below), WIDE)
    return (wanted / step).to_integral_value(ROUND_FLOOR) * step


def next_expiry(session: date, days: int) -> date:
    """The first monthly expiry at least `days` after `session`.

    >>> next_expiry(date(2022, 12, 28), 90), next_expiry(date(2022, 12, 28), 23)
    (datetime.date(2023, 4, 21), datetime.date(2023, 1, 20))
    """
    earliest = session + timedelta(days=days)
    expiry = monthly_expiry(earliest.year, earliest.month)
    return expiry if expiry >= earliest else monthly_expiry(earliest.year + earliest.month // 12, earliest.month % 12 + 1)


def monthly_expiry(year: int, month: int) -> date:
    """The third Friday, or the day before where the exchange is closed on it: Good Friday, and Juneteenth as it is observed.

    >>> monthly_expiry(2022, 4), monthly_expiry(2022, 5)
    (datetime.date(2022, 4, 14), datetime.date(2022, 5, 20))
    """
    first = date(year, month, 1)
    friday = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    juneteenth = year >= JUNETEENTH and month == 6 and friday.day in {18, 19}
    closed = juneteenth or friday == easter(year) - timedelta(days=2)
    return friday - timedelta(days=1) if closed else friday


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar. Source: the anonymous algorithm of Nature (1876), as in Meeus (1991), ch. 8.

    >>> easter(2022)
    datetime.date(2022, 4, 17)
    """
    golden, (century, rest) = year % 19, divmod(year, 100)
    leaps = century // 4
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - moon + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
