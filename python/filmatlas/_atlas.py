# SPDX-License-Identifier: MIT
"""The whole: a catalogue, its vectors, true neighbours, strict tree, names and map, as one value in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._embedding import Embedding, as_vectors
from ._errors import raise_invalid, raise_shape, raise_type
from ._hierarchy import LEVELS, Hierarchy
from ._layout import Layout, LayoutQuality
from ._neighbors import KnnGraph
from ._profiles import SourcesLike, as_sources, compose_profiles, source_fields
from ._progress import ProgressLike, progress_callback
from ._records import Records, as_records
from ._report import Report
from ._tables import Table
from ._territories import Territories
from ._text import LsaEncoder
from ._validation import (
    as_counts_per_level,
    as_float,
    as_int,
    as_matrix,
    as_names,
    as_seed,
    as_text,
    as_texts,
)
from ._values import Value, figure

_ROLES = ("title", "time", "link", "summary")


class Neighbor(NamedTuple):
    """A full-space neighbour of an item."""

    id: str
    title: str
    similarity: float
    distance: float
    row: int


class SearchHit(NamedTuple):
    """An item whose title matches: 4 exact, 3 prefix, 2 prefix of a word, 1 substring, below 1 similar spelling."""

    id: str
    title: str
    score: float
    row: int


class Label(NamedTuple):
    """Name of a node, where it came from ("keywords" or "writer"), and the terms it rests on."""

    text: str
    origin: str
    keywords: list[str]


@dataclass(frozen=True)
class Explanation:
    """Why two items are similar.

    Attributes
    ----------
    similarity : float
    shares : dict
        Source -> its part of the similarity; parts sum to it.
    exact_shares : bool
        Whether the vectors have one part per source; else shares are of the shared terms' weight.
    shared_terms : list of (term, weight, sources)
        Heaviest first.
    neighbor_rank : int
        Place of b among a's neighbours, 1 = nearest; 0 = not among the stored ones.
    common_path : list of str
        Labels of the nodes that hold both, coarse to fine.
    """

    a: str
    b: str
    similarity: float
    shares: dict[str, float]
    exact_shares: bool
    shared_terms: list[tuple[str, float, list[str]]]
    neighbor_rank: int
    common_path: list[str]

    def __str__(self) -> str:
        lines = [f"{self.a} ~ {self.b}: similarity {self.similarity:.3f}"]
        if self.neighbor_rank:
            lines.append(f"  neighbour no. {self.neighbor_rank}")
        if self.common_path:
            lines.append(f"  both in {' > '.join(self.common_path)}")
        if self.shares:
            lines.append("  from " + ", ".join(f"{name} {share:+.3f}" for name, share in self.shares.items()))
        if self.shared_terms:
            lines.append("  shared: " + ", ".join(term for term, _, _ in self.shared_terms))
        return "\n".join(lines)


@dataclass(frozen=True)
class Placement:
    """Where a new item belongs: its neighbours, path of labels and node ids, position on the map, confidence.

    `confidence` is the share of the neighbours that lie in the placed finest node.
    """

    neighbors: list[Neighbor]
    path: list[str]
    nodes: list[int]
    position: tuple[float, ...]
    confidence: float


Encoder = Callable[[list[str]], Any]


def _resolve_encoder(encoder: Any) -> Encoder | None:
    """A callable texts -> vectors from a callable, a model with `encode`, or a sentence-transformers model name."""
    if encoder is None:
        return None
    if isinstance(encoder, str):
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise ImportError(
                f"encoder={encoder!r} needs sentence-transformers, which is not installed; "
                'pip install "filmatlas[encoders]", or pass embeddings or a callable'
            ) from None
        encoder = SentenceTransformer(encoder)
    if hasattr(encoder, "encode"):
        model = encoder
        return lambda texts: model.encode(texts)
    if callable(encoder):
        return encoder  # type: ignore[no-any-return]
    raise_type("encoder", f"{encoder!r} is neither a callable, a model with encode() nor the name of one")


def _encode(encoder: Encoder, texts: list[str], where: str) -> Any:
    """Vectors of texts; a text without content gets a zero row, which means 'no vector'."""
    vectors = as_matrix(encoder(texts), where, "the encoder's result")
    if vectors.shape[0] != len(texts):
        raise_shape(where, f"the encoder returned {vectors.shape[0]} vectors for {len(texts)} texts")
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty:
        vectors = np.array(vectors)
        vectors[empty] = 0
    return vectors


def _given_vectors(
    embeddings: Any, weights: Mapping[str, float] | None, n: int
) -> list[tuple[str, Any, float]]:
    where = "Atlas.build"
    if embeddings is None:
        return []
    if isinstance(embeddings, Embedding):
        given = {part.name: embeddings.vectors[:, part.begin : part.end] for part in embeddings.parts}
        own = {part.name: part.weight for part in embeddings.parts}
    elif isinstance(embeddings, Mapping):
        given, own = dict(embeddings), {}
    else:
        given, own = {"embedding": embeddings}, {}
    if not given:
        raise_invalid(
            where, "embeddings is an empty dictionary", "pass vectors, or None for the built-in encoder"
        )
    unknown = sorted(set(weights or ()) - set(given))
    if unknown:
        raise_invalid(
            where, f"weights name {unknown[0]!r}, which is no embedding", f"embeddings: {', '.join(given)}"
        )
    out = []
    for name, value in given.items():
        vectors = as_vectors(value, where, f"embeddings[{name!r}]")
        if vectors.shape[0] != n:
            raise_shape(
                where,
                f"embeddings[{name!r}] has {vectors.shape[0]} rows, there are {n} records",
                "row i of the vectors has to belong to record i",
            )
        weight = (weights or own).get(name, 1.0)
        out.append((str(name), vectors, as_float(weight, where, f"weights[{name!r}]")))
    return out


class Atlas(Value):
    """A finished atlas. Made by :meth:`build` or :meth:`load`.

    Items are named by their id (a str) or by their row (an int) wherever an item is asked for.
    """

    __slots__ = ("_encoder",)
    _encoder: Encoder | None

    def __init__(self) -> None:
        raise TypeError("an Atlas is made by Atlas.build(records) or Atlas.load(path)")

    @classmethod
    def _of(cls, core: Any, encoder: Encoder | None = None) -> Atlas:
        atlas = cls._wrap(core)
        atlas._encoder = encoder
        return atlas

    # --- making, storing ---------------------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        records: Any,
        embeddings: Any = None,
        *,
        sources: SourcesLike = None,
        weights: Mapping[str, float] | None = None,
        title: str = "Atlas",
        roles: Mapping[str, str] | None = None,
        encoder: Any = None,
        encode_sources: bool = False,
        levels: Sequence[str] = LEVELS,
        n_clusters: Sequence[int] | None = None,
        n_neighbors: int = 15,
        metric: str = "cosine",
        profile_tokens: int = 0,
        include_titles: bool = False,
        encoder_components: int = 256,
        keywords_per_node: int = 10,
        representatives_per_node: int = 5,
        stop_words: str | None = "english",
        on_invalid: str = "error",
        private_columns: Sequence[str] = (),
        id_column: str | None = None,
        map_mode: str = "plain",
        exact_trust: bool | None = None,
        seed: int = 42,
        num_threads: int = 0,
        progress: ProgressLike = None,
    ) -> Atlas:
        """Builds an atlas from records, and vectors if there are any.

        Parameters
        ----------
        records
            Anything that :func:`read_records` takes: a path, dictionaries, columns, a table.
        embeddings
            An (n, d) array, an Embedding, a path to ``.npy`` / ``.npz``, or a dictionary name -> array or path:
            then similarities split exactly into the shares of the names. Without it the built-in encoder (TF-IDF and
            truncated SVD of the composed profiles) makes the vectors.
        sources
            What an item is about: list of Source, names or dictionaries, or {name: weight}; default: found.
        weights
            Name -> weight of `embeddings`; default equal.
        roles
            Which columns are "title", "time", "link", "summary"; found by name and kind where absent.
        encoder
            A callable texts -> (n, d), a model with ``encode``, or the name of a sentence-transformers model:
            encodes the composed profiles (not stored in the file; `place` uses it in this process).
        encode_sources
            With `encoder`: one vector per source, combined by the sources' weights, so that similarities split.
        levels, n_clusters
            Names and counts of the tree's levels, coarse to fine; counts are found where absent.
        n_neighbors, metric
            True neighbours kept per item.
        on_invalid
            Items without a usable vector: "error", or "quarantine" to carry them through, listed.
        private_columns
            Columns that never leave in an export.
        map_mode
            "plain", or "territories": every node of the tree owns one piece of the map that holds all its items, see
            :func:`atlas_map`. The plain map is laid out too, so that `plain_quality` can tell the price.
        exact_trust
            Whether trust and continuity are counted for every item; default up to 30,000 items, above that for 5,000
            drawn ones. Costs about as much as the neighbours do.
        progress
            True for a bar, or a callable (stage, done, total).

        Returns
        -------
        Atlas
            The same bytes for any number of threads and any processor.
        """
        where = "Atlas.build"
        given_roles = dict(roles or {})
        unknown = sorted(set(given_roles) - set(_ROLES))
        if unknown:
            raise_invalid(where, f"{unknown[0]!r} is not a role", f"roles: {', '.join(_ROLES)}")
        if embeddings is not None and encoder is not None:
            raise_invalid(where, "both embeddings and encoder were given", "pass one of them")
        if map_mode not in ("plain", "territories"):
            raise_invalid(where, f"map_mode = {map_mode!r}", "use plain or territories")
        data = as_records(records, private_columns=private_columns, id_column=id_column)
        threads = as_int(num_threads, where, "num_threads")
        encode = _resolve_encoder(encoder)
        vectors = _given_vectors(embeddings, weights, len(data))
        with progress_callback(progress) as callback:
            if encode is not None:
                vectors = _encoded(
                    data, encode, sources, weights, encode_sources, profile_tokens, include_titles
                )
            core = _core.build_atlas(
                data._core,
                data._cleaning,
                vectors,
                as_text(title),
                {role: given_roles.get(role) or "" for role in _ROLES},
                source_fields(sources),
                callback,
                profile_tokens=as_int(profile_tokens, where, "profile_tokens", low=0, high=2**62),
                include_titles=bool(include_titles),
                n_neighbors=as_int(n_neighbors, where, "n_neighbors"),
                metric=metric,
                level_names=as_names(levels, where, "levels"),
                n_clusters=as_counts_per_level(n_clusters, where),
                encoder_components=as_int(encoder_components, where, "encoder_components"),
                keywords_per_node=as_int(keywords_per_node, where, "keywords_per_node"),
                representatives_per_node=as_int(representatives_per_node, where, "representatives_per_node"),
                stop_words=stop_words or "",
                on_invalid=on_invalid,
                seed=as_seed(seed, where, "seed"),
                num_threads=threads,
                map_territories=map_mode == "territories",
                exact_trust=None if exact_trust is None else bool(exact_trust),
            )
        return cls._of(core, None if encode_sources else encode)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Atlas:
        """Reads an ``.fatlas`` file; checksums first, then structure."""
        return cls._of(_core.load_atlas(os.fspath(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one checksummed file, atomically: after any failure the old file is still there."""
        _core.save_atlas(self._core, os.fspath(path))

    def to_bytes(self) -> bytes:
        """Content of the file; the same for the same atlas."""
        packed: bytes = _core.pack_atlas(self._core)
        return packed

    @classmethod
    def from_bytes(cls, data: bytes) -> Atlas:
        """Reads the content of a file."""
        return cls._of(_core.unpack_atlas(bytes(data)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.to_bytes(),)

    # --- the values --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._core)

    @property
    def title(self) -> str:
        """Title of the atlas."""
        return str(self._core.title)

    @property
    def roles(self) -> dict[str, str]:
        """Columns by role: title, time, link, summary; "" = none."""
        roles: dict[str, str] = self._core.roles
        return roles

    @property
    def records(self) -> Records:
        """The catalogue."""
        return Records._wrap(self._core.records, self._core.cleaning)

    @property
    def ids(self) -> list[str]:
        """Ids, one per item."""
        return self.records.ids

    @property
    def embedding(self) -> Embedding:
        """The vectors as used."""
        return Embedding._wrap(self._core.embedding)

    @property
    def graph(self) -> KnnGraph:
        """True neighbours in the full space."""
        return KnnGraph._wrap(self._core.graph)

    @property
    def hierarchy(self) -> Hierarchy:
        """The strict tree."""
        return Hierarchy._wrap(self._core.hierarchy)

    @property
    def layout(self) -> Layout:
        """The map with its quality, per item too."""
        return Layout._of(self._core.layout)

    @property
    def territories(self) -> Territories | None:
        """What each node owns on the map; None in files of older versions."""
        land = self._core.territories
        return None if land is None else Territories._wrap(land)

    @property
    def plain_quality(self) -> LayoutQuality | None:
        """What the plain map would keep, where the map gives every node one piece of land; else None.

        The difference to ``layout.quality`` is the price. No figures per item.
        """
        fields = self._core.plain_quality
        return None if fields is None else LayoutQuality(**fields)

    @property
    def strength(self) -> Any:
        """(n, levels): how clearly an item belongs to its node."""
        return self._core.strength

    @property
    def labels(self) -> list[Label]:
        """One label per node, in node order."""
        return [Label(*label) for label in self._core.labels]

    def with_labels(self, labels: Any) -> Atlas:
        """The same atlas with other labels: a new value, which saves and exports them.

        Parameters
        ----------
        labels : LabelRun, or list of str
            A run of :func:`write_labels`, whose accepted labels count as the writer's; or one label per node, where
            those that differ from the present ones do. Empty labels, markup, a parent's text and repeated paths are
            refused.
        """
        from ._labels import LabelRun

        if isinstance(labels, LabelRun):
            texts, written = list(labels.labels), [origin == "writer" for origin in labels.origins]
        else:
            texts = as_names(labels, "Atlas.with_labels", "labels")
            written = [True] * len(texts)
        return Atlas._of(self._core.with_labels(texts, written), self._encoder)

    @property
    def keywords(self) -> list[list[tuple[str, float]]]:
        """Per node, its terms with scores, best first."""
        keywords: list[list[tuple[str, float]]] = self._core.keywords
        return keywords

    @property
    def representatives(self) -> list[list[int]]:
        """Per node, the rows of the items that stand for it."""
        rows: list[list[int]] = self._core.representatives
        return rows

    @property
    def encoder(self) -> LsaEncoder | None:
        """The built-in encoder; None when the vectors were given."""
        if self._core.encoder is None:
            return None
        encoder = LsaEncoder._wrap(self._core.encoder)
        encoder.vectors, encoder.empty_texts = None, None
        return encoder

    @property
    def profiles(self) -> dict[str, Any]:
        """Sources of the profiles: source_names, source_weights, token_shares."""
        profiles: dict[str, Any] = self._core.profiles
        return profiles

    def source_texts(self, source: str) -> list[str]:
        """Text of one source, per item."""
        names = self.profiles["source_names"]
        if source not in names:
            raise_invalid(
                "Atlas.source_texts", f"there is no source {source!r}", f"sources: {', '.join(names)}"
            )
        texts: list[str] = self._core.source_texts(names.index(source))
        return texts

    @property
    def provenance(self) -> dict[str, Any]:
        """How the atlas came to be: version, options as resolved, hashes of records and vectors, encoder."""
        fields: dict[str, Any] = dict(self._core.provenance)
        fields["options"] = json.loads(fields["options"]) if fields["options"] else {}
        return fields

    # --- questions ---------------------------------------------------------------------------------------------

    def row(self, item: str | int) -> int:
        """Row of an item from its id (str) or row (int)."""
        if isinstance(item, str):
            return int(_core.find_item(self._core, as_text(item)))
        return as_int(item, "Atlas", "item", low=0, high=len(self) - 1)

    def item_title(self, item: str | int) -> str:
        """Title of an item, or its id where the title is missing."""
        return str(_core.item_title(self._core, self.row(item)))

    def path(self, item: str | int) -> list[str]:
        """Labels of the nodes that hold an item, coarse to fine."""
        hierarchy = self._core.hierarchy
        leaf = int(hierarchy.leaves()[self.row(item)])
        return self._path_labels(hierarchy.path(leaf))

    def _path_labels(self, nodes: Iterable[int]) -> list[str]:
        labels = self._core.labels
        return [labels[node][0] for node in nodes]

    def _neighbors(self, found: Iterable[tuple[int, float, float]], ids: list[str]) -> list[Neighbor]:
        return [
            Neighbor(ids[row], _core.item_title(self._core, row), similarity, distance, row)
            for row, distance, similarity in found
        ]

    def neighbors(self, item: str | int, k: int = 10) -> list[Neighbor]:
        """True neighbours of an item in the full space, nearest first; at most `graph.k` are stored."""
        found = _core.item_neighbors(self._core, self.row(item), as_int(k, "Atlas.neighbors", "k", low=0))
        return self._neighbors(found, self.ids)

    def search(self, query: str, limit: int = 10) -> list[SearchHit]:
        """Items whose title matches, case and diacritics folded, best first."""
        if not isinstance(query, str):
            raise_type("Atlas.search", f"query is a {type(query).__name__}, expected a text")
        hits = _core.search_titles(self._core, as_text(query), as_int(limit, "Atlas.search", "limit", low=0))
        ids = self.ids
        return [SearchHit(ids[row], _core.item_title(self._core, row), score, row) for row, score in hits]

    def explain(self, a: str | int, b: str | int, *, max_terms: int = 12) -> Explanation:
        """Why two items are similar: shares of the sources, shared terms, common place in the tree."""
        first, second = self.row(a), self.row(b)
        fields = _core.explain(
            self._core, first, second, as_int(max_terms, "Atlas.explain", "max_terms", low=0)
        )
        node = fields["common_node"]
        return Explanation(
            a=self.item_title(first),
            b=self.item_title(second),
            similarity=fields["similarity"],
            shares=dict(fields["shares"]),
            exact_shares=fields["exact_shares"],
            shared_terms=fields["shared_terms"],
            neighbor_rank=fields["neighbor_rank"],
            common_path=[] if node < 0 else self._path_labels(self._core.hierarchy.path(node)),
        )

    def place(self, items: Any, k: int = 10, *, num_threads: int = 0) -> list[Placement]:
        """Places new items: neighbours, path in the tree, position on the map.

        Parameters
        ----------
        items : list of str, or (m, d) vectors
            Texts need the built-in encoder, or an atlas built in this process with `encoder`.
        k : int
            Neighbours that vote.

        Notes
        -----
        One by one equals together; vectors of an item of the atlas land on that item.
        """
        where = "Atlas.place"
        neighbors = as_int(k, where, "k")
        threads = as_int(num_threads, where, "num_threads")
        if isinstance(items, str):
            raise_type(where, "items is one text, expected a list of texts or vectors", "pass [text]")
        if _are_texts(items):
            texts = as_texts(items, where, "items")
            if self._encoder is None:
                placed = _core.place_texts(self._core, texts, neighbors, threads)
            else:
                placed = _core.place_vectors(
                    self._core, _encode(self._encoder, texts, where), neighbors, threads
                )
        else:
            placed = _core.place_vectors(self._core, as_matrix(items, where, "items"), neighbors, threads)
        ids = self.ids
        return [
            Placement(
                neighbors=self._neighbors(fields["neighbors"], ids),
                path=self._path_labels(fields["path"]),
                nodes=fields["path"],
                position=tuple(fields["position"]),
                confidence=fields["confidence"],
            )
            for fields in placed
        ]

    # --- audit, export -----------------------------------------------------------------------------------------

    def report(self) -> Report:
        """Every promise of the atlas checked: records, vectors, neighbours, tree, names, map."""
        return Report._wrap(_core.validate_atlas(self._core))

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        n_neighbors: int = 10,
        columns: Sequence[str] | None = None,
        attributions: Sequence[str] = (),
    ) -> None:
        """Writes the offline page: one ``.html`` file, or a folder with index.html, tables and report.

        Only public columns leave. `columns` selects among them; `attributions` are lines for the footer.
        """
        _core.export_site(
            self._core, os.fspath(path), *_site_fields("Atlas.export", n_neighbors, columns, attributions)
        )

    def to_html(
        self, *, n_neighbors: int = 10, columns: Sequence[str] | None = None, attributions: Sequence[str] = ()
    ) -> str:
        """The offline page as text."""
        fields = _site_fields("Atlas.to_html", n_neighbors, columns, attributions)
        return str(_core.render_site(self._core, *fields))

    def check_html(self, html: str) -> Report:
        """Reads an exported page back and holds it against the atlas."""
        return Report._wrap(_core.validate_site(self._core, html))

    def table(self, name: str = "items", *, private: bool = False) -> Table:
        """ "items", "nodes" or "neighbors" as a flat table; private columns only when asked for."""
        if name == "items":
            return self._items(private)
        if name == "nodes":
            return self._nodes()
        if name == "neighbors":
            return self._neighbor_table()
        raise_invalid("Atlas.table", f"there is no table {name!r}", "tables: items, nodes, neighbors")

    def to_pandas(self, name: str = "items", *, private: bool = False) -> Any:
        """Table `name` as a pandas.DataFrame."""
        return self.table(name, private=private).to_pandas()

    def to_polars(self, name: str = "items", *, private: bool = False) -> Any:
        """Table `name` as a polars.DataFrame."""
        return self.table(name, private=private).to_polars()

    def to_arrow(self, name: str = "items", *, private: bool = False) -> Any:
        """Table `name` as a pyarrow.Table."""
        return self.table(name, private=private).to_arrow()

    def to_parquet(self, path: str | os.PathLike[str], name: str = "items", *, private: bool = False) -> None:
        """Writes table `name` as a Parquet file."""
        self.table(name, private=private).to_parquet(path)

    def to_csv(self, name: str = "items") -> str:
        """Table `name` as CSV text, safe against formula injection; public columns only."""
        writers = {"items": _core.items_csv, "nodes": _core.nodes_csv, "neighbors": _core.neighbors_csv}
        if name not in writers:
            raise_invalid("Atlas.to_csv", f"there is no table {name!r}", "tables: items, nodes, neighbors")
        return str(writers[name](self._core))

    def _items(self, private: bool) -> Table:
        columns: dict[str, Any] = {}
        for name, values in self.records.table(private=private).items():
            # Scored tags as lists of pairs: a structure with one field per tag would be as wide as the vocabulary.
            scored = self.records.kinds.get(name) == "scored_tags"
            columns[name] = [list(row) for row in values] if scored else values
        hierarchy, labels = self.hierarchy, [label.text for label in self.labels]
        for level, name in enumerate(hierarchy.levels):
            nodes = (hierarchy.labels(level) + hierarchy.level_begin[level]).tolist()
            columns[_free_name(name, columns)] = [labels[node] for node in nodes]
        for name, values in zip("xyz", self.layout.coordinates.T):
            columns[_free_name(name, columns)] = np.ascontiguousarray(values)
        quality = self.layout.quality
        if quality is not None:
            for name, values in (
                ("kept_neighbors", quality.kept_per_item),
                ("trust", quality.trust_per_item),
                ("continuity", quality.continuity_per_item),
            ):
                if values is not None and len(values) == len(self):
                    columns[_free_name(name, columns)] = values
        return Table(columns)

    def _nodes(self) -> Table:
        hierarchy, labels = self.hierarchy, self.labels
        array = hierarchy.node_array
        paths = [
            " > ".join(labels[node].text for node in hierarchy.path(i)) for i in range(hierarchy.num_nodes)
        ]
        return Table(
            {
                "node": np.arange(hierarchy.num_nodes, dtype=np.int32),
                "level": [hierarchy.levels[level] for level in array[:, 2].tolist()],
                "parent": np.ascontiguousarray(array[:, 3]),
                "size": np.ascontiguousarray(array[:, 1] - array[:, 0]),
                "label": [label.text for label in labels],
                "path": paths,
                "keywords": [[term for term, _ in terms] for terms in self.keywords],
            }
        )

    def _neighbor_table(self) -> Table:
        graph, ids = self.graph, np.array(self.ids, dtype=object)
        valid = graph.indices >= 0
        rows, slots = np.nonzero(valid)
        return Table(
            {
                "id": ids[rows].tolist(),
                "rank": (slots + 1).astype(np.int32),
                "neighbor_id": ids[graph.indices[valid]].tolist(),
                "distance": graph.distances[valid],
            }
        )

    def __repr__(self) -> str:
        hierarchy = self.hierarchy
        counts = np.diff(hierarchy.level_begin)
        levels = ", ".join(f"{count} {name}" for count, name in zip(counts, hierarchy.levels))
        d = self.embedding.vectors.shape[1]
        return f"Atlas({self.title!r}: {figure(len(self))} items, {d} dimensions; {levels})"


def _rebuild(data: bytes) -> Atlas:
    return Atlas.from_bytes(data)


def _free_name(name: str, columns: Mapping[str, Any]) -> str:
    """`name`, or with underscores where a column of the catalogue has it already."""
    while name in columns:
        name += "_"
    return name


def _are_texts(items: Any) -> bool:
    if isinstance(items, np.ndarray):
        return items.dtype.kind in "OU" and items.ndim == 1
    if hasattr(items, "dtype") and getattr(items, "ndim", 2) == 1:  # a pandas or polars series
        return not hasattr(items, "columns")
    return isinstance(items, Sequence) and all(isinstance(item, str) or item is None for item in items)


def _site_fields(
    where: str, n_neighbors: int, columns: Sequence[str] | None, attributions: Sequence[str]
) -> tuple[int, list[str], list[str]]:
    chosen = [] if columns is None else as_names(columns, where, "columns")
    if columns is not None and not chosen:
        raise_invalid(
            where, "columns is an empty list", "name at least one column, or leave it out for all public ones"
        )
    return as_int(n_neighbors, where, "n_neighbors"), chosen, as_names(attributions, where, "attributions")


def _encoded(
    data: Records,
    encode: Encoder,
    sources: SourcesLike,
    weights: Mapping[str, float] | None,
    by_source: bool,
    profile_tokens: int,
    include_titles: bool,
) -> list[tuple[str, Any, float]]:
    where = "Atlas.build"
    profiles = compose_profiles(
        data, as_sources(sources), max_tokens=profile_tokens, include_titles=include_titles
    )
    if not by_source:
        if weights:
            raise_invalid(where, "weights need embeddings by name, or encode_sources=True")
        return [("embedding", _encode(encode, profiles.texts, where), 1.0)]
    unknown = sorted(set(weights or ()) - set(profiles.sources))
    if unknown:
        raise_invalid(
            where,
            f"weights name {unknown[0]!r}, which is no source",
            f"sources: {', '.join(profiles.sources)}",
        )
    own = {**profiles.weights, **(weights or {})}
    return [
        (name, _encode(encode, texts, where), as_float(own[name], where, "weights"))
        for name, texts in profiles.source_texts.items()
    ]
