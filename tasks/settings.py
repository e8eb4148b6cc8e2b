"""The environment, parsed once into a frozen value. Knows no Prefect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portfolio.errors import WrongUse

DEMO_ACCOUNT = "DU1000001"
VENDORS = ("yahoo", "stooq", "edgar", "fred", "news", "ecb")  # sources on the network


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are, and which account is meant."""

    home: Path
    ledger_url: str
    catalog_url: str
    lake_path: Path | str
    ib_host: str
    ib_port: int
    ib_client_id: int
    account: str
    reports_url: str | None  # where `trimtab serve` serves the reports
    contact: str = ""  # who we say we are to the SEC: a name and a mail address
    policy: str | None = None  # whose universe the scheduled ingests ask vendors for; None: they are not switched on
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # source -> its key
    addresses: Mapping[str, str] = field(default_factory=dict)  # source -> address that stands in for its own

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def gateway(self) -> Path:
        return self.home / "gateway"


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environment` (the process's own by default). `WrongUse` names a variable that cannot be read."""
    env = os.environ if environment is None else environment
    home = Path(env.get("TRIMTAB_HOME") or ".trimtab").expanduser().absolute()
    url = env.get("TRIMTAB_DATABASE_URL") or f"sqlite:///{home / 'ledger.sqlite'}"
    return Settings(
        home=home,
        ledger_url=url,
        catalog_url=_catalog(url, home),
        lake_path=env.get("TRIMTAB_LAKE") or home / "lake",
        ib_host=env.get("TRIMTAB_IB_HOST") or "127.0.0.1",
        ib_port=_number(env, "TRIMTAB_IB_PORT", 4002),
        ib_client_id=_number(env, "TRIMTAB_IB_CLIENT_ID", 17),
        account=env.get("TRIMTAB_ACCOUNT") or DEMO_ACCOUNT,
        reports_url=env.get("TRIMTAB_REPORTS_URL") or None,
        contact=env.get("TRIMTAB_CONTACT", "").strip(),
        policy=env.get("TRIMTAB_POLICY") or None,
        keys=_of_vendors(env, "KEY"),
        addresses=_of_vendors(env, "URL"),
    )


def _of_vendors(env: Mapping[str, str], word: str) -> dict[str, str]:
    """Source -> what TRIMTAB_<SOURCE>_<word> says, for those that say something."""
    said = {name: env.get(f"TRIMTAB_{name.upper()}_{word}", "").strip() for name in VENDORS}
    return {name: value for name, value in said.items() if value}


def _catalog(url: str, home: Path) -> str:
    """A PostgreSQL database holds ledger and catalog; SQLite keeps them in two files, side by side."""
    if url.startswith("postgresql"):
        return url
    if not url.startswith("sqlite:///"):
        raise WrongUse(
            f"TRIMTAB_DATABASE_URL begins with {url.split(':', 1)[0]!r}.",
            "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
        )
    ledger = Path(url.removeprefix("sqlite:///"))
    return f"sqlite:///{ledger.with_name('catalog.sqlite') if ledger.is_absolute() else home / 'catalog.sqlite'}"


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if not text:
        return default
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise WrongUse(f"{name} is {text!r}.", "Give a whole number from 0 to 65535.")
    return int(text)
