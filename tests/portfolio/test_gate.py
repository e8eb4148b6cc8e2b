"""The one door: every refusal by name, at its limit and one ulp around it, under both profiles."""

from dataclasses import replace
from datetime import timedelta

import pytest
from mind import D, down, up
from mind_views import BOTH, CLOSE, NOW, OPEN, RULES, SELL, contract, intent, line, plan, refusals, seen, view

from brokers.view import committed
from portfolio.orders import admit, admit_plan
from portfolio.policy.gates import PROFILES
from portfolio.types import Action, CostPolicy, OrderState, Side, TradingState


@BOTH
@pytest.mark.parametrize("side", Side)
def test_a_sound_order_passes_every_rule(profile, side):
    found = admit(line(side=side), view(profile))
    assert {v.rule for v in found} == RULES
    assert {v.action for v in found} == {Action.PASS}
    assert all(v.symbols == ("AAPL",) and v.reason for v in found)


# --- limits, each at its edge: (rule, knob, the figure, what makes it) --------------------------------------------

EDGES = [
    ("order_value", "max_order_value", 0.25, line("250"), {}),
    ("order_value", "funding_order_value", 0.25, line("250"), {"funding": True}),
    ("order_value", "max_order_value_absolute", 25_000.0, line("250"), {}),
    ("volume_share", "max_volume_share", 0.125, line("125"), {"volumes": {"AAPL": 1000.0}}),
    ("price_distance", "max_price_distance", 0.05, line(price="105"), {}),
    ("price_distance", "max_price_distance", 0.05, line(price="95"), {}),
    ("fresh_quote", "max_quote_age", 7.5, line(), {"quotes": {"AAPL": seen(age=7.5)}}),
    ("fresh_quote", "max_quote_age", 7.5, line(), {"quotes": {"AAPL": seen(age=-7.5)}}),  # a quote of the future is no better
    ("daily_notional", "max_daily_notional", 0.5, line("250"), {"sent": (intent(quantity="250"),)}),
]


@BOTH
@pytest.mark.parametrize(("rule", "knob", "figure", "order", "changes"), EDGES)
def test_a_limit_at_its_edge(profile, rule, knob, figure, order, changes):
    wide = {"max_order_value": 10.0, "funding_order_value": 10.0, "max_order_value_absolute": 1e12, "max_daily_notional": 100.0}
    for limit, refused in [(up(figure), False), (figure, False), (down(figure), True), (float("nan"), True), (0.0, True)]:
        at = view(profile, {**wide, knob: limit}, **changes)
        assert (rule in refusals(order, at)) is refused, limit


@BOTH
def test_the_profile_s_own_values_bind(profile):
    """Just inside and just outside what the profile says, by the order's price and size."""
    gate = PROFILES[profile]
    most = D(repr(gate.max_order_value)) * 100_000
    assert "order_value" not in refusals(line("1", price=str(most)), view(profile))
    assert "order_value" in refusals(line("1", price=str(most + D("0.01"))), view(profile))
    old = {"quotes": {"AAPL": seen(age=gate.max_quote_age)}}
    older = {"quotes": {"AAPL": seen(age=gate.max_quote_age + 0.001)}}
    assert "fresh_quote" not in refusals(line(), view(profile, **old))
    assert "fresh_quote" in refusals(line(), view(profile, **older))
    far = 100 * (1 + D(repr(gate.max_price_distance)))
    assert "price_distance" not in refusals(line(price=str(far)), view(profile))
    assert "price_distance" in refusals(line(price=str(far + D("0.01"))), view(profile))
    shares = int(gate.max_volume_share * 1000)
    assert "volume_share" not in refusals(line(str(shares)), view(profile, volumes={"AAPL": 1000.0}))
    assert "volume_share" in refusals(line(str(shares + 1)), view(profile, volumes={"AAPL": 1000.0}))


@BOTH
def test_a_plan_s_turnover_at_its_limit(profile):
    for funding, knob in [(False, "max_turnover"), (True, "funding_turnover")]:
        for limit, refused in [(up(0.5), False), (0.5, False), (down(0.5), True), (float("nan"), True)]:
            whole = plan(line("300"), line("200", SELL, ref="c" * 16))
            (found,) = admit_plan(whole, view(profile, {knob: limit}, funding=funding))
            assert (found.rule, found.action is Action.BLOCK) == ("plan_turnover", refused)
    assert admit_plan(plan(line(price="NaN")), view(profile))[0].action is Action.BLOCK
    assert admit_plan(plan(line()), view(profile, nav=D("NaN")))[0].action is Action.BLOCK
    assert admit_plan(plan(line()), view(profile, nav=D(0)))[0].action is Action.BLOCK


@BOTH
def test_cash_after_a_buy_at_its_floor(profile):
    order, free = line("375"), CostPolicy("none")  # 50,000 - 375 x 100.01 = 12.49625 % of net asset value
    kept = 0.1249625
    for floor, refused in [(down(kept), False), (kept, False), (up(kept), True), (float("nan"), True)]:
        assert ("minimum_cash" in refusals(order, view(profile, {"minimum_cash_after": floor}, costs=free))) is refused
    for cash, refused in [("50007.50", False), ("50007.49", True)]:  # 500 at the ask, half a cent a share
        assert ("minimum_cash" in refusals(line("500"), view(profile, {"minimum_cash_after": 0.0}, cash=D(cash)))) is refused
    poor = view(profile, {"minimum_cash_after": 0.5}, cash=D(-5))
    assert "minimum_cash" not in refusals(line(side=SELL), poor)  # a sell brings cash in


@BOTH
def test_orders_a_symbol_a_day_at_its_limit(profile):
    before = tuple(intent(ref=f"{n:016x}", quantity=str(n + 1)) for n in range(3))
    for limit, refused in [(5, False), (4, False), (3, True)]:
        assert (
            "orders_a_symbol" in refusals(line(), view(profile, {"max_orders_a_symbol_a_day": limit}, sent=before))
        ) is refused
    others = tuple(replace(i, symbol="MSFT") for i in before)
    assert "orders_a_symbol" not in refusals(line(), view(profile, {"max_orders_a_symbol_a_day": 1}, sent=others))
    itself = (replace(before[0], ref="a" * 16),)  # its own first attempt is no second order
    assert "orders_a_symbol" not in refusals(line(), view(profile, {"max_orders_a_symbol_a_day": 1}, sent=itself))


@BOTH
def test_its_own_first_attempt_does_not_count_against_the_day(profile):
    at = view(profile, {"max_daily_notional": 0.01}, sent=(intent(ref="a" * 16),))
    assert "daily_notional" not in refusals(line(), at)
    assert "duplicate" not in refusals(line(), replace(at, policy=replace(at.policy, duplicate_minutes=1440)))


@BOTH
def test_a_duplicate_at_the_edge_of_its_minutes(profile):
    for minutes, refused in [(9.99, True), (10.0, False), (10.01, False)]:
        at = view(profile, {"duplicate_minutes": 10.0}, sent=(intent(minutes=minutes),))
        assert ("duplicate" in refusals(line(), at)) is refused
    fresh = intent(minutes=1)
    knob = {"duplicate_minutes": 10.0}
    for other in (replace(fresh, side=SELL), replace(fresh, quantity=D(11)), replace(fresh, symbol="MSFT")):
        assert "duplicate" not in refusals(line(), view(profile, knob, sent=(other,)))
    assert "duplicate" not in refusals(line(), view(profile, {"duplicate_minutes": 0.0}, sent=(fresh,)))


@BOTH
def test_the_session_at_its_edges(profile):
    minutes = PROFILES[profile].minutes_before_close
    last = CLOSE - timedelta(minutes=minutes)
    tick = timedelta(microseconds=1)
    for now, refused in [(OPEN - tick, True), (OPEN, False), (last, False), (last + tick, True), (CLOSE, True)]:
        at = view(profile, now=now, quotes={"AAPL": replace(seen(), time=now)})
        assert ("session_open" in refusals(line(), at)) is refused, now
    for closed in ({"session_open": None}, {"session_close": None}):
        assert "session_open" in refusals(line(), view(profile, contracts={"AAPL": contract(**closed)}))
    half_day = contract(session_close=OPEN + timedelta(hours=3, minutes=30))
    assert "session_open" not in refusals(line(), view(profile, contracts={"AAPL": half_day}))
    late = view(profile, contracts={"AAPL": half_day}, now=OPEN + timedelta(hours=3, minutes=29, seconds=30))
    assert "session_open" in refusals(line(), late)


# --- refusals without a number ------------------------------------------------------------------------------------


@BOTH
def test_the_state_lets_through_what_it_says(profile):
    def passes(state, **changes):
        return "trading_state" not in refusals(line(**changes), view(profile, state=state))

    assert passes(TradingState.ACTIVE)
    assert not any(passes(state) for state in TradingState if state is not TradingState.ACTIVE)
    assert passes(TradingState.REDUCING, side=SELL)
    assert passes(TradingState.REDUCING, side=SELL, quantity="100")
    assert not passes(TradingState.REDUCING, side=SELL, quantity="101")
    assert not any(passes(s, side=SELL) for s in (TradingState.HALTED, TradingState.UNRECONCILED))


@BOTH
def test_nothing_is_sold_short(profile):
    assert "no_short" not in refusals(line("100", SELL), view(profile))
    assert "no_short" in refusals(line("101", SELL), view(profile))
    assert "no_short" in refusals(line("1", SELL), view(profile, positions={}))
    assert "no_short" in refusals(line("1", SELL), view(profile, positions={"AAPL": D(-5)}))


@BOTH
def test_what_is_already_being_sold_cannot_be_sold_again(profile):
    """100 held, 60 of a working sell still open: 40 are left to sell, counted once."""
    working = intent(side=SELL, quantity="100", state=OrderState.PARTIAL, filled=D(40))
    at = committed(view(profile, sent=(working,)), working)
    reducing = replace(at, state=TradingState.REDUCING)
    assert not {"no_short", "trading_state"} & refusals(line("40", SELL), reducing)
    assert {"no_short", "trading_state"} <= refusals(line("41", SELL), reducing)


@BOTH
def test_only_known_symbols_in_the_right_currency(profile):
    def refused(order=None, **changes):
        return "allowed_symbol" in refusals(order or line(), view(profile, **changes))

    assert refused(symbols=frozenset({"MSFT"}))
    assert not refused(line(side=SELL), symbols=frozenset({"MSFT"}))  # what is held may be sold
    assert refused(contracts={})
    assert refused(contracts={"AAPL": contract(con_id=0)})
    assert refused(contracts={"AAPL": contract(currency="GBP")})
    assert refused(line(currency="GBP"))
    assert refused(base_currency="EUR")


@BOTH
def test_whole_multiples_of_the_increment(profile):
    at = view(profile, contracts={"AAPL": contract(size_increment=D("0.1"))})
    assert "allowed_symbol" not in refusals(line("10.5"), at)
    assert "allowed_symbol" in refusals(line("10.55"), at)
    for bad in ("0", "NaN"):
        assert "allowed_symbol" in refusals(line(), view(profile, contracts={"AAPL": contract(size_increment=D(bad))}))


@BOTH
@pytest.mark.parametrize(
    "quote",
    [
        None, seen(None, None, None), seen("NaN", "100.01"), seen("99.99", "NaN", "100"), seen("Infinity", "Infinity"),
        seen("99.99", "Infinity", "100"), seen("100.01", "99.99"), seen("100.01", "99.99", "100"), seen(None, None, "NaN"),
        seen(None, None, "0"), seen(None, None, "-1"), seen("-1", "-1", None), seen(currency="GBP"), seen(currency="GBX"),
    ],
)  # fmt: skip
def test_no_order_without_a_quote_somebody_would_deal_at(profile, quote):
    at = view(profile, quotes={} if quote is None else {"AAPL": quote})
    assert "fresh_quote" in refusals(line(), at)


@BOTH
def test_an_unknown_order_blocks_its_symbol(profile):
    lost = intent(state=OrderState.UNKNOWN)
    assert "unknown_order" in refusals(line(), view(profile, sent=(lost,)))
    assert "unknown_order" not in refusals(line(), view(profile, sent=(replace(lost, symbol="MSFT"),)))
    for state in OrderState:
        found = refusals(line(), view(profile, sent=(replace(lost, state=state),)))
        assert ("unknown_order" in found) is (state is OrderState.UNKNOWN)


@BOTH
@pytest.mark.parametrize("volume", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_an_unknown_volume_is_what_the_policy_says(profile, volume):
    for word, action in [("warn", Action.WARN), ("block", Action.BLOCK)]:
        found = {v.rule: v for v in admit(line(), view(profile, volumes={"AAPL": volume}, unknown=word))}["volume_share"]
        assert found.action is action
        assert "unknown" in found.reason
    assert {v.rule: v for v in admit(line(), view(profile, volumes={}))}["volume_share"].action is Action.WARN


def test_now_is_the_broker_s():
    """The age of a quote and the session are judged at the view's own moment, whatever the day is here."""
    assert "fresh_quote" in refusals(line(), view(now=NOW + timedelta(minutes=1)))
