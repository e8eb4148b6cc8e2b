"""Backfills in the ledger: what goes on with the same words, and what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from portfolio.errors import Refused
from warehouse.ledger.backfills import Partition

T0 = datetime(2026, 1, 5, 22, tzinfo=UTC)
ASKED = {"since": "2020-01-02", "until": "2020-12-31", "symbols": None}
PIECES = [Partition(n, (symbol,), date(2020, 1, 2), date(2020, 12, 31)) for n, symbol in enumerate(("KO", "PG", "GONE"), 1)]


@pytest.fixture
def begun(ledger):
    """begun(hour) -> the backfill for the same words, asked for at that hour."""
    return lambda hour: ledger.begin_backfill("prices", "yahoo", ASKED, PIECES, 7, T0 + timedelta(hours=hour))


def ends(ledger, backfill, *statuses):
    """Each waiting partition ends so, and the backfill with them as `finish` would end it."""
    for partition, status in zip(backfill.waiting, statuses, strict=True):
        ledger.finish_partition(backfill.backfill, replace(partition, status=status), T0)


def names(backfill):
    return [partition.symbols[0] for partition in backfill.waiting]


def test_what_is_not_over_goes_on_with_the_partitions_it_has(ledger, begun):
    first = begun(0)
    ledger.finish_partition(first.backfill, replace(first.partitions[0], status="done"), T0)
    again = begun(1)
    assert (again.backfill, names(again)) == (first.backfill, ["PG", "GONE"])


def test_an_outage_is_asked_again_and_a_refusal_is_not(ledger, begun):
    first = begun(0)
    ends(ledger, first, "done", "outage", "refused")
    ledger.finish_backfill(first.backfill, "partly", T0)
    again = begun(1)
    assert (again.backfill, names(again)) == (first.backfill, ["PG"])
    ends(ledger, again, "done")
    ledger.finish_backfill(first.backfill, "partly", T0)
    assert begun(2).backfill != first.backfill, "all that can come has come"


@pytest.mark.parametrize(("last", "status"), [("done", "done"), ("refused", "partly")])
def test_what_is_over_is_begun_anew_with_the_gaps_of_now(ledger, begun, last, status):
    first = begun(0)
    ends(ledger, first, "done", "done", last)
    assert begun(1).backfill == first.backfill, "killed before its end was told: it goes on, to tell it"
    ledger.finish_backfill(first.backfill, status, T0)
    again = begun(2)
    assert again.backfill != first.backfill
    assert names(again) == ["KO", "PG", "GONE"]


def test_other_words_are_another_backfill(ledger, begun):
    first = begun(0)
    other = ledger.begin_backfill("prices", "yahoo", ASKED | {"symbols": ["KO"]}, PIECES, 7, T0)
    assert other.backfill != first.backfill
    with pytest.raises(Refused, match="There is no backfill nothing"):
        ledger.backfill("nothing")
