"""A Prefect retry is for an outage: nothing else is ever done twice by itself."""

from __future__ import annotations

import asyncio

import pytest
from prefect.states import Failed

from portfolio.errors import Broken, Outage, Refused, WrongUse
from tasks import steps


def failed(error: Exception) -> Failed:
    return Failed(data=error, message=str(error))


@pytest.mark.parametrize("error", [Refused("no."), WrongUse("wrong."), Broken("bug."), ValueError("bug"), ConnectionError("bug")])
def test_nothing_but_an_outage(error: Exception) -> None:
    assert asyncio.run(steps.only_outage(None, None, failed(error))) is False


def test_an_outage_is() -> None:
    assert asyncio.run(steps.only_outage(None, None, failed(Outage("away.")))) is True


@pytest.mark.parametrize(
    "step",
    [
        *(steps.ingest_dataset, steps.decide_portfolio, steps.trade_plan, steps.close_books, steps.write_report),
        *(steps.fill_partition, steps.judge_warehouse, steps.maintain_warehouse),
    ],
)
def test_every_step_asks_that_question(step: object) -> None:
    assert step.retry_condition_fn is steps.only_outage
    assert step.retries == 3
    assert step.retry_delay_seconds == [2, 4, 8]
