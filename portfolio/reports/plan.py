"""The plan as the page shows it: lines with their parts, limits and how much of each is used, stress, margin, hedges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Document = Mapping[str, Any]
WORDS = {
    "cash_flow": "cash flow",
    "drift": "drift",
    "signal": "signal",
    "risk_limit": "risk limit",
    "timing": "stopped part of the way",
    "hedge": "hedge",
    "cash": "to pay in this currency",
    "rounding": "rounding and cash",
}
SMALL = Decimal("0.005")  # a part that would be written as 0
MARGIN = (
    ("leverage", "Leverage (gross over equity)"),
    ("initial", "Initial margin"),
    ("maintenance", "Maintenance margin"),
    ("excess_liquidity", "Excess liquidity"),
    ("call_distance", "Adverse move of all prices to a margin call"),
    ("interest", "Interest of the loan, a year"),
    ("borrow_fee", "Fee for borrowed shares, a year"),
)
LOAN = (
    "The loan is what the longs are worth more than equity, or what is owed in a currency where that is more; "
    "the proceeds of short sales are kept for them and lessen neither the loan nor its interest."
)
SHOWN = 3  # of those that are proxied


def plan_view(decision: Document) -> dict[str, Any]:
    """What the template shows of a recorded decision; what older records do not have is empty."""
    lines = [_line(one) for one in (decision["plan"] or {"lines": ()})["lines"]]
    return {
        "lines": lines,
        "total": _total(decision),
        "limits": _limits(decision["verdicts"], decision.get("kept") or ()),
        "hedges": [{**one, "cost_of": _cost_of(one)} for one in decision.get("hedges") or ()],
        "loan": LOAN,
        "margin": _margin(decision.get("margin_before"), decision.get("margin_after")),
        "stresses": [_stress(one) for one in decision.get("stresses") or ()],
        "backtests": decision.get("backtests") or (),
    }


def _line(line: Document) -> dict[str, str]:
    quantity = Decimal(line["quantity"])
    value = quantity * Decimal(line["price"])
    return {
        "side": line["side"],
        "symbol": line["symbol"],
        "quantity": _plain(quantity),
        "price": f"{_plain(Decimal(line['price']))} {line['currency']}",
        "value": f"{value:,.2f} {line['currency']}",
        "cost": f"{Decimal(line.get('cost', 0)):,.2f} {line['currency']}",
        "parts": parts(line) or "not recorded",
    }


def parts(line: Document) -> str:
    """`+594 cash flow, -94 risk limit`: the parts of a line, the largest first.

    >>> parts({"parts": {"drift": "-3.4", "signal": "20.1", "rounding": "0.3"}})
    '+20.1 signal, -3.4 drift, +0.3 rounding and cash'
    """
    told = sorted(((Decimal(q), cause) for cause, q in line.get("parts", {}).items()), key=lambda x: (-abs(x[0]), x[1]))
    return ", ".join(f"{_signed(q)} {WORDS.get(cause, cause)}" for q, cause in told if abs(q) >= SMALL)


def _signed(quantity: Decimal) -> str:
    return f"{quantity:+,.2f}".rstrip("0").rstrip(".")


def _plain(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _total(decision: Document) -> str:
    lines = (decision["plan"] or {"lines": ()})["lines"]
    shares = [line for line in lines if set(line.get("parts", {})) != {"cash"}]
    rate = [Decimal(line.get("rate", 1)) for line in lines]
    value = sum((Decimal(x["quantity"]) * Decimal(x["price"]) * Decimal(x.get("rate", 1)) for x in shares), Decimal(0))
    cost = sum((Decimal(line.get("cost", 0)) * r for line, r in zip(lines, rate, strict=True)), Decimal(0))
    bp = f", {cost / value * 10_000:.1f} basis points" if value else ""
    orders = "1 order" if len(lines) == 1 else f"{len(lines)} orders"
    return f"{orders} worth {value:,.2f} in all, expected to cost {cost:,.2f}{bp}, in the base currency."


def _limits(verdicts: Sequence[Document], kept: Sequence[Document]) -> list[dict[str, Any]]:
    """Every rule with a figure and a limit, of what is held once the plan is filled; what is used most first. wished: how much
    of it the wish would have used.
    """
    wished, found = _largest(verdicts), _largest(kept or verdicts)
    rows = [{**_limit(*key, told), "wished": f"{wished[key][2]:.0%}" if key in wished else ""} for key, told in found.items()]
    return sorted(rows, key=lambda row: (-row["share"], row["rule"], row["who"]))


def _largest(verdicts: Sequence[Document]) -> dict[tuple[str, str], tuple[float, float, float]]:
    """(rule, of what) -> (figure, limit, share of the limit); of a rule that spoke twice its largest."""
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    for verdict in verdicts:
        figure, limit = verdict.get("figure"), verdict.get("limit")
        if figure is None or not limit:
            continue
        key = (verdict["rule"], verdict.get("of") or ", ".join(verdict["symbols"][:4]) or "the portfolio")
        if key not in found or found[key][2] < figure / limit:
            found[key] = (figure, limit, figure / limit)
    return found


def _limit(rule: str, who: str, told: tuple[float, float, float]) -> dict[str, Any]:
    figure, limit, used = told
    show = _SHOWN.get(rule, _percent)
    tone = "block" if used > 1 + 1e-9 else ("warn" if used > 0.9 else "pass")
    return {
        "rule": rule.replace("_", " "),
        "who": who,
        "figure": show(figure),
        "limit": show(limit),
        "used": f"{used:.0%}",
        "share": used,
        "tone": tone,
        "width": round(min(max(used, 0.0), 1.0) * 100),
    }


def _percent(value: float | None) -> str:
    return "unknown" if value is None or not math.isfinite(value) else f"{value * 100 + 0.0:.2f} %"


def _number(value: float) -> str:
    return f"{value:.2f}"


def _margin(before: Document | None, after: Document | None) -> list[tuple[str, str, str]]:
    if before is None or after is None:
        return []
    return [(words, _money(key, before[key]), _money(key, after[key])) for key, words in MARGIN]


def _money(key: str, value: Any) -> str:
    if value is None:
        return "none"
    if key == "leverage":
        return f"{value:.2f}"
    return _percent(value) if key == "call_distance" else f"{Decimal(value):,.2f}"


def _cost_of(hedge: Document) -> str:
    """What the cost of a hedge is made of: as portfolio.hedging counts it."""
    if not hedge["cost"]:
        return ""
    if hedge["kind"] in {"currency", "put"}:
        return "interest of what is owed" if hedge["kind"] == "currency" else "premium; of one that is held its time value"
    return "borrow fee and round trip" if hedge["weight"] < 0 else "round trip"


def _stress(one: Document) -> dict[str, str]:
    limit, after = one.get("limit"), one["after"]
    return {
        "name": one["name"],
        "before": _percent(one["before"]),
        "after": _percent(after),
        "limit": _percent(limit) if limit is not None else "",
        "used": f"{after / limit:.0%}" if limit and after is not None else "",
        "sentence": one["sentence"],
        "proxied": some_proxies(one["proxied"], one.get("parts") or {}),
        "all": _by(sorted(one["proxied"]), one["proxied"]) if len(one["proxied"]) > SHOWN else "",
    }


def some_proxies(proxied: Mapping[str, str], parts: Mapping[str, float]) -> str:
    """By what the three are replaced that count most in the loss, and how many others there are.

    >>> some_proxies(dict.fromkeys("ABCDE", "its beta"), {"D": 0.2, "E": -0.3})
    'E, D, A and 2 others by its beta'
    >>> some_proxies({"A": "gold", "B": "bonds", "C": "gold", "D": "bonds"}, {})
    'A, C by gold; B by bonds; and 1 other'
    """
    first = sorted(proxied, key=lambda s: (-abs(parts.get(s, 0.0)), s))[:SHOWN]
    left = len(proxied) - len(first)
    more = f"and {left} other{'s' if left > 1 else ''}" if left else ""
    if left and len(set(proxied.values())) == 1:
        return f"{', '.join(first)} {more} by {proxied[first[0]]}"
    return "; ".join(words for words in (_by(first, proxied), more) if words)


def _by(symbols: Sequence[str], proxied: Mapping[str, str]) -> str:
    """By what these are replaced, each with its symbols."""
    by: dict[str, list[str]] = {}
    for symbol in symbols:
        by.setdefault(proxied[symbol], []).append(symbol)
    return "; ".join(f"{', '.join(names)} by {what}" for what, names in by.items())


def _names(index: float) -> str:
    """Effective names, of the sum of squared shares."""
    return f"{1 / index:.1f} names" if index > 0 else "none"


_SHOWN = {"concentration": _names, "beta": _number, "liquidity": _number}
