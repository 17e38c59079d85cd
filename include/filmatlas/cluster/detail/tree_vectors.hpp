// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_TREE_VECTORS_HPP
#define FILMATLAS_CLUSTER_DETAIL_TREE_VECTORS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file tree_vectors.hpp
/// @brief Rows of the items of a tree, centres of its nodes, and how close the two are.

namespace filmatlas::detail {

/// Rows to compare with centres.
class TreeVectors {
public:
    TreeVectors(MatrixView<const float> X, Metric metric, int num_threads)
        : X_(X),
          unit_(metric == Metric::Cosine || metric == Metric::InnerProduct),
          metric_(metric == Metric::Manhattan ? Metric::Manhattan : Metric::Euclidean),
          scale_(static_cast<std::size_t>(X.rows), 0.0) {
        parallel_for(X.rows, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                double norm2 = 0;
                for (std::int64_t j = 0; j < X.cols; ++j) {
                    const auto value = static_cast<double>(X(i, j));
                    norm2 += value * value;
                }
                if (!std::isfinite(norm2) || (unit_ && !(norm2 > 0))) continue;
                scale_[static_cast<std::size_t>(i)] = unit_ ? 1.0 / std::sqrt(norm2) : 1.0;
            }
        });
    }

    bool unit() const noexcept { return unit_; }
    std::int64_t cols() const noexcept { return X_.cols; }
    bool valid(Index item) const noexcept { return scale_[static_cast<std::size_t>(item)] > 0; }

    void copy_row(Index item, double* row) const {
        const double scale = scale_[static_cast<std::size_t>(item)];
        for (std::int64_t j = 0; j < X_.cols; ++j) row[j] = scale * static_cast<double>(X_(item, j));
    }

    /// Adds the valid rows of some items to `sum`. @return how many they are
    std::int64_t add(std::span<const Index> items, double* sum) const {
        std::int64_t count = 0;
        for (const Index item : items) {
            const double scale = scale_[static_cast<std::size_t>(item)];
            if (!(scale > 0)) continue;
            for (std::int64_t j = 0; j < X_.cols; ++j) sum[j] += scale * static_cast<double>(X_(item, j));
            ++count;
        }
        return count;
    }

    /// A centre from a sum over `count` rows: of unit length under cosine, else the mean.
    void finish(double* sum, std::int64_t count) const {
        double scale = count > 0 ? 1.0 / static_cast<double>(count) : 0.0;
        if (unit_) {
            const double norm2 = linkage_sum(sum, sum, X_.cols, [](double x, double y) { return x * y; });
            scale = norm2 > 0 ? 1.0 / std::sqrt(norm2) : 0.0;
        }
        for (std::int64_t j = 0; j < X_.cols; ++j) sum[j] *= scale;
    }

    /// The larger the nearer: the cosine, else minus the distance.
    double closeness(const double* row, const double* centre) const {
        if (unit_) return linkage_sum(row, centre, X_.cols, [](double x, double y) { return x * y; });
        return -linkage_distance(row, centre, X_.cols, metric_);
    }
    /// Distance of two centres: one minus the cosine, else the distance.
    double distance(const double* a, const double* b) const {
        const double value = closeness(a, b);
        return unit_ ? std::max(0.0, 1.0 - value) : -value;
    }

private:
    MatrixView<const float> X_;
    bool unit_;
    Metric metric_;
    std::vector<double> scale_;  ///< 0 where there is no valid vector
};

inline void tree_need_rows(const Hierarchy& tree, MatrixView<const float> X, std::string_view where) {
    if (X.rows == tree.num_items()) return;
    throw_shape(
        where,
        std::to_string(X.rows) + " vectors but a hierarchy of " + std::to_string(tree.num_items()) + " items",
        "pass one row per item of the hierarchy");
}

inline void tree_need_graph(const KnnGraph& graph, MatrixView<const float> X, std::string_view where) {
    if (graph.size() == X.rows) return;
    throw_shape(where,
                "a graph of " + std::to_string(graph.size()) + " items for " + std::to_string(X.rows) + " vectors",
                "pass the neighbours of the same items");
}

inline std::vector<Index> tree_valid(const TreeVectors& vectors, std::span<const Index> items) {
    std::vector<Index> valid;
    std::copy_if(items.begin(), items.end(), std::back_inserter(valid), [&](Index item) { return vectors.valid(item); });
    return valid;
}

/// k-means of some valid items, at least k.
inline KMeansResult tree_parts(const TreeVectors& vectors, std::span<const Index> items, int k, int num_threads) {
    Matrix<float> rows(static_cast<std::int64_t>(items.size()), vectors.cols());
    std::vector<double> row(static_cast<std::size_t>(vectors.cols()));
    for (std::size_t r = 0; r < items.size(); ++r) {
        vectors.copy_row(items[r], row.data());
        std::transform(row.begin(), row.end(), rows.row_data(static_cast<std::int64_t>(r)),
                       [](double value) { return static_cast<float>(value); });
    }
    KMeansOptions options;
    options.start = KMeansStart::Parts;
    options.max_iterations = 50;
    options.num_threads = num_threads;
    return kmeans(rows.view(), k, options);
}

/// Sums of the valid rows of every node and how many they are: the finest by items, the others by children.
struct TreeSums {
    Matrix<double> sum;
    std::vector<std::int64_t> count;
};
inline TreeSums tree_sums(const Hierarchy& tree, const TreeVectors& vectors, int num_threads) {
    TreeSums out{Matrix<double>(tree.num_nodes(), vectors.cols()),
                 std::vector<std::int64_t>(static_cast<std::size_t>(tree.num_nodes()), 0)};
    const auto levels = static_cast<std::size_t>(tree.num_levels());
    const Index finest = tree.level_begin[levels - 1];
    parallel_for(tree.num_nodes() - finest, 4, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t at = begin; at < end; ++at) {
            const auto node = static_cast<Index>(finest + at);
            out.count[static_cast<std::size_t>(node)] = vectors.add(tree.items(node), out.sum.row_data(node));
        }
    });
    for (auto node = static_cast<Index>(tree.num_nodes() - 1); node >= 0; --node) {
        const Index parent = tree.nodes[static_cast<std::size_t>(node)].parent;
        if (parent < 0) continue;
        out.count[static_cast<std::size_t>(parent)] += out.count[static_cast<std::size_t>(node)];
        for (std::int64_t j = 0; j < vectors.cols(); ++j) out.sum(parent, j) += out.sum(node, j);
    }
    return out;
}

/// Centres of all nodes; zero where no item has a valid vector.
inline Matrix<double> tree_centres(const TreeVectors& vectors, const TreeSums& sums) {
    Matrix<double> centres = sums.sum;
    for (std::int64_t node = 0; node < centres.rows(); ++node) {
        vectors.finish(centres.row_data(node), sums.count[static_cast<std::size_t>(node)]);
    }
    return centres;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_TREE_VECTORS_HPP
