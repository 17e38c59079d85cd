# SPDX-License-Identifier: MIT
"""Types of the compiled core. Hand-owned; tests/python/test_typing.py holds it against the module."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str

_F32 = npt.NDArray[np.float32]
_F64 = npt.NDArray[np.float64]
_I32 = npt.NDArray[np.int32]
_I64 = npt.NDArray[np.int64]
_Progress = Callable[[str, int, int], bool | None] | None
_Run = dict[str, Any]  # iterations, converged, seconds, warnings
_Csr = tuple[tuple[int, int], _I64, _I32, Any]  # shape, indptr, indices, values
_Tokens = tuple[str, list[str], int, int, int]  # stop list, more stop words, ngram_min, ngram_max, min_length
_Vectors = Sequence[tuple[str, _F32, float]]  # name, vectors, weight
_Rows = tuple[Sequence[tuple[npt.NDArray[Any], float]], bool, bool]  # parts, bfloat16, unit parts

# --- core, io

def build_info() -> dict[str, Any]: ...
def read_npy(path: str, member: str, allow_trailing: bool) -> _F32: ...
def npz_members(path: str) -> list[str]: ...
def write_npy(path: str, values: _F32, half: bool) -> None: ...

# --- profile, embedding

class CleaningReport:
    def __init__(self) -> None: ...
    @property
    def seen(self) -> int: ...
    @property
    def kept(self) -> int: ...
    @property
    def repaired(self) -> list[tuple[int, str, str]]: ...
    @property
    def rejected(self) -> list[tuple[int, str, str]]: ...

class Records:
    def __len__(self) -> int: ...
    @property
    def ids(self) -> list[str]: ...
    @property
    def columns(self) -> list[tuple[str, str, bool]]: ...
    def values(self, name: str) -> Any: ...
    def with_private(self, names: Sequence[str]) -> Records: ...

def records_from_columns(ids: Sequence[str], columns: list[tuple[str, str, bool, Any]]) -> Records: ...
def read_records(
    path: str,
    id_column: str,
    private_columns: Sequence[str],
    column_kinds: dict[str, str],
    on_bad_row: str,
    delimiter: str,
    list_separator: str,
    max_text_bytes: int,
    progress: _Progress,
) -> tuple[Records, CleaningReport]: ...
def parse_records(
    text: bytes,
    format: str,
    name: str,
    id_column: str,
    private_columns: Sequence[str],
    column_kinds: dict[str, str],
    on_bad_row: str,
    delimiter: str,
    list_separator: str,
    max_text_bytes: int,
    progress: _Progress,
) -> tuple[Records, CleaningReport]: ...

class Profiles:
    def __len__(self) -> int: ...
    @property
    def texts(self) -> list[str]: ...
    @property
    def source_names(self) -> list[str]: ...
    @property
    def source_weights(self) -> list[float]: ...
    def source_texts(self, source: int) -> list[str]: ...
    def spans(self, item: int) -> list[tuple[int, int, int]]: ...
    @property
    def kept_tokens(self) -> _I32: ...
    @property
    def cut_tokens(self) -> _I32: ...
    @property
    def dominance(self) -> float: ...
    @property
    def report(self) -> list[dict[str, Any]]: ...

def compose_profiles(
    records: Records,
    sources: Sequence[dict[str, Any]],
    max_tokens: int,
    include_titles: bool,
    title_column: str,
    separator: str,
    num_threads: int,
) -> Profiles: ...
def default_sources(records: Records) -> list[dict[str, Any]]: ...
def numeric_features(
    records: Records, features: Sequence[tuple[str, str, str]]
) -> tuple[_F32, list[dict[str, Any]]]: ...

class Embedding:
    @property
    def vectors(self) -> _F32: ...
    @property
    def normalized(self) -> bool: ...
    @property
    def parts(self) -> list[tuple[str, int, int, float]]: ...
    @property
    def bad_rows(self) -> list[tuple[int, str]]: ...
    def similarity_shares(self, a: int, b: int) -> list[float]: ...

def make_embedding(
    vectors: _F32, normalize: bool, on_invalid: str, name: str, num_threads: int
) -> Embedding: ...
def combine_embeddings(
    sources: _Vectors, renormalize_missing: bool, on_invalid: str, num_threads: int
) -> Embedding: ...

# --- neighbors

class KnnGraph:
    def __init__(
        self,
        indices: _I32,
        distances: _F32,
        metric: str,
        method: str,
        reason: str,
        recall: tuple[float, float, float],
        invalid_rows: Sequence[int],
        invalid_reasons: Sequence[str] = ...,
    ) -> None: ...
    @property
    def indices(self) -> _I32: ...
    @property
    def distances(self) -> _F32: ...
    @property
    def metric(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def recall(self) -> tuple[float, float, float]: ...
    @property
    def invalid_rows(self) -> _I32: ...
    @property
    def invalid_reasons(self) -> list[str]: ...
    @property
    def effort(self) -> dict[str, Any]: ...
    @property
    def run(self) -> _Run: ...

class KnnIndex:
    def __init__(
        self,
        vectors: _Rows,
        metric: str,
        method: str,
        links: int,
        target_recall: float,
        target_k: int,
        ef: int | None,
        memory_limit: int | None,
        seed: int,
        num_threads: int,
        progress: _Progress,
    ) -> None: ...
    @staticmethod
    def load(path: str, num_threads: int, progress: _Progress) -> KnnIndex: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> KnnIndex: ...
    def save(self, path: str) -> None: ...
    def to_bytes(self) -> bytes: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def metric(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def quality(self) -> dict[str, Any]: ...
    def query(
        self, queries: _Rows, k: int, ef: int, num_threads: int, progress: _Progress
    ) -> tuple[_I32, _F32]: ...

def knn_graph(
    vectors: _Rows,
    k: int,
    metric: str,
    method: str,
    memory_limit: int | None,
    seed: int,
    num_threads: int,
    progress: _Progress,
    descent: tuple[
        int | None, int | None, int | None, int | None, int | None, float | None, int | None
    ]
    | None = None,
) -> KnnGraph: ...
def exact_rows(
    vectors: _Rows, rows: _I32, k: int, metric: str, num_threads: int, progress: _Progress
) -> tuple[_I32, _F32]: ...
def recall(graph: KnnGraph, truth: KnnGraph) -> float: ...
def hubness(graph: KnnGraph, max_hubs: int) -> dict[str, Any]: ...
def mutual_graph(graph: KnnGraph) -> _Csr: ...
def pca(X: _F32, n_components: int, seed: int, num_threads: int) -> dict[str, Any]: ...

# --- linalg

def truncated_svd(
    X: _F32, n_components: int, n_iterations: int, n_oversamples: int, seed: int, num_threads: int
) -> dict[str, Any]: ...
def truncated_svd_sparse(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _F32,
    n_components: int,
    n_iterations: int,
    n_oversamples: int,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> dict[str, Any]: ...
def laplacian_eigenvectors(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _F32,
    n_components: int,
    max_work: int | None,
    tolerance: float,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> dict[str, Any]: ...

# --- hierarchy, cluster

class Hierarchy:
    def __init__(self, level_names: Sequence[str], order: _I32, nodes: _I32, level_begin: _I32) -> None: ...
    @property
    def level_names(self) -> list[str]: ...
    @property
    def num_items(self) -> int: ...
    @property
    def order(self) -> _I32: ...
    @property
    def nodes(self) -> _I32: ...
    @property
    def level_begin(self) -> _I32: ...
    def labels(self, level: int) -> _I32: ...
    def leaves(self) -> _I32: ...
    def children(self, node: int) -> list[int]: ...
    def path(self, node: int) -> list[int]: ...
    def __eq__(self, other: object) -> bool: ...

def hierarchy_from_labels(labels: Sequence[_I32], level_names: Sequence[str]) -> Hierarchy: ...
def default_level_names(num_levels: int) -> list[str]: ...
def nested_clusters(
    X: _F32,
    graph: KnnGraph,
    level_names: Sequence[str],
    n_clusters: Sequence[int] | None,
    min_size: int | None,
    max_size: int | None,
    max_share: float | None,
    smoothing_steps: int | None,
    level_ranges: Sequence[tuple[int, int]] | None,
    method: str,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> dict[str, Any]: ...
def smooth_embedding(
    X: _F32, graph: KnnGraph, steps: int, keep: float, num_threads: int, progress: _Progress
) -> _F32: ...
def kmeans(
    X: _F32,
    k: int,
    weights: _F64,
    max_iterations: int,
    tolerance: float,
    spherical: bool,
    n_init: int,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> dict[str, Any]: ...
def assign_to_centroids(X: _F32, centroids: _F32, num_threads: int) -> _I32: ...
def linkage(
    X: _F64,
    condensed: bool,
    method: str,
    metric: str,
    memory_limit: int | None,
    num_threads: int,
    progress: _Progress,
) -> _F64: ...
def cut_linkage(merges: _F64, num_items: int, n_clusters: Sequence[int]) -> list[_I32]: ...
def cut_linkage_height(merges: _F64, num_items: int, height: float) -> _I32: ...
def adjusted_rand_index(a: _I32, b: _I32) -> float: ...
def mutual_information(a: _I32, b: _I32) -> float: ...
def normalized_mutual_information(a: _I32, b: _I32) -> float: ...
def dendrogram_purity(hierarchy: Hierarchy, classes: _I32) -> float: ...
def dasgupta_cost(hierarchy: Hierarchy, graph: KnnGraph) -> float: ...
def neighbor_containment(hierarchy: Hierarchy, graph: KnnGraph) -> list[float]: ...
def adjusted_mutual_information(a: _I32, b: _I32) -> float: ...
def silhouette(X: _F32, labels: _I32, metric: str, exact_limit: int, num_threads: int) -> dict[str, Any]: ...
def size_balance(labels: _I32) -> dict[str, Any]: ...
def nesting_report(labels: Sequence[_I32]) -> dict[str, Any]: ...
def level_scores(
    X: _F32, hierarchy: Hierarchy, metric: str, exact_limit: int, num_threads: int
) -> list[dict[str, Any]]: ...

# --- text, keywords, labels

def unicode_version() -> str: ...
def lower(text: str) -> str: ...
def fold(text: str) -> str: ...
def stop_list(name: str) -> list[str]: ...
def tokenize(text: str, tokens: _Tokens) -> list[str]: ...
def count_terms(
    texts: Sequence[str],
    tokens: _Tokens,
    min_df: int,
    max_df: float,
    max_features: int | None,
    num_threads: int,
    progress: _Progress,
) -> tuple[list[str], _Csr, _Run]: ...
def count_with_vocabulary(
    texts: Sequence[str], vocabulary: Sequence[str], tokens: _Tokens, num_threads: int, progress: _Progress
) -> _Csr: ...
def inverse_document_frequency(
    shape: tuple[int, int], indptr: _I64, indices: _I32, values: _I32, use_idf: bool, smooth_idf: bool
) -> _F64: ...
def tfidf(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I32,
    idf: _F64,
    sublinear_tf: bool,
    l2_normalize: bool,
    num_threads: int,
) -> _Csr: ...

class LsaEncoder:
    @property
    def dimensions(self) -> int: ...
    @property
    def vocabulary(self) -> list[str]: ...
    @property
    def idf(self) -> _F64: ...
    @property
    def components(self) -> _F32: ...
    @property
    def singular_values(self) -> _F32: ...
    def encode(self, texts: Sequence[str], num_threads: int, progress: _Progress) -> _F32: ...

def fit_lsa(
    texts: Sequence[str],
    n_components: int,
    tokens: _Tokens,
    min_df: int,
    max_df: float,
    sublinear_tf: bool,
    normalize: bool,
    n_iterations: int,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> dict[str, Any]: ...

class ClassTerms:
    @property
    def vocabulary(self) -> list[str]: ...
    @property
    def counts(self) -> _Csr: ...
    @property
    def weights(self) -> _Csr: ...
    @property
    def class_sizes(self) -> _I64: ...
    def keywords(self, row: int, top_n: int) -> list[tuple[str, float]]: ...

def class_tfidf(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I32,
    vocabulary: Sequence[str],
    groups: Hierarchy | _I32,
    bm25_weighting: bool,
    reduce_frequent_words: bool,
    seed_words: Sequence[str],
    seed_multiplier: float,
    num_threads: int,
) -> ClassTerms: ...
def class_idf(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I64,
    vocabulary: Sequence[str],
    bm25_weighting: bool,
    seed_words: Sequence[str],
    seed_multiplier: float,
) -> _F64: ...
def class_weights(
    shape: tuple[int, int], indptr: _I64, indices: _I32, values: _I64, idf: _F64, reduce_frequent_words: bool
) -> _Csr: ...
def node_keywords(
    terms: ClassTerms,
    hierarchy: Hierarchy,
    top_n: int,
    contrast: float,
    coverage: float,
    min_items: int,
    max_item_share: float,
    fold_duplicates: bool,
    num_threads: int,
) -> list[list[tuple[str, float]]]: ...
def keyword_labels(
    hierarchy: Hierarchy,
    keywords: Sequence[Sequence[tuple[str, float]]],
    words_per_level: Sequence[int],
    separator: str,
    max_characters: int,
) -> list[str]: ...
def representatives(hierarchy: Hierarchy, vectors: _F32, count: int, num_threads: int) -> list[list[int]]: ...
def tag_lift(
    tags: Sequence[Sequence[str]], hierarchy: Hierarchy, top_n: int, min_support: int, min_lift: float
) -> list[list[dict[str, Any]]]: ...
def maximal_marginal_relevance(query: _F32, candidates: _F32, top_n: int, diversity: float) -> list[int]: ...

# --- labels

class LabelSet:
    def __init__(self, texts: Sequence[str]) -> None: ...
    def __len__(self) -> int: ...
    def set(self, node: int, text: str) -> None: ...
    @property
    def texts(self) -> list[str]: ...

class LabelDesk:
    @property
    def fallback(self) -> list[str]: ...
    @property
    def num_nodes(self) -> int: ...
    def keywords(self, node: int) -> list[str]: ...
    def evidence(self, node: int, written: LabelSet) -> tuple[str, str]: ...
    def check(
        self,
        node: int,
        text: str,
        because: Sequence[tuple[str, str, Sequence[int]]],
        closeness: float | None,
        closeness_bar: float,
        written: LabelSet,
    ) -> str: ...
    def support(self, node: int, word: str) -> list[dict[str, Any]]: ...
    def jobs(self, written: LabelSet, nodes: Sequence[int]) -> str: ...

def label_desk(
    hierarchy: Hierarchy,
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I32,
    vocabulary: Sequence[str],
    keywords: Sequence[Sequence[tuple[str, float]]],
    facts: dict[str, Any],
    gates: dict[str, Any],
    evidence: dict[str, Any],
    num_threads: int,
) -> LabelDesk: ...
def parse_label_answers(jsonl: str) -> list[tuple[int, str, str, list[tuple[str, str, list[int]]]]]: ...

# --- topics

class TokenStream:
    @property
    def num_documents(self) -> int: ...
    @property
    def num_tokens(self) -> int: ...

def token_stream(
    texts: Sequence[str], stop_words: str, extra_stop_words: Sequence[str], min_length: int, num_threads: int
) -> TokenStream: ...
def token_stream_of_interest(texts: list[Any], topics: Sequence[Sequence[str]]) -> TokenStream: ...
def coherence(
    reference: TokenStream,
    topics: Sequence[Sequence[str]],
    measure: str,
    window: int | None,
    rule: str,
    top_n: int,
    num_threads: int,
) -> tuple[_F64, float, list[list[str]], int]: ...
def topic_diversity(topics: Sequence[Sequence[str]], top_n: int) -> float: ...
def topic_uniqueness(topics: Sequence[Sequence[str]], top_n: int) -> float: ...
def inverted_rank_biased_overlap(topics: Sequence[Sequence[str]], top_n: int, p: float) -> float: ...
def word_intrusion(
    reference: TokenStream,
    topics: Sequence[Sequence[str]],
    top_n: int,
    draws: int,
    window: int,
    seed: int,
    num_threads: int,
) -> tuple[_F64, float]: ...
def topic_coverage(
    documents: TokenStream, groups: _I32, topics: Sequence[Sequence[str]], top_n: int
) -> _F64: ...
def rank_keywords(
    terms: ClassTerms,
    hierarchy: Hierarchy | None,
    counts: _Csr | None,
    rule: str,
    top_n: int,
    min_items: int,
    prior: float,
    fold_forms: bool,
    num_threads: int,
) -> list[list[tuple[str, float]]]: ...
def soft_class_weights(
    shape: tuple[int, int], indptr: _I64, indices: _I32, values: _I32, memberships: _F64
) -> _Csr: ...
def with_idf(terms: ClassTerms, idf: _F64, reduce_frequent_words: bool) -> ClassTerms: ...
def diverse_representatives(
    hierarchy: Hierarchy, vectors: _F32, count: int, diversity: float, num_threads: int
) -> list[list[int]]: ...
def border_items(hierarchy: Hierarchy, vectors: _F32, count: int, num_threads: int) -> list[list[int]]: ...
def topic_series(
    terms: ClassTerms,
    idf: _F64,
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I32,
    groups: _I32,
    bins: _I32,
    evolution: bool,
    global_: bool,
    smoothing: float,
    reduce_frequent_words: bool,
    top_n: int,
    num_threads: int,
) -> list[tuple[int, int, int, list[tuple[str, float]]]]: ...
def topic_mix(
    documents: TokenStream,
    terms: ClassTerms,
    idf: _F64,
    window: int,
    stride: int,
    min_similarity: float,
    normalize: bool,
    padding: bool,
    reduce_frequent_words: bool,
    num_threads: int,
    progress: _Progress,
) -> _Csr: ...
def class_similarity(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I32,
    terms: ClassTerms,
    idf: _F64,
    reduce_frequent_words: bool,
    num_threads: int,
) -> _F64: ...
def term_representatives(
    shape: tuple[int, int],
    indptr: _I64,
    indices: _I32,
    values: _I32,
    groups: _I32,
    terms: ClassTerms,
    idf: _F64,
    count: int,
    reduce_frequent_words: bool,
    num_threads: int,
) -> list[list[int]]: ...

# --- density

class SpanningTree:
    def __init__(
        self,
        num_items: int,
        a: _I32,
        b: _I32,
        weight: _F64,
        core: _F64,
        rank: _I32,
        invalid_rows: _I32,
        method: str,
        exact: bool,
        certified: float,
        excess_bound: float,
    ) -> None: ...
    @property
    def num_items(self) -> int: ...
    @property
    def a(self) -> _I32: ...
    @property
    def b(self) -> _I32: ...
    @property
    def weight(self) -> _F64: ...
    @property
    def core(self) -> _F64: ...
    @property
    def rank(self) -> _I32: ...
    @property
    def invalid_rows(self) -> _I32: ...
    @property
    def method(self) -> str: ...
    @property
    def exact(self) -> bool: ...
    @property
    def certified(self) -> float: ...
    @property
    def excess_bound(self) -> float: ...
    @property
    def run(self) -> _Run: ...

class SingleLinkageTree:
    @property
    def linkage(self) -> _F64: ...
    def labels_at_distance(self, distance: float, min_cluster_size: float) -> _I32: ...
    def size_trace(self) -> tuple[_F64, _F64, _I64]: ...

class HdbscanCut:
    @property
    def labels(self) -> _I32: ...
    @property
    def probabilities(self) -> _F64: ...
    @property
    def persistence(self) -> _F64: ...
    @property
    def clusters(self) -> _I32: ...
    @property
    def outlier_scores(self) -> _F64: ...
    @property
    def rows(self) -> tuple[_I64, _I64, _F64, _F64]: ...
    @property
    def exemplars(self) -> list[list[int]]: ...
    @property
    def num_items(self) -> int: ...

def spanning_tree(X: Any, options: dict[str, Any], weights: _F64, progress: _Progress) -> SpanningTree: ...
def spanning_tree_from_distances(
    distances: _F64, options: dict[str, Any], weights: _F64, progress: _Progress
) -> SpanningTree: ...
def spanning_tree_from_graph(
    shape: tuple[int, int], indptr: _I64, indices: _I32, values: _F64, options: dict[str, Any], weights: _F64
) -> SpanningTree: ...
def spanning_tree_from_knn(graph: KnnGraph, options: dict[str, Any], weights: _F64) -> SpanningTree: ...
def spanning_tree_bytes(n: int, d: int, options: dict[str, Any]) -> int: ...
def single_linkage_tree(tree: SpanningTree, ties: str, weights: _F64) -> SingleLinkageTree: ...
def cut_hdbscan(linkage: SingleLinkageTree, options: dict[str, Any]) -> HdbscanCut: ...
def cut_condensed_rows(
    parent: _I64, child: _I64, lambda_: _F64, child_size: _F64, options: dict[str, Any], ties: str
) -> HdbscanCut: ...
def cut_to_clusters(
    linkage: SingleLinkageTree, n_clusters: int, options: dict[str, Any]
) -> tuple[HdbscanCut, dict[str, Any], bool]: ...
def density_layers(
    linkage: SingleLinkageTree, max_layers: int, min_cluster_size: float, min_persistence: float
) -> list[tuple[float, float, HdbscanCut]]: ...
def density_places(
    X: _F64, tree: SpanningTree, cut: HdbscanCut, Q: _F64, options: dict[str, Any], weights: _F64
) -> dict[str, Any]: ...
def places_of_fit(cut: HdbscanCut) -> dict[str, Any]: ...
def predict_places(places: dict[str, Any], cut: HdbscanCut) -> tuple[_I32, _F64, _F64]: ...
def membership_vectors(
    X: _F64, Q: _F64, places: dict[str, Any], cut: HdbscanCut, metric: str, num_threads: int
) -> _F64: ...
def cluster_centers(X: _F64, cut: HdbscanCut, metric: str, num_threads: int) -> tuple[_F64, _I32]: ...
def density_validity(
    X: _F64, labels: _I32, metric: str, num_threads: int, progress: _Progress
) -> dict[str, Any]: ...
def relative_validity(tree: SpanningTree, labels: _I32) -> float: ...

# --- layout, validate

class Layout:
    def __init__(self, coordinates: _F32, method: str, init: str) -> None: ...
    @property
    def coordinates(self) -> _F32: ...
    @property
    def method(self) -> str: ...
    @property
    def init(self) -> str: ...
    @property
    def quality(self) -> dict[str, Any]: ...
    @property
    def run(self) -> _Run: ...

def umap(
    X: _F32,
    graph: KnnGraph,
    n_neighbors: int,
    min_dist: float,
    spread: float,
    n_components: int,
    n_epochs: int | None,
    learning_rate: float,
    negative_sample_rate: int,
    repulsion_strength: float,
    local_connectivity: float,
    set_op_mix_ratio: float,
    init: str,
    given: _F32 | None,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> Layout: ...
def tsne(
    X: _F32,
    graph: KnnGraph,
    perplexity: float,
    n_components: int,
    n_iter: int,
    early_exaggeration_iter: int | None,
    early_exaggeration: float,
    exaggeration: float,
    learning_rate: float | None,
    theta: float,
    init: str,
    given: _F32 | None,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> Layout: ...
def atlas_map(
    X: _F32,
    graph: KnnGraph,
    n_components: int,
    init: str,
    given: _F32 | None,
    umap_epochs: int,
    gather_iter: int | None,
    n_iter: int,
    exaggeration: float,
    perplexity: float,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> Layout: ...
def place_on_map(coordinates: _F32, ids: _I32, distances: _F32) -> _F32: ...
def layout_quality(
    X: _F32,
    graph: KnnGraph,
    coordinates: _F32,
    k: int,
    pair_samples: int,
    exact_trust: bool | None,
    seed: int,
    num_threads: int,
    progress: _Progress,
) -> dict[str, Any]: ...

class Report:
    def __init__(self) -> None: ...
    @property
    def ok(self) -> bool: ...
    @property
    def findings(self) -> list[dict[str, Any]]: ...
    def append(self, other: Report) -> None: ...
    def to_text(self) -> str: ...
    def to_json(self) -> str: ...
    def to_html(self, title: str) -> str: ...

def check_hierarchy(hierarchy: Hierarchy) -> Report: ...
def check_graph(graph: KnnGraph) -> Report: ...
def check_layout(layout: Layout) -> Report: ...
def check_embedding(embedding: Embedding) -> Report: ...

# --- atlas

class Atlas:
    def __len__(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def roles(self) -> dict[str, str]: ...
    @property
    def records(self) -> Records: ...
    @property
    def cleaning(self) -> CleaningReport: ...
    @property
    def embedding(self) -> Embedding: ...
    @property
    def encoder(self) -> LsaEncoder | None: ...
    @property
    def graph(self) -> KnnGraph: ...
    @property
    def hierarchy(self) -> Hierarchy: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def strength(self) -> _F32: ...
    @property
    def labels(self) -> list[tuple[str, str, list[str]]]: ...
    @property
    def keywords(self) -> list[list[tuple[str, float]]]: ...
    @property
    def representatives(self) -> list[list[int]]: ...
    @property
    def profiles(self) -> dict[str, Any]: ...
    def source_texts(self, source: int) -> list[str]: ...
    @property
    def provenance(self) -> dict[str, str]: ...

def build_atlas(
    records: Records,
    cleaning: CleaningReport,
    vectors: _Vectors,
    title: str,
    roles: dict[str, str],
    sources: Sequence[dict[str, Any]],
    progress: _Progress,
    *,
    profile_tokens: int,
    include_titles: bool,
    n_neighbors: int,
    metric: str,
    level_names: Sequence[str],
    n_clusters: Sequence[int] | None,
    encoder_components: int,
    keywords_per_node: int,
    representatives_per_node: int,
    stop_words: str,
    on_invalid: str,
    seed: int,
    num_threads: int,
) -> Atlas: ...
def save_atlas(atlas: Atlas, path: str) -> None: ...
def load_atlas(path: str) -> Atlas: ...
def pack_atlas(atlas: Atlas) -> bytes: ...
def unpack_atlas(bytes: bytes) -> Atlas: ...
def find_item(atlas: Atlas, id: str) -> int: ...
def item_title(atlas: Atlas, row: int) -> str: ...
def search_titles(atlas: Atlas, query: str, limit: int) -> list[tuple[int, float]]: ...
def item_neighbors(atlas: Atlas, row: int, k: int) -> list[tuple[int, float, float]]: ...
def explain(atlas: Atlas, a: int, b: int, max_terms: int) -> dict[str, Any]: ...
def place_vectors(atlas: Atlas, vectors: _F32, k: int, num_threads: int) -> list[dict[str, Any]]: ...
def place_texts(atlas: Atlas, texts: Sequence[str], k: int, num_threads: int) -> list[dict[str, Any]]: ...
def validate_atlas(atlas: Atlas) -> Report: ...
def validate_site(atlas: Atlas, html: str) -> Report: ...
def render_site(
    atlas: Atlas, n_neighbors: int, columns: Sequence[str], attributions: Sequence[str]
) -> str: ...
def export_site(
    atlas: Atlas, path: str, n_neighbors: int, columns: Sequence[str], attributions: Sequence[str]
) -> None: ...
def items_csv(atlas: Atlas) -> str: ...
def nodes_csv(atlas: Atlas) -> str: ...
def neighbors_csv(atlas: Atlas) -> str: ...
