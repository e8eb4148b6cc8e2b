"""Whole increments: as close to the wish as an integer program comes (HiGHS), within the cash, never against the wish."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from portfolio.orders.rounding import Lots, whole_lots

EQUITY = 30_000.0


def fees(price):
    """IB's fixed schedule, written down a second time."""

    def fee(lots, rows):
        value = lots * price[rows]
        return np.where(lots > 0, np.minimum(np.maximum(lots * 0.005, 1.0), value * 0.01), 0.0)

    return fee


def scene(
    seed: int, count: int, equity: float = EQUITY, *, ticket: float = 0.0, reserve: float = 0.01, low: float = 20.0
) -> Lots:
    rng = np.random.default_rng(seed)
    price = rng.uniform(low, 500, count)
    weights = rng.dirichlet(np.ones(count)) * 0.99
    held = np.floor(rng.uniform(0, 1.2, count) * weights * equity / price * rng.integers(0, 2, count))
    spread = rng.uniform(0, 0.001, count)
    cash = equity - float(held @ price)
    return Lots(
        ideal=weights * equity / price - held,
        unit=price,
        buy=price * (1 + spread),
        sell=price * (1 - spread),
        low=-held,
        high=np.full(count, np.inf),
        ticket=np.ceil(ticket / price),
        fee=fees(price),
        equity=equity,
        room=cash - reserve * equity,
    )


def used(lots: Lots, traded) -> float:
    paid = np.where(traded > 0, traded * lots.buy, traded * lots.sell) + lots.fee(np.abs(traded), slice(None))
    return float(paid.sum())


def error(lots: Lots, traded) -> float:
    return math.sqrt(float((((traded - lots.ideal) * lots.unit / lots.equity) ** 2).sum()))


def allowed(lots: Lots, symbol: int) -> list[int]:
    """None, and every whole number on the wish's side and up to one beyond it that is worth a ticket."""
    ideal = lots.ideal[symbol]
    first, last = min(math.floor(ideal), 0), max(math.ceil(ideal), 0)
    return [k for k in range(first, last + 1) if k == 0 or abs(k) >= lots.ticket[symbol]]


def integer_program(lots: Lots) -> float | None:
    """The least tracking error by HiGHS, one binary a symbol and number; None where nothing is affordable."""
    import highspy

    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 0.0),
        ("mip_feasibility_tolerance", 1e-9),
    ):
        solver.setOptionValue(option, value)
    choices = [(i, k) for i in range(len(lots.ideal)) for k in allowed(lots, i)]
    spent = []
    for column, (symbol, number) in enumerate(choices):
        alone = np.zeros(len(lots.ideal))
        alone[symbol] = number
        spent.append(used(lots, alone))
        solver.addVar(0, 1)
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
        square = ((number - lots.ideal[symbol]) * lots.unit[symbol] / lots.equity) ** 2
        solver.changeColCost(column, square * 1e6)
    for symbol in range(len(lots.ideal)):
        mine = np.array([c for c, (i, _) in enumerate(choices) if i == symbol], np.int32)
        solver.addRow(1, 1, len(mine), mine, np.ones(len(mine)))
    solver.addRow(-1e30, lots.room, len(choices), np.arange(len(choices), dtype=np.int32), np.array(spent))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return math.sqrt(max(solver.getInfo().objective_function_value, 0.0) / 1e6)


@pytest.mark.parametrize("count", [2, 3, 5, 8])
@pytest.mark.parametrize("equity", [3_000.0, 30_000.0, 300_000.0])
@pytest.mark.parametrize("ticket", [0.0, 300.0])
def test_the_tracking_error_is_that_of_the_integer_program(count, equity, ticket):
    for seed in range(3):
        lots = scene(100 * count + seed, count, equity, ticket=ticket)
        found, best = whole_lots(lots), integer_program(lots)
        assert (best is not None) == found.affordable
        if best is not None:
            assert found.error <= best + 1e-6
            assert found.error == pytest.approx(error(lots, found.traded))


@pytest.mark.soak
def test_the_tracking_error_is_that_of_larger_integer_programs():
    for seed in range(60):
        lots = scene(seed, 4 + seed % 12, 10.0 ** (3.5 + seed % 3), low=5.0)
        found, best = whole_lots(lots), integer_program(lots)
        assert best is None or found.error <= best + 1e-6


@given(seed=some.integers(0, 10**6), count=some.integers(1, 40), ticket=some.sampled_from([0.0, 100.0, 2000.0]))
@settings(max_examples=60, deadline=None)
def test_the_cash_holds_and_nothing_goes_against_the_wish(seed, count, ticket):
    lots = scene(seed, count, ticket=ticket)
    found = whole_lots(lots)
    assert not found.affordable or used(lots, found.traded) <= lots.room + 1e-6
    for symbol, number in enumerate(found.traded):
        assert int(number) in allowed(lots, symbol) or not found.affordable
        assert found.affordable or number <= 0


def test_the_cash_that_is_left_buys_no_share_that_would_help():
    """Of five hundred lines: what remains is less than the cheapest share that its symbol still lacks."""
    lots = scene(5, 500, 1_000_000.0)
    found = whole_lots(lots)
    left = lots.room - used(lots, found.traded)
    lacking = (lots.ideal - found.traded) > 0.5
    assert found.affordable
    assert 0 <= left < lots.buy[lacking].min(initial=np.inf)


def test_nothing_is_no_plan():
    empty = np.empty(0)
    assert whole_lots(Lots(*[empty] * 7, fee=lambda k, _: k, equity=1.0, room=0.0)).traded.tolist() == []
