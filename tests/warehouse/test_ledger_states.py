"""The way back from HALTED, and what decisions foretold, as the ledger remembers them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolio.types import BY_LOSS, TradingState
from warehouse.ledger import open_ledger

AT = datetime(2024, 3, 14, 18, 30, tzinfo=UTC)
DAYS = [date(2024, 3, day) for day in (11, 12, 13, 14)]


def kinds(ledger, tmp_path):
    ledger.export(tmp_path / "journal.jsonl")
    return [json.loads(row) for row in (tmp_path / "journal.jsonl").read_text().splitlines()]


def close(ledger, session, account="DU1"):
    ledger.record_equity(account, "core", session, Decimal(100), Decimal(5), {}, AT)


def decide(ledger, session, *, name="d", account="DU1", status="trade", at=AT, risk=None):
    told = risk or {"risk_before": {"value_at_risk": 0.01}, "risk_after": {"value_at_risk": 0.02}}
    document = {"inputs": {"book": {"account_name": account}}, "status": status, **told}
    about = {"session": session, "as_of": AT, "snapshot": 1, "policy_hash": "h", "status": status, "at": at}
    ledger.record_decision(f"{name}-{session}", portfolio="core", document=document, **about)


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_a_resume_counts_from_the_newest_session_on_record(ledger, ledger_url, tmp_path, state):
    for session in DAYS[:2]:
        close(ledger, session)
    close(ledger, DAYS[3], account="DU2")
    ledger.set_trading_state("DU1", state, f"{BY_LOSS}a loss", AT)
    assert ledger.resumed("DU1") is None
    ledger.resume("DU1", "looked", AT)
    assert ledger.trading_state("DU1") is TradingState.UNRECONCILED
    assert ledger.resumed("DU1") == DAYS[1]
    again = open_ledger(ledger_url)  # a restart
    assert (again.trading_state("DU1"), again.resumed("DU1"), again.resumed("DU2")) == (TradingState.UNRECONCILED, DAYS[1], None)
    again.close()
    rows = kinds(ledger, tmp_path)[-2:]
    body = {"account": "DU1", "session": "2024-03-12", "reason": "looked", "before": state.value}
    assert (rows[0]["kind"], rows[0]["body"]) == ("resume", body)
    assert (rows[1]["kind"], rows[1]["body"]["state"]) == ("state", "UNRECONCILED")
    ledger.verify()


def test_the_newest_resume_counts(ledger):
    for session in DAYS[:3]:
        close(ledger, session)
        ledger.set_trading_state("DU1", TradingState.HALTED, f"{BY_LOSS}a loss of {session}", AT)
        ledger.resume("DU1", "looked", AT)
        assert ledger.resumed("DU1") == session


def test_a_decision_without_closed_books_is_on_record_too(ledger):
    """Halted by a decision and killed before the books were closed: the session of that loss is the one that counts."""
    close(ledger, DAYS[0])
    decide(ledger, DAYS[1])
    decide(ledger, DAYS[3], account="DU11")  # somebody else's
    ledger.set_trading_state("DU1", TradingState.HALTED, f"{BY_LOSS}a loss", AT)
    ledger.resume("DU1", "looked", AT)
    assert ledger.resumed("DU1") == DAYS[1]


def test_who_was_never_stopped_keeps_the_count(ledger, tmp_path):
    close(ledger, DAYS[0])
    for state in (TradingState.UNRECONCILED, TradingState.ACTIVE):
        ledger.set_trading_state("DU1", state, "as it is", AT)
        ledger.resume("DU1", f"resumed while {state}", AT)
        assert ledger.resumed("DU1") is None
        assert ledger.trading_state("DU1") is TradingState.UNRECONCILED
    ledger.resume("DU9", "never seen", AT)
    assert ledger.resumed("DU9") is None
    assert "resume" not in {row["kind"] for row in kinds(ledger, tmp_path)}


def test_an_account_without_a_record_can_be_resumed(ledger):
    ledger.set_trading_state("DU1", TradingState.HALTED, "by hand", AT)
    ledger.resume("DU1", "looked", AT)
    assert ledger.resumed("DU1") is None
    assert ledger.trading_state("DU1") is TradingState.UNRECONCILED


def test_what_was_foretold_is_of_what_is_held_afterwards(ledger):
    decide(ledger, DAYS[0])
    decide(ledger, DAYS[1], status="nothing to trade")
    decide(ledger, DAYS[2], status="refused")
    assert ledger.foretold("core", "DU1", "value_at_risk") == [(DAYS[0], 0.02), (DAYS[1], 0.01), (DAYS[2], 0.01)]
    assert ledger.foretold("core", "DU1", "value_at_risk", newest=1) == [(DAYS[2], 0.01)]
    assert ledger.foretold("other", "DU1", "value_at_risk") == ledger.foretold("core", "DU1", "beta") == []


def test_of_several_decisions_of_a_session_the_newest_counts_and_no_figure_is_left_out(ledger):
    figures = [0.5, 0.25, float("nan"), None]
    for i, figure in enumerate(figures):
        risk = {"risk_after": {"value_at_risk": figure}, "risk_before": {}}
        decide(ledger, DAYS[0], name=f"d{i}", at=AT - timedelta(minutes=i), risk=risk)
    decide(ledger, DAYS[1], risk={"risk_before": {}, "risk_after": {"value_at_risk": None}})
    assert ledger.foretold("core", "DU1", "value_at_risk") == [(DAYS[0], 0.5)]


def test_a_forecast_is_for_the_session_after_the_decision(ledger):
    """Of a Thursday for Friday, of a Friday for Monday."""
    from tasks.foretold import forecasts

    thursday, friday, monday, tuesday = (date(2024, 3, day) for day in (14, 15, 18, 19))
    for session in (thursday, friday, monday):
        decide(ledger, session)
    assert forecasts(ledger, "core", "DU1") == ((friday, 0.02), (monday, 0.02), (tuesday, 0.02))


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_a_halt_that_no_loss_caused_forgives_no_loss(ledger, state):
    """A difference in the cash, or a person's own halt: after the resume the drawdown is what it was."""
    ledger.record_equity("DU1", "core", DAYS[0], Decimal(90), Decimal(1), {}, AT)
    ledger.set_trading_state("DU1", state, "cash EUR: the ledger says 1, the broker 2", AT)
    ledger.resume("DU1", "booked the deposit", AT)
    assert ledger.resumed("DU1") is None
