"""Real recordings as staged frames: known-bad series with their repaired twins, and sets that are held to be sound.

Read from TRIMTAB_SHARED_DATA at the time of use; nothing of them is kept. Frames have the staged columns of
`portfolio.schema.PRICES`; actions have instrument, ex_session, kind, ratio and amount.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("open", "high", "low", "close", "volume")
BAD = "yfinance_bad/bad_open.zip"
# What is wrong with each series, as its vendor's users reported it, and the law that names it.
FAULTS: dict[str, tuple[str, str]] = {
    "1398-HK-1d-bad-div": ("dividend not taken out", "dividend_taken_out"),
    "3988-HK-1d-bad-div": ("dividend not taken out", "dividend_taken_out"),
    "8TRA-DE-1d-missing-div-adjust": ("dividend not taken out", "dividend_taken_out"),
    "ABDP-L-1d-bad-div": ("dividend a hundredfold", "dividend_unit"),
    "ELCO-L-1d-bad-div": ("dividend a hundredfold", "dividend_unit"),
    "REL-L-1d-bad-div": ("dividend a hundredfold", "dividend_unit"),
    "LSC-L-1d-bad-div": ("dividend a hundredfold", "dividend_below_price"),
    "ADIG-L-1d-bad-div": ("a hundredth of the dividend taken out", "dividend_unit"),
    "CLC-L-1d-bad-div": ("a hundredth of the dividend taken out", "dividend_unit"),
    "RGL-L-1d-bad-div": ("a hundredth of the dividend taken out", "dividend_unit"),
    "SERE-L-1d-bad-div": ("a hundredth of the dividend taken out", "dividend_unit"),
    "TEM-L-1d-bad-div": ("a hundredth of the dividend taken out", "dividend_unit"),
    "NVT-L-1d-bad-div": ("dividend a hundredth", "dividend_in_line"),
    "TENT-L-1d-bad-div": ("dividend a hundredth", "dividend_in_line"),
    "KAP-IL-1d-bad-div": ("dividend told twice", "dividend_twice"),
    "KEN-TA-1d-bad-div": ("dividend told twice", "dividend_twice"),
    "SAND-1d-bad-div": ("dividend told twice", "dividend_twice"),
    "TEP-PA-1d-bad-div": ("dividend told twice", "dividend_twice"),
    "DODFX-1d-cg-double-count": ("capital gain counted twice", "dividend_as_adjusted"),
    "VWILX-1d-cg-double-count": ("capital gain counted twice", "dividend_as_adjusted"),
    "DEX-AX-1d-bad-stock-split": ("history before a split not adjusted", "split_on_its_day"),
    "SPM-MI-1d-bad-stock-split": ("history before a split not adjusted", "split_on_its_day"),
    "ALPHA-PA-1d-bad-stock-split": ("one bar off by a split", "split_bar"),
    "AV-L-1wk-bad-stock-split": ("one bar off by a split", "split_bar"),
    "MOB-ST-1d-bad-stock-split": ("one bar off by a split", "no_slip"),
    "ASAI-L-1h-bad-unit": ("one bar a hundredth", "no_slip"),
    "SSW-JO-1d-100x-error": ("pence for pounds from a day on", "scale_kept"),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One or more instruments: raw bars, adjusted bars (of another source's name) and actions."""

    raw: pl.DataFrame
    adjusted: pl.DataFrame
    actions: pl.DataFrame


def folder() -> Path:
    """Where the recordings lie; the path may not exist."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    return Path(os.environ.get("TRIMTAB_SHARED_DATA", default))


def members(archive: str) -> list[str]:
    with zipfile.ZipFile(folder() / archive) as opened:
        return sorted(name for name in opened.namelist() if not name.endswith("/"))


def read(archive: str, member: str) -> bytes:
    with zipfile.ZipFile(folder() / archive) as opened:
        return opened.read(member)


def bars(frame: pl.DataFrame, instrument: str, source: str, adjustment: str, currency: str = "USD") -> pl.DataFrame:
    """`session` and price columns -> staged rows, known 30 hours after midnight. Bars without a close are left out."""
    import polars as pl

    from portfolio.schema import PRICES
    from sources.frames import staged

    known = (pl.col("session").cast(pl.Datetime("us")) + pl.duration(hours=30)).dt.replace_time_zone("UTC").alias("known_at")
    words = {"instrument": instrument, "symbol": instrument, "source": source, "adjustment": adjustment, "currency": currency}
    named = frame.with_columns(known, *(pl.lit(value).alias(name) for name, value in words.items()))
    return staged(named.filter(pl.col("close").is_not_null()), PRICES)


def events(frame: pl.DataFrame, instrument: str) -> pl.DataFrame:
    """`session`, `split` (new shares per old one, 0 or 1 for none) and `dividend` -> actions."""
    import polars as pl

    none, here = pl.lit(None, pl.Float64), (pl.lit(instrument).alias("instrument"), pl.col("session").alias("ex_session"))
    splits = frame.filter((pl.col("split") > 0) & (pl.col("split") != 1))
    paid = frame.filter(pl.col("dividend") > 0)
    return pl.concat(
        [
            splits.select(*here, pl.lit("split").alias("kind"), pl.col("split").alias("ratio"), none.alias("amount")),
            paid.select(*here, pl.lit("dividend").alias("kind"), none.alias("ratio"), pl.col("dividend").alias("amount")),
        ]
    )


def undone(frame: pl.DataFrame) -> pl.DataFrame:
    """Split-adjusted prices, volumes and dividends as dealt on their day; `split` as in `events`, sessions ascending."""
    import polars as pl

    ratio = pl.when(pl.col("split") > 0).then("split").otherwise(1.0)
    later = ratio.reverse().cum_prod().reverse() / ratio
    dealt = [(pl.col(name) * pl.col("later")).alias(name) for name in ("open", "high", "low", "close", "dividend")]
    return frame.with_columns(later.alias("later")).with_columns(*dealt, (pl.col("volume") / pl.col("later")).alias("volume"))


def bad_names(twins: bool) -> list[str]:
    """The known-bad series and the controls, or the repaired twins, without their suffixes."""
    names = [name.removesuffix(".csv") for name in members(BAD) if name.endswith(".csv")]
    return [name.removesuffix("-fixed") for name in names if name.endswith("-fixed") == twins]


def bad_series(name: str, *, twin: bool = False) -> Recording:
    """One series of the bad set, staged as Yahoo's are: splits undone in the raw bars, the adjusted close as another source.

    Each hour of an hourly series stands for a session. The instrument is the series' name.
    """
    import polars as pl

    raw = pl.read_csv(io.BytesIO(read(BAD, f"{name}{'-fixed' if twin else ''}.csv")), infer_schema=False)
    words = {"Adj Close": "adjusted", "Dividends": "dividend", "Stock Splits": "split", **{c.title(): c for c in COLUMNS}}
    numbers = [pl.col(theirs).cast(pl.Float64, strict=False).alias(ours) for theirs, ours in words.items()]
    frame = raw.select(pl.col(raw.columns[0]).str.slice(0, 10).str.to_date().alias("session"), *numbers)
    frame = frame.sort("session", maintain_order=True)
    if "-1h-" in name:
        hours = pl.lit(frame["session"][0]) + pl.duration(days=pl.int_range(pl.len()))
        frame = frame.with_columns(hours.cast(pl.Date).alias("session"))
    shown = pl.col("adjusted") / pl.col("close")
    scaled = frame.with_columns(
        *((pl.col(c) * shown).alias(c) for c in ("open", "high", "low")), pl.col("adjusted").alias("close")
    )
    dealt = undone(frame)
    return Recording(
        bars(dealt, name, "yahoo", "raw", "EUR"), bars(scaled, name, "yahoo adjusted", "adjusted", "EUR"), events(dealt, name)
    )


def joined(recordings: Iterable[Recording]) -> Recording:
    import polars as pl

    each = list(recordings)
    return Recording(*(pl.concat([getattr(one, name) for one in each]) for name in ("raw", "adjusted", "actions")))
