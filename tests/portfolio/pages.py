"""The facts of a report, by what each test changes in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from mind import SESSION, D, book, market, policy, walk

from portfolio.decide import decide
from portfolio.record import decision_document
from portfolio.reports import ReportFacts, TradeRow
from portfolio.reports.facts import Hindsight
from portfolio.types import LawResult


def facts(**changes) -> ReportFacts:
    rules, shown, held = policy(), market(closes=walk(3, 400, size=0.004)), book()
    found = decide(rules, shown, held, code_version="test")
    trades = [
        TradeRow("SPY", "BUY", D(593), D(593), D(100), D("100.01"), D("2.97"), "FILLED", "to 59.40%: the policy fixes 60.00%"),
        TradeRow("IEF", "SELL", D(7), D(0), D(100), None, None, "REJECTED", "gate: fresh_quote"),
    ]
    whole = ReportFacts(
        decision=decision_document(found, rules, shown, held),
        plan_status="done",
        trades=trades,
        equity=[("opened", D(100_000)), ("2022-12-28", D("99991.10"))],
        weights=[("opened", {}), ("2022-12-28", {"SPY": 0.59, "IEF": 0.3, "GLD": 0.1})],
        holdings={"SPY": 0.59, "IEF": 0.3, "GLD": 0.1},
        cash=D("1091.10"),
        currency="USD",
        hindsight=Hindsight(shown.sessions, shown.closes[:, 0] / 100, np.full(400, np.nan), "SPY"),
        laws=[
            LawResult("prices", "close_is_positive", "Every close is above zero.", "critical", "block", "passed", 0, 900),
            LawResult("prices", "no_gap", "No session is missing.", "warning", "warn", "failed", 3, 900, ("SPY", "IEF")),
        ],
        quarantined={"prices": 3},
        limits={"value_at_risk": 0.02, "max_weight": 0.65, "gross": 1.0},
        breaks=(),
        journal_head="ab" * 32,
        made_at=datetime(2022, 12, 28, 21, 5, tzinfo=UTC),
        session=SESSION,
        policy_text=rules.text,
    )
    return replace(whole, **changes)
