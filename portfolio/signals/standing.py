"""Where each name stands among the others: winsorised, standardised, neutralised.

All take and answer shape (names,); NaN where unknown, and the unknown take no part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from portfolio.types import FloatArray

CUT = 3.0  # standard deviations
FLAT = 1e-12  # a spread up to this share of the mean is rounding


def winsorised(values: FloatArray, share: float) -> FloatArray:
    """The lowest and the highest `share` of the known values moved to the quantiles there (linear between two values).

    >>> winsorised(np.array([0.0, 1.0, 2.0, 3.0, 100.0]), 0.25).tolist()
    [1.0, 1.0, 2.0, 3.0, 3.0]
    """
    known = values[np.isfinite(values)]
    if share == 0.0 or len(known) == 0:
        return values
    low, high = np.quantile(known, [share, 1.0 - share])
    out: FloatArray = np.clip(values, low, high)
    return out


def z_scores(values: FloatArray) -> FloatArray:
    """(value - mean) / standard deviation (one degree of freedom) of the known; all NaN where they do not differ.

    >>> z_scores(np.array([1.0, 2.0, np.nan, 3.0])).tolist()
    [-1.0, 0.0, nan, 1.0]
    """
    known = values[np.isfinite(values)]
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    if not spread > FLAT * abs(float(known.mean()) if len(known) else 0.0):
        return np.full(len(values), np.nan)
    out: FloatArray = (values - known.mean()) / spread
    return out


def rank_scores(values: FloatArray) -> FloatArray:
    """z-scores of the ranks; equal values share the mean of their ranks.

    Source: Asness, Frazzini and Pedersen (2019), who standardise each measure of quality by its rank.
    """
    out = np.full(len(values), np.nan)
    known = np.isfinite(values)
    _, which, count = np.unique(values[known], return_inverse=True, return_counts=True)
    out[known] = (np.cumsum(count) - (count - 1) / 2.0)[which]
    return z_scores(out)


def standardised(values: FloatArray, how: str, share: float) -> FloatArray:
    """`z_score`: winsorised, then cut at three standard deviations (as MSCI's factor indexes do); `rank`: by ranks alone."""
    if how == "rank":
        return rank_scores(values)
    out: FloatArray = np.clip(z_scores(winsorised(values, share)), -CUT, CUT)
    return out


def neutralised(values: FloatArray, groups: Sequence[Sequence[str]], size: FloatArray | None = None) -> FloatArray:
    """What is left of the values once what the groups and the size explain is taken off, by least squares.

    groups: one list of names' groups for each class, "" where a name has none (those are a group of their own). size: such
    as the logarithm of market value; where it is unknown the value is too. With one class alone: less the group's mean.
    Source: industry-relative ranking as in Asness, Porter and Stevens (2000).
    """
    known = np.isfinite(values) if size is None else np.isfinite(values) & np.isfinite(size)
    out = np.full(len(values), np.nan)
    if not known.any():
        return out
    columns = [np.ones(int(known.sum()))]
    for members in groups:
        mine = [m for m, ok in zip(members, known, strict=True) if ok]
        columns += [np.array([float(m == group) for m in mine]) for group in sorted(set(mine))]
    if size is not None:
        columns.append(size[known] - size[known].mean())
    explained = np.column_stack(columns)
    left = values[known] - explained @ np.linalg.lstsq(explained, values[known], rcond=1e-10)[0]
    out[known] = np.where(np.abs(left) < 1e-10, 0.0, left)
    return out
