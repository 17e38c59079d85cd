// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "filmatlas/cluster/detail/linkage_centroids.hpp"
#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/linkage_distances.hpp"
#include "filmatlas/cluster/detail/linkage_rounds.hpp"
#include "filmatlas/cluster/detail/linkage_triangle.hpp"
#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace detail {

/// Up to this many items SciPy's own algorithms run, one merge at a time, so that ties are resolved as there.
inline constexpr std::int64_t kLinkageByChain = 2048;

/// How `linkage` goes about it.
enum class LinkageRoute {
    Chain,      ///< condensed distances, one merge at a time
    Triangle,   ///< condensed distances, in rounds
    Generic,    ///< condensed distances, for heights that may fall
    Centroids,  ///< O(n d), in rounds
    Tree,       ///< O(n d), a spanning tree
};

inline LinkageRoute linkage_route(std::int64_t n, const LinkageOptions& options) {
    if (options.method == LinkageMethod::Single) return LinkageRoute::Tree;
    if (n <= kLinkageByChain) return LinkageRoute::Chain;
    if (options.method == LinkageMethod::Centroid || options.method == LinkageMethod::Median)
        return LinkageRoute::Generic;
    if (options.method == LinkageMethod::Ward) return LinkageRoute::Centroids;
    const bool squares = options.metric == Metric::Cosine || options.metric == Metric::SqEuclidean;
    if (options.method == LinkageMethod::Average && squares) return LinkageRoute::Centroids;
    return LinkageRoute::Triangle;
}

inline void linkage_check_memory(std::int64_t n, std::int64_t needed, const LinkageOptions& options) {
    const std::int64_t limit = options.memory_limit.value_or(kLinkageDefaultLimit);
    if (needed <= limit) return;
    ErrorContext where;
    where.stage = "linkage";
    where.column = "memory_limit";
    throw Error(ErrorCode::Memory, std::move(where),
                std::string(to_string(options.method)) + " linkage of " + std::to_string(n) +
                    " items needs " + std::to_string(needed) + " bytes, the limit is " +
                    std::to_string(limit),
                "raise memory_limit, set single_precision, use ward or single linkage, or cluster the centroids of a "
                "k-means instead");
}

/// The merges that the distances give, all items of weight 1; `distances` are used up.
template <class T>
LinkageTree linkage_triangle(CondensedValues<T> distances, std::int64_t n, const LinkageOptions& options,
                             const Progress& progress) {
    std::vector<double> sizes(static_cast<std::size_t>(n), 1.0);
    if (options.method == LinkageMethod::Centroid || options.method == LinkageMethod::Median)
        return linkage_generic(distances.span(), std::move(sizes), options.method, progress);
    LinkageTriangle<T> space(distances.span(), std::move(sizes), options.method, options.num_threads);
    return LinkageRounds<LinkageTriangle<T>>(n, space).run(progress);
}

inline LinkageTree linkage_by_centroids(Matrix<double> rows, std::vector<double> weights, LinkageForm form,
                                        int num_threads, const Progress& progress) {
    const std::int64_t n = rows.rows();
    LinkageCentroids space(std::move(rows), std::move(weights), form, num_threads, progress);
    return LinkageRounds<LinkageCentroids>(n, space).run(progress);
}

/// Single linkage of many rows that float32 holds: the spanning tree of the density stage, measured in float64.
inline LinkageTree linkage_by_tree(const Matrix<double>& rows, const LinkageOptions& options,
                                   const Progress& progress) {
    SpanningTreeOptions choice;
    choice.metric = options.metric;
    choice.min_samples = 1;
    choice.convention = MinSamplesConvention::IncludeSelf;
    choice.num_threads = options.num_threads;
    const SpanningTree tree = spanning_tree(rows.view(), choice, {}, progress);
    std::vector<LinkageMerge> merges;
    merges.reserve(tree.a.size());
    for (std::size_t e = 0; e < tree.a.size(); ++e) {
        merges.push_back({tree.a[e], tree.b[e],
                          linkage_distance(rows.row_data(tree.a[e]), rows.row_data(tree.b[e]), rows.cols(),
                                           options.metric)});
    }
    return linkage_label(rows.rows(), merges, true);
}

template <class T>
LinkageTree linkage_vectors(MatrixView<const T> X, const LinkageOptions& options, const Progress& progress) {
    validate(options);
    if (X.rows < 1) throw_shape("linkage", "no rows", "pass at least one item");
    linkage_check_memory(X.rows, linkage_memory(X.rows, X.cols, options), options);
    Matrix<double> rows = linkage_rows(X, options.metric);
    const std::int64_t n = rows.rows();
    if (n == 1) return LinkageTree{Matrix<double>(0, 4), 1};
    const auto distance = [&](std::int64_t i, std::int64_t j) {
        return linkage_distance(rows.row_data(i), rows.row_data(j), rows.cols(), options.metric);
    };
    switch (linkage_route(n, options)) {
        case LinkageRoute::Tree: {
            const bool narrow =
                std::all_of(rows.values().begin(), rows.values().end(),
                            [](double value) { return static_cast<double>(static_cast<float>(value)) == value; });
            if (n > kLinkageByChain && rows.cols() > 0 && options.metric == Metric::Euclidean && narrow)
                return linkage_by_tree(rows, options, progress);
            return linkage_prim(n, distance, progress);
        }
        case LinkageRoute::Chain: {
            CondensedDistances distances = linkage_condensed(n, options.num_threads, progress, distance);
            return linkage_run(distances.span(), std::vector<double>(static_cast<std::size_t>(n), 1.0), options.method,
                               progress);
        }
        case LinkageRoute::Centroids: {
            const LinkageForm form = options.method == LinkageMethod::Ward    ? LinkageForm::Ward
                                     : options.metric == Metric::SqEuclidean ? LinkageForm::MeanSquared
                                                                             : LinkageForm::MeanCosine;
            return linkage_by_centroids(std::move(rows), std::vector<double>(static_cast<std::size_t>(n), 1.0), form,
                                        options.num_threads, progress);
        }
        case LinkageRoute::Triangle:
        case LinkageRoute::Generic: break;
    }
    if (options.single_precision) {
        return linkage_triangle(linkage_measure<float>(rows, options.metric, options.num_threads, progress), n, options,
                                progress);
    }
    return linkage_triangle(linkage_measure<double>(rows, options.metric, options.num_threads, progress), n, options,
                            progress);
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(LinkageMethod method) noexcept {
    switch (method) {
        case LinkageMethod::Single: return "single";
        case LinkageMethod::Complete: return "complete";
        case LinkageMethod::Average: return "average";
        case LinkageMethod::Weighted: return "weighted";
        case LinkageMethod::Ward: return "ward";
        case LinkageMethod::Centroid: return "centroid";
        case LinkageMethod::Median: return "median";
    }
    return "unknown";
}

FILMATLAS_INLINE LinkageMethod linkage_method_from_string(std::string_view name) {
    for (const LinkageMethod method :
         {LinkageMethod::Single, LinkageMethod::Complete, LinkageMethod::Average, LinkageMethod::Weighted,
          LinkageMethod::Ward, LinkageMethod::Centroid, LinkageMethod::Median}) {
        if (name == to_string(method)) return method;
    }
    throw_invalid("linkage", "method", "is '" + std::string(name) + "'",
                  "use single, complete, average, weighted, ward, centroid or median");
}

FILMATLAS_INLINE void validate(const LinkageTree& tree) {
    const auto bad = [](std::int64_t row, std::string what) {
        ErrorContext where;
        where.stage = "linkage";
        where.row = row;
        throw Error(ErrorCode::Format, std::move(where), std::move(what), "");
    };
    const std::int64_t n = tree.num_items;
    if (n < 1 || tree.merges.rows() != n - 1 || (n > 1 && tree.merges.cols() != 4)) {
        bad(-1, "a tree of " + std::to_string(n) + " items needs " + std::to_string(n - 1) +
                    " merges of 4 columns, it has " + std::to_string(tree.merges.rows()) + " of " +
                    std::to_string(tree.merges.cols()));
    }
    std::vector<char> used(static_cast<std::size_t>(2 * n - 1), 0);
    std::vector<double> items(static_cast<std::size_t>(2 * n - 1), 1.0);
    for (std::int64_t i = 0; i < n - 1; ++i) {
        for (int side = 0; side < 2; ++side) {
            const double id = tree.merges(i, side);
            if (!(id >= 0) || id >= static_cast<double>(n + i) || id != std::floor(id)) {
                bad(i, "cluster id " + to_text(id) + " does not exist yet");
            }
            if (std::exchange(used[static_cast<std::size_t>(id)], char{1}) != 0) {
                bad(i, "cluster " + to_text(id) + " was merged before");
            }
        }
        if (!(tree.merges(i, 0) < tree.merges(i, 1))) bad(i, "left id must be smaller than right id");
        if (!(tree.merges(i, 2) >= 0) || !std::isfinite(tree.merges(i, 2))) {
            bad(i, "height is " + to_text(tree.merges(i, 2)));
        }
        const double expected = items[static_cast<std::size_t>(tree.merges(i, 0))] +
                                items[static_cast<std::size_t>(tree.merges(i, 1))];
        if (tree.merges(i, 3) != expected) {
            bad(i, "says " + to_text(tree.merges(i, 3)) + " items, its parts hold " + to_text(expected));
        }
        items[static_cast<std::size_t>(n + i)] = expected;
    }
}

FILMATLAS_INLINE void validate(const LinkageOptions& options) {
    const bool squares = options.method == LinkageMethod::Ward || options.method == LinkageMethod::Centroid ||
                         options.method == LinkageMethod::Median;
    if (squares && options.metric != Metric::Euclidean) {
        throw_invalid("linkage", "metric",
                      "ward, centroid and median are defined for Euclidean distances only",
                      "use euclidean (on unit rows it orders as cosine does), or average linkage");
    }
    if (options.metric == Metric::InnerProduct) {
        throw_invalid("linkage", "metric", "inner_product is not a distance", "use cosine or euclidean");
    }
    if (options.memory_limit && *options.memory_limit < 0) {
        throw_invalid("linkage", "memory_limit", "is " + std::to_string(*options.memory_limit),
                      "use bytes >= 0");
    }
    if (options.num_threads < 0) {
        throw_invalid("linkage", "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE std::int64_t linkage_memory(std::int64_t n, std::int64_t d, const LinkageOptions& options) noexcept {
    if (n < 2) return 0;
    // Beyond this the product would not fit; no machine has the memory either.
    if (n > 1'000'000'000 || d > 1'000'000) return std::numeric_limits<std::int64_t>::max();
    const std::int64_t rows = 8 * n * d + 160 * n;
    switch (detail::linkage_route(n, options)) {
        case detail::LinkageRoute::Tree: return n > detail::kLinkageByChain ? 2 * rows : rows;
        case detail::LinkageRoute::Centroids: return rows + 4 * n * d;
        case detail::LinkageRoute::Chain: return rows + 4 * n * (n - 1);
        case detail::LinkageRoute::Triangle:
        case detail::LinkageRoute::Generic: break;
    }
    const std::int64_t value = options.single_precision ? 4 : 8;
    return rows + value * n * d + value * (n * (n - 1) / 2);
}

FILMATLAS_INLINE LinkageTree linkage(MatrixView<const float> X, const LinkageOptions& options,
                                     const Progress& progress) {
    return detail::linkage_vectors(X, options, progress);
}

FILMATLAS_INLINE LinkageTree linkage(MatrixView<const double> X, const LinkageOptions& options,
                                     const Progress& progress) {
    return detail::linkage_vectors(X, options, progress);
}

FILMATLAS_INLINE LinkageTree linkage_from_distances(std::span<const double> condensed,
                                                    const LinkageOptions& options, const Progress& progress) {
    LinkageOptions checked = options;
    checked.metric = Metric::Euclidean;
    validate(checked);
    const auto count = static_cast<std::int64_t>(condensed.size());
    const auto n =
        static_cast<std::int64_t>((1.0 + std::sqrt(1.0 + 8.0 * static_cast<double>(count))) / 2.0 + 0.5);
    if (n * (n - 1) / 2 != count) {
        throw_shape("linkage", std::to_string(count) + " distances are no n (n - 1) / 2",
                    "pass the upper triangle of the distance matrix, row by row");
    }
    for (std::size_t i = 0; i < condensed.size(); ++i) {
        if (!(condensed[i] >= 0) || !std::isfinite(condensed[i])) {
            throw_invalid("linkage", "distances",
                          "entry " + std::to_string(i) + " is " + to_text(condensed[i]),
                          "distances must be finite and >= 0");
        }
    }
    if (n == 1) return LinkageTree{Matrix<double>(0, 4), 1};
    if (checked.method == LinkageMethod::Single) {
        return detail::linkage_prim(
            n, [&](std::int64_t i, std::int64_t j) { return condensed[detail::linkage_at(n, i, j)]; },
            progress);
    }
    const bool chain = n <= detail::kLinkageByChain;
    const std::int64_t bytes = (chain || !checked.single_precision ? 8 : 4) * count + 160 * n;
    detail::linkage_check_memory(n, bytes, checked);
    if (!chain && checked.single_precision) {
        detail::CondensedValues<float> distances(n);
        std::transform(condensed.begin(), condensed.end(), distances.data(),
                       [](double value) { return static_cast<float>(value); });
        return detail::linkage_triangle(std::move(distances), n, checked, progress);
    }
    detail::CondensedDistances distances(n);
    std::copy(condensed.begin(), condensed.end(), distances.data());
    if (!chain) return detail::linkage_triangle(std::move(distances), n, checked, progress);
    return detail::linkage_run(distances.span(), std::vector<double>(static_cast<std::size_t>(n), 1.0),
                               checked.method, progress);
}

FILMATLAS_INLINE LinkageTree linkage_ward_weighted(MatrixView<const double> centroids,
                                                   std::span<const double> sizes,
                                                   const LinkageOptions& options, const Progress& progress) {
    LinkageOptions checked = options;
    checked.method = LinkageMethod::Ward;
    validate(checked);
    Matrix<double> rows = detail::linkage_rows(centroids, Metric::Euclidean);
    const std::int64_t n = rows.rows();
    if (static_cast<std::int64_t>(sizes.size()) != n) {
        throw_shape("linkage",
                    std::to_string(n) + " centroids but " + std::to_string(sizes.size()) + " sizes",
                    "pass one size per centroid");
    }
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (!(sizes[i] > 0) || !std::isfinite(sizes[i])) {
            throw_invalid("linkage", "sizes", "entry " + std::to_string(i) + " is " + to_text(sizes[i]),
                          "sizes must be finite and > 0");
        }
    }
    if (n == 1) return LinkageTree{Matrix<double>(0, 4), 1};
    detail::linkage_check_memory(n, linkage_memory(n, rows.cols(), checked), checked);
    if (n > detail::kLinkageByChain) {
        return detail::linkage_by_centroids(std::move(rows), std::vector<double>(sizes.begin(), sizes.end()),
                                            detail::LinkageForm::Ward, checked.num_threads, progress);
    }
    detail::CondensedDistances distances =
        detail::linkage_condensed(n, checked.num_threads, progress, [&](std::int64_t i, std::int64_t j) {
            const double a = sizes[static_cast<std::size_t>(i)];
            const double b = sizes[static_cast<std::size_t>(j)];
            return std::sqrt(2.0 * a * b / (a + b)) * detail::linkage_distance(rows.row_data(i),
                                                                               rows.row_data(j), rows.cols(),
                                                                               Metric::Euclidean);
        });
    return detail::linkage_chain(distances.span(), std::vector<double>(sizes.begin(), sizes.end()),
                                 LinkageMethod::Ward, progress);
}

FILMATLAS_INLINE std::vector<Index> cut_linkage(const LinkageTree& tree, int n_clusters) {
    if (n_clusters < 1 || n_clusters > tree.num_items) {
        throw_invalid("cut_linkage", "n_clusters", "is " + std::to_string(n_clusters),
                      "use 1 .. " + std::to_string(tree.num_items));
    }
    std::vector<char> keep(static_cast<std::size_t>(tree.num_items) - 1, 0);
    std::fill_n(keep.begin(), tree.num_items - n_clusters, char{1});
    return detail::linkage_labels(tree, keep);
}

FILMATLAS_INLINE std::vector<std::vector<Index>> cut_linkage(const LinkageTree& tree,
                                                             std::span<const int> n_clusters) {
    std::vector<std::vector<Index>> labels;
    labels.reserve(n_clusters.size());
    for (const int count : n_clusters) labels.push_back(cut_linkage(tree, count));
    return labels;
}

FILMATLAS_INLINE std::vector<Index> cut_linkage_height(const LinkageTree& tree, double height) {
    std::vector<double> heights(static_cast<std::size_t>(tree.num_items) - 1);
    for (std::size_t i = 0; i < heights.size(); ++i) heights[i] = tree.merges(static_cast<std::int64_t>(i), 2);
    return detail::linkage_labels_within(tree, heights, height);
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_IMPL_HPP
