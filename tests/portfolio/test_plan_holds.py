"""What a plan must hold against: orders at work, rounding, hedges without what they hedge, absurd figures, old records."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from mind import AS_OF, FIXED, HEDGED, OPTIMIZED, D, book, market, policy, priced, quote, walk

from portfolio.decide import Before, decide
from portfolio.errors import Refused, WrongUse
from portfolio.policy import parse_policy
from portfolio.record import book_from, decision_document, differences
from portfolio.risk.margin import interest, margin_picture
from portfolio.types import Account, Action, MarginPolicy, Rate, SizingPolicy, StressPolicy, TradingState

CLOSES = walk(3, 400)
EUROS = FIXED.replace('"GLD"]', '"GLD"]\n[universe.currencies]\nEUR = ["SPY"]')
OWED = """
[margin]
benchmark_rate = 0.02
[[hedge]]
kind = "currency"
instrument = "EUR"
ceiling = 0.5
"""
RATES = {"EUR": Rate("EUR", D("1.1"), AS_OF, "test")}


def decided(rules=None, *, shown=None, **mine):
    held = book(**mine)
    there = priced(shown or market(closes=CLOSES, benchmark=CLOSES[:, 0]), held)
    return decide(rules or policy(), there, held, code_version="test")


def lines(found) -> dict:
    return {line.symbol: line.signed for line in found.plan.lines} if found.plan else {}


def euros(price: str, low: str = "100") -> dict:
    rest = {s: quote(s, low, low) for s in ("IEF", "GLD")}
    return {"SPY": quote("SPY", price, price, currency="EUR"), **rest, "EUR.USD": quote("EUR.USD", "1.0999", "1.1001")}


def in_euros(price: str, **mine):
    """A market whose SPY closes at `price` euros, in dollars; and the rest at 100."""
    closes = CLOSES / CLOSES[-1] * np.array([float(price) * 1.1, 100.0, 100.0])
    shown = market(closes=closes, benchmark=closes[:, 0], rates={"EUR": np.full(400, 1.1)})
    return {"shown": shown, "quotes": euros(price), "rates": RATES, **mine}


def decided_as_is(rules, shown, **mine):
    return decide(rules, shown, book(**mine), code_version="test")


# --- orders at work ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wish", "pending"), [(0.6, 700), (0.0, 100)])
def test_what_a_buy_at_work_will_bring_is_not_sold(wish, pending):
    rules = policy(rule={"weights": {"SPY": wish, "IEF": 0.3, "GLD": 0.1}})
    assert lines(decided(rules, pending={"SPY": D(pending)})).get("SPY", 0) >= 0


def test_reducing_does_not_undo_a_sale_at_work():
    found = decided(
        positions={"SPY": "700", "IEF": "200", "GLD": "99"},
        cash="1000",
        pending={"GLD": D(-50)},
        state=TradingState.REDUCING,
    )
    assert all(delta < 0 for delta in lines(found).values())


def test_limits_see_what_is_at_work():
    """590 shares are on their way: with them the wish is fulfilled, and no limit is broken by what is bought beside them."""
    found = decided(cash="100000", pending={"SPY": D(590)})
    assert found.current["SPY"] == pytest.approx(0.59)
    assert 0 <= lines(found).pop("SPY", 0) <= 5
    assert found.risk_after["gross"] == pytest.approx(0.98, abs=0.02)


def test_a_conversion_at_work_is_not_ordered_again():
    rules = parse_policy(EUROS)
    there = in_euros("100")
    first = decided_as_is(rules, there.pop("shown"), **there)
    pending = {line.symbol: line.signed for line in first.plan.lines}
    assert "EUR.USD" in pending
    again = in_euros("100", pending=pending)
    assert decided_as_is(rules, again.pop("shown"), **again).plan is None


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "sNaN", "1e999"])
@pytest.mark.parametrize("where", ["pending", "cash", "positions", "flow"])
def test_a_figure_that_cannot_be_is_refused_in_a_sentence(bad, where):
    mine = {
        "pending": {"pending": {"SPY": D(bad)}},
        "cash": {"account": Account({}, D(bad), "USD")},
        "positions": {"account": Account({"SPY": D(bad)}, D(1), "USD")},
        "flow": {"before": Before(date(2022, 12, 1), {}, flow=D(bad))},
    }[where]
    with pytest.raises(Refused, match="cannot be"):
        decided_as_is(policy(), market(closes=CLOSES), **mine)


@pytest.mark.parametrize("step", ["0", "NaN", "Infinity", "-5", "1e999"])
def test_a_step_that_cannot_be_is_refused(step):
    with pytest.raises(Refused, match="steps of"):
        decided_as_is(policy(), market(closes=CLOSES), increments={"SPY": D(step)})


# --- quotes and rates nobody believes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("price", ["1e12", "0.000001", "400", "20"])
def test_a_price_far_from_its_closes_is_not_traded(price):
    quotes = {"SPY": quote("SPY", price, price), "IEF": quote("IEF"), "GLD": quote("GLD")}
    shown = market(closes=CLOSES / CLOSES[-1] * 100)
    found = decided_as_is(policy(), shown, quotes=quotes)
    assert "SPY" not in lines(found)
    assert [v.action for v in found.verdicts if v.rule == "strange_quote"] == [Action.FREEZE]
    with pytest.raises(Refused, match="SPY is held"):
        decided_as_is(policy(), shown, positions={"SPY": "10"}, quotes=quotes)


@pytest.mark.parametrize("rate", ["1e12", "0.5", "1.6", "-1", "NaN"])
def test_a_rate_far_from_its_reference_is_refused(rate):
    there = in_euros("100", rates={"EUR": Rate("EUR", D(rate), AS_OF, "test")})
    there["account"] = Account({}, D(100_000), "USD", {"EUR": D(10)})
    with pytest.raises(Refused, match="EUR"):
        decided_as_is(parse_policy(EUROS), there.pop("shown"), **there)


# --- hedges follow what is bought -------------------------------------------------------------------------------------


def test_no_euro_is_owed_where_no_euro_share_is_bought():
    """A share of 7,000 EUR that 10,000 USD do not buy: nothing is there to hedge."""
    there = in_euros("7000", cash="10000")
    found = decided_as_is(parse_policy(EUROS + OWED), there.pop("shown"), **there)
    assert "EUR.USD" not in lines(found)
    assert [h.weight for h in found.hedges] == [0.0]
    assert "less is bought" in found.hedges[0].reason


def test_nothing_is_sold_short_against_what_is_not_bought():
    names = ("SPY", "IEF", "GLD", "HDG")
    closes = walk(4, 400)
    closes[:, 3] = closes[:, 0]
    prices = {"SPY": "7000", "IEF": "10", "GLD": "10", "HDG": "10"}
    held = book(cash="1000", quotes={s: quote(s, p, p) for s, p in prices.items()}, symbols=names)
    shown = priced(market(names, closes, benchmark=closes[:, 0]), held)
    found = decide(parse_policy(HEDGED), shown, held, code_version="test")
    assert lines(found).get("HDG", 0) == 0
    assert lines(found)["IEF"] > 0


def test_a_plan_with_a_hedged_currency_is_empty_the_next_time():
    rules = parse_policy(
        (EUROS + OWED)
        .replace('when = "drift"', 'when = "calendar"')
        .replace("absolute_band = 0.05\n", "")
        .replace("relative_band = 0.25\n", "")
    )
    there = in_euros("100")
    account = Account({}, D(100_000), "USD")
    shown = there.pop("shown")
    for number in range(3):
        found = decided_as_is(rules, shown, account=account, place=None, **there)
        if number:
            assert found.plan is None
            continue
        positions, cash, abroad = {}, account.cash, D(0)
        for line in found.plan.lines:
            if line.symbol == "EUR.USD":
                abroad, cash = abroad + line.signed, cash - line.signed * line.price
            elif line.symbol == "SPY":
                positions[line.symbol], abroad = line.signed, abroad - line.notional
            else:
                positions[line.symbol], cash = line.signed, cash - line.notional
        account = Account(positions, cash - 5, "USD", {"EUR": abroad})


def test_where_the_strategy_holds_its_hedges_stay():
    text = (
        OPTIMIZED.replace('"DDD"]', '"DDD"]\n[universe.currencies]\nEUR = ["AAA"]').replace(
            '["equal_weight", "hold"]', '["hold"]'
        )
        + OWED
    )
    names = ("AAA", "BBB", "CCC", "DDD")
    closes = walk(4, 30)
    shown = market(names, closes / closes[-1] * np.array([110, 100, 100, 100]), rates={"EUR": np.full(30, 1.1)})
    quotes = {s: quote(s, "100", "100", currency="EUR" if s == "AAA" else "USD") for s in names} | {
        "EUR.USD": quote("EUR.USD", "1.0999", "1.1001")
    }
    account = Account({"AAA": D(200), "BBB": D(200)}, D(60_000), "USD", {"EUR": D(-20_000)})
    found = decided_as_is(parse_policy(text), shown, account=account, quotes=quotes, rates=RATES, symbols=names)
    assert found.road[-1] == "hold"
    assert found.plan is None
    assert "dropped" not in " ".join(v.reason for v in found.verdicts)


def test_two_hedges_see_each_other():
    text = HEDGED + HEDGED[HEDGED.index("[[hedge]]") :].replace('"half"', '"again"')
    names = ("SPY", "IEF", "GLD", "HDG")
    closes = walk(4, 400)
    closes[:, 3] = closes[:, 0]
    held = book(quotes={s: quote(s) for s in names}, symbols=names)
    found = decide(parse_policy(text), priced(market(names, closes, benchmark=closes[:, 0]), held), held, code_version="test")
    assert [h.name for h in found.hedges] == ["half", "again"]
    first, second = (h.weight for h in found.hedges)
    assert first == -0.3  # its max_weight
    assert -0.1 < second < 0  # what the first one was cut by
    assert found.risk_after["beta"] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("order", [("currency", "beta"), ("beta", "currency")])
def test_the_order_of_hedges_in_the_file_is_free(order):
    text = {
        "currency": OWED[OWED.index("[[hedge]]") :],
        "beta": HEDGED[HEDGED.index("[[hedge]]") :],
    }
    head = HEDGED[: HEDGED.index("[[hedge]]")].replace('"GLD"]', '"GLD"]\n[universe.currencies]\nEUR = ["SPY"]')
    names = ("SPY", "IEF", "GLD", "HDG")
    closes = walk(4, 400)
    closes[:, 3] = closes[:, 0]
    closes *= np.array([110, 100, 100, 100]) / closes[-1]
    shown = market(names, closes, benchmark=closes[:, 0], rates={"EUR": np.full(400, 1.1)})
    quotes = {**euros("100"), "HDG": quote("HDG")}
    found = decided_as_is(
        parse_policy(head + "".join(text[kind] for kind in order)), shown, quotes=quotes, rates=RATES, symbols=names
    )
    weights = {h.kind: h.weight for h in found.hedges}
    assert weights["beta"] < -0.2
    assert weights["currency"] == pytest.approx(-0.594, abs=0.01)


def test_a_limit_on_the_whole_leaves_the_hedge_that_it_counts_on():
    """The longs are scaled below the hedge's target; the hedge stays in proportion, and the limit holds on what is decided."""
    names = ("SPY", "IEF", "GLD", "HDG")
    closes = walk(4, 400)
    closes[:, 3] = closes[:, 0]
    rules = parse_policy(HEDGED.replace('unknown = "warn"', 'unknown = "warn"\nmax_volatility = 0.03'))
    held = book(quotes={s: quote(s) for s in names}, symbols=names)
    found = decide(rules, priced(market(names, closes, benchmark=closes[:, 0]), held), held, code_version="test")
    assert found.hedges[0].weight < -0.05
    assert lines(found)["HDG"] < 0
    assert found.risk_after["volatility"] <= 0.03 + 1e-9
    assert not [v for v in found.kept if v.action is Action.SCALE]


# --- rounding and limits ----------------------------------------------------------------------------------------------


def test_one_dear_share_stops_itself_alone_and_says_why():
    rules = policy(risk={"sizing": SizingPolicy("fixed_fraction", budget=0.03, stop=0.1)}, execution={"minimum_trade": 0.0})
    quotes = {"SPY": quote("SPY", "329.9", "330.1"), "IEF": quote("IEF", "9.99", "10.01"), "GLD": quote("GLD", "9.99", "10.01")}
    found = decided(rules, cash="1000", quotes=quotes)
    assert set(lines(found)) == {"IEF", "GLD"}
    assert any("whole shares would break sizing" in words for words in found.reasons)


def test_rounding_does_not_break_a_limit_that_only_cash_keeps():
    rules = policy(
        rule={"weights": {"SPY": 0.34, "IEF": 0.33, "GLD": 0.33}},
        risk={"max_weight": 0.35, "min_effective_names": 2.9},
        execution={"minimum_trade": 0.0},
    )
    quotes = {"SPY": quote("SPY", "400", "400"), "IEF": quote("IEF", "10", "10"), "GLD": quote("GLD", "10", "10")}
    found = decided(rules, cash="1000", quotes=quotes)
    assert found.plan is None
    assert any("names" in words or "concentration" in words for words in found.reasons)


def test_no_stress_limit_is_broken_behind_another():
    """What gains where a frozen position loses is not sold for the sake of a limit that it keeps."""
    rules = policy(
        rule={"weights": {"SPY": 0.6, "IEF": 0.2, "GLD": 0.2}},
        risk={"stress": StressPolicy({"any": 0.15}), "value_at_risk": None, "conditional_value_at_risk": None},
    )
    rules = replace(rules, classes={"asset_class": {"SPY": "equities", "IEF": "treasuries", "GLD": "gold"}})
    shown = market(closes=CLOSES, benchmark=CLOSES[:, 0], health={"SPY": "blocked"})
    found = decided(rules, shown=shown, positions={"SPY": "400", "IEF": "400"}, cash="20000")
    for result in found.stresses:
        if result.limit is not None and result.after is not None:
            assert result.after <= max(result.before, result.limit) + 1e-9, result.name


def test_after_is_what_whole_shares_make_of_it():
    held = {
        "cash": "1000",
        "quotes": {"SPY": quote("SPY", "700", "700"), "IEF": quote("IEF", "10", "10"), "GLD": quote("GLD", "10", "10")},
    }
    found = decided(policy(execution={"minimum_trade": 0.0}), **held)
    bought = sum(float(line.notional) for line in found.plan.lines) / 1000
    assert found.risk_after["gross"] == pytest.approx(bought)


# --- parts ------------------------------------------------------------------------------------------------------------


def test_the_rest_of_a_trade_that_stopped_part_of_the_way_is_of_timing():
    before = Before(
        date(2022, 12, 20),
        {"SPY": 0.5, "IEF": 0.297, "GLD": 0.099},
        asked={"SPY": 0.594, "IEF": 0.297, "GLD": 0.099},
        judged={"SPY": 0.594, "IEF": 0.297, "GLD": 0.099},
    )
    found = decided(positions={"SPY": "500", "IEF": "297", "GLD": "99"}, cash="10400", before=before)
    (line,) = [x for x in found.plan.lines if x.symbol == "SPY"]
    assert float(line.parts["timing"]) == pytest.approx(94, abs=0.5)
    assert "risk_limit" not in line.parts


# --- money ------------------------------------------------------------------------------------------------------------


def test_a_loan_in_a_currency_is_counted_once():
    margin = MarginPolicy(benchmark_rate=0.03)
    picture = margin_picture({"SPY": 1.5, "EUR": -1.5}, D(100_000), margin)
    assert picture.interest == interest(D(150_000), 365, margin)


def test_what_is_held_need_not_be_opened_again():
    """At twice its equity, after a fall: Regulation T asks nothing of what is held, so no order comes of it."""
    text = (
        FIXED.replace("max_gross = 1.0", "max_gross = 2.5").replace("max_weight = 0.65", "max_weight = 1.0")
        + "\n[margin]\nbenchmark_rate = 0.03\nleverage = 2.0\n"
    )
    rules = parse_policy(text)
    rules = replace(rules, risk=replace(rules.risk, value_at_risk=None, conditional_value_at_risk=None, max_weight=1.5))
    held = {"positions": {"SPY": "1208", "IEF": "604", "GLD": "201"}, "cash": "-101300"}
    found = decided(rules, **held)
    assert found.timing.kind != "repair"


@pytest.mark.parametrize("symbol", ["USD", "CAD", "EUR"])
def test_a_ticker_that_is_a_currency_is_refused(symbol):
    with pytest.raises(WrongUse, match="money"):
        parse_policy(FIXED.replace("GLD", symbol))


# --- old records ------------------------------------------------------------------------------------------------------


def test_a_policy_without_the_new_keys_keeps_its_hash():
    """As it was before [margin], [[hedge]], [costs] and the new limits were known."""
    from mind import DEMO

    assert parse_policy(DEMO).hash == "75a943c8b1f13f1f6f659c28a1bd36bf3bff18883efb8c9892f1ef3e0af35f42"
    assert parse_policy(FIXED).hash == "e07efb71a9f01c02272b3e570275842ddce5b65c6af9963cff5f8e79cec339b3"


def test_a_record_without_the_new_keys_replays_equal():
    rules, held = policy(), book()
    shown = priced(market(closes=CLOSES), held)
    document = decision_document(decide(rules, shown, held, code_version="old"), rules, shown, held)
    old = json.loads(json.dumps(document))
    for key in ("hedges", "stresses", "margin_before", "margin_after", "backtests", "judged"):
        del old[key]
    for side in ("risk_before", "risk_after"):
        for key in ("beta", "effective_names", "volatility_at_one", "exit_days", "exit_cost", "exit_deviation"):
            del old[side][key]
    for verdict in old["verdicts"]:
        for key in ("figure", "limit", "of"):
            del verdict[key]
    for line in old["plan"]["lines"]:
        for key in ("rate", "parts", "cost"):
            del line[key]
    for key in ("rates", "pending", "anchor", "before", "forecasts"):
        del old["inputs"]["book"][key]
    again = decide(rules, shown, book_from(old["inputs"]["book"]), code_version="new")
    assert differences(old, json.loads(json.dumps(decision_document(again, rules, shown, held)))) == []
