// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_GRAPH_ROWS_HPP
#define FILMATLAS_LAYOUT_DETAIL_GRAPH_ROWS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
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

/// Distances that memberships are made of: >= 0, ascending, missing neighbours cut off.
/// @return number of neighbours of the row.
inline std::int64_t fuzzy_row(const KnnGraph& graph, std::int64_t row, std::int64_t columns,
                              std::vector<double>& distances) {
    distances.clear();
    const auto ids = graph.indices.row(row);
    const auto raw = graph.distances.row(row);
    double shift = 0;
    if (graph.metric == Metric::InnerProduct && columns > 0 && ids[0] >= 0)
        shift = static_cast<double>(raw[0]);
    for (std::int64_t slot = 0; slot < columns; ++slot) {
        const auto s = static_cast<std::size_t>(slot);
        if (ids[s] < 0) break;
        if (graph.metric == Metric::Cosine && raw[s] >= 2.0F) break;
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

/// Transposed structure of the directed graph (ids of the first `columns` slots), with each entry's place in
/// it.
struct FuzzyReverse {
    std::vector<std::int64_t> begin;  ///< n + 1
    std::vector<std::int64_t> entry;  ///< flat slot (row * columns + slot), rows ascending
};

inline FuzzyReverse fuzzy_reverse(const Matrix<Index>& ids, std::int64_t columns) {
    const std::int64_t n = ids.rows();
    FuzzyReverse reverse;
    reverse.begin.assign(static_cast<std::size_t>(n) + 1, 0);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t s = 0; s < columns; ++s) {
            if (ids(i, s) >= 0) ++reverse.begin[static_cast<std::size_t>(ids(i, s)) + 1];
        }
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) reverse.begin[i + 1] += reverse.begin[i];
    reverse.entry.resize(static_cast<std::size_t>(reverse.begin.back()));
    std::vector<std::int64_t> next(reverse.begin.begin(), reverse.begin.end() - 1);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t s = 0; s < columns; ++s) {
            if (ids(i, s) < 0) continue;
            reverse.entry[static_cast<std::size_t>(next[static_cast<std::size_t>(ids(i, s))]++)] =
                i * columns + s;
        }
    }
    return reverse;
}

/// Symmetric matrix from directed weights: entry (i, j) = combine(w(i -> j), w(j -> i)), absent ones 0;
/// results of 0 are left out. `combine` must be symmetric. Weights belong to the first `columns` slots of
/// `ids`, in row-major order.
template <class Combine>
CsrMatrix<float> symmetric_from_directed(const Matrix<Index>& ids, std::int64_t columns,
                                         const std::vector<double>& weights, int num_threads,
                                         Combine&& combine) {
    const std::int64_t n = ids.rows();
    const FuzzyReverse reverse = fuzzy_reverse(ids, columns);
    std::vector<std::vector<std::pair<Index, float>>> rows(static_cast<std::size_t>(n));
    parallel_for(n, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        struct Entry {
            Index column;
            double out;
            double in;
        };
        std::vector<Entry> row;
        for (std::int64_t i = begin; i < end; ++i) {
            row.clear();
            for (std::int64_t s = 0; s < columns; ++s) {
                if (ids(i, s) >= 0)
                    row.push_back({ids(i, s), weights[static_cast<std::size_t>(i * columns + s)], 0});
            }
            const auto first = static_cast<std::size_t>(reverse.begin[static_cast<std::size_t>(i)]);
            const auto last = static_cast<std::size_t>(reverse.begin[static_cast<std::size_t>(i) + 1]);
            for (std::size_t e = first; e < last; ++e) {
                const std::int64_t flat = reverse.entry[e];
                row.push_back(
                    {static_cast<Index>(flat / columns), 0, weights[static_cast<std::size_t>(flat)]});
            }
            std::sort(row.begin(), row.end(), [](const Entry& a, const Entry& b) {
                return a.column != b.column ? a.column < b.column : a.out > b.out;
            });
            auto& result = rows[static_cast<std::size_t>(i)];
            for (std::size_t e = 0; e < row.size();) {
                double out = row[e].out;
                double in = row[e].in;
                const Index column = row[e].column;
                for (++e; e < row.size() && row[e].column == column; ++e) {
                    out = std::max(out, row[e].out);
                    in = std::max(in, row[e].in);
                }
                const auto value = static_cast<float>(combine(out, in));
                if (value > 0) result.emplace_back(column, value);
            }
        }
    });
    CsrMatrix<float> matrix;
    matrix.rows = n;
    matrix.cols = n;
    matrix.indptr.assign(static_cast<std::size_t>(n) + 1, 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        matrix.indptr[i + 1] = matrix.indptr[i] + static_cast<std::int64_t>(rows[i].size());
    }
    matrix.indices.reserve(static_cast<std::size_t>(matrix.indptr.back()));
    matrix.values.reserve(static_cast<std::size_t>(matrix.indptr.back()));
    for (const auto& row : rows) {
        for (const auto& [column, value] : row) {
            matrix.indices.push_back(column);
            matrix.values.push_back(value);
        }
    }
    return matrix;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_GRAPH_ROWS_HPP
