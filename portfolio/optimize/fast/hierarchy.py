"""Hierarchical risk parity and hierarchical equal risk contribution, of variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portfolio.optimize.solution import Infeasible
from portfolio.types import FloatArray

LINKAGES = ("single", "complete", "average", "weighted", "centroid", "median", "ward")  # scipy's names
Order = NDArray[np.intp]


def hrp(returns: FloatArray, *, covariance: FloatArray | None = None, linkage: str = "single") -> FloatArray:
    """Long-only weights, shape (assets,), that add up to 1: halves of the clustered order share by their inverse variance.

    returns: shape (days, assets), no NaN, every asset moves (else `Infeasible`). covariance: of a period (None: the sample's
    of returns). linkage: one of LINKAGES, over the distance sqrt((1 - correlation) / 2), leaves in optimal order. Equal to
    Riskfolio's `HCPortfolio` (model="HRP", codependence="pearson", rm="MV"). Knows no constraints: the caller conforms.
    Source: López de Prado (2016), Building Diversified Portfolios that Outperform Out of Sample.
    """
    from scipy.cluster.hierarchy import leaves_list

    covariance = _covariance(returns, covariance)
    if len(covariance) == 1:
        return np.ones(1)
    order = np.asarray(leaves_list(_tree(_distance(returns), linkage, ordered=True)), dtype=np.intp)
    return _bisected(covariance, order)


def herc(
    returns: FloatArray, *, covariance: FloatArray | None = None, linkage: str = "single", most_clusters: int = 10
) -> FloatArray:
    """Long-only weights, shape (assets,), that add up to 1: clusters share by their inverse variance, then their assets do.

    As hrp; the tree is cut into as many clusters as the two-difference gap statistic tells, at most about `most_clusters`.
    Equal to Riskfolio's `HCPortfolio` (model="HERC", codependence="pearson", rm="MV", opt_k_method="twodiff"); `Infeasible`
    where the tree has inversions (centroid, median), of which Riskfolio makes weights without a meaning.
    Source: Raffinot (2018), The Hierarchical Equal Risk Contribution Portfolio; Yue, Wang & Wei (2008) for the gap.
    """
    covariance = _covariance(returns, covariance)
    if len(covariance) == 1:
        return np.ones(1)
    distance = _distance(returns)
    tree = _tree(distance, linkage, ordered=False)
    return _shared(covariance, tree, _clusters(distance, tree, most_clusters))


def _covariance(returns: FloatArray, covariance: FloatArray | None) -> FloatArray:
    if returns.ndim != 2 or len(returns) < 2 or not np.isfinite(returns).all():
        raise Infeasible("hierarchical clustering needs two days of finite returns at the least")
    found = np.atleast_2d(np.cov(returns, rowvar=False)) if covariance is None else np.asarray(covariance, dtype=float)
    if not np.isfinite(found).all():
        raise Infeasible("the covariance holds a value that is not finite")
    for asset in np.nonzero((np.diag(found) <= 0.0) | (np.ptp(returns, axis=0) == 0.0))[0]:
        raise Infeasible(f"asset {asset} never moves: it has no correlation and no inverse variance")
    return found


def _distance(returns: FloatArray) -> FloatArray:
    distance: FloatArray = np.sqrt(np.clip((1.0 - np.corrcoef(returns, rowvar=False)) / 2.0, 0.0, 1.0))
    np.fill_diagonal(distance, 0.0)
    return distance


def _tree(distance: FloatArray, method: str, *, ordered: bool) -> FloatArray:
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    tree: FloatArray = linkage(squareform(distance, checks=False), method=method, optimal_ordering=ordered)
    return tree


def _variance(covariance: FloatArray, members: Order) -> float:
    """Of the inverse-variance portfolio of a cluster."""
    inverse = 1.0 / np.diag(covariance)[members]
    return float(inverse @ covariance[np.ix_(members, members)] @ inverse / inverse.sum() ** 2)


def _bisected(covariance: FloatArray, order: Order) -> FloatArray:
    """Halves of the order, halved again down to one asset."""
    inverse = 1.0 / np.diag(covariance)[order]
    moved = covariance[np.ix_(order, order)] * np.outer(inverse, inverse)
    total = np.concatenate([[0.0], np.cumsum(inverse)])
    weights, parts = np.ones(len(order)), [(0, len(order))]
    while parts:
        first, last = parts.pop()
        middle = first + (last - first) // 2
        left = float(moved[first:middle, first:middle].sum()) / (total[middle] - total[first]) ** 2
        right = float(moved[middle:last, middle:last].sum()) / (total[last] - total[middle]) ** 2
        share = 1.0 - left / (left + right)
        weights[first:middle] *= share
        weights[middle:last] *= 1.0 - share
        parts += [part for part in ((first, middle), (middle, last)) if part[1] - part[0] > 1]
    out = np.empty(len(order))
    out[order] = weights
    return out


def _clusters(distance: FloatArray, tree: FloatArray, most: int) -> int:
    """How many: where the spread of distances within clusters, summed, bends most (the second difference)."""
    from scipy.cluster.hierarchy import is_monotonic

    if not is_monotonic(tree):
        raise Infeasible("this linkage makes a tree with inversions, which cannot be cut into clusters")
    limit = int(min(min(most, np.sqrt(len(distance))) + 2, len(distance)))
    inside: dict[int, float] = {}
    spread = [-np.inf]  # of 1 cluster, 2, 3, ...
    for node, *children in _splits(tree, limit):
        inside.pop(node, None)
        inside |= {child: _spread(distance, _leaves(tree, child)) for child in children}
        spread.append(sum(inside.values()))
    bend = np.array(spread)
    return int(np.argmax(bend[2:] + bend[:-2] - 2.0 * bend[1:-1])) + 1 if len(bend) > 2 else 1


def _splits(tree: FloatArray, clusters: int) -> list[tuple[int, int, int]]:
    """The merges that are undone to have so many clusters, the latest first: (node, left, right)."""
    assets = len(tree) + 1
    undone = range(2 * assets - 2, 2 * assets - 1 - clusters, -1)
    return [(node, int(tree[node - assets, 0]), int(tree[node - assets, 1])) for node in undone]


def _leaves(tree: FloatArray, node: int) -> Order:
    """The assets under a node."""
    assets, open_nodes, found = len(tree) + 1, [node], []
    while open_nodes:
        one = open_nodes.pop()
        if one < assets:
            found.append(one)
        else:
            open_nodes += [int(tree[one - assets, 0]), int(tree[one - assets, 1])]
    return np.sort(np.array(found, dtype=np.intp))


def _spread(distance: FloatArray, members: Order) -> float:
    """The standard deviation of the distances within a cluster; 0 for a single asset."""
    if len(members) < 2:
        return 0.0
    return float(distance[np.ix_(members, members)][np.triu_indices(len(members), 1)].std())


def _shared(covariance: FloatArray, tree: FloatArray, clusters: int) -> FloatArray:
    """Down the tree each side shares by the summed variance of its clusters; inside a cluster by inverse variance."""
    inverse = 1.0 / np.diag(covariance)
    splits = _splits(tree, clusters)
    parents = {node for node, _, _ in splits}
    whole = [child for _, *children in splits for child in children if child not in parents] or [2 * len(tree)]
    weights, risk = np.ones(len(covariance)), np.zeros(2 * len(tree) + 1)
    for node in whole:
        members = _leaves(tree, node)
        risk[node] = _variance(covariance, members)
        weights[members] = inverse[members] / inverse[members].sum()
    for node, left, right in reversed(splits):  # children come before their parents
        risk[node] = risk[left] + risk[right]
        weights[_leaves(tree, left)] *= 1.0 - risk[left] / risk[node]
        weights[_leaves(tree, right)] *= risk[left] / risk[node]
    return weights
