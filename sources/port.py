"""What every source answers. Frames are polars, in the staged columns of `portfolio.schema` (all but loaded_at and run)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

from portfolio.types import Declaration, Instrument

if TYPE_CHECKING:
    import polars as pl


class Source(Protocol):
    """One outside. Reading twice gives the same rows in the same order."""

    @property
    def name(self) -> str:
        """The word in the column `source`."""

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
