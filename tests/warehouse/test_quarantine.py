"""Rows in quarantine: kept whole, let in by a person, repaired with evidence, and every step can be taken back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_rows import NOW, frame, load, price

from portfolio.errors import Refused
from portfolio.schema import TABLES

DAY = date(2020, 3, 2)
LATER = NOW + timedelta(hours=1)


def quarantined(lake, *rows, laws=("no_slip",)):
    """Put bars into quarantine, each under all the laws; their ids."""
    with lake.transaction("q", NOW) as tx:
        tx.cursor.execute(
            f"CREATE TEMP TABLE bad AS SELECT *, unnest({list(laws)}) AS law FROM {tx.stage('prices', frame('prices', rows))}"
        )
        tx.quarantine("prices", "bad")
    return ids(lake)


def ids(lake):
    with lake.at(lake.snapshot()) as reader:
        return {(row["symbol"], row["law"]): (row["id"], row["ruling"]) for row in reader.quarantined("prices")}


def release(lake, *names, at=LATER):
    with lake.transaction("release", at) as tx:
        return tx.release("prices", names, "ada", "looked at the tape")


def closes(lake, symbol="KO", as_known_at=None):
    return lake.query(f"SELECT session, close FROM prices WHERE symbol = '{symbol}' ORDER BY session", as_known_at)[1]


def test_a_released_row_comes_in_as_it_came_and_the_reason_stays(lake):
    row = price("KO", DAY, 53.97, open=53.1, volume=1e7)
    found = quarantined(lake, row, laws=("no_slip", "contained"))
    assert {one for one, _ in found.values()} == {found["KO", "no_slip"][0]}, "one row, whatever it broke"
    merged = release(lake, found["KO", "no_slip"][0])
    assert (merged.added, closes(lake)) == (1, [(DAY, 53.97)])
    assert {ruling for _, ruling in ids(lake).values()} == {"released"}
    assert lake.query("SELECT DISTINCT ruling, person, note FROM releases")[1] == [("released", "ada", "looked at the tape")]


def test_what_cannot_be_released_is_said_and_changes_nothing(lake):
    found = quarantined(lake, price("KO", DAY, 53.97), price("PG", DAY, 113.0))
    one = found["KO", "no_slip"][0]
    release(lake, one)
    before = lake.snapshot()
    for names, words in (
        ((one,), "let in before"),
        (("0" * 12,), "holds no row 0{12}"),
        ((), "holds no row of prices"),
        (("x'; DROP",), "holds no row"),
    ):
        with pytest.raises(Refused, match=words):
            release(lake, *names)
    assert lake.snapshot() == before


def test_of_two_rows_for_one_day_a_person_chooses_one(lake):
    quarantined(lake, price("KO", DAY, 53.97), price("KO", DAY, 54.97), laws=("one_bar",))
    with lake.at(lake.snapshot()) as reader:
        both = [row["id"] for row in reader.quarantined("prices")]
    with pytest.raises(Refused, match="stand twice"):
        release(lake, *both)
    release(lake, both[0])
    assert len(closes(lake)) == 1


@dataclass(frozen=True)
class Proposed:
    row: dict
    repaired: dict
    law: str = "no_slip"
    evidence: str = "stooq has it so"


def propose(*pairs):
    """Proposals from pairs (row as it came, what changes)."""
    whole = dict.fromkeys(TABLES["prices"].staged)
    return [Proposed(whole | came, whole | came | better) for came, better in pairs]


def repair(lake, *pairs):
    with lake.transaction("repair", LATER) as tx:
        return tx.repair("prices", propose(*pairs), "ada", "decimal slip")


def test_a_repaired_row_out_of_quarantine_and_the_way_back(lake):
    came = price("KO", DAY, 5397.0)
    quarantined(lake, came)
    done = repair(lake, (came, {"close": 53.97}))
    assert (done.rows, done.merged.added, closes(lake)) == (1, 1, [(DAY, 53.97)])
    assert ids(lake)["KO", "no_slip"][1] == "repaired"
    assert lake.query("SELECT symbol, day, law, evidence, undone FROM repairs")[1] == [
        ("KO", DAY, "no_slip", "stooq has it so", False)
    ]
    with lake.transaction("undo", LATER + timedelta(hours=1)) as tx:
        assert tx.undo_repairs("prices", "KO", DAY, DAY, "ada", "the other vendor is wrong too") == 1
    assert closes(lake) == [(DAY, None)], "a version without values"
    assert closes(lake, as_known_at=LATER + timedelta(minutes=30)) == [(DAY, 53.97)], "what was known then is known still"
    assert lake.query("SELECT undone, note FROM repairs")[1] == [(True, "the other vendor is wrong too")]
    with lake.at(lake.snapshot()) as reader:
        assert math.isnan(reader.prices(["KO"], LATER + timedelta(hours=2)).fields["close"][0])


def test_a_repaired_row_of_the_table_and_the_way_back(lake):
    came = price("KO", DAY, 5397.0)
    load(lake, "prices", [came, price("KO", DAY + timedelta(days=1), 54.0)])
    assert repair(lake, (came, {"close": 53.97})).merged.revised == 1
    assert closes(lake)[0] == (DAY, 53.97)
    assert closes(lake, as_known_at=LATER - timedelta(minutes=1))[0] == (DAY, 5397.0)
    with lake.transaction("undo", LATER + timedelta(hours=1)) as tx:
        tx.undo_repairs("prices", "KO", DAY, DAY, "ada", "no")
    assert closes(lake)[0] == (DAY, 5397.0)
    with lake.transaction("undo", LATER + timedelta(hours=2)) as tx, pytest.raises(Refused, match="no repair to take back"):
        tx.undo_repairs("prices", "KO", DAY, DAY, "ada", "again")


def test_a_repair_that_was_taken_back_can_be_made_again(lake):
    came = price("KO", DAY, 5397.0)
    load(lake, "prices", [came])
    repair(lake, (came, {"close": 53.97}))
    with lake.transaction("undo", LATER + timedelta(hours=1)) as tx:
        tx.undo_repairs("prices", "KO", DAY, DAY, "ada", "no")
    with lake.transaction("repair", LATER + timedelta(hours=2)) as tx:
        tx.repair("prices", propose((came, {"close": 53.97})), "ada", "yes after all")
    assert closes(lake) == [(DAY, 53.97)]
    assert lake.query("SELECT undone, note FROM repairs")[1] == [(False, "yes after all")]


NUMBERS = st.floats(min_value=1e-6, max_value=1e12, allow_nan=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    close=NUMBERS, volume=NUMBERS, symbol=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
)
def test_a_row_survives_quarantine_to_the_last_digit(shared_lake, close, volume, symbol):
    name = f"{symbol}{close!r}{volume!r}"
    row = price(name, DAY, close, volume=volume)
    with shared_lake.transaction("q", NOW) as tx:
        tx.cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE bad AS SELECT *, 'x' AS law FROM {tx.stage('prices', frame('prices', [row]))}"
        )
        tx.quarantine("prices", "bad")
    with shared_lake.at(shared_lake.snapshot()) as reader:
        (one,) = reader.quarantined("prices", symbols=[name])
    with shared_lake.transaction("release", LATER) as tx:
        tx.release("prices", [one["id"]], "ada", "x")
    with shared_lake.at(shared_lake.snapshot()) as reader:
        found = reader.prices([name], LATER, ("close", "volume"), adjusted=False)
    assert (found.fields["close"][0], found.fields["volume"][0]) == (close, volume)
