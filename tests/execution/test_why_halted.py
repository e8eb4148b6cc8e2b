"""Whoever may not trade is told who stopped the account, when and why, and the way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from execution_trading import ACCOUNT, DAY, deposit, plan, policy

from portfolio.errors import Refused
from portfolio.risk.drawdown import state_rule
from portfolio.types import BY_HAND, BY_LOSS, TradingState
from tasks import decide, doors
from tasks.settings import settings

AT = datetime(2024, 3, 14, 18, 31, tzinfo=UTC)
SMALL = (("BUY", "EEE", 1),)


@pytest.mark.parametrize(
    ("reason", "words", "way"),
    [
        (f"{BY_HAND}the cat sat on it", "by a person: the cat sat on it", "Ask who halted it"),
        (f"{BY_LOSS}the day's loss is 7.00%", "by a loss: the day's loss is 7.00%", "counts losses anew from there"),
        ("told by an older version", "told by an older version", "Look at the reason"),
    ],
)
def test_the_refusal_names_who_when_why_and_the_way_out(world, monkeypatch, tmp_path, reason, words, way):
    world.serve()
    world.ledger.set_trading_state(ACCOUNT, TradingState.HALTED, reason, AT)
    said = f"Account {ACCOUNT} is HALTED since 2024-03-14 18:31 UTC, {words}."
    with pytest.raises(Refused) as no:
        world.run(plan(wish=SMALL))
    assert no.value.what == said and way in no.value.way_out and "`trimtab resume" in no.value.way_out
    monkeypatch.setattr(doors, "open_ledger", lambda where: world.ledger)
    where = replace(settings({"TRIMTAB_HOME": str(tmp_path)}), account=ACCOUNT)
    with pytest.raises(Refused) as no:
        decide.propose(where, policy(), DAY, AT)
    assert no.value.what == said and way in no.value.way_out


def test_a_difference_in_the_books_is_named_now_and_later(world):
    world.serve()
    assert world.run(plan(wish=SMALL)).status == "done"
    world.stop_gateway()
    deposit(world.state, "USD", -1)
    world.serve()
    for name in ("p2", "p3"):  # the one that halts, and the one that finds it halted
        with pytest.raises(Refused, match=r"is HALTED since .* UTC, by the reconcile: cash USD: the ledger says") as no:
            world.run(plan(name, SMALL))
        assert "Clear the difference" in no.value.way_out and "`trimtab resume" in no.value.way_out


def test_nothing_is_known_of_an_account_that_was_never_seen(world):
    assert world.ledger.standing("DU9") is None


def test_a_trial_says_it_too():
    words = "HALTED since 2024-03-14 18:31 UTC, by a person: lunch"
    assert state_rule(TradingState.HALTED, words).reason == f"the account is {words}; `trimtab resume` clears it"
    assert state_rule(TradingState.HALTED).reason == "the account is HALTED; `trimtab resume` clears it"
    assert state_rule(TradingState.REDUCING, "REDUCING since noon").reason == (
        "the account is REDUCING since noon: only sells until a person resumes it"
    )
