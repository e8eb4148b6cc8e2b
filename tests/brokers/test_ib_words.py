"""IB's words in ours: states, hours, cash, and messages that nobody could read."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.ib import picture, states
from brokers.ib.heard import Complaints, Heard, Note
from brokers.ib.hours import session
from portfolio.errors import Broken, Outage
from portfolio.types import OrderState

PROJECT = Path(__file__).resolve().parents[2]

# TWS API documentation, "Order Status": every status that orderStatus can carry.
DOCUMENTED = (
    *("ApiPending", "PendingSubmit", "PendingCancel", "PreSubmitted", "Submitted"),
    *("ApiCancelled", "Cancelled", "Filled", "Inactive"),
)


def test_every_documented_status_is_mapped_and_no_other():
    for status in DOCUMENTED:
        assert states.state_of(status, completed=False) in OrderState
        assert states.state_of(status, completed=True) in OrderState
    for word in ("", "filled", "ValidationError", "Expired"):
        with pytest.raises(Broken, match=r"brokers/ib/states\.py"):
            states.state_of(word, completed=False)
    with pytest.raises(Broken):
        states.signed("BUY", 1)
    with pytest.raises(Broken):
        states.side_of("HOLD")


def test_no_code_is_both_dead_and_alive():
    assert not set(states.DEAD) & states.LIVE and {399, 10349, 202} <= states.LIVE


@pytest.mark.parametrize("value", [-1, 0, float("nan"), float("inf"), 1.7976931348623157e308])
def test_no_price_is_none(value):
    assert states.price_of(value) is None


def test_commissions_that_are_no_money_are_unknown():
    assert [states.commission_of(v) for v in (1.7976931348623157e308, -1.0, float("nan"))] == [None] * 3
    assert states.commission_of(0.35) == Decimal("0.35") and states.commission_of(0.0) == 0


WEEK = "20241127:0930-20241127:1600;20241128:CLOSED;20241129:0930-20241129:1300;20241202:0930-20241202:1600"


@pytest.mark.parametrize(
    ("now", "hours"),  # Thanksgiving 2024 and the half day after it; New York is UTC-5
    [
        ("2024-11-27T15:00", ("2024-11-27T14:30", "2024-11-27T21:00")),
        ("2024-11-28T15:00", None),
        ("2024-11-29T15:00", ("2024-11-29T14:30", "2024-11-29T18:00")),
        ("2024-11-30T02:00", ("2024-11-29T14:30", "2024-11-29T18:00")),  # 21:00 on the 29th in New York
        ("2024-12-01T15:00", None),
    ],
)
def test_the_session_of_the_exchanges_day(now, hours):
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert session(WEEK, "US/Eastern", at(now)) == (hours and tuple(at(moment) for moment in hours))


def test_a_break_an_old_notation_and_nonsense():
    tokyo = "20241202:0900-20241202:1130;20241202:1230-20241202:1500"
    assert session(tokyo, "Asia/Tokyo", datetime(2024, 12, 2, 3, tzinfo=UTC)) == (
        datetime(2024, 12, 2, 3, 30, tzinfo=UTC),
        datetime(2024, 12, 2, 6, 0, tzinfo=UTC),
    )
    old = session("20241202:0930-1600", "US/Eastern", datetime(2024, 12, 2, 15, tzinfo=UTC))
    assert old == (datetime(2024, 12, 2, 14, 30, tzinfo=UTC), datetime(2024, 12, 2, 21, 0, tzinfo=UTC))
    for text, zone in (
        ("20241202:0930", "US/Eastern"),
        ("x-y", "US/Eastern"),
        (WEEK, "Moon/Base"),
        ("20241202:1600-0930", "UTC"),
    ):
        with pytest.raises(Broken, match="hours"):
            session(text, zone, datetime(2024, 12, 2, tzinfo=UTC))


@pytest.mark.shared
def test_cash_of_recorded_account_values():
    """A real account's values (recorded by nautilus_trader, ids masked)."""
    home = Path(os.environ.get("TRIMTAB_SHARED_DATA", PROJECT / "../shared/data")) / "ib" / "account_values.json"
    if not home.exists():
        pytest.skip(f"no recordings at {home}")
    rows = [(r["account"], r["tag"], r["value"], r["currency"]) for r in json.loads(home.read_text())]
    assert picture.cash(rows, "DU123456") == {
        "AUD": Decimal("-100000.79"),
        "EUR": Decimal("429.72"),
        "USD": Decimal("100000.27"),
    }
    assert picture.worth(rows, "DU123456")["net_liquidation"] == Decimal("1000000.24")
    with pytest.raises(Outage):
        picture.cash(rows, "DU1")


def test_a_message_that_cannot_be_read_stops_everything():
    pytest.importorskip("ib_insync", reason="one library is enough")
    import asyncio

    async def whole():
        from brokers.ib.client import Line

        line = Line(1.0)
        line.ib.client.decoder.interpret(["11", "-1", "too", "short"])
        with pytest.raises(Broken, match="could not be read"):
            line.check()

    asyncio.run(whole())


def test_only_one_of_two_permanent_ids_over_is_not_over():
    import asyncio

    async def whole():
        heard = Heard()
        Complaints(heard)
        heard.notes["a#1"] = Note(Decimal(10), 1, {5, 6})
        heard.statuses = {5: "Cancelled", 6: "Submitted"}
        first = heard.final("a#1")
        heard.statuses[6] = "ApiCancelled"
        return first, heard.final("a#1"), heard.final("unknown#1")

    assert asyncio.run(whole()) == (False, True, False)
