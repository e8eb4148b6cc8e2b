"""What every source answers. Frames are polars, in the staged columns of `portfolio.schema` (all but loaded_at and run)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from portfolio.types import Declaration, Instrument

if TYPE_CHECKING:
    import polars as pl


LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Access:
    """How a vendor is reached. `url` stands in for its own address (a mirror, a recording); `contact` is who we say we are.

    `now`: the instant of asking (aware). A session that has not closed by then has no bar yet.
    """

    now: datetime = LATEST
    url: str | None = None
    key: str = ""
    contact: str = ""

    def __repr__(self) -> str:
        return f"Access(url={self.url!r}, key={'***' if self.key else ''!r}, contact={self.contact!r})"


class Source(Protocol):
    """One outside. Reading twice gives the same rows in the same order."""

    @property
    def name(self) -> str:
        """The word in the column `source`."""

    @property
    def vintages(self) -> bool:
        """Whether `known_at` is the publisher's own, so that a batch may hold several versions of a fact (default: no).

        May be left out by a source; ask `keeps_vintages`.
        """
        return False

    @property
    def datasets(self) -> tuple[str, ...]:
        """What `read` knows: names of `portfolio.schema.TABLES`."""

    def declaration(self) -> Declaration:
        """What the source says of its own prices."""

    def instruments(self) -> tuple[Instrument, ...]:
        """Whom its rows speak of."""

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """The rows of `dataset` (of these symbols or series; described days from `since` to `until`, both included).

        `Refused` names a symbol it does not have and those it has; `WrongUse` a dataset it does not have.
        """


def keeps_vintages(source: Source) -> bool:
    """`source.vintages`, and no where it does not say."""
    return bool(getattr(source, "vintages", False))
