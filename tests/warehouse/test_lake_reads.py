"""What a decision reads, and how raw prices are made comparable. Factors are worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from warehouse_rows import NOW, load, macro, price, when

from portfolio.errors import Refused, WrongUse
from portfolio.types import Declaration, Instrument

D = [date(2020, 1, 6) + timedelta(days=n) for n in range(5)]


def action(day, kind, known=None, source="test", **more):
    row = {"instrument": "A", "symbol": "A", "ex_session": day, "kind": kind, "currency": "USD", "source": source}
    return row | {"known_at": known or when(0)} | more


def closes(lake, symbol="A", known_by=NOW, **how):
    with lake.at(lake.snapshot()) as reader:
        return reader.prices([symbol], known_by, **how).fields["close"].tolist()


def test_a_split_and_a_dividend(lake):
    load(lake, "prices", [price("A", day, close, volume=100.0) for day, close in zip(D, (100, 102, 51, 50, 49.0), strict=True)])
    load(lake, "corporate_actions", [action(D[2], "split", ratio=2.0), action(D[4], "dividend", amount=1.0)])
    dividend = 1 - 1 / 50  # one dollar from a stock that closed at 50 the session before
    wanted = [100 / 2 * dividend, 102 / 2 * dividend, 51 * dividend, 50 * dividend, 49.0]
    assert closes(lake) == pytest.approx(wanted, rel=1e-15)
    assert closes(lake, adjusted=False) == [100, 102, 51, 50, 49]
    with lake.at(lake.snapshot()) as reader:
        found = reader.prices(["A"], NOW, ("volume", "raw_close", "factor"))
    assert found.fields["volume"].tolist() == [200, 200, 100, 100, 100]
    assert found.fields["raw_close"].tolist() == [100, 102, 51, 50, 49]
    rows = lake.query("SELECT close FROM prices_adjusted ORDER BY session")[1]
    assert [row[0] for row in rows] == closes(lake), "the stored view and the reader are one definition"


def test_an_action_counts_once_known_and_once_reached(lake):
    load(lake, "prices", [price("A", day, close) for day, close in zip(D[:4], (100.0, 100.0, 50.0, 50.0), strict=True)])
    load(lake, "corporate_actions", [action(D[2], "split", when(20), ratio=2.0), action(D[4], "split", ratio=10.0)])
    assert closes(lake, known_by=when(15)) == [100, 100, 50, 50], "nobody had told of the split yet"
    assert closes(lake, known_by=when(25)) == [50, 50, 50, 50], "tomorrow's split does not move today's price"


def test_one_source_of_actions_and_no_factor_from_nonsense(lake):
    load(lake, "prices", [price("A", day, 100.0) for day in D])
    twice = [action(D[2], "dividend", source=source, amount=10.0) for source in ("test", "other")]
    load(lake, "corporate_actions", twice)
    assert closes(lake)[0] == pytest.approx(90.0), "the same dividend told by two sources is one dividend"
    load(lake, "corporate_actions", [action(D[1], "split", ratio=None)])
    assert np.isnan(closes(lake)[0]), "a split without a ratio makes what lies before it unknown"
    assert closes(lake)[1:] == [90.0, 100.0, 100.0, 100.0]


def test_a_dividend_as_large_as_the_price_is_not_believed(lake):
    load(lake, "prices", [price("A", day, 100.0) for day in D])
    load(lake, "corporate_actions", [action(D[2], "dividend", amount=100.0)])
    assert np.isnan(closes(lake)[:2]).all()
    assert closes(lake)[2:] == [100.0] * 3


def test_adjusted_rows_pass_through(lake):
    load(lake, "prices", [price("A", day, 100.0, adjustment="adjusted") for day in D])
    load(lake, "corporate_actions", [action(D[2], "split", ratio=2.0)])
    assert closes(lake) == [100.0] * 5


def test_portfolio_value_is_continuous_over_a_hundredfold_split(lake):
    load(lake, "prices", [price("A", day, close) for day, close in zip(D, (700.0, 707.0, 7.0, 7.07, 7.0), strict=True)])
    load(lake, "corporate_actions", [action(D[2], "split", ratio=100.0)])
    returns = np.diff(np.log(closes(lake)))
    assert np.abs(returns).max() < 0.011


def test_columns_are_numpy_in_the_order_asked(lake):
    load(lake, "prices", [price(name, day, 10.0 * n, low=None) for n, name in enumerate("ABC", 1) for day in D[:2]])
    with lake.at(lake.snapshot()) as reader:
        found = reader.prices(["C", "X", "A"], NOW, ("close", "low"))
    assert found.symbols == ("C", "X", "A")
    assert found.symbol.tolist() == [0, 0, 2, 2]
    assert found.session.dtype == np.dtype("datetime64[D]")
    assert found.session.tolist() == [D[0], D[1]] * 2
    assert found.known_at.dtype == np.dtype("datetime64[us]")
    assert found.fields["close"].tolist() == [30.0, 30.0, 10.0, 10.0]
    assert np.isnan(found.fields["low"]).all()
    assert found.sources == {"C": "test", "A": "test"}


def test_a_snapshot_does_not_move(lake):
    load(lake, "prices", [price("A", D[0], 10.0)], at=when(10))
    then = lake.snapshot()
    load(lake, "prices", [price("A", D[0], 11.0), price("A", D[1], 12.0)], at=when(20))
    with lake.at(then) as old, lake.at(lake.snapshot()) as new:
        assert old.prices(["A"], NOW).fields["close"].tolist() == [10.0]
        assert new.prices(["A"], NOW).fields["close"].tolist() == [11.0, 12.0]
        assert (old.counts()["prices"], new.counts()["prices"]) == (1, 3)
    with pytest.raises(Refused, match="no snapshot 999"):
        lake.at(999)


def test_never_a_mix_of_sources(lake):
    load(lake, "prices", [price("A", D[0], 10.0), price("A", D[1], 10.0), price("A", D[2], 99.0, source="fresh")])
    with lake.at(lake.snapshot()) as reader:
        assert reader.prices(["A"], NOW).sources == {"A": "fresh"}
        assert reader.prices(["A"], NOW).fields["close"].tolist() == [99.0]
        assert reader.prices(["A"], NOW, source="test").fields["close"].tolist() == [10.0, 10.0]
        assert reader.prices(["A"], NOW, source="test", since=D[1]).session.tolist() == [D[1]]


def test_identity_is_not_the_ticker(lake):
    stamps = {"source": "test", "known_at": when(0)}
    register = [{"instrument": "I1", "symbol": "META", "currency": "USD", "exchange": "XNYS", "tradable": True} | stamps]
    load(lake, "instruments", register)
    load(lake, "prices", [price("I1", D[0], 1.0, symbol="FB"), price("I1", D[1], 2.0, symbol="META")])
    assert closes(lake, "META") == [1.0, 2.0], "history under the old name is kept"
    load(lake, "prices", [price("I9", D[2], 3.0, symbol="OLD"), price("I8", D[0], 3.0, symbol="OLD")])
    with pytest.raises(Refused, match="The symbol OLD names 2 instruments: I8, I9"):
        closes(lake, "OLD")


def test_the_other_readings(lake):
    stamps = {"source": "test", "known_at": when(0)}
    load(
        lake,
        "instruments",
        [{"instrument": "A", "symbol": "A", "currency": "USD", "exchange": "XNYS", "tradable": True} | stamps],
    )
    load(lake, "declarations", [{"dataset": "prices", "adjustment": "raw", "has": "close,volume", "note": "n"} | stamps])
    load(lake, "macro", [macro("CPI", D[0], 1.5, when(3)), macro("CPI", D[1], None, when(3)), macro("GDP", D[0], 2.0, when(3))])
    member = {"name": "sp500", "instrument": "A", "symbol": "A", "from_session": D[1]} | stamps
    load(lake, "universe", [member, member | {"instrument": "B", "symbol": "B", "from_session": D[0], "to_session": D[2]}])
    with lake.at(lake.snapshot()) as reader:
        assert reader.instruments() == [Instrument("A", "A", "USD", "XNYS", True)]
        assert reader.declarations() == {"test": Declaration("test", "raw", frozenset({"close", "volume"}), "n")}
        found = reader.macro(["CPI"], NOW)
        assert found["date"].astype("datetime64[D]").tolist() == D[:2]
        assert found["value"][0] == 1.5
        assert np.isnan(found["value"][1])
        assert reader.macro(["CPI"], when(1))["value"].tolist() == []
        assert [reader.universe("sp500", day, NOW) for day in (D[0], D[1], D[2], D[3])] == [["B"], ["A", "B"], ["A", "B"], ["A"]]
    with pytest.raises(WrongUse, match="no time zone"), lake.at(lake.snapshot()) as reader:
        reader.prices(["A"], NOW.replace(tzinfo=None))


def test_a_panel_holds_the_same_numbers_as_the_long_rows(lake):
    days = [date(2020, 1, 6), date(2020, 1, 7), date(2020, 1, 9)]
    rows = [price(s, day, 10.0 * n + k) for n, s in enumerate("ABC", 1) for k, day in enumerate(days) if (s, k) != ("B", 1)]
    load(lake, "prices", rows)
    load(lake, "corporate_actions", [{
        "instrument": "A", "symbol": "A", "ex_session": date(2020, 1, 9), "kind": "split", "ratio": 2.0, "source": "test", "known_at": when(8),
    }])  # fmt: skip
    with lake.at(lake.snapshot()) as reader:
        panel = reader.panel(["C", "A", "B"], NOW)
        long = reader.prices(["C", "A", "B"], NOW)
        raw = reader.panel(["A"], NOW, adjusted=False, since=date(2020, 1, 7))
        nothing = reader.panel(["A"], when(0))
    assert panel.sessions.astype(object).tolist() == days
    assert np.isnan(panel.values[1, 2]) and np.isfinite(panel.values).sum() == len(rows)
    for symbol, session, close in zip(long.symbol, long.session, long.fields["close"], strict=True):
        assert panel.values[np.searchsorted(panel.sessions, session), symbol] == close
    assert panel.values[:, 1].tolist() == [5.0, 5.5, 12.0], "a split halves what came before"
    assert raw.values[:, 0].tolist() == [11.0, 12.0]
    assert nothing.values.shape == (0, 1)


def test_a_panel_takes_each_symbol_from_one_source_and_shows_no_session_of_another(lake):
    load(lake, "prices", [price("A", day, 1.0, source="old") for day in D[:3]] + [price("A", D[3], 2.0, source="new")])
    load(lake, "prices", [price("B", D[4], 3.0, source="old"), price("C", D[0], 4.0, source="new")])
    with lake.at(lake.snapshot()) as reader:
        panel, early = reader.panel(["A", "B"], NOW), reader.panel(["A", "B"], NOW, until=D[2])
    assert panel.sessions.tolist() == [D[3], D[4]], "A's newest session is of `new`, and nobody asked for C"
    assert np.nan_to_num(panel.values, nan=-1.0).tolist() == [[2.0, -1.0], [-1.0, 3.0]]
    assert early.values[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_a_panel_of_more_symbols_than_are_listed_is_the_same(lake, monkeypatch):
    load(lake, "prices", [price(s, day, 10.0 * n + k) for n, s in enumerate("ABC", 1) for k, day in enumerate(D)])
    load(lake, "corporate_actions", [action(D[2], "split", ratio=2.0)])
    with lake.at(lake.snapshot()) as reader:
        listed = reader.panel(["C", "A"], NOW)
        monkeypatch.setattr("warehouse.inventory.MANY", 1)
        joined = reader.panel(["C", "A"], NOW)
    assert listed.values[0].tolist() == [30.0, 5.0]
    assert np.array_equal(listed.values, joined.values)
    assert listed.sessions.tolist() == joined.sessions.tolist() == D


def test_prices_since_a_day_are_the_same_as_all_of_them_where_actions_are_told(lake):
    load(lake, "prices", [price("A", day, close) for day, close in zip(D, (100, 102, 51, 50, 49.0), strict=True)])
    load(lake, "corporate_actions", [action(D[2], "split", ratio=2.0), action(D[4], "dividend", amount=1.0)])
    assert closes(lake, since=D[1]) == closes(lake)[1:]
    assert closes(lake, since=D[3], until=D[3]) == [50.0], "what happens after `until` has not happened"


@pytest.mark.parametrize(
    "bounds", [{"since": date(2020, 1, 7)}, {"until": date(2020, 1, 8)}, {"since": date(2020, 1, 7), "until": date(2020, 1, 9)}]
)
def test_bounded_days_are_adjusted_like_the_same_days_of_all(lake, bounds):
    """The bounds are of bars: an action has an ex-session and no session."""
    days = [date(2020, 1, 6), date(2020, 1, 7), date(2020, 1, 8), date(2020, 1, 9)]
    load(lake, "prices", [price("A", day, 10.0 + n) for n, day in enumerate(days)])
    split = {"instrument": "A", "symbol": "A", "kind": "split", "ratio": 2.0, "source": "test", "known_at": when(6)}
    load(lake, "corporate_actions", [split | {"ex_session": days[2]}])
    with lake.at(lake.snapshot()) as reader:
        bounded, whole = reader.prices(["A"], NOW, **bounds), reader.prices(["A"], NOW)
        panel = reader.panel(["A"], NOW, **bounds)
    since, until = bounds.get("since", days[0]), bounds.get("until", days[-1])
    wanted = [(d, c) for d, c in zip(whole.session.tolist(), whole.fields["close"], strict=True) if since <= d <= until]
    assert list(zip(bounded.session.tolist(), bounded.fields["close"], strict=True)) == wanted
    assert panel.values[:, 0].tolist() == [close for _, close in wanted]
