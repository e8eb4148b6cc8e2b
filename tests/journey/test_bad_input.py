"""Whatever is wrong: one clear sentence that names it and the way out, the promised exit code, no traceback, nothing lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from terminal import ROOT, Demo, Said, trimtab

POLICY = (ROOT / "examples" / "demo.toml").read_text(encoding="utf-8")


def policy(folder: Path, old: str = "", new: str = "") -> str:
    assert old in POLICY
    path = folder / "policy.toml"
    path.write_text(POLICY.replace(old, new) if old else POLICY, encoding="utf-8")
    return str(path)


def refused(said: Said, code: int, *words: str) -> None:
    assert said.code == code, said
    assert "Traceback" not in said.err + said.out
    assert len(said.err.strip().splitlines()) == 1, said.err
    for word in words:
        assert word in said.err, said.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_gross = 1.0", "max_grosss = 1.0", ["max_grosss", "max_gross"]),
        ("max_weight = 0.10", "max_weight = 1.5", ["max_weight", "1.5"]),
        ('kind = "optimized"', 'kind = "astrology"', ["astrology", "optimized"]),
        ('objective = "optimized"', 'objective = "learned"', ["learned", "not built yet"]),
        ("[rebalance]", "[rebalancing]", ["rebalanc"]),
        ("lookback = 1260", "lookback = nan", ["lookback"]),
        ("[universe]", "[universe", ["TOML"]),
    ],
)
def test_a_wrong_policy(old: str, new: str, words: list[str], tmp_path: Path) -> None:
    command = "run" if "kind" in old else "decide"
    refused(trimtab(command, policy(tmp_path, old, new), home=tmp_path / "home"), 2, "policy.toml", *words)


def test_a_fixed_weight_above_one(tmp_path: Path) -> None:
    text = POLICY[: POLICY.index("[strategy]")] + POLICY[POLICY.index("[rebalance]") :]
    text = text.replace('objective = "optimized"', 'objective = "allocation"')
    text += '\n[strategy]\nkind = "fixed"\nweights = { AAPL = 1.2 }\n'
    path = tmp_path / "fixed.toml"
    path.write_text(text, encoding="utf-8")
    refused(trimtab("decide", str(path), home=tmp_path / "home"), 2, "AAPL", "1.2")


def test_a_missing_policy_file(tmp_path: Path) -> None:
    refused(trimtab("run", "nowhere.toml", home=tmp_path / "home"), 2, "nowhere.toml")


def test_a_symbol_that_the_warehouse_does_not_have(demo: Demo, copied_home: Path, tmp_path: Path) -> None:
    path = policy(tmp_path, '"AAPL",', '"AAPL", "ZZZZ",')
    refused(trimtab("decide", path, "--as-of", "2022-12-28", home=copied_home), 1, "ZZZZ")


def test_an_empty_warehouse(tmp_path: Path) -> None:
    refused(trimtab("decide", policy(tmp_path), "--as-of", "2022-12-28", home=tmp_path / "home"), 1, "AAPL", "ingest")


def test_a_date_that_is_no_session(tmp_path: Path) -> None:
    day = "2022-12-26"
    said = trimtab("run", policy(tmp_path), "--as-of", day, "--json", home=tmp_path / "home")
    assert (said.code, said.document["status"]) == (0, "not a session"), said.err
    refused(trimtab("decide", policy(tmp_path), "--as-of", day, home=tmp_path / "home"), 1, day)
    refused(trimtab("gateway", "--as-of", day, home=tmp_path / "home"), 1, day)


def test_a_date_that_is_no_date(tmp_path: Path) -> None:
    said = trimtab("run", policy(tmp_path), "--as-of", "yesterday", home=tmp_path / "home")
    assert said.code == 2 and "yesterday" in said.err and "Traceback" not in said.err


def test_an_unreachable_gateway(demo: Demo, copied_home: Path, tmp_path: Path) -> None:
    """Nobody listens on the port: an outage, and the books stay as they were."""
    closed = {"TRIMTAB_IB_PORT": "9"}
    before = trimtab("journal", "head", "--json", home=copied_home).document["head"]
    refused(trimtab("reconcile", "--policy", policy(tmp_path), home=copied_home, more=closed), 3, "127.0.0.1:9")
    assert trimtab("journal", "head", "--json", home=copied_home).document["head"] == before


def test_a_whole_run_without_a_gateway(demo: Demo, copied_home: Path, tmp_path: Path, prefect_api: str) -> None:
    """Another policy on the demo's data, tried again three times by Prefect, and then an outage with nothing planned."""
    more = {"TRIMTAB_IB_PORT": "9", "PREFECT_API_URL": prefect_api}
    path = policy(tmp_path, "minimum_trade = 500", "minimum_trade = 600")
    before = trimtab("orders", "--json", home=copied_home).document["orders"]
    said = trimtab("run", path, "--as-of", "2022-12-28", "--source", "warehouse", "--json", home=copied_home, more=more)
    assert said.code == 3, said
    assert said.document["status"] == "outage"
    assert "Traceback" not in said.err
    assert trimtab("orders", "--json", home=copied_home).document["orders"] == before


def test_a_paper_policy_at_a_live_port(demo: Demo, copied_home: Path, tmp_path: Path) -> None:
    refused(trimtab("reconcile", "--policy", policy(tmp_path), home=copied_home, more={"TRIMTAB_IB_PORT": "7496"}), 1, "7496")


def test_a_wrong_setting(tmp_path: Path) -> None:
    refused(trimtab("orders", home=tmp_path / "home", more={"TRIMTAB_IB_PORT": "lots"}), 2, "TRIMTAB_IB_PORT")
    refused(trimtab("orders", home=tmp_path / "home", more={"TRIMTAB_DATABASE_URL": "mysql://x"}), 2, "TRIMTAB_DATABASE_URL")


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["decision", "show", "nosuch"], 1, "nosuch"),
        (["decision", "replay", "nosuch"], 1, "nosuch"),
        (["plan", "show", "nosuch"], 1, "nosuch"),
        (["trade", "nosuch"], 1, "nosuch"),
        (["ingest", "weather"], 2, "weather"),
        (["ingest", "prices", "--source", "astrology"], 2, "astrology"),
        (["ingest", "prices", "--source", "yahoo", "--policy", "nowhere.toml"], 2, "nowhere.toml"),
        (["run", "nowhere.toml", "--source", "astrology"], 2, "astrology"),
        (["quotes", "SPY", "--source", "astrology"], 2, "astrology"),
        (["ingest", "prices", "--symbols", "ZZZZ"], 1, "ZZZZ"),
        (["ingest", "fundamentals", "--source", "edgar"], 2, "--from-file"),
        (["ingest", "fundamentals", "--source", "edgar", "--from-file", "nowhere.json"], 2, "nowhere.json"),
        (["query", "SELECT nonsense FROM prices"], 1, "nonsense"),
        (["query", "SELECT 1", "--as-known-at", "long ago"], 2, "long ago"),
        (["validate", "weather"], 2, "weather"),
    ],
)
def test_a_wrong_word(words: list[str], code: int, named: str, tmp_path: Path) -> None:
    refused(trimtab(*words, home=tmp_path / "home"), code, named)


def test_a_server_for_a_policy_that_is_not_there(tmp_path: Path) -> None:
    refused(trimtab("serve", home=tmp_path / "home", more={"TRIMTAB_POLICY": "nowhere.toml"}), 2, "nowhere.toml")


def test_json_says_it_too(tmp_path: Path) -> None:
    said = trimtab("trade", "nosuch", "--json", home=tmp_path / "home")
    assert said.code == 1
    assert said.document["status"] == "refused" and "nosuch" in said.document["error"]


def test_a_full_disk(tmp_path: Path) -> None:
    """A home on a file system of 1 MB: an outage that says so; with room again the same command does the whole job."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        home = small / "home"
        refused(trimtab("ingest", "prices", home=home), 3, "full")
        subprocess.run(["mount", "-o", "remount,size=200m", str(small)], check=True)
        said = trimtab("ingest", "prices", "--json", home=home)
        assert said.code == 0, said.err
        assert said.document["added"] == 185893
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder", encoding="utf-8")
    refused(trimtab("orders", home=tmp_path / "home", more={"TRIMTAB_HOME": str(file / "home")}), 3, str(file))
