// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_GRAPH_ROWS_HPP
#define FILMATLAS_LAYOUT_DETAIL_GRAPH_ROWS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file graph_rows.hpp
/// @brief Rows of a neighbour graph as distances, and symmetric matrices from directed weights.

namespace filmatlas::detail {

/// Distance from which on neighbours of this metric are none: opposite vectors.
inline double disconnection_distance(Metric metric) {
    return metric == Metric::Cosine ? 2.0 : std::numeric_limits<double>::infinity();
}

/// Distances that memberships are made of: >= 0, ascending, neighbours that are missing or too far cut off.
/// @return number of neighbours of the row.
inline std::int64_t fuzzy_row(const KnnGraph& graph, std::int64_t row, std::int64_t columns,
                              std::vector<double>& distances, double too_far) {
    distances.clear();
    const auto ids = graph.indices.row(row);
    const auto raw = graph.distances.row(row);
    double shift = 0;
    if (graph.metric == Metric::InnerProduct && columns > 0 && ids[0] >= 0)
        shift = static_cast<double>(raw[0]);
    for (std::int64_t slot = 0; slot < columns; ++slot) {
        const auto s = static_cast<std::size_t>(slot);
        if (ids[s] < 0) break;
        if (static_cast<double>(raw[s]) >= too_far) break;
        distances.push_back(std::max(0.0, static_cast<double>(raw[s]) - shift));
    }
    return static_cast<std::int64_t>(distances.size());
}

inline void check_layout_graph(const KnnGraph& graph, std::string_view stage) {
    if (graph.distances.rows() != graph.indices.rows() || graph.distances.cols() != graph.indices.cols()) {
        throw_shape(stage, "the graph's ids are (" + std::to_string(graph.indices.rows()) + ", " +
                               std::to_string(graph.indices.cols()) + ") and its distances (" +
                               std::to_string(graph.distances.rows()) + ", " +
                               std::to_string(graph.distances.cols()) + ")");
    }
    const std::int64_t n = graph.size();
    for (std::int64_t i = 0; i < n; ++i) {
        bool ended = false;
        for (std::int64_t s = 0; s < graph.k(); ++s) {
            const Index id = graph.indices(i, s);
            const bool bad =
                id < -1 || id >= n || id == i || (id >= 0 && (ended || std::isnan(graph.distances(i, s))));
            if (bad) {
                throw Error(ErrorCode::Format, ErrorContext{std::string(stage), {}, i, {}, -1},
                            "neighbour " + std::to_string(s) + " of item " + std::to_string(i) + " is " +
                                std::to_string(id) + " at distance " +
                                to_text(static_cast<double>(graph.distances(i, s))),
                            "ids must be other items of the graph, -1 only at the end of a row");
            }
            ended = ended || id < 0;
        }
    }
}

/// Directed weights of the first `columns` slots of `ids`, in row-major order, turned to the items that are named.
struct NamedWeights {
    std::vector<std::int64_t> begin;  ///< n + 1
    std::vector<Index> namer;         ///< ascending for each item that is named
    std::vector<float> weight;        ///< of the namer's edge
};

inline NamedWeights named_weights(const Matrix<Index>& ids, std::int64_t columns, const std::vector<float>& weights) {
    const std::int64_t n = ids.rows();
    NamedWeights named;
    // Counted two places ahead, so that filling moves each item's end to where the next one begins.
    named.begin.assign(static_cast<std::size_t>(n) + 2, 0);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t s = 0; s < columns; ++s) {
            if (ids(i, s) >= 0) ++named.begin[static_cast<std::size_t>(ids(i, s)) + 2];
        }
    }
    for (std::size_t i = 2; i < named.begin.size(); ++i) named.begin[i] += named.begin[i - 1];
    named.namer.resize(static_cast<std::size_t>(named.begin.back()));
    named.weight.resize(named.namer.size());
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t s = 0; s < columns; ++s) {
            if (ids(i, s) < 0) continue;
            const auto at = static_cast<std::size_t>(named.begin[static_cast<std::size_t>(ids(i, s)) + 1]++);
            named.namer[at] = static_cast<Index>(i);
            named.weight[at] = weights[static_cast<std::size_t>(i * columns + s)];
        }
    }
    named.begin.pop_back();
    return named;
}

/// Both directions of an item's edges, merged.
class EdgesOfItem {
public:
    EdgesOfItem(const Matrix<Index>& ids, std::int64_t columns, const std::vector<float>& weights,
                const NamedWeights& named)
        : ids_(ids), columns_(columns), weights_(weights), named_(named) {}

    /// Calls visit(j, w(i -> j), w(j -> i)) by ascending j, absent weights as 0. Where an id is repeated in a row, its
    /// largest weight counts.
    template <class Visit>
    void visit(std::int64_t i, Visit&& visit) {
        own_.clear();
        for (std::int64_t s = 0; s < columns_; ++s) {
            if (ids_(i, s) >= 0) own_.emplace_back(ids_(i, s), weights_[static_cast<std::size_t>(i * columns_ + s)]);
        }
        std::sort(own_.begin(), own_.end());
        auto in = static_cast<std::size_t>(named_.begin[static_cast<std::size_t>(i)]);
        const auto last = static_cast<std::size_t>(named_.begin[static_cast<std::size_t>(i) + 1]);
        for (std::size_t out = 0; out < own_.size() || in < last;) {
            const bool own_first = in == last || (out < own_.size() && own_[out].first <= named_.namer[in]);
            const Index j = own_first ? own_[out].first : named_.namer[in];
            float outwards = 0;
            float inwards = 0;
            for (; out < own_.size() && own_[out].first == j; ++out) outwards = std::max(outwards, own_[out].second);
            for (; in < last && named_.namer[in] == j; ++in) inwards = std::max(inwards, named_.weight[in]);
            visit(j, static_cast<double>(outwards), static_cast<double>(inwards));
        }
    }

private:
    const Matrix<Index>& ids_;
    std::int64_t columns_;
    const std::vector<float>& weights_;
    const NamedWeights& named_;
    std::vector<std::pair<Index, float>> own_;
};

/// Symmetric matrix from directed weights: entry (i, j) = combine(w(i -> j), w(j -> i)), absent ones 0;
/// results of 0 are left out. `combine` must be symmetric. Weights belong to the first `columns` slots of
/// `ids`, in row-major order. Rows are counted, then written where they belong: nothing is held twice.
template <class Combine>
CsrMatrix<float> symmetric_from_directed(const Matrix<Index>& ids, std::int64_t columns,
                                         const std::vector<float>& weights, int num_threads,
                                         Combine&& combine) {
    const std::int64_t n = ids.rows();
    const NamedWeights named = named_weights(ids, columns, weights);
    CsrMatrix<float> matrix;
    matrix.rows = n;
    matrix.cols = n;
    matrix.indptr.assign(static_cast<std::size_t>(n) + 1, 0);
    const auto each_entry = [&](auto&& visit) {
        parallel_for(n, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
            EdgesOfItem edges(ids, columns, weights, named);
            for (std::int64_t i = begin; i < end; ++i) {
                std::int64_t count = 0;
                edges.visit(i, [&](Index j, double out, double in) {
                    const auto value = static_cast<float>(combine(out, in));
                    if (value > 0) visit(i, count++, j, value);
                });
            }
        });
    };
    each_entry([&](std::int64_t i, std::int64_t count, Index, float) {
        matrix.indptr[static_cast<std::size_t>(i) + 1] = count + 1;
    });
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) matrix.indptr[i + 1] += matrix.indptr[i];
    matrix.indices.resize(static_cast<std::size_t>(matrix.indptr.back()));
    matrix.values.resize(static_cast<std::size_t>(matrix.indptr.back()));
    each_entry([&](std::int64_t i, std::int64_t count, Index j, float value) {
        const auto at = static_cast<std::size_t>(matrix.indptr[static_cast<std::size_t>(i)] + count);
        matrix.indices[at] = j;
        matrix.values[at] = value;
    });
    return matrix;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_GRAPH_ROWS_HPP
