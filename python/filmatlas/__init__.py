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
        kmeans,
        level_scores,
        linkage,
        mutual_information,
        nesting_report,
        normalized_mutual_information,
        silhouette,
        size_balance,
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
    from ._hierarchy import Hierarchy, NestedClusters, Node, nested_clusters, smooth_embedding
    from ._info import build_info, get_cmake_dir, get_include, show_versions
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
    from ._neighbors import KnnGraph, KnnIndex, knn_graph, recall
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
    from ._values import CsrMatrix, RunInfo

    __version__: str

_MODULES = {
    "_atlas": "Atlas Explanation Label Neighbor Placement SearchHit",
    "_cluster": "KMeansResult Silhouette adjusted_mutual_information adjusted_rand_index assign_to_centroids "
    "cut_linkage kmeans level_scores linkage mutual_information nesting_report normalized_mutual_information "
    "silhouette size_balance",
    "_embedding": "BadRow Embedding EmbeddingPart combine_embeddings npz_members read_npy write_npy",
    "_errors": "Cancelled DataTypeError FileError FilmAtlasError FilmAtlasWarning FormatError InternalError "
    "InvalidArgumentError MemoryLimitError ShapeError",
    "_estimators": "PCA TSNE UMAP AgglomerativeClustering ClassTfidf CountVectorizer KMeans NearestNeighbors "
    "NestedClustering TfidfVectorizer",
    "_hierarchy": "Hierarchy NestedClusters Node nested_clusters smooth_embedding",
    "_info": "build_info get_cmake_dir get_include show_versions",
    "_layout": "Layout LayoutQuality PcaResult QualityReport atlas_map pca quality_report tsne umap",
    "_neighbors": "KnnGraph KnnIndex knn_graph recall",
    "_profiles": "Profiles Source compose_profiles default_sources numeric_features",
    "_progress": "ProgressBar",
    "_records": "CleaningNote CleaningReport Records read_records",
    "_report": "Finding Report validate",
    "_tables": "Table",
    "_text": "ClassTerms LsaEncoder class_tfidf count_terms inverse_document_frequency keyword_labels "
    "maximal_marginal_relevance node_keywords representatives stop_list tag_lift tfidf tokenize",
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
    "Hierarchy",
    "InternalError",
    "InvalidArgumentError",
    "KMeans",
    "KMeansResult",
    "KnnGraph",
    "KnnIndex",
    "Label",
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
    "TSNE",
    "Table",
    "TfidfVectorizer",
    "UMAP",
    "adjusted_mutual_information",
    "adjusted_rand_index",
    "assign_to_centroids",
    "atlas_map",
    "build_info",
    "class_tfidf",
    "combine_embeddings",
    "compose_profiles",
    "count_terms",
    "cut_linkage",
    "default_sources",
    "get_cmake_dir",
    "get_include",
    "inverse_document_frequency",
    "keyword_labels",
    "kmeans",
    "knn_graph",
    "level_scores",
    "linkage",
    "maximal_marginal_relevance",
    "mutual_information",
    "nested_clusters",
    "nesting_report",
    "node_keywords",
    "normalized_mutual_information",
    "npz_members",
    "numeric_features",
    "pca",
    "quality_report",
    "read_npy",
    "read_records",
    "recall",
    "representatives",
    "show_versions",
    "silhouette",
    "size_balance",
    "smooth_embedding",
    "stop_list",
    "tag_lift",
    "tfidf",
    "tokenize",
    "tsne",
    "umap",
    "validate",
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
