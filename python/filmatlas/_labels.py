# SPDX-License-Identifier: MIT
"""Labels with evidence: what a writer gets to see of a node, the gates its answer has to pass, and who wrote what."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import raise_invalid, raise_shape, raise_type
from ._hierarchy import Hierarchy, hierarchy_core
from ._neighbors import KnnGraph
from ._tables import Table
from ._text import StopWords, class_tfidf, count_terms, node_keywords
from ._topics import border_items, diverse_representatives
from ._validation import as_int, as_text, as_texts, as_vector64
from ._values import CsrMatrix, Value, figure

Writer = Callable[[dict[str, Any]], Any]

_ANSWER_LIMIT = 100_000  # characters of an answer that are looked at
_KEPT = 200  # characters of a refused answer that the history keeps


@dataclass(frozen=True)
class Gate:
    """What one gate found.

    Attributes
    ----------
    code, name : str
        "L1" .. "L10" and "length", "support", "coverage", "separation", "unique", "title_leak", "contradiction",
        "children", "stability", "hygiene".
    passed : bool
    value, threshold : float
        The figure measured and the bar it was held to.
    message : str
        What was found, one sentence.
    terms, items, nodes : tuple
        The evidence: words, rows of items, nodes concerned.
    """

    code: str
    name: str
    passed: bool
    value: float
    threshold: float
    message: str
    terms: tuple[str, ...] = ()
    items: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A label judged by all gates; true when it was accepted."""

    node: int
    label: str
    accepted: bool
    gates: tuple[Gate, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Codes of the gates that refused it."""
        return tuple(gate.code for gate in self.gates if not gate.passed)

    def __bool__(self) -> bool:
        return self.accepted

    def __str__(self) -> str:
        if self.accepted:
            return f"{self.label!r} accepted"
        reasons = "; ".join(f"{gate.code} {gate.message}" for gate in self.gates if not gate.passed)
        return f"{self.label!r} rejected: {reasons}"

    @classmethod
    def _of(cls, text: str) -> Verdict:
        fields = json.loads(text)
        gates = tuple(
            Gate(
                gate["code"],
                gate["gate"],
                gate["passed"],
                gate["value"],
                gate["threshold"],
                gate["message"],
                tuple(gate.get("terms", ())),
                tuple(gate.get("items", ())),
                tuple(gate.get("nodes", ())),
            )
            for gate in fields["gates"]
        )
        return cls(fields["node"], fields["label"], fields["accepted"], gates)


class LabelAttempt(NamedTuple):
    """One answer of a writer: what it said, and why it was refused ("" when it was accepted)."""

    node: int
    attempt: int
    label: str
    refused: str
    hash: str


@dataclass(frozen=True)
class LabelRun:
    """Labels of all nodes with their verdicts and history.

    Attributes
    ----------
    labels : list of str
        One per node, in node order.
    origins : list of str
        "writer", or "keywords" where the keyword label stands in.
    verdicts : list of Verdict
        Of the final labels, next to all other final labels as they stood when it was judged.
    history : list of LabelAttempt
        Every answer, in the order given.
    """

    labels: list[str]
    origins: list[str]
    verdicts: list[Verdict]
    history: list[LabelAttempt] = field(repr=False)

    def to_pandas(self) -> Any:
        """One row per node: node, label, origin, attempts, failed."""
        return self.table().to_pandas()

    def table(self) -> Table:
        """One row per node: node, label, origin, attempts, failed."""
        tries = [0] * len(self.labels)
        for attempt in self.history:
            tries[attempt.node] += 1
        return Table(
            {
                "node": list(range(len(self.labels))),
                "label": self.labels,
                "origin": self.origins,
                "attempts": tries,
                "failed": [" ".join(verdict.failed) for verdict in self.verdicts],
            }
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one JSON object per node: node, label, origin, accepted, gates, history."""
        answers: list[list[dict[str, Any]]] = [[] for _ in self.labels]
        for attempt in self.history:
            answers[attempt.node].append(
                {"label": attempt.label, "refused": attempt.refused, "hash": attempt.hash}
            )
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            for node, label in enumerate(self.labels):
                verdict = self.verdicts[node]
                line = {
                    "node": node,
                    "label": label,
                    "origin": self.origins[node],
                    "accepted": verdict.accepted,
                    "gates": [vars(gate) for gate in verdict.gates],
                    "history": answers[node],
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def __repr__(self) -> str:
        written = self.origins.count("writer")
        return (
            f"LabelRun({len(self.labels)} nodes: {written} by the writer, "
            f"{len(self.labels) - written} from keywords, {len(self.history)} answers)"
        )


class LabelPack(Value):
    """Evidence and gates for the labels of a hierarchy. Made by :func:`label_pack`; never changes."""

    __slots__ = ("_encode", "hierarchy")
    hierarchy: Hierarchy
    _encode: Any

    def __init__(self) -> None:
        raise TypeError("a LabelPack is made by filmatlas.label_pack(...)")

    @classmethod
    def _of(cls, core: Any, hierarchy: Hierarchy, encode: Any) -> LabelPack:
        pack = cls._wrap(core)
        pack.hierarchy, pack._encode = hierarchy, encode
        return pack

    def __len__(self) -> int:
        return int(self._core.num_nodes)

    @property
    def fallback(self) -> list[str]:
        """Keyword labels that always pass L1 to L6, one per node."""
        labels: list[str] = self._core.fallback
        return labels

    def _written(self, labels: Sequence[str | None] | None) -> Any:
        texts = (
            self.fallback if labels is None else ["" if text is None else as_text(text) for text in labels]
        )
        if len(texts) != len(self):
            raise_shape("LabelPack", f"there are {len(texts)} labels for {len(self)} nodes")
        return _core.LabelSet(texts)

    def _node(self, node: Any) -> int:
        return as_int(node, "LabelPack", "node", low=0, high=len(self) - 1)

    def evidence(self, node: int, labels: Sequence[str | None] | None = None) -> dict[str, Any]:
        """Everything that a writer gets to see of a node, and its ``hash``.

        Parameters
        ----------
        labels : one per node, optional
            Labels of the other nodes so far (None = not written yet); default: the keyword labels.
        """
        return _evidence(self._core, self._node(node), self._written(labels))

    def check(
        self,
        node: int,
        label: str,
        because: Mapping[str, Any] | None = None,
        labels: Sequence[str | None] | None = None,
    ) -> Verdict:
        """Judges a label for a node by all gates.

        Parameters
        ----------
        because : {word: rows of members} or {word: {"term": text, "items": rows}}, optional
            Members whose texts account for a word of the label that is not among the node's own.
        labels : one per node, optional
            Labels of the other nodes; default: the keyword labels.
        """
        if not isinstance(label, str):
            raise_type("LabelPack.check", f"label is a {type(label).__name__}, expected a text")
        return self._judge(self._node(node), as_text(label), _reasons(because), self._written(labels))

    def _judge(self, node: int, text: str, because: list[Any], written: Any) -> Verdict:
        closeness, bar = None, 1.0
        if self._encode is not None and text.strip() and len(text) < 1000:
            closeness, bar = self._encode(node, text, self._core.keywords(node))
        return Verdict._of(self._core.check(node, text, because, closeness, bar, written))

    def support(self, node: int, word: str) -> list[dict[str, Any]]:
        """How strongly a node holds the words of a text: stem, support, p_in, p_out, lift, z."""
        found: list[dict[str, Any]] = self._core.support(self._node(node), as_text(word))
        return found

    def write_jobs(self, path: str | os.PathLike[str], labels: Sequence[str | None] | None = None) -> None:
        """Writes ``label_jobs.jsonl``: node, hash and evidence, one JSON object per line."""
        text = self._core.jobs(self._written(labels), [])
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)

    def read_labels(
        self,
        path: str | os.PathLike[str],
        labels: Sequence[str | None] | None = None,
        *,
        stale: str = "refuse",
    ) -> LabelRun:
        """Reads ``labels.jsonl`` (node, label, and optionally hash and because) and judges every answer.

        A node's first accepted answer is taken; nodes without one keep their keyword label. An answer to other
        evidence than `write_jobs` gave for the same `labels` is refused, or with ``stale="allow"`` judged all the
        same.
        """
        if stale not in ("refuse", "allow"):
            raise_invalid("LabelPack.read_labels", f"stale = {stale!r}", 'use "refuse" or "allow"')
        with open(path, encoding="utf-8", errors="replace") as file:
            answers = _core.parse_label_answers(file.read())
        asked = self._written(labels)
        written = _core.LabelSet(self.fallback)
        run = _Ledger(self, written)
        done: set[int] = set()
        for node, hash_, text, because in answers:
            self._node(node)
            if node in done:
                continue
            if hash_ and stale == "refuse" and hash_ != self._core.evidence(node, asked)[1]:
                run.refuse(node, text, "the answer is to other evidence than this pack holds", hash_)
                continue
            verdict = self._judge(node, text, because, written)
            run.note(node, text, verdict, hash_)
            if verdict.accepted:
                done.add(node)
        return run.finish(done)

    def __repr__(self) -> str:
        return f"LabelPack({figure(len(self))} nodes)"


def label_pack(
    hierarchy: Hierarchy,
    texts: Iterable[str],
    *,
    keywords: Sequence[Sequence[tuple[str, float]]] | None = None,
    counts: CsrMatrix | None = None,
    vocabulary: Sequence[str] | None = None,
    tags: Iterable[Any] | None = None,
    titles: Iterable[str] | None = None,
    times: Any = None,
    vectors: Any = None,
    neighbors: Any = None,
    source_keywords: Mapping[str, Sequence[Sequence[tuple[str, float]]]] | None = None,
    encode: Callable[[list[str]], Any] | None = None,
    stop_words: StopWords = "english",
    gates: Mapping[str, Any] | None = None,
    evidence: Mapping[str, Any] | None = None,
    num_threads: int = 0,
) -> LabelPack:
    """Evidence for the labels of every node of a hierarchy, and the gates that labels have to pass.

    Parameters
    ----------
    hierarchy : Hierarchy
    texts : (n,) list of str
        What the items say; shown in extracts, and counted unless `counts` and `vocabulary` are given.
    keywords : per node a list of (term, score), best first, optional
        Default: :func:`node_keywords` of the counts.
    tags : (n,) lists of str, or dictionaries tag -> score in [0, 1], optional
    titles : (n,) list of str, optional
        What items are called. Labels must not use them; extracts hide them.
    times : (n,) numbers, optional
        Years, for instance; NaN = unknown.
    vectors : (n, d) array, optional
        Chooses the exemplars (central and unlike each other) and the border items, and with `encode` measures how
        close a label is to its node.
    neighbors : KnnGraph or (n, k) integers, optional
    source_keywords : source -> keywords per node, optional
    encode : callable, list of texts -> (m, d) array in the space of `vectors`, optional
        Allows one figurative word to labels that are as close to the node's centre as its median keyword.
    gates, evidence : dict, optional
        Overrides of the bars, e.g. ``{"max_characters": 60, "words_per_level": [(1, 3), (2, 6)]}``, and of what
        evidence holds, e.g. ``{"exemplars": 5, "excerpt": 200}``.

    Returns
    -------
    LabelPack
    """
    where = "label_pack"
    tree = hierarchy_core(hierarchy, where)
    documents = as_texts(texts, where)
    if (counts is None) != (vocabulary is None):
        raise_invalid(where, "counts and vocabulary belong together", "pass both or none")
    if counts is None:
        counts, vocabulary = count_terms(
            documents,
            stop_words=stop_words,
            ngram_range=(1, 2),
            min_df=2 if len(documents) > 20 else 1,
            num_threads=num_threads,
        )
    assert vocabulary is not None
    if keywords is None:
        terms = class_tfidf(counts, hierarchy, vocabulary=vocabulary, num_threads=num_threads)
        keywords = node_keywords(terms, hierarchy, top_n=20, num_threads=num_threads)
    facts: dict[str, Any] = {"texts": documents}
    if tags is not None:
        rows: list[Any] = [row if row is not None else [] for row in tags]
        if any(isinstance(row, Mapping) for row in rows):
            facts["tag_scores"] = [[float(score) for score in dict(row).values()] for row in rows]
        facts["tags"] = [[as_text(tag) for tag in row] for row in rows]
    if titles is not None:
        facts["titles"] = as_texts(titles, where, "titles")
    if times is not None:
        facts["times"] = as_vector64(times, where, "times").tolist()
    if vectors is not None:
        facts["exemplars"] = diverse_representatives(hierarchy, vectors, 8, num_threads=num_threads)
        facts["borders"] = border_items(hierarchy, vectors, 3, num_threads=num_threads)
    if neighbors is not None:
        ids = neighbors.indices if isinstance(neighbors, KnnGraph) else neighbors
        facts["neighbors"] = np.ascontiguousarray(ids, dtype=np.int32)
    if source_keywords is not None:
        facts["source_names"] = list(source_keywords)
        facts["source_keywords"] = [
            [[(str(term), float(score)) for term, score in node] for node in nodes]
            for nodes in source_keywords.values()
        ]
    core = _core.label_desk(
        tree,
        *counts._parts(),
        list(vocabulary),
        [[(str(term), float(score)) for term, score in node] for node in keywords],
        facts,
        dict(gates or {}),
        dict(evidence or {}),
        as_int(num_threads, where, "num_threads"),
    )
    closeness = None
    if encode is not None:
        if vectors is None:
            raise_invalid(where, "encode without vectors", "pass the items' vectors of the same space")
        closeness = _Closeness(hierarchy, np.asarray(vectors, dtype=np.float64), encode)
    return LabelPack._of(core, hierarchy, closeness)


def write_labels(
    pack: Any,
    fn: Writer,
    *,
    retries: int = 2,
    nodes: Iterable[int] | None = None,
    on_attempt: Callable[[LabelAttempt], Any] | None = None,
) -> LabelRun:
    """Has a writer name the nodes, coarse to fine, with the gates in between.

    Parameters
    ----------
    pack : LabelPack or Atlas
    fn : callable, evidence -> label
        Any function: a model behind a network, a person at a prompt, a rule. It gets the node's evidence (a
        dictionary; on a retry ``rejected`` lists its earlier answers with the reasons) and returns the label, or
        ``{"label": text, "because": {word: rows of members}}``. Whatever else it does (raises, returns nothing,
        something else or ten megabytes) counts as a refused answer. Only ``KeyboardInterrupt`` and other
        exceptions that are no ``Exception`` end the run.
    retries : int
        Further attempts after the first, per node; then the keyword label stands in.
    nodes : ids of nodes, optional
        Name these only; the others keep their keyword label.
    on_attempt : callable, optional
        Told of every answer as it is judged, e.g. to keep a log.

    Returns
    -------
    LabelRun
    """
    where = "write_labels"
    if not callable(fn):
        raise_type(
            where, f"fn is a {type(fn).__name__}, expected a callable", "pass a function evidence -> label"
        )
    tries = 1 + as_int(retries, where, "retries", low=0)
    if not isinstance(pack, LabelPack):
        pack = _pack_of_atlas(pack, where)
    chosen = range(len(pack)) if nodes is None else sorted({pack._node(node) for node in nodes})
    fallback = pack.fallback
    # Nodes that are still to be named have no label that others could collide with.
    open_nodes = set(chosen)
    written = _core.LabelSet(["" if node in open_nodes else text for node, text in enumerate(fallback)])
    run = _Ledger(pack, written, on_attempt)
    done = set()
    for node in chosen:
        evidence = _evidence(pack._core, node, written)
        rejected: list[dict[str, Any]] = []
        for _ in range(tries):
            question = dict(evidence)
            if rejected:
                question["rejected"] = list(rejected)
            text, because, problem = _ask(fn, question)
            if problem:
                attempt = run.refuse(node, text, problem, evidence["hash"])
            else:
                verdict = pack._judge(node, text, because, written)
                attempt = run.note(node, text, verdict, evidence["hash"])
                if verdict.accepted:
                    written.set(node, text)
                    done.add(node)
                    break
            rejected.append({"label": attempt.label, "reasons": attempt.refused})
        else:
            written.set(node, run.stand_in(node, fallback[node]))
    return run.finish(done)


class _Ledger:
    """What was answered, and the labels as they stand."""

    def __init__(self, pack: LabelPack, written: Any, on_attempt: Any = None) -> None:
        self.pack, self.written, self.on_attempt = pack, written, on_attempt
        self.history: list[LabelAttempt] = []
        self.verdicts: dict[int, Verdict] = {}
        self.counts: dict[int, int] = {}

    def refuse(self, node: int, text: str, reason: str, hash_: str) -> LabelAttempt:
        self.counts[node] = self.counts.get(node, 0) + 1
        kept = text if len(text) <= _KEPT else text[:_KEPT] + "…"
        attempt = LabelAttempt(node, self.counts[node], kept, reason, hash_)
        self.history.append(attempt)
        if self.on_attempt is not None:
            self.on_attempt(attempt)
        return attempt

    def note(self, node: int, text: str, verdict: Verdict, hash_: str) -> LabelAttempt:
        reasons = "; ".join(f"{gate.code} {gate.message}" for gate in verdict.gates if not gate.passed)
        attempt = self.refuse(node, text, reasons, hash_)
        if verdict.accepted:
            self.verdicts[node] = verdict
            self.written.set(node, text)
        return attempt

    def stand_in(self, node: int, label: str) -> str:
        """The keyword label, numbered where a writer has used its very words for another node."""
        text, number = label, 1
        while "L5" in self.pack._judge(node, text, [], self.written).failed and number < 100:
            number += 1
            text = f"{label} {number}"
        return text

    def finish(self, done: set[int]) -> LabelRun:
        labels: list[str] = self.written.texts
        for node, label in enumerate(labels):
            if node not in self.verdicts:
                self.verdicts[node] = self.pack._judge(node, label, [], self.written)
        origins = ["writer" if node in done else "keywords" for node in range(len(labels))]
        return LabelRun(labels, origins, [self.verdicts[node] for node in range(len(labels))], self.history)


class _Closeness:
    """Cosine of a label and its node's centre, next to the median of the node's keywords."""

    def __init__(self, hierarchy: Hierarchy, vectors: Any, encode: Any) -> None:
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        self.unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
        self.hierarchy, self.encode = hierarchy, encode
        self.bars: dict[int, float] = {}

    def cosines(self, node: int, texts: list[str]) -> Any:
        centre = self.unit[self.hierarchy.items(node)].mean(axis=0)
        found = np.asarray(self.encode(texts), dtype=np.float64).reshape(len(texts), -1)
        length = np.linalg.norm(found, axis=1) * np.linalg.norm(centre)
        return np.divide(found @ centre, length, out=np.zeros(len(texts)), where=length > 0)

    def __call__(self, node: int, text: str, keywords: list[str]) -> tuple[float, float]:
        if node not in self.bars:
            self.bars[node] = float(np.median(self.cosines(node, keywords))) if keywords else 1.0
        return float(self.cosines(node, [text])[0]), self.bars[node]


def _evidence(core: Any, node: int, written: Any) -> dict[str, Any]:
    text, hash_ = core.evidence(node, written)
    fields: dict[str, Any] = json.loads(text)
    fields["hash"] = hash_
    return fields


def _reasons(because: Any) -> list[tuple[str, str, list[int]]]:
    """Reasons as the core takes them; raises TypeError or ValueError for anything else."""
    if because is None:
        return []
    if not isinstance(because, Mapping):
        raise_type("LabelPack.check", f"because is a {type(because).__name__}, expected a dictionary")
    out = []
    for word, reason in because.items():
        term, items = "", reason
        if isinstance(reason, Mapping):
            term, items = reason.get("term", ""), reason.get("items", ())
        rows = [as_int(item, "LabelPack.check", "because") for item in items]
        out.append((as_text(word), as_text(term), rows))
    return out


def _ask(fn: Writer, evidence: dict[str, Any]) -> tuple[str, list[Any], str]:
    """(label, reasons, problem) of one answer, whatever the writer does."""
    answer: Any
    try:
        answer = fn(evidence)
    except Exception as error:
        return "", [], f"the writer failed: {type(error).__name__}: {str(error)[:_KEPT]}"
    because: Any = None
    if isinstance(answer, Mapping):
        answer, because = answer.get("label"), answer.get("because")
    if not isinstance(answer, str):
        return "", [], f"the answer is a {type(answer).__name__}, expected a text"
    if len(answer) > _ANSWER_LIMIT:
        return answer[: _KEPT + 1], [], f"the answer has {len(answer)} characters"
    try:
        return as_text(answer).strip(), _reasons(because), ""
    except (TypeError, ValueError) as error:
        return as_text(answer).strip(), [], f"the reasons cannot be read: {error}"


def _pack_of_atlas(atlas: Any, where: str) -> LabelPack:
    from ._atlas import Atlas

    if not isinstance(atlas, Atlas):
        raise_type(where, f"pack is a {type(atlas).__name__}, expected a LabelPack or an Atlas")
    return atlas_label_pack(atlas)


def atlas_label_pack(atlas: Any, **options: Any) -> LabelPack:
    """The :func:`label_pack` of a built atlas: its texts, titles, times, tags, vectors, neighbours and keywords.

    Parameters
    ----------
    atlas : Atlas
    **options
        Anything that :func:`label_pack` takes; given values win.
    """
    records, n = atlas.records, len(atlas)
    sources = [atlas.source_texts(name) for name in atlas.profiles["source_names"]]
    hidden = set(records.private_columns)
    columns = [name for name, kind in records.kinds.items() if kind == "tags" and name not in hidden]
    time = atlas.roles["time"]
    known: dict[str, Any] = {
        "keywords": atlas.keywords,
        "titles": [atlas.item_title(row) for row in range(n)],
        "vectors": atlas.embedding.vectors,
        "neighbors": atlas.graph,
    }
    if columns:
        values = [records[name] for name in columns]
        known["tags"] = [[tag for column in values for tag in (column[row] or [])] for row in range(n)]
    if time and time not in hidden:
        known["times"] = records[time]
    known.update(options)
    return label_pack(atlas.hierarchy, [" . ".join(parts) for parts in zip(*sources)], **known)
