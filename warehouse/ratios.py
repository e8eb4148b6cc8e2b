"""The SQL of the views `ratios` and `quarters`: what a company's figures say, as they were known.

Flows are of the twelve months to the period's end (`..._ttm`), balances of that end, averages of that end and the one a
year before. A part that is missing, or a denominator that is not positive, gives no row: the ratio is unknown. A ratio is
known when the part known last is. Per share: flows by the diluted weighted shares of the longest period up to a year that
ends there, book value by the shares outstanding at that end (else those on the filing's cover); both as the filing
counted them, so a later split is not in them. A count of shares a tenth or tenfold of the weighted ones is not believed.

Sources: accruals: Sloan (1996), in the cash-flow form of Hribar and Collins (2002); gross profitability: Novy-Marx
(2013); growth of assets: Cooper, Gulen and Schill (2008); the others as in Penman, Financial Statement Analysis.
"""

from __future__ import annotations

import re

from warehouse import facts
from warehouse.facts import BALANCES, COVER, FLOWS, SHARES, Moments, average, back, first, listed, total

_OF = "instrument, source, moment, currency"
_IN_EVERY_REPORT = ("Revenue", "NetIncome", "Assets", "Equity")
_SAME = 0.005  # of a total: two sums this close are the same debt

_WEIGHTED = first(*(f"{SHARES}_{count}" for count in (4, 3, 2, 1)))
# Apple's 10-Q of April 2014 counts its shares in thousands: a tenth, or tenfold, of the weighted ones is a slip of scale.
_COUNT = first("SharesOutstanding", COVER)
_SLIP = f"{_COUNT}.v * 10 <= {_WEIGHTED}.v OR {_COUNT}.v >= {_WEIGHTED}.v * 10"

# part: {v: value, k: known_at} or NULL, made of the items before it
_PARTS: dict[str, str] = {
    "gross_profit": first("GrossProfit", total("Revenue", minus=("CostOfRevenue",))),
    "ebitda": total("OperatingIncome", "DepreciationAndAmortization"),
    "free_cash_flow": total("OperatingCashFlow", minus=("CapitalExpenditure",)),
    "accrued": total("NetIncome", minus=("OperatingCashFlow",)),
    "quick_assets": total("CurrentAssets", minus=("Inventory",)),
    "weighted_shares": _WEIGHTED,
    "shares": f"CASE WHEN {_SLIP} THEN NULL ELSE {_COUNT} END",
    "short_debt": first("ShortTermDebt", "CommercialPaper"),
}
_LATER: dict[str, str] = {  # of parts, and of what they were a year before
    "average_assets": average("Assets", "Assets_before"),
    "average_equity": average("Equity", "Equity_before"),
    "net_debt": total("all_debt", minus=("Cash",)),
    "revenue_gained": total("Revenue", minus=("Revenue_before",)),
    "net_income_gained": total("NetIncome", minus=("NetIncome_before",)),
    "assets_gained": total("Assets", minus=("Assets_before",)),
}
_BEFORE = ("Revenue", "NetIncome", "Assets", "Equity")  # also wanted as of a year before

# ratio: numerator, denominator (None: the part itself)
RATIOS: dict[str, tuple[str, str | None]] = {
    "gross_margin": ("gross_profit", "Revenue"),
    "operating_margin": ("OperatingIncome", "Revenue"),
    "net_margin": ("NetIncome", "Revenue"),
    "return_on_equity": ("NetIncome", "average_equity"),
    "return_on_assets": ("NetIncome", "average_assets"),
    "gross_profitability": ("gross_profit", "Assets"),
    "asset_turnover": ("Revenue", "average_assets"),
    "accruals": ("accrued", "average_assets"),
    "debt_to_equity": ("all_debt", "Equity"),
    "net_debt_to_ebitda": ("net_debt", "ebitda"),
    "interest_cover": ("OperatingIncome", "InterestExpense"),
    "current_ratio": ("CurrentAssets", "CurrentLiabilities"),
    "quick_ratio": ("quick_assets", "CurrentLiabilities"),
    "earnings_per_share": ("NetIncome", "weighted_shares"),
    "sales_per_share": ("Revenue", "weighted_shares"),
    "operating_cash_flow_per_share": ("OperatingCashFlow", "weighted_shares"),
    "free_cash_flow_per_share": ("free_cash_flow", "weighted_shares"),
    "book_value_per_share": ("Equity", "shares"),
    "revenue_growth": ("revenue_gained", "Revenue_before"),
    "net_income_growth": ("net_income_gained", "NetIncome_before"),
    "asset_growth": ("assets_gained", "Assets_before"),
    "revenue_ttm": ("Revenue", None),
    "gross_profit_ttm": ("gross_profit", None),
    "operating_income_ttm": ("OperatingIncome", None),
    "ebitda_ttm": ("ebitda", None),
    "net_income_ttm": ("NetIncome", None),
    "operating_cash_flow_ttm": ("OperatingCashFlow", None),
    "capital_expenditure_ttm": ("CapitalExpenditure", None),
    "free_cash_flow_ttm": ("free_cash_flow", None),
    "dividends_paid_ttm": ("DividendsPaid", None),
    "book_value": ("Equity", None),
    "debt": ("all_debt", None),
    "shares_outstanding": ("shares", None),
}


def ratios(prefix: str, known: str, where: str = "true", names: tuple[str, ...] | None = None) -> str:
    """instrument, symbol, ratio, period_end, value, known_at, currency, source: each ratio at each period end, as known."""
    return f"""
WITH {_measured(prefix, known, where, names=tuple(RATIOS) if names is None else names)}
SELECT r.instrument, n.symbol, r.ratio, r.period_end, r.f.v AS value, r.f.k AS known_at, r.currency, r.source
FROM measured r JOIN ({_symbols(prefix, known, where)}) n USING (instrument)"""


def quarters(prefix: str, known: str, where: str = "true") -> str:
    """instrument, symbol, concept, period_end, value, unit, source, known_at: each flow of a single quarter, told or derived."""
    return f"""
WITH {facts.figures(prefix, known, where)}, {facts.flows()}
SELECT q.instrument, n.symbol, q.concept, q.period_end, q.quarter.v AS value, q.currency AS unit, q.source,
  q.quarter.k AS known_at
FROM flows q JOIN ({_symbols(prefix, known, where)}) n USING (instrument) WHERE q.quarter IS NOT NULL"""


def newest(prefix: str, known: str, where: str, since: str, names: tuple[str, ...]) -> str:
    """instrument, source, moment, currency, ratio, period_end, value, known_at: what each moment knew newest of each ratio.

    A moment is an instant at which the company told something; it stands until the next one. `since` as in `figures`.
    """
    return f"""
WITH {_measured(prefix, known, where, "each", since, names)}
SELECT {_OF}, ratio, max(period_end) AS period_end, arg_max(f.v, period_end) AS value, arg_max(f.k, period_end) AS known_at
FROM measured GROUP BY {_OF}, ratio"""


def _measured(
    prefix: str, known: str, where: str, moments: Moments = "now", since: str = "", names: tuple[str, ...] = tuple(RATIOS)
) -> str:
    """CTEs up to `measured`: a row a moment, period end and ratio that is known, with f = {v: value, k: known_at}."""
    stocks = (*BALANCES, COVER, *(f"{SHARES}_{count}" for count in facts.LENGTHS))
    before = ", ".join(f"{back(name, 4)} AS {name}_before" for name in _BEFORE)
    parts = ", ".join(f"{sql} AS {name}" for name, sql in _PARTS.items())
    later = ", ".join(f"{sql} AS {name}" for name, sql in _LATER.items())
    chosen = ", ".join(f"{{'ratio': '{name}', 'f': {_ratio(*RATIOS[name])}}}" for name in names)
    return f"""
{facts.figures(prefix, known, where, moments, since, _concepts(names))},
{facts.flows()},
items AS (
  SELECT {_OF}, period_end, concept AS item, year AS f, 0 AS rank FROM flows WHERE year IS NOT NULL
  UNION ALL
  SELECT {_OF}, period_end, CASE WHEN quarters = 0 THEN concept ELSE concept || '_' || quarters END,
    {{'v': value, 'k': known_at}}, rank FROM placed WHERE quarters = 0 OR concept = '{SHARES}'),
wide AS (FROM (PIVOT items ON item IN ({listed((*FLOWS, *stocks))}) USING arg_max(f, rank) GROUP BY {_OF}, period_end)),
parts AS (
  SELECT *, {before}, {parts} FROM (SELECT *, period_end - DATE '1970-01-01' AS day FROM wide)
  WINDOW w AS (PARTITION BY {_OF} ORDER BY day)),
whole AS (SELECT *, {later} FROM (SELECT *, {_debt()} AS all_debt FROM parts)),
measured AS (
  SELECT {_OF}, period_end, r.ratio, r.f FROM (SELECT {_OF}, period_end, unnest([{chosen}]) AS r FROM whole)
  WHERE isfinite(r.f.v))"""


def _concepts(names: tuple[str, ...]) -> tuple[str, ...]:
    """The concepts that the ratios in `names` are made of, and those that say which period ends and currencies there are."""
    made = {**_PARTS, **_LATER, "all_debt": _debt()}
    words = {part for name in names for part in RATIOS[name] if part}
    while more := {word for word in words for word in re.findall(r"\w+", made.get(word, ""))} - words:
        words |= more
    stems = {word.removesuffix("_before") for word in words} | {word.rsplit("_", 1)[0] for word in words}
    stems |= {*_IN_EVERY_REPORT, *(["SharesOutstanding"] if COVER in words else [])}
    return tuple(name for name in facts.CONCEPTS if name in stems)


def _ratio(top: str, bottom: str | None) -> str:
    if bottom is None:
        return top
    return f"CASE WHEN {bottom}.v > 0 THEN {{'v': {top}.v / {bottom}.v, 'k': greatest({top}.k, {bottom}.k)}} END"


def _debt() -> str:
    """All that bears interest: the total where it is told, else its parts, and none of them twice.

    `ShortTermDebt` is often the current part of the long-term debt under another name: where it equals that part, or
    where the long-term total is it and the noncurrent part together, it is counted once. Where parts are told that fit
    neither reading, the debt is unknown.
    """
    noncurrent, current, whole = "LongTermDebtNoncurrent", "LongTermDebtCurrent", "LongTermDebt"
    lines = total(noncurrent, "short_debt")
    same = f"CASE WHEN ShortTermDebt.v = {current}.v THEN {lines} ELSE {total(noncurrent, current, 'short_debt')} END"
    off = f"abs({whole}.v - {noncurrent}.v - short_debt.v)"
    within = f"CASE WHEN {off} <= {_SAME} * {whole}.v THEN {lines} END"
    told_twice = f"CASE WHEN ShortTermDebt.v = {current}.v THEN {whole} ELSE {total(whole, 'short_debt')} END"
    apart = f"CASE WHEN {noncurrent} IS NULL THEN {told_twice} END"
    return first("Debt", total(noncurrent, "DebtCurrent"), same, within, apart)


def _symbols(prefix: str, known: str, where: str) -> str:
    rows = f"{prefix}raw.fundamentals f WHERE f.known_at <= {known} AND {where}"
    return f"SELECT f.instrument, arg_max(f.symbol, f.known_at) AS symbol FROM {rows} GROUP BY f.instrument"
