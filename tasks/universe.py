"""Whom a vendor is asked for where nobody is named: a policy's universe, the members of an index, the usual series."""

from __future__ import annotations

from datetime import datetime

from portfolio.errors import WrongUse
from portfolio.rates import ECB
from portfolio.strategies import needs
from tasks import doors
from tasks.calendar import exchange_day
from tasks.fetch import ASKED
from tasks.market import wanted
from tasks.settings import Settings

RATES = "ecb"  # the source of reference rates, which has nothing else
SERIES = ("treasury_curve", "VIXCLS")  # of macro: the eleven yields of the Treasury, and what options say of next month
MEMBERS = """
SELECT DISTINCT u.name, coalesce(s.symbol, u.symbol) AS symbol FROM universe u
LEFT JOIN (SELECT instrument, arg_max(symbol, coalesce(to_session, DATE '9999-12-31')) AS symbol FROM symbols
           WHERE from_session <= '{day}' GROUP BY instrument) s USING (instrument)
WHERE u.from_session <= '{day}' AND coalesce(u.to_session, '{day}') >= '{day}'"""  # under the ticker of today


def whom(
    settings: Settings, dataset: str, source: str, *, policy: str | None = None, index: str | None = None, now: datetime
) -> list[str] | None:
    """The symbols (or series) of `dataset` to ask `source` for; None of a source that lists what it has itself.

    index: its members today, as the warehouse knows them. policy: a file; its symbols, and for prices its benchmark and what
    its strategy only watches; for macro the usual series and those its strategy looks at.
    """
    if source not in ASKED:
        return None
    if source == RATES:
        return list(ECB)
    if dataset == "macro":
        looked = needs(doors.read_policy(policy)).macro if policy else ()
        return list(dict.fromkeys([*SERIES, *looked]))
    if index:
        return _members(settings, index, now)
    if not policy:
        raise WrongUse(f"Nobody says whose {dataset} {source} is to be asked for.", "Name symbols, a policy or an index.")
    rules = doors.read_policy(policy)
    return wanted(rules) if dataset in {"prices", "corporate_actions"} else list(rules.symbols)


def _members(settings: Settings, index: str, now: datetime) -> list[str]:
    with doors.open_lake(settings) as lake:
        rows = lake.query(MEMBERS.format(day=exchange_day(now)))[1]
    found = sorted(symbol for name, symbol in rows if name == index)
    if not found:
        known = ", ".join(sorted({name for name, _ in rows})) or "none"
        raise WrongUse(f"The warehouse knows no members of {index!r}.", f"It knows {known}: `trimtab ingest universe` loads one.")
    return found
