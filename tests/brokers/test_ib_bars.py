"""Interactive Brokers' daily bars as a source, on the simulated gateway. `test_other_clients.py` runs it again under ib_async."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.ib import bars as rooms
from brokers.ib.bars import IBBars, figure, span
from brokers.ib.pace import AGAIN, BURST, MOST, WINDOW, Pace, pace_of
from portfolio.errors import Outage, Refused, WrongUse
from portfolio.schema import PRICES

NOW = datetime(2024, 3, 14, 18, 30, tzinfo=UTC)
CLOSES = {date(2024, 3, 12): datetime(2024, 3, 12, 20, tzinfo=UTC), date(2024, 3, 13): datetime(2024, 3, 13, 20, tzinfo=UTC)}


@pytest.fixture
def read(gateway):
    """Read bars from a gateway with these faults; the source is in `.source`."""

    def _read(*words, now=NOW, timeout=10.0, pace=None, **faults):
        async def whole():
            async with gateway(**faults) as port:
                _read.source = IBBars("127.0.0.1", port, 8, now, lambda day: CLOSES[day], timeout=timeout, pace=pace or Pace())
                return await asyncio.wait_for(asyncio.to_thread(_read.source.read, "prices", *words), 60)

        return asyncio.run(whole())

    return _read


def test_bars_are_the_staged_rows_of_prices_known_from_their_close(read):
    frame = read(["AAPL", "SPY"])
    assert tuple(frame.columns) == PRICES.staged
    assert frame.select("instrument", "symbol", "session", "close", "known_at").rows() == [
        ("US:AAPL", "AAPL", date(2024, 3, 12), 173.23, datetime(2024, 3, 12, 20, tzinfo=UTC)),
        ("US:AAPL", "AAPL", date(2024, 3, 13), 171.13, datetime(2024, 3, 13, 20, tzinfo=UTC)),
        ("US:SPY", "SPY", date(2024, 3, 13), 515.97, datetime(2024, 3, 13, 20, tzinfo=UTC)),
    ]
    assert set(frame["volume"]) == {None}, "-1 is IB's word for an unknown volume"
    assert {(i.symbol, i.currency, i.exchange) for i in read.source.instruments()} == {
        ("AAPL", "USD", "XNYS"),
        ("SPY", "USD", "XNYS"),
    }


def test_it_says_that_its_bars_are_adjusted_for_splits_alone():
    said = IBBars("127.0.0.1", 4002, 8, NOW, CLOSES.get).declaration()
    assert (said.source, said.adjustment) == ("ib", "adjusted")
    assert "splits up to the day of asking and not for dividends" in said.note


def test_days_are_both_included_and_a_session_that_has_not_closed_has_no_bar(read):
    assert read(["AAPL"], date(2024, 3, 13))["session"].to_list() == [date(2024, 3, 13)]
    assert read(["AAPL"], date(2024, 3, 1), date(2024, 3, 12))["session"].to_list() == [date(2024, 3, 12)]
    before_the_close = datetime(2024, 3, 13, 19, 59, tzinfo=UTC)
    assert read(["AAPL"], now=before_the_close)["session"].to_list() == [date(2024, 3, 12)]
    assert read(["AAPL"], date(2024, 4, 1)).height == 0


def test_nothing_for_these_days_is_no_row_and_no_error(read):
    assert read(["PENNY"]).height == 0, "known, without a bar"
    assert read(["AAPL"], date(2020, 1, 1), date(2020, 2, 1)).height == 0
    assert read([]).height == 0


def test_unknown_symbols_are_named_before_any_bar_is_asked_for(read):
    with pytest.raises(Refused, match="no symbol GONE, NEVER") as caught:
        read(["AAPL", "GONE", "NEVER"])
    assert caught.value.facts["unknown"] == ("GONE", "NEVER")
    assert not read.source.pace._turns


@pytest.mark.parametrize("symbol", ["AAPL\x00SPY", "../x", "BRK/B", "aapl", "", "A" * 300, "\u202eLPAA", "A;B", "A B"])
def test_a_word_that_is_no_symbol_never_gets_onto_the_wire(read, symbol):
    with pytest.raises(Refused, match="no symbol") as caught:
        read([symbol])
    assert "\x00" not in str(caught.value) and "\n" not in str(caught.value)


def test_who_asks_too_fast_waits_ten_minutes(read):
    with pytest.raises(Outage, match=r"too fast.*ten minutes") as caught:
        read(["AAPL"], historical_pacing=True)
    assert caught.value.facts["seconds"] == WINDOW


def test_a_gateway_that_says_nothing_is_an_outage_and_not_an_empty_list(read):
    with pytest.raises(Outage, match="did not answer in time: the bars of AAPL"):
        read(["AAPL"], timeout=1.0, unanswered=["historical_data"])


def test_nobody_there_is_an_outage():
    with pytest.raises(Outage, match="cannot be reached"):
        IBBars("127.0.0.1", 9, 8, NOW, CLOSES.get, timeout=2.0).read("prices", ["AAPL"])


def test_what_it_has_not_is_wrong_use():
    source = IBBars("127.0.0.1", 9, 8, NOW, CLOSES.get)
    with pytest.raises(WrongUse, match="has no weather"):
        source.read("weather", ["AAPL"])
    with pytest.raises(WrongUse, match="--symbols"):
        source.read("prices")


@pytest.mark.parametrize(
    ("sentence", "what"),
    [
        ("162, Historical Market Data Service error message:HMDS query returned no data: X@SMART Trades", None),
        ("162, Historical Market Data Service error message:API historical data query cancelled: 3", Outage),
        ("162, Historical Market Data Service error message:HMDS connection attempt failed. Connection will be re-attempted...", Outage),
        ("162, Historical Market Data Service error message:API historical data query pacing violation", Outage),
        ("162, Historical Market Data Service error message:No market data permissions for NYSE STK", Refused),
        ("162, Historical Market Data Service error message:Trading TWS session is connected from a different IP address", Outage),
        ("162, something that nobody has heard of", Refused),
    ],
)  # fmt: skip
def test_error_162_is_read_word_by_word(sentence, what):
    if what is None:
        assert rooms._no_history("X", sentence) == []
        return
    with pytest.raises(what):
        rooms._no_history("X", sentence)


@pytest.mark.parametrize(("told", "ours"), [(1.5, 1.5), (-1, None), (float("nan"), None), (float("inf"), None), (0, 0.0)])
def test_a_number_that_is_none_is_null(told, ours):
    assert figure(told, "volume") == ours


def test_a_negative_price_stays_for_the_laws():
    assert figure(-37.63, "close") == -37.63


def test_a_bar_of_the_library_becomes_a_row():
    source = IBBars("127.0.0.1", 9, 8, NOW, lambda day: CLOSES[day])
    source._known["A"] = SimpleNamespace(instrument="US:A", currency="USD")
    bar = SimpleNamespace(date=date(2024, 3, 13), open=1.0, high=2.0, low=0.5, close=1.5, volume=700)
    assert source._row("A", bar) == {
        "instrument": "US:A", "symbol": "A", "session": date(2024, 3, 13), "currency": "USD", "open": 1.0, "high": 2.0,
        "low": 0.5, "close": 1.5, "volume": 700.0, "known_at": CLOSES[date(2024, 3, 13)],
    }  # fmt: skip


@given(st.dates(date(1990, 1, 1), date(2024, 3, 14)), st.integers(0, 9000))
def test_the_span_asked_for_is_never_too_short(first, days):
    last = date.fromordinal(first.toordinal() + days)
    number, unit = span(first, last).split()
    assert int(number) * {"D": 1, "Y": 365}[unit] >= days + 1
    assert unit == "Y" or int(number) <= 365  # IB takes no more days than that


# -------------------------------------------------------------------- the pace
def kept(turns):
    """Whether a list of (instant, contract, request) keeps the three rules, counted one by one."""
    for at, contract, request in turns:
        earlier = [turn for turn in turns if turn[0] <= at]
        assert sum(at - WINDOW < when <= at for when, *_ in turns) <= MOST
        assert sum(at - AGAIN < when <= at for when, _, same in earlier if same == request) == 1
        assert sum(at - BURST < when <= at for when, same, _ in earlier if same == contract) < 6


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=150))
def test_whatever_is_asked_for_the_three_rules_hold(wishes):
    pace, now, turns = Pace(), 1000.0, []
    for wait, contract, request in wishes:
        now += wait
        words = (str(contract), f"{contract} {request}")
        turns.append((now + pace.wait(now, *words), *words))
    assert [turn[0] for turn in turns] == sorted(turn[0] for turn in turns)
    kept(turns)


def test_no_wait_is_longer_than_the_rules_ask_for():
    pace = Pace()
    assert [pace.wait(0.0, str(n), str(n)) for n in range(MOST)] == [0.0] * MOST, "sixty strangers go at once"
    assert WINDOW < pace.wait(0.0, "61", "61") < WINDOW + 1
    other = Pace()
    other.wait(0.0, "a", "a1")
    assert AGAIN < other.wait(0.0, "a", "a1") < AGAIN + 1
    third = Pace()
    assert [third.wait(0.0, "a", str(n)) for n in range(5)] == [0.0] * 5
    assert BURST < third.wait(0.0, "a", "6") < BURST + 1


def test_every_request_takes_its_turn_and_the_same_question_is_the_same_request(read):
    class Told(Pace):
        def wait(self, now, contract, request):
            asked.append((contract, request))
            return 0.0

    asked, pace = [], Told()
    for since in (date(2024, 3, 1), date(2024, 3, 1), date(2024, 3, 2)):
        read(["AAPL", "SPY"], since, pace=pace)
    first, again, other = asked[:2], asked[2:4], asked[4:]
    assert first == again and not set(first) & set(other)
    assert [contract for contract, _ in first] == [contract for contract, _ in other]


def test_a_gateway_has_one_pace_whoever_asks_it():
    assert pace_of("127.0.0.1", 4002) is pace_of("127.0.0.1", 4002) is not pace_of("127.0.0.1", 4001)
