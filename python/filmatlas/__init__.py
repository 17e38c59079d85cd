# SPDX-License-Identifier: MIT
"""filmatlas: trustworthy semantic atlases of catalogues.

>>> import filmatlas as fa
>>> atlas = fa.Atlas.build("films.jsonl")            # doctest: +SKIP
>>> atlas.export("atlas.html")                       # doctest: +SKIP

Functions work on arrays and values, estimators follow scikit-learn. Everything is loaded on first use, so that
``import filmatlas`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._atlas import Atlas, Explanation, Label, Neighbor, Placement, SearchHit
    from ._cluster import (
        KMeansResult,
        Silhouette,
        adjusted_mutual_information,
        adjusted_rand_index,
        assign_to_centroids,
        cut_linkage,
        dasgupta_cost,
        dendrogram_purity,
        kmeans,
        level_scores,
        linkage,
        mutual_information,
        neighbor_containment,
        nesting_report,
        normalized_mutual_information,
        silhouette,
        size_balance,
    )
    from ._coherence import (
        CoherenceResult,
        Tokens,
        TopicQuality,
        coherence,
        inverted_rank_biased_overlap,
        tokens,
        topic_coverage,
        topic_diversity,
        topic_quality,
        topic_uniqueness,
        word_intrusion,
    )
    from ._density import (
        CondensedTree,
        HdbscanCut,
        HdbscanResult,
        SpanningTree,
        density_validity,
        hdbscan,
        hdbscan_memory,
        spanning_tree,
    )
    from ._embedding import (
        BadRow,
        Embedding,
        EmbeddingPart,
        combine_embeddings,
        npz_members,
        read_npy,
        write_npy,
    )
    from ._errors import (
        Cancelled,
        DataTypeError,
        FileError,
        FilmAtlasError,
        FilmAtlasWarning,
        FormatError,
        InternalError,
        InvalidArgumentError,
        MemoryLimitError,
        ShapeError,
    )
    from ._estimators import (
        PCA,
        TSNE,
        UMAP,
        AgglomerativeClustering,
        ClassTfidf,
        CountVectorizer,
        KMeans,
        NearestNeighbors,
        NestedClustering,
        TfidfVectorizer,
    )
    from ._estimators_density import HDBSCAN
    from ._hierarchy import Hierarchy, NestedClusters, Node, nested_clusters, smooth_embedding
    from ._info import build_info, get_cmake_dir, get_include, show_versions
    from ._labels import (
        Gate,
        LabelAttempt,
        LabelPack,
        LabelRun,
        Verdict,
        atlas_label_pack,
        label_pack,
        write_labels,
    )
    from ._layout import (
        Layout,
        LayoutQuality,
        PcaResult,
        QualityReport,
        atlas_map,
        pca,
        quality_report,
        tsne,
        umap,
    )
    from ._linalg import LaplacianEigenvectors, SvdResult, laplacian_eigenvectors, truncated_svd
    from ._neighbors import (
        Hubness,
        KnnGraph,
        KnnIndex,
        exact_rows,
        hubness,
        knn_graph,
        mutual_graph,
        recall,
    )
    from ._profiles import Profiles, Source, compose_profiles, default_sources, numeric_features
    from ._progress import ProgressBar
    from ._records import CleaningNote, CleaningReport, Records, read_records
    from ._report import Finding, Report, validate
    from ._tables import Table
    from ._text import (
        ClassTerms,
        LsaEncoder,
        class_tfidf,
        count_terms,
        inverse_document_frequency,
        keyword_labels,
        maximal_marginal_relevance,
        node_keywords,
        representatives,
        stop_list,
        tag_lift,
        tfidf,
        tokenize,
    )
    from ._topics import (
        TopicMoment,
        Topics,
        TopicSeries,
        Trend,
        border_items,
        delete_topics,
        diverse_representatives,
        embedding_keywords,
        find_topics,
        merge_topics,
        rank_keywords,
        reduce_topics,
        soft_class_weights,
        split_topic,
        term_trends,
        time_bins,
        topic_distribution,
        topic_novelty,
        topic_representatives,
        topic_similarity,
        topic_trends,
        topics,
        topics_over_time,
        topics_per_class,
    )
    from ._values import CsrMatrix, RunInfo

    __version__: str

_MODULES = {
    "_atlas": "Atlas Explanation Label Neighbor Placement SearchHit",
    "_cluster": "KMeansResult Silhouette adjusted_mutual_information adjusted_rand_index assign_to_centroids "
    "cut_linkage dasgupta_cost dendrogram_purity kmeans level_scores linkage mutual_information "
    "neighbor_containment nesting_report normalized_mutual_information silhouette size_balance",
    "_density": "CondensedTree HdbscanCut HdbscanResult SpanningTree density_validity hdbscan hdbscan_memory "
    "spanning_tree",
    "_coherence": "CoherenceResult Tokens TopicQuality coherence inverted_rank_biased_overlap tokens "
    "topic_coverage topic_diversity topic_quality topic_uniqueness word_intrusion",
    "_embedding": "BadRow Embedding EmbeddingPart combine_embeddings npz_members read_npy write_npy",
    "_errors": "Cancelled DataTypeError FileError FilmAtlasError FilmAtlasWarning FormatError InternalError "
    "InvalidArgumentError MemoryLimitError ShapeError",
    "_estimators": "PCA TSNE UMAP AgglomerativeClustering ClassTfidf CountVectorizer KMeans NearestNeighbors "
    "NestedClustering TfidfVectorizer",
    "_estimators_density": "HDBSCAN",
    "_hierarchy": "Hierarchy NestedClusters Node nested_clusters smooth_embedding",
    "_info": "build_info get_cmake_dir get_include show_versions",
    "_labels": "Gate LabelAttempt LabelPack LabelRun Verdict atlas_label_pack label_pack write_labels",
    "_layout": "Layout LayoutQuality PcaResult QualityReport atlas_map pca quality_report tsne umap",
    "_linalg": "LaplacianEigenvectors SvdResult laplacian_eigenvectors truncated_svd",
    "_neighbors": "Hubness KnnGraph KnnIndex exact_rows hubness knn_graph mutual_graph recall",
    "_profiles": "Profiles Source compose_profiles default_sources numeric_features",
    "_progress": "ProgressBar",
    "_records": "CleaningNote CleaningReport Records read_records",
    "_report": "Finding Report validate",
    "_tables": "Table",
    "_text": "ClassTerms LsaEncoder class_tfidf count_terms inverse_document_frequency keyword_labels "
    "maximal_marginal_relevance node_keywords representatives stop_list tag_lift tfidf tokenize",
    "_topics": "TopicMoment Topics TopicSeries Trend border_items delete_topics diverse_representatives "
    "embedding_keywords find_topics merge_topics rank_keywords reduce_topics soft_class_weights split_topic "
    "term_trends time_bins topic_distribution topic_novelty topic_representatives topic_similarity topic_trends "
    "topics topics_over_time topics_per_class",
    "_values": "CsrMatrix RunInfo",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    "AgglomerativeClustering",
    "Atlas",
    "BadRow",
    "Cancelled",
    "ClassTerms",
    "ClassTfidf",
    "CleaningNote",
    "CleaningReport",
    "CoherenceResult",
    "CondensedTree",
    "CountVectorizer",
    "CsrMatrix",
    "DataTypeError",
    "Embedding",
    "EmbeddingPart",
    "Explanation",
    "FileError",
    "FilmAtlasError",
    "FilmAtlasWarning",
    "Finding",
    "FormatError",
    "Gate",
    "HDBSCAN",
    "HdbscanCut",
    "HdbscanResult",
    "Hierarchy",
    "Hubness",
    "InternalError",
    "InvalidArgumentError",
    "KMeans",
    "KMeansResult",
    "KnnGraph",
    "KnnIndex",
    "Label",
    "LabelAttempt",
    "LabelPack",
    "LabelRun",
    "LaplacianEigenvectors",
    "Layout",
    "LayoutQuality",
    "LsaEncoder",
    "MemoryLimitError",
    "NearestNeighbors",
    "Neighbor",
    "NestedClustering",
    "NestedClusters",
    "Node",
    "PCA",
    "PcaResult",
    "Placement",
    "Profiles",
    "ProgressBar",
    "QualityReport",
    "Records",
    "Report",
    "RunInfo",
    "SearchHit",
    "ShapeError",
    "Silhouette",
    "Source",
    "SpanningTree",
    "SvdResult",
    "TSNE",
    "Table",
    "TfidfVectorizer",
    "Tokens",
    "TopicMoment",
    "TopicQuality",
    "TopicSeries",
    "Topics",
    "Trend",
    "UMAP",
    "Verdict",
    "adjusted_mutual_information",
    "adjusted_rand_index",
    "assign_to_centroids",
    "atlas_label_pack",
    "atlas_map",
    "border_items",
    "build_info",
    "class_tfidf",
    "coherence",
    "combine_embeddings",
    "compose_profiles",
    "count_terms",
    "cut_linkage",
    "dasgupta_cost",
    "default_sources",
    "delete_topics",
    "dendrogram_purity",
    "density_validity",
    "diverse_representatives",
    "embedding_keywords",
    "exact_rows",
    "find_topics",
    "get_cmake_dir",
    "get_include",
    "hdbscan",
    "hdbscan_memory",
    "hubness",
    "inverse_document_frequency",
    "inverted_rank_biased_overlap",
    "keyword_labels",
    "kmeans",
    "knn_graph",
    "label_pack",
    "laplacian_eigenvectors",
    "level_scores",
    "linkage",
    "maximal_marginal_relevance",
    "merge_topics",
    "mutual_graph",
    "mutual_information",
    "neighbor_containment",
    "nested_clusters",
    "nesting_report",
    "node_keywords",
    "normalized_mutual_information",
    "npz_members",
    "numeric_features",
    "pca",
    "quality_report",
    "rank_keywords",
    "read_npy",
    "read_records",
    "recall",
    "reduce_topics",
    "representatives",
    "show_versions",
    "silhouette",
    "size_balance",
    "smooth_embedding",
    "soft_class_weights",
    "spanning_tree",
    "split_topic",
    "stop_list",
    "tag_lift",
    "term_trends",
    "tfidf",
    "time_bins",
    "tokenize",
    "tokens",
    "topic_coverage",
    "topic_distribution",
    "topic_diversity",
    "topic_novelty",
    "topic_quality",
    "topic_representatives",
    "topic_similarity",
    "topic_trends",
    "topic_uniqueness",
    "topics",
    "topics_over_time",
    "topics_per_class",
    "truncated_svd",
    "tsne",
    "umap",
    "validate",
    "word_intrusion",
    "write_labels",
    "write_npy",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("._core", __name__).__version__
    elif name in _HOME:
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    else:
        raise AttributeError(f"module 'filmatlas' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
