"""A file of daily bars as a source: whatever its layout, the rows come out of it as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from portfolio.errors import Refused
from portfolio.schema import CORPORATE_ACTIONS, PRICES
from portfolio.types import Declaration, Instrument
from sources.files.dialects import Dialect
from sources.files.packed import pieces
from sources.files.sheets import ROWS, rows
from sources.frames import asked, between, no_dataset, staged
from sources.sessions import open_of, with_close

_BAR = ("open", "high", "low", "close", "volume")
ACTIONS = {"symbol": pl.String(), "ex_session": pl.Date(), "kind": pl.String(), "ratio": pl.Float64(), "amount": pl.Float64()}


@dataclass(frozen=True)
class Told:
    """What a file tells. bars: symbol, session, the price columns, currency, and `instrument` where the file knows better
    than the ticker. actions: symbol, ex_session, kind, ratio, amount, currency (and instrument); None: it tells none.
    """

    name: str
    adjustment: str
    note: str
    bars: pl.DataFrame
    actions: pl.DataFrame | None = None
    speaks: str = "now"


@dataclass(frozen=True)
class Bars:
    """The source in `file`, which `reading` knows how to read. It is read once, when something is asked of it."""

    file: Path
    reading: Callable[[Path], Told]

    @cached_property
    def _told(self) -> Told:
        return self.reading(self.file)

    @property
    def name(self) -> str:
        return self._told.name

    @property
    def speaks(self) -> str:
        return self._told.speaks

    @property
    def datasets(self) -> tuple[str, ...]:
        return ("prices",) if self._told.actions is None else ("prices", "corporate_actions")

    @property
    def companions(self) -> Mapping[str, tuple[str, ...]]:
        return {} if self._told.actions is None else {"prices": ("corporate_actions",)}

    def declaration(self) -> Declaration:
        has = frozenset(name for name in _BAR if self._told.bars.get_column(name).count())
        return Declaration(self.name, self._told.adjustment, has, self._told.note)

    def instruments(self) -> tuple[Instrument, ...]:
        """One a symbol that has a bar or an action, in its first currency, on XNYS."""
        columns = ["instrument", "symbol", "currency"]
        frames = [each.select(columns) for each in (self._bars, self._actions) if each is not None]
        firsts = pl.concat(frames).drop_nulls(["symbol", "currency"]).unique("instrument", keep="first").sort("instrument")
        return tuple(Instrument(i, s, c, "XNYS") for i, s, c in firsts.iter_rows())

    def read(
        self, dataset: str, symbols: Sequence[str] | None = None, since: date | None = None, until: date | None = None
    ) -> pl.DataFrame:
        """Bars known from the close of their session, actions from the open of their ex-session."""
        if dataset not in self.datasets:
            raise no_dataset(self.name, dataset, self.datasets)
        if dataset == "prices":
            stamped = self._bars.with_columns(pl.lit(self._told.adjustment).alias("adjustment"))
            chosen = between(self._of(stamped, symbols), "session", since, until)
            return staged(with_close(self._signed(chosen), "session"), PRICES)
        assert self._actions is not None
        chosen = between(self._of(self._actions, symbols), "ex_session", since, until)
        opens = pl.Series("known_at", [open_of(day) for day in chosen["ex_session"]], dtype=pl.Datetime("us", "UTC"))
        return staged(self._signed(chosen).with_columns(opens), CORPORATE_ACTIONS)

    @cached_property
    def _bars(self) -> pl.DataFrame:
        return _identified(self._told.bars)

    @cached_property
    def _actions(self) -> pl.DataFrame | None:
        return None if self._told.actions is None else _identified(self._told.actions)

    def _of(self, frame: pl.DataFrame, symbols: Sequence[str] | None) -> pl.DataFrame:
        if symbols is None:
            return frame
        have = dict.fromkeys(instrument.symbol for instrument in self.instruments())
        return frame.filter(pl.col("symbol").is_in(asked(symbols, have, self.name)))

    def _signed(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.lit(self.name).alias("source"))


def _identified(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the column `instrument`, from the symbol where the file has none."""
    ours = "US:" + pl.col("symbol")
    known = pl.coalesce("instrument", ours) if "instrument" in frame.columns else ours
    return frame.with_columns(known.alias("instrument"))


def written(file: Path, dialect: Dialect) -> Told:
    """All files of a dialect that `file` holds. `Refused` where it holds none."""
    return Told(
        dialect.name,
        dialect.adjustment,
        dialect.note,
        bars := together(file, dialect),
        happened(bars) if dialect.acts else None,
        dialect.speaks,
    )


def together(file: Path, dialect: Dialect) -> pl.DataFrame:
    """The rows of every file of this dialect in `file`, one below the other."""
    found = [rows(piece, dialect) for piece in pieces(file) if dialect.pattern.fullmatch(piece.name)]
    if not found:
        raise Refused(
            f"{file.name} holds no file named like {dialect.file}.", f"The layout {dialect.name} wants it.", file=str(file)
        )
    return pl.concat([pl.DataFrame(schema=ROWS), *found])


def happened(bars: pl.DataFrame) -> pl.DataFrame:
    """The splits and dividends that stand beside bars: a ratio that is not one, an amount that is not zero."""
    days = bars.filter(pl.col("session").is_not_null())
    here = (pl.col("symbol"), pl.col("session").alias("ex_session"), pl.col("currency"))
    none = pl.lit(None, pl.Float64())
    splits = days.filter(pl.col("split") != 1).select(*here, pl.lit("split").alias("kind"), ratio="split", amount=none)
    paid = days.filter(pl.col("dividend") != 0).select(*here, pl.lit("dividend").alias("kind"), ratio=none, amount="dividend")
    return pl.concat([splits, paid])


def actions_frame(told: Iterable[tuple[str, date, str, float | None, float | None]], currency: str = "USD") -> pl.DataFrame:
    """(symbol, ex_session, kind, ratio, amount) as the actions of `Told`."""
    return pl.DataFrame(list(told), schema=ACTIONS, orient="row").with_columns(pl.lit(currency).alias("currency"))
