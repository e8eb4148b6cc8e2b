"""The environment and the exchange's calendar, against dates from the exchange's own history."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from portfolio.errors import WrongUse
from tasks.calendar import exchange_day, hours
from tasks.settings import settings


def test_everything_has_a_default_under_the_home(tmp_path: Path) -> None:
    found = settings({"TRIMTAB_HOME": str(tmp_path)})
    assert found.ledger_url == f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    assert found.catalog_url == f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    assert Path(found.lake_path) == tmp_path / "lake"
    assert (found.ib_host, found.ib_port) == ("127.0.0.1", 4002)


def test_one_postgresql_database_holds_ledger_and_catalog(tmp_path: Path) -> None:
    url = "postgresql://somebody@127.0.0.1/trimtab"
    found = settings({"TRIMTAB_HOME": str(tmp_path), "TRIMTAB_DATABASE_URL": url, "TRIMTAB_LAKE": "/somewhere/lake"})
    assert found.ledger_url == found.catalog_url == url
    assert found.lake_path == "/somewhere/lake"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIMTAB_IB_PORT", "70000"),
        ("TRIMTAB_IB_PORT", "-1"),
        ("TRIMTAB_IB_CLIENT_ID", "one"),
        ("TRIMTAB_DATABASE_URL", "mysql://x"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(WrongUse, match=name):
        settings({name: value})


@pytest.mark.parametrize(
    ("day", "opens", "closes", "previous"),
    [
        ("2022-12-28", "14:30", "21:00", "2022-12-27"),  # winter
        ("2022-07-05", "13:30", "20:00", "2022-07-01"),  # summer, after a long weekend
        ("2022-11-25", "14:30", "18:00", "2022-11-23"),  # the day after Thanksgiving closes at 13:00
        ("2020-03-09", "13:30", "20:00", "2020-03-06"),  # New York had switched, London had not
        ("2012-10-31", "13:30", "20:00", "2012-10-26"),  # after Hurricane Sandy closed two days
        ("2001-09-17", "13:30", "20:00", "2001-09-10"),  # reopened after four closed days
    ],
)
def test_sessions_of_the_new_york_exchange(day: str, opens: str, closes: str, previous: str) -> None:
    found = hours(date.fromisoformat(day))
    assert found is not None
    assert (f"{found.opens:%H:%M}", f"{found.closes:%H:%M}") == (opens, closes)
    assert found.previous == date.fromisoformat(previous)
    assert found.opens <= found.moment(30) < found.closes


@pytest.mark.parametrize("day", ["2022-12-26", "2012-10-29", "2025-01-09", "2001-09-12", "2022-12-24", "2018-12-05"])
def test_closed_days(day: str) -> None:
    assert hours(date.fromisoformat(day)) is None


def test_the_exchanges_date_is_not_the_utc_date() -> None:
    assert exchange_day(datetime(2022, 12, 29, 2, 0, tzinfo=UTC)) == date(2022, 12, 28)


def test_a_moment_long_before_the_close_is_the_open() -> None:
    half_day = hours(date(2022, 11, 25))
    assert half_day is not None and half_day.moment(385) == half_day.opens
