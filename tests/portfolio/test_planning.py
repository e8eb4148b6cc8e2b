"""From weights to whole shares: the laws of money and shares that every plan keeps."""

import hashlib
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from mind import AS_OF, D, quote

from portfolio.errors import Refused
from portfolio.orders import Sizing, plan_orders
from portfolio.orders.costs import IB_FIXED
from portfolio.orders.planning import NO_REASON, order_ref, plan_id
from portfolio.types import Account, CostPolicy, Quote, Side

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")


def commission(quantity: Decimal, price: Decimal) -> Decimal:
    """IB's published fixed pricing, written down a second time."""
    fee = quantity * D("0.005")
    if fee < 1:
        fee = D(1)
    most = quantity * price * D("0.01")
    return (most if fee > most else fee).quantize(D("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("shares", "price", "fee"),
    [
        ("200", "0.25", "0.50"), ("1000", "0.25", "2.50"), ("100", "25", "1.00"), ("1000", "25", "5.00"),  # IB's examples
        ("1", "0.01", "0.00"), ("200", "100", "1.00"), ("201", "100", "1.01"), ("0.5", "10", "0.05"), ("10000", "0.40", "40.00"),
    ],
)  # fmt: skip
def test_the_commission_is_ib_s(shares, price, fee):
    assert IB_FIXED.of(D(shares), D(price)) == D(fee)


@given(shares=some.integers(1, 10**6), cents=some.integers(1, 10**6))
@settings(max_examples=100, deadline=None)
def test_the_commission_is_in_cents_and_at_most_one_percent(shares, cents):
    price = D(cents) / 100
    fee = IB_FIXED.of(D(shares), price)
    assert fee == commission(D(shares), price)
    assert 0 <= fee <= shares * price / 100 + D("0.005")


def sizing(positions, cash, quotes, **more) -> Sizing:
    fields = {
        "decision": "d" * 16,
        "account_name": "DU1",
        "session": date(2022, 12, 28),
        "account": Account({s: D(q) for s, q in positions.items()}, D(cash), "USD"),
        "quotes": quotes,
        "instruments": {s: f"US:{s}" for s in SYMBOLS},
        "increments": {},
        "reserve": 0.01,
        "minimum_trade": 0.0,
    }
    return Sizing(**{**fields, **more})


def flat(**prices) -> dict[str, Quote]:
    """Quotes without a spread."""
    return {s: Quote(s, D(p), D(p), None, "USD", AS_OF) for s, p in prices.items()}


def planned(wish, size, keep=frozenset()):
    return plan_orders(wish, frozenset(keep), NO_REASON, size)


def deltas(lines) -> dict[str, Decimal]:
    return {line.symbol: line.signed for line in lines}


CENTS = some.integers(100, 200_000).map(lambda n: D(n) / 100)
SPREAD = some.integers(0, 100).map(lambda n: D(n) / 10_000)  # up to 1 % on either side


@some.composite
def worlds(draw):
    """(wish, sizing): up to four symbols, spreads, positions, cash, reserve, smallest ticket, increments."""
    quotes = {}
    for symbol in SYMBOLS:
        price, spread = draw(CENTS), draw(SPREAD)
        quotes[symbol] = Quote(symbol, price * (1 - spread), price * (1 + spread), None, "USD", AS_OF)
    steps = {s: draw(some.sampled_from([D(1), D(1), D(10), D("0.1")])) for s in SYMBOLS}
    positions = {s: draw(some.integers(0, 300)) * steps[s] for s in SYMBOLS}
    raw = [draw(some.integers(0, 1000)) for _ in SYMBOLS]
    total = max(sum(raw), 1) / draw(some.floats(0.1, 1.0))
    wish = {s: w / total for s, w in zip(SYMBOLS, raw, strict=True)}
    more = {
        "increments": steps,
        "reserve": draw(some.sampled_from([0.0, 0.01, 0.1, 0.5])),
        "minimum_trade": draw(some.sampled_from([0.0, 100.0, 5000.0])),
    }
    return wish, sizing(positions, draw(some.integers(1, 10**7)) / D(100) + 1, quotes, **more)


def cash_after_fills(lines, size: Sizing) -> Decimal:
    cash = size.account.cash
    for line in lines:
        quote = size.quotes[line.symbol]
        far = quote.ask if line.side is Side.BUY else quote.bid
        cash -= line.signed * far + commission(line.quantity, far)
    return cash


@given(world=worlds())
@settings(max_examples=250, deadline=None)
def test_the_cash_after_all_fills_keeps_the_reserve_or_nothing_is_bought(world):
    wish, size = world
    lines = planned(wish, size)
    equity = size.account.equity({s: size.quotes[s].reference for s in SYMBOLS})
    kept = cash_after_fills(lines, size)
    assert kept >= equity * D(repr(size.reserve)) or all(line.side is Side.SELL for line in lines)


@given(world=worlds())
@settings(max_examples=250, deadline=None)
def test_every_line_is_a_ticket_the_broker_takes(world):
    wish, size = world
    lines = planned(wish, size)
    for line in lines:
        assert line.quantity > 0
        assert line.quantity % size.increments[line.symbol] == 0
        assert line.notional >= D(str(size.minimum_trade))
        assert line.currency == "USD"
        assert line.price == size.quotes[line.symbol].reference
        if line.side is Side.SELL:
            assert line.quantity <= size.account.positions[line.symbol]
    sides = [line.side for line in lines]
    assert sides == sorted(sides, reverse=True)  # SELL before BUY
    assert len({line.symbol for line in lines}) == len(lines)
    assert len({line.ref for line in lines}) == len(lines)


@given(world=worlds())
@settings(max_examples=150, deadline=None)
def test_what_is_held_afterwards_is_within_one_increment_of_the_wish(world):
    """Where cash binds nothing and no ticket is too small; buys may only fall short of it."""
    wish, size = world
    size = replace(size, minimum_trade=0.0)
    equity = size.account.equity({s: size.quotes[s].reference for s in SYMBOLS})
    after = deltas(planned(wish, size))
    for symbol in SYMBOLS:
        held = size.account.positions[symbol] + after.get(symbol, D(0))
        exact = D(repr(wish[symbol])) * equity / size.quotes[symbol].reference
        if after.get(symbol, D(0)) < 0:
            assert abs(held - exact) < size.increments[symbol] + D("1e-6")
        else:
            assert held <= max(exact + size.increments[symbol], size.account.positions[symbol]) + D("1e-6")


@given(world=worlds(), cap=some.floats(0.01, 1.0))
@settings(max_examples=150, deadline=None)
def test_rounding_never_lifts_a_symbol_above_its_limit(world, cap):
    wish, size = world
    wish = {s: min(w, cap) for s, w in wish.items()}
    equity = size.account.equity({s: size.quotes[s].reference for s in SYMBOLS})
    for line in planned(wish, replace(size, max_weight=cap)):
        held = size.account.positions[line.symbol] + line.signed
        if line.side is Side.BUY:
            assert held * line.price <= D(repr(cap)) * equity * (1 + D("1e-8"))


@given(world=worlds())
@settings(max_examples=200, deadline=None)
def test_an_account_at_its_target_has_nothing_to_do(world):
    """The weights are floats: their last bit may not cost a share."""
    _, size = world
    size = replace(size, minimum_trade=0.0, reserve=0.0)
    prices = {s: size.quotes[s].reference for s in SYMBOLS}
    equity = size.account.equity(prices)
    current = {s: float(size.account.positions[s] * prices[s] / equity) for s in SYMBOLS}
    assert planned(current, size) == ()


@given(world=worlds())
@settings(max_examples=150, deadline=None)
def test_wishing_no_more_than_is_held_never_buys(world):
    """The rule REDUCING, down to the last share."""
    wish, size = world
    prices = {s: size.quotes[s].reference for s in SYMBOLS}
    equity = size.account.equity(prices)
    current = {s: float(size.account.positions[s] * prices[s] / equity) for s in SYMBOLS}
    lines = planned({s: min(wish[s], current[s]) for s in SYMBOLS}, replace(size, minimum_trade=0.0))
    assert all(line.side is Side.SELL for line in lines)


@given(world=worlds(), factor=some.sampled_from([D(2), D(10), D("0.5"), D(3), D("1.37")]))
@settings(max_examples=120, deadline=None)
def test_scaling_all_prices_and_the_cash_scales_value_and_nothing_else(world, factor):
    """Without commissions, which do not scale."""
    wish, size = world
    wish = {s: w * 0.8 for s, w in wish.items()}
    size = replace(size, reserve=0.0, minimum_trade=0.0, costs=CostPolicy("none"))
    bigger = {s: Quote(s, q.bid * factor, q.ask * factor, None, "USD", AS_OF) for s, q in size.quotes.items()}
    scaled = replace(size, quotes=bigger, account=replace(size.account, cash=size.account.cash * factor))
    equity = size.account.equity({s: q.reference for s, q in size.quotes.items()})
    if min(equity, equity * factor) < 1000:
        return
    before, after = planned(wish, size), planned(wish, scaled)
    assert deltas(before) == deltas(after)
    assert [line.ref for line in before] == [line.ref for line in after]
    assert sum(line.notional for line in after) == sum(line.notional for line in before) * factor


def test_a_short_is_bought_back_though_a_name_beside_it_is_too_small_to_sell():
    """All shall shrink by a tenth. The tenth of BBB is worth no ticket; that is no reason to leave the short as large as it is."""
    quotes = flat(AAA="100", BBB="100", CCC="100", DDD="100")
    size = sizing({"AAA": "550", "BBB": "40", "CCC": "450", "DDD": "-400"}, "36000", quotes, minimum_trade=500.0)
    found = deltas(planned({"AAA": 0.495, "BBB": 0.036, "CCC": 0.405, "DDD": -0.36}, size))
    assert found == {"AAA": -55, "CCC": -45, "DDD": 40}


@pytest.mark.parametrize("gross", [0.56, 0.57, 0.61, 0.62])
def test_who_held_more_buys_no_share_beyond_the_wish(gross):
    """Thirty of IEF become SPY. That more was held before is no reason to round the purchase up over max_gross."""
    quotes = flat(AAA="500", BBB="1000")
    size = sizing({"AAA": "10", "BBB": "30"}, "5000", quotes, minimum_trade=50.0)
    found = deltas(planned({"AAA": gross, "BBB": 0.0}, size))
    assert found["BBB"] == -30
    assert (10 + found["AAA"]) * 500 <= D(repr(gross)) * 40000


@given(world=worlds(), luck=some.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_plan_is_a_function_of_its_values_not_of_their_order(world, luck):
    wish, size = world

    def mixed(mapping):
        items = list(mapping.items())
        luck.shuffle(items)
        return dict(items)

    again = replace(
        size,
        account=replace(size.account, positions=mixed(size.account.positions)),
        quotes=mixed(size.quotes),
        instruments=mixed(size.instruments),
    )
    assert planned(mixed(wish), again) == planned(wish, size)


@given(world=worlds(), keep=some.sets(some.sampled_from(SYMBOLS)))
@settings(max_examples=80, deadline=None)
def test_what_is_kept_is_neither_bought_nor_sold(world, keep):
    wish, size = world
    assert not {line.symbol for line in planned(wish, size, keep)} & keep


def test_an_example_by_hand():
    """10,000 in cash at 100: 60 % and 39 % are 60 and 39 shares; fees 1.00 each leave 98, below the reserve of 100."""
    quotes = flat(AAA="100", BBB="100")
    assert deltas(planned({"AAA": 0.6, "BBB": 0.39}, sizing({}, "10000", quotes))) == {"AAA": 60, "BBB": 38}
    assert deltas(planned({"AAA": 0.6, "BBB": 0.39}, sizing({}, "10000", quotes, reserve=0.009))) == {"AAA": 60, "BBB": 39}


def test_largest_remainders_first_while_the_sum_allows_it():
    """0.396 + 0.297 + 0.297 of 1,000 at 30: 13.2, 9.9 and 9.9 shares; together two shares are left over."""
    quotes = flat(AAA="30", BBB="30", CCC="30")
    wish = {"AAA": 0.396, "BBB": 0.297, "CCC": 0.297}
    assert deltas(planned(wish, sizing({}, "1000", quotes, reserve=0.0))) == {"AAA": 13, "BBB": 10, "CCC": 10}


def test_a_fractional_position_is_sold_in_whole_increments():
    """Shares from a reinvested dividend: the broker takes whole ones, the fraction stays."""
    assert deltas(planned({"AAA": 0.0}, sizing({"AAA": "10.5"}, "100", flat(AAA="10")))) == {"AAA": -10}
    at_home = planned({"AAA": 0.512195}, sizing({"AAA": "10.5"}, "100", flat(AAA="10")))
    assert all(line.quantity % 1 == 0 for line in at_home)


def test_references_are_sha256_of_what_the_order_is_for():
    (line,) = planned({"AAA": 0.5}, sizing({}, "10000", flat(AAA="100")))
    plan = hashlib.sha256(b"plan|dddddddddddddddd").hexdigest()[:16]
    assert plan_id("d" * 16) == plan
    assert line.ref == hashlib.sha256(f"DU1|{plan}|US:AAA|0".encode()).hexdigest()[:16] == order_ref("DU1", plan, "US:AAA", 0)
    names = {order_ref(a, p, i, n) for a in ("x", "y") for p in ("p", "q") for i in ("US:A", "US:B") for n in (0, 1)}
    assert len(names) == 16


@pytest.mark.parametrize(
    "bad",
    [
        None,
        quote("AAA", None, None, None),
        quote("AAA", "NaN", "100.01"),
        quote("AAA", "99.99", "NaN", "100"),
        quote("AAA", "99.99", "Infinity", "100"),
        quote("AAA", "100.01", "99.99"),
        quote("AAA", "100.01", "99.99", "100"),  # crossed, whatever the last trade was
        quote("AAA", None, None, "NaN"),
        quote("AAA", None, None, "-1"),
        quote("AAA", None, None, "0"),
        quote("AAA", currency="GBP"),
    ],
)
@pytest.mark.parametrize("held", ["0", "10"])
def test_a_quote_nobody_could_deal_at_is_refused_by_name(bad, held):
    quotes = {**flat(BBB="100"), **({} if bad is None else {"AAA": bad})}
    with pytest.raises(Refused, match="AAA"):
        planned({"AAA": 0.5, "BBB": 0.4}, sizing({"AAA": held}, "10000", quotes))


def test_one_side_alone_is_sized_at_the_last_trade():
    one_sided = {"AAA": quote("AAA", None, "100.50", "100"), "BBB": quote("BBB", "-1", "-1", "50")}
    lines = planned({"AAA": 0.5, "BBB": 0.4}, sizing({}, "10000", one_sided))
    assert {line.symbol: line.price for line in lines} == {"AAA": 100, "BBB": 50}


def test_a_symbol_that_is_neither_wished_nor_held_needs_no_quote():
    """One symbol without a market may not stop the others."""
    assert deltas(planned({"AAA": 0.5, "BBB": 0.0}, sizing({}, "10000", flat(AAA="100")))) == {"AAA": 50}
    assert deltas(planned({"AAA": 0.5, "BBB": 0.3}, sizing({}, "10000", flat(AAA="100")), {"BBB"})) == {"AAA": 50}


@pytest.mark.parametrize("cash", ["0", "-1", "NaN"])
def test_an_account_without_equity_is_refused(cash):
    with pytest.raises(Refused, match="equity"):
        planned({"AAA": 0.5}, sizing({}, cash, flat(AAA="100")))


def test_a_debt_is_paid_by_selling_and_nothing_is_bought():
    size = sizing({"AAA": "100"}, "-5000", flat(AAA="100", BBB="10"))
    found = deltas(planned({"AAA": 0.5, "BBB": 0.5}, size))
    assert found["AAA"] == -75
    assert cash_after_fills(planned({"AAA": 0.5, "BBB": 0.5}, size), size) >= 50
    poor = sizing({"AAA": "100"}, "-9000", flat(AAA="100", BBB="10"), minimum_trade=20_000.0)
    assert planned({"AAA": 0.0, "BBB": 0.5}, poor) == ()


@given(world=worlds())
@settings(max_examples=150, deadline=None)
def test_rounding_never_buys_more_than_the_wish_adds_up_to(world):
    """From an empty account: the increments given to the remainders are paid out of what the flooring left."""
    wish, size = world
    size = replace(size, reserve=0.0, account=replace(size.account, positions={}))
    spent = sum((line.notional for line in planned(wish, size)), D(0))
    assert spent <= D(repr(sum(wish.values()))) * size.account.cash * (1 + D("1e-8"))
