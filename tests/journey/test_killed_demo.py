"""SIGKILL at any moment, then once more: the same final positions as an undisturbed run, every order once."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from terminal import TRIMTAB, Demo, environment, trimtab

BOUNDED, LONG = 3, 20


def positions(home: Path) -> dict[str, Decimal]:
    """What the gateway's own file says the account holds."""
    with sqlite3.connect(f"file:{home / 'gateway' / 'account.sqlite'}?mode=ro", uri=True) as books:
        return {s: Decimal(q) for s, q in books.execute("SELECT symbol, quantity FROM position") if Decimal(q)}


def orders_by_reference(home: Path) -> list[str]:
    """The reference of every order that the gateway filled, attempts stripped."""
    with sqlite3.connect(f"file:{home / 'gateway' / 'account.sqlite'}?mode=ro", uri=True) as books:
        return [ref.split("#")[0] for (ref,) in books.execute("SELECT ref FROM placed WHERE status = 'Filled'")]


def kill_after(home: Path, seconds: float, more: dict[str, str], group: bool) -> bool:
    """Start a demo and SIGKILL it (`group`: its gateway too) after so long; whether it was still running then."""
    process = subprocess.Popen(
        [*TRIMTAB, "demo", "--json"], env=environment(home, more), cwd=home.parent, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        return True
    return False


def kill_and_repeat(demo: Demo, home: Path, prefect_api: str, seed: int) -> None:
    chance = random.Random(seed)
    moment, group = chance.uniform(1.0, demo.seconds), chance.random() < 0.5
    more = {"PREFECT_API_URL": prefect_api}
    kill_after(home, moment, more, group)
    again = trimtab("demo", "--json", home=home, more=more)
    told = f"seed {seed}: killed after {moment:.2f} s, group {group}: {again.err}"
    assert again.code == 0, told
    assert again.document["breaks"] == [], told
    assert positions(home) == positions(demo.home), told
    refs = orders_by_reference(home)
    assert len(refs) == len(set(refs)) == len(demo.document["orders"]), told
    assert trimtab("journal", "verify", home=home).code == 0, told
    assert trimtab("query", "SELECT count(*) FROM prices", "--json", home=home).document["rows"] == [[174573]], told


@pytest.mark.parametrize("number", range(BOUNDED))
def test_killed_at_a_random_moment(demo: Demo, tmp_path: Path, prefect_api: str, number: int) -> None:
    kill_and_repeat(demo, tmp_path / "home", prefect_api, random.SystemRandom().randrange(2**32))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(LONG))
def test_killed_at_twenty_moments(demo: Demo, tmp_path: Path, prefect_api: str, seed: int) -> None:
    kill_and_repeat(demo, tmp_path / "home", prefect_api, seed)
