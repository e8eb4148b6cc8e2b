"""The heavy doors, each opened late and in one place: lake, ledger, source, broker, policy file, clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portfolio.errors import WrongUse
from portfolio.policy import named_files, parse_policy
from portfolio.ports import Quotes
from portfolio.types import Policy
from tasks.settings import Settings

if TYPE_CHECKING:
    from brokers.ib.bars import IBBars
    from brokers.ib.broker import IBBroker
    from brokers.reconcile import Desk
    from warehouse.lake import Lake
    from warehouse.ledger import SqlLedger


class SystemClock:
    """The machine's clock: the stamp of our own rows."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251


def open_lake(settings: Settings) -> Lake:
    from warehouse.lake import Lake

    settings.home.mkdir(parents=True, exist_ok=True)
    return Lake.open(settings.catalog_url, str(settings.lake_path))


def open_ledger(settings: Settings) -> SqlLedger:
    from warehouse.ledger import open_ledger as opened

    settings.home.mkdir(parents=True, exist_ok=True)
    return opened(settings.ledger_url)


def open_broker(settings: Settings, mode: str, policy: Policy | None = None) -> IBBroker:
    """The gateway's account; symbols trade in what the policy says, in USD where there is none."""
    from brokers.ib.broker import IBBroker

    units: dict[str, Any] = {}
    if policy:
        named = {*policy.traded, *(hedge.instrument for hedge in policy.hedges if hedge.kind == "put")}
        units = {"currency": policy.base_currency, "currencies": policy.currencies, "named": named}
    return IBBroker(settings.ib_host, settings.ib_port, settings.ib_client_id, settings.account, mode, **units)


def open_bars(settings: Settings, now: datetime) -> IBBars:
    """The gateway's daily bars as a source, over a client of its own: the executor's may be at work meanwhile."""
    from brokers.ib.bars import IBBars
    from sources.sessions import close_of

    return IBBars(settings.ib_host, settings.ib_port, settings.ib_client_id + 1, now, close_of)


def open_live_quotes(settings: Settings, client_id: int) -> IBBroker:
    """A connection to look through, never to trade: over a client of its own, in the mode that fits the account."""
    from brokers.ib.broker import IBBroker

    return IBBroker(settings.ib_host, settings.ib_port, client_id, settings.account, mode_of(settings.account), timeout=10.0)


def open_yahoo_quotes(settings: Settings, now: datetime) -> Quotes:
    from sources.port import Access
    from sources.yahoo.quotes import YahooQuotes

    return YahooQuotes(Access(now, settings.addresses.get("yahoo")))


def mode_of(account: str) -> str:
    """paper or live, as Interactive Brokers names its accounts."""
    from brokers.ib.guard import PAPER_PREFIXES

    return "paper" if account.startswith(PAPER_PREFIXES) else "live"


def check_account(settings: Settings, policy: Policy) -> None:
    """`Refused` unless the policy's mode, the gateway's port and the account agree; asked before anything starts."""
    from brokers.ib.guard import check

    check(policy.execution.mode, settings.ib_port, settings.account)


def open_desk(settings: Settings, policy: Policy, ledger: SqlLedger) -> Desk:
    """Ledger and broker of the policy's account, side by side."""
    from brokers.reconcile import Desk

    return Desk(
        ledger=ledger,
        broker=open_broker(settings, policy.execution.mode, policy),
        clock=SystemClock(),
        account=settings.account,
        currency=policy.base_currency,
        client_id=settings.ib_client_id,
        quiet_seconds=policy.execution.quiet_seconds,
        currencies=policy.currencies,
    )


def read_policy(path: str | Path) -> Policy:
    """The policy in the file `path`, with the files beside it that it names. `WrongUse` where it is missing or says something
    unknown.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        beside = {name: file.parent / name for name in named_files(text) if plain_name(name)}
        return parse_policy(text, {name: where.read_text(encoding="utf-8") for name, where in beside.items() if where.is_file()})
    except FileNotFoundError as error:
        raise WrongUse(f"There is no policy file {file}.", "Name one; examples/demo.toml is a start.", path=str(file)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"The policy file {file} cannot be read: {error}.", "Give a readable TOML file.") from error
    except WrongUse as error:
        raise WrongUse(f"{file}: {error.what}", error.way_out, **error.facts) from error


def plain_name(name: str) -> bool:
    """Whether it is a file beside, not a path that leads elsewhere."""
    return Path(name).name == name and name not in {".", ".."} and name.isprintable()


def demo_policy() -> Path:
    """The demo's policy file, beside the packages of a checkout."""
    return Path(__file__).parent.parent / "examples" / "demo.toml"
