# SPDX-License-Identifier: MIT
"""Several vectors per item: exact shares of every source, which source decides, and weights that balance them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import _core
from ._embedding import Embedding
from ._errors import raise_invalid, raise_type
from ._neighbors import KnnGraph
from ._progress import ProgressLike, progress_callback
from ._tables import Table
from ._validation import as_float, as_int, as_matrix, as_seed
from ._values import RunInfo, announce, figure

SourceVectors = Any  #: {name: (n, d_s) vectors}, or an Embedding with parts


def source_vectors(
    sources: SourceVectors, weights: Mapping[str, float] | None, where: str
) -> list[tuple[str, Any, float]]:
    """(name, vectors, weight) per source, as the core takes them."""
    if isinstance(sources, Embedding):
        parts = sources.parts
        sources = {part.name: sources.vectors[:, part.begin : part.end] for part in parts}
        weights = {part.name: part.weight for part in parts} if weights is None else weights
    if not isinstance(sources, Mapping) or not sources:
        raise_type(where, f"sources is a {type(sources).__name__}, expected a dictionary name -> vectors")
    unknown = sorted(set(weights or ()) - set(sources))
    if unknown:
        raise_invalid(
            where, f"weights name {unknown[0]!r}, which is no source", f"sources: {', '.join(sources)}"
        )
    return [
        (
            str(name),
            as_matrix(vectors, where, str(name)),
            as_float((weights or {}).get(name, 1.0), where, "weights"),
        )
        for name, vectors in sources.items()
    ]


@dataclass(frozen=True)
class PairSimilarity:
    """Similarity of two items, split into what every source gives.

    Attributes
    ----------
    cosine : float
        Of the whole: the sum of `shares`.
    shares : dict of str to float
        0 where a source is missing in either item.
    cosines : dict of str to float
        Of each source alone; NaN where it is missing in either item.
    weights : dict of str to float
        As renormalised for this pair, over the sources that both items have.
    comparable : bool
        Whether they have a source in common.
    exact : bool
        False where the shares rest on a convention (fusion "average").
    """

    cosine: float
    shares: dict[str, float]
    cosines: dict[str, float]
    weights: dict[str, float]
    comparable: bool
    exact: bool

    def __str__(self) -> str:
        about = "" if self.exact else "about "
        parts = ", ".join(f"{name} {about}{share:.3f}" for name, share in self.shares.items())
        return f"{self.cosine:.3f} = {parts}"


def pair_similarity(
    sources: SourceVectors,
    a: int,
    b: int,
    *,
    weights: Mapping[str, float] | None = None,
    fusion: str = "concatenate",
    missing: str = "pair",
    fused: Any = None,
) -> PairSimilarity:
    """Similarity of items a and b, and the share of every source in it.

    Parameters
    ----------
    sources : dictionary name -> (n, d_s) vectors, or an Embedding with parts
        Any norms; a zero or NaN row means that the item lacks this source.
    weights : dictionary name -> weight >= 0, optional
        Scaled to sum 1; default equal, or those of the Embedding.
    fusion : str
        "concatenate": the weighted mean of the sources' cosines, over the sources that both items have; shares are
        exact. "average": the cosine of the weighted mean vectors (all of one length); products of two sources are
        split half and half, so the shares are marked as not exact. "early": the cosine of one vector per item, given as
        `fused`; shares follow the sources' own cosines and are not exact either.
    missing : str
        "pair": weights sum to 1 over the sources that both items have. "item": over those that each has, as in
        :func:`combine_embeddings`; what only one of the two has then counts as unlike.
    fused : (n, d) vectors, optional
        Of the composed texts.
    """
    where = "pair_similarity"
    given = source_vectors(sources, weights, where)
    last = given[0][1].shape[0] - 1
    if (fusion == "early") != (fused is not None):
        raise_invalid(
            where, f"fusion is {fusion!r}", "fused vectors belong to fusion='early', and to no other"
        )
    fields = _core.pair_similarity(
        given,
        as_int(a, where, "a", low=0, high=last),
        as_int(b, where, "b", low=0, high=last),
        fusion,
        missing,
        None if fused is None else as_matrix(fused, where, "fused"),
    )
    names = [name for name, _, _ in given]
    return PairSimilarity(
        fields["cosine"],
        dict(zip(names, fields["shares"])),
        dict(zip(names, fields["cosines"])),
        dict(zip(names, fields["weights"])),
        fields["comparable"],
        fields["exact"],
    )


@dataclass(frozen=True)
class SourceLinks:
    """The most similar items of every item, with the share of every source in every link.

    Attributes
    ----------
    indices : (n, k) int32
        Most similar first; -1 where there are fewer.
    cosines : (n, k) float32
    shares : dict of str to (n, k) float32
        They sum to `cosines`.
    """

    indices: Any
    cosines: Any
    shares: dict[str, Any]

    def graph(self) -> KnnGraph:
        """The links as a KnnGraph under the cosine metric."""
        distances = 1.0 - self.cosines
        distances[self.indices < 0] = float("inf")
        return KnnGraph(self.indices, distances, metric="cosine", method="given")

    def __repr__(self) -> str:
        n, k = self.indices.shape
        return f"SourceLinks({figure(n)} items x {k} links; {', '.join(self.shares)})"


def source_links(
    sources: SourceVectors,
    k: int = 10,
    *,
    weights: Mapping[str, float] | None = None,
    missing: str = "pair",
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> SourceLinks:
    """Exact neighbours by the weighted mean of the sources' cosines, each link split into its sources' shares.

    With `missing` "pair" nothing is pushed away by what it lacks; with "item" the links are those of
    :func:`combine_embeddings`. Time grows with n squared; memory with n.
    """
    where = "source_links"
    given = source_vectors(sources, weights, where)
    with progress_callback(progress) as callback:
        indices, cosines, shares = _core.source_links(
            given, as_int(k, where, "k"), missing, as_int(num_threads, where, "num_threads"), callback
        )
    return SourceLinks(indices, cosines, {name: share for (name, _, _), share in zip(given, shares)})


@dataclass(frozen=True)
class DominanceReport:
    """Which source decides who is whose neighbour.

    Attributes
    ----------
    sources : list of dict
        Per source: name, weight, items, random_mean and random_deviation (of its cosine over random pairs), share (of
        the links' similarity above random pairs), raw_share, overlap_without (neighbours that stay when it is left
        out), overlap_alone (neighbours that it finds alone), shapley (exact; NaN with more than 6 sources).
    dominance : float
        Largest share: 1 / sources = balanced, 1 = one source decides alone.
    balance : float
        Entropy of the shares, 1 = equal.
    """

    sources: list[dict[str, Any]]
    dominance: float
    balance: float
    items: int
    links: int
    chance_overlap: float

    @property
    def shares(self) -> dict[str, float]:
        """Share of each source."""
        return {row["name"]: row["share"] for row in self.sources}

    def table(self) -> Table:
        """One row per source."""
        return Table({name: [row[name] for row in self.sources] for name in self.sources[0]})

    def to_pandas(self) -> Any:
        """One row per source, as a pandas.DataFrame."""
        return self.table().to_pandas()

    def __repr__(self) -> str:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        return f"DominanceReport({shares}; {figure(self.links)} links)"


def source_dominance(
    sources: SourceVectors,
    *,
    weights: Mapping[str, float] | None = None,
    k: int = 10,
    max_items: int = 2000,
    random_pairs: int = 20000,
    missing: str = "pair",
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> DominanceReport:
    """How much of the neighbour links every source accounts for, above what random pairs have.

    Parameters
    ----------
    sources, weights
        See :func:`pair_similarity`.
    k : int
        Links per item.
    max_items : int
        Items whose links are looked at (among all items), a random sample of larger catalogues.
    random_pairs : int
        Pairs that centre the cosines: a source whose cosines are all near 0.7 tells nobody apart.
    missing : str
        See :func:`pair_similarity`.
    """
    where = "source_dominance"
    given = source_vectors(sources, weights, where)
    with progress_callback(progress) as callback:
        fields = _core.source_dominance(
            given, *_link_fields(k, max_items, random_pairs, random_state, missing, num_threads, where), callback
        )
    return DominanceReport(**fields)


def _link_fields(
    k: Any, max_items: Any, random_pairs: Any, random_state: Any, missing: str, num_threads: Any, where: str
) -> tuple[int, int, int, int, str, int]:
    """Which links are looked at, as the core takes it."""
    return (
        as_int(k, where, "k"),
        as_int(max_items, where, "max_items", high=2**62),
        as_int(random_pairs, where, "random_pairs", high=2**62),
        as_seed(random_state, where),
        missing,
        as_int(num_threads, where, "num_threads"),
    )


@dataclass(frozen=True)
class BalancedWeights:
    """Weights found by :func:`auto_balance`.

    Attributes
    ----------
    weights : dict of str to float
        Sum 1.
    shares : dict of str to float
        That they gave, on the links looked at.
    worst : float
        Largest distance of a share from its target.
    run : RunInfo
    limited_by : str, optional
        The source that stays below its target even with all weight on it: then the targets are out of reach.
    """

    weights: dict[str, float]
    shares: dict[str, float]
    worst: float
    run: RunInfo
    limited_by: str | None = None


def auto_balance(
    sources: SourceVectors,
    targets: Mapping[str, float] | Sequence[float] | None = None,
    *,
    tolerance: float = 0.01,
    max_iterations: int = 60,
    k: int = 10,
    max_items: int = 1000,
    random_pairs: int = 20000,
    missing: str = "pair",
    random_state: Any = 42,
    num_threads: int = 0,
    progress: ProgressLike = None,
) -> BalancedWeights:
    """Weights under which every source has its target share of the neighbour links.

    Parameters
    ----------
    sources
        See :func:`pair_similarity`.
    targets : dictionary name -> share, or a list in the order of the sources
        Scaled to sum 1; default equal. 0 switches a source off.
    tolerance : float
        Largest distance from a target that ends the search.
    k, max_items, random_pairs, missing
        See :func:`source_dominance`. A source that many items lack has no share in the links of items without it, and
        with `missing` "pair" links between items that share one other source win. Targets that no weights reach are
        reported: the result then is the nearest one, and `limited_by` names the source.
    """
    where = "auto_balance"
    given = source_vectors(sources, None, where)
    names = [name for name, _, _ in given]
    if isinstance(targets, Mapping):
        if set(targets) != set(names):
            raise_invalid(
                where, f"targets name {sorted(targets)}, the sources are {sorted(names)}", "one per source"
            )
        wanted = [as_float(targets[name], where, "targets") for name in names]
    else:
        wanted = [as_float(target, where, "targets") for target in targets or ()]
    with progress_callback(progress) as callback:
        fields = _core.auto_balance(
            given,
            wanted,
            as_float(tolerance, where, "tolerance"),
            as_int(max_iterations, where, "max_iterations"),
            *_link_fields(k, max_items, random_pairs, random_state, missing, num_threads, where),
            callback,
        )
    announce(fields["run"])
    return BalancedWeights(
        dict(zip(names, fields["weights"])),
        dict(zip(names, fields["shares"])),
        fields["worst"],
        RunInfo._of(fields["run"]),
        fields["limited_by"] or None,
    )
