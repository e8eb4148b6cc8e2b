"""The page itself, from the facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from portfolio.reports.charts import drift_chart, equity_chart, hindsight_chart, weights_over_time
from portfolio.reports.facts import ReportFacts
from portfolio.reports.plan import plan_view

RISK_WORDS = {
    "volatility": "Volatility, a year",
    "value_at_risk": "Value at risk, 95 %, one day",
    "conditional_value_at_risk": "Conditional value at risk, 95 %, one day",
    "max_drawdown": "Largest drawdown of these weights",
    "gross": "Gross exposure",
    "names": "Names held",
    "effective_names": "Effective names",
    "beta": "Beta to the benchmark",
    "volatility_at_one": "Volatility were every correlation one, a year",
    "exit_days": "Days to sell everything",
    "exit_cost": "Cost of selling everything",
}
PLAIN = frozenset({"effective_names", "beta", "exit_days"})  # figures that are no fraction


def render(facts: ReportFacts) -> str:
    """The whole page as one HTML text; nothing in it is loaded from anywhere."""
    import jinja2

    folder = Path(__file__).parent
    loader = jinja2.FileSystemLoader(folder)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {"percent": percent, "money": money, "shares": shares, "pvalue": pvalue, "price": price}
    template = environment.get_template("report.html.j2")
    return template.render(
        facts=facts,
        decision=facts.decision,
        tiles=_tiles(facts),
        risk=_risk(facts),
        plan=plan_view(facts.decision),
        charts=_charts(facts),
        notable=[law for law in facts.laws if law.status != "passed"],
        passed=[law for law in facts.laws if law.status == "passed"],
    )


def percent(value: float | None, digits: int = 2) -> str:
    return "unknown" if value is None or not math.isfinite(value) else f"{round(value * 100, digits) + 0.0:.{digits}f} %"


def pvalue(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


def plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def money(value: Decimal | float | None) -> str:
    return "not yet known" if value is None else f"{value:,.2f}"


def price(value: Decimal | None) -> str:
    """To the cent, a rate of exchange to five places."""
    if value is None:
        return "not yet known"
    return f"{value:,.2f}" if value == round(value, 2) or value >= 10 else f"{value:,.5f}"


def shares(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _tiles(facts: ReportFacts) -> list[tuple[str, str]]:
    traded = sum((t.value for t in facts.trades if not t.conversion), Decimal(0))
    costs, slippage = (sum((getattr(t, name) for t in facts.trades), Decimal(0)) for name in ("fee", "slippage"))
    cash = {facts.currency: facts.cash, **facts.foreign}
    equity = facts.equity[-1][1] if facts.equity else None
    return [
        ("Equity", f"{money(equity)} {facts.currency}"),
        ("Cash", ", ".join(f"{money(amount)} {currency}" for currency, amount in cash.items())),
        ("Names held", str(sum(1 for w in facts.holdings.values() if abs(w) > 1e-9))),
        ("Traded", f"{money(traded)} {facts.currency}"),
        ("Commissions", f"{money(costs)} {facts.currency}"),
        ("Against the mid price", f"{money(slippage)} {facts.currency}"),
        ("Ledger and broker", "agree" if not facts.breaks else "DIFFER"),
    ]


def _risk(facts: ReportFacts) -> list[dict[str, str]]:
    """Before, after, limit, and how much of the limit is used."""
    rows = []
    for name, words in RISK_WORDS.items():
        before, after = facts.decision["risk_before"].get(name), facts.decision["risk_after"].get(name)
        limit = facts.limits.get(name)
        used = f"{after / limit:.0%}" if limit and after is not None else ""
        show = count if name == "names" else plain if name in PLAIN else percent
        rows.append(
            {"what": words, "before": show(before), "after": show(after), "limit": percent(limit) if limit else "", "used": used}
        )
    return rows


def _charts(facts: ReportFacts) -> Mapping[str, Any]:
    from markupsafe import Markup

    drawn = {
        "drift": drift_chart(facts.decision["current"], facts.decision["weights"], facts.holdings),
        "equity": equity_chart(facts.equity, facts.currency) if facts.equity else "",
        "weights": weights_over_time(facts.weights) if facts.weights else "",
        "hindsight": hindsight_chart(facts.hindsight) if facts.hindsight else "",
    }
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  our own drawing; names in it are escaped by matplotlib
