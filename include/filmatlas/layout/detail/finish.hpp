// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_FINISH_HPP
#define FILMATLAS_LAYOUT_DETAIL_FINISH_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file finish.hpp
/// @brief What every layout does before and after its optimiser: which items take part, centring, axes'
///         signs.

namespace filmatlas::detail {

/// 1 for items that have a position on the map: not listed as invalid, and a finite vector.
inline std::vector<char> layout_valid_rows(MatrixView<const float> X, const KnnGraph& graph,
                                           std::string_view stage) {
    if (X.rows != graph.size()) {
        throw_shape(stage,
                    "there are " + std::to_string(X.rows) + " vectors and " + std::to_string(graph.size()) +
                        " rows of neighbours",
                    "pass the vectors that the graph was made of");
    }
    std::vector<char> valid(static_cast<std::size_t>(X.rows), 1);
    for (std::int64_t i = 0; i < X.rows; ++i) {
        for (const float value : X.row(i)) {
            if (!std::isfinite(value)) valid[static_cast<std::size_t>(i)] = 0;
        }
    }
    for (const Index row : graph.invalid_rows) {
        if (row < 0 || row >= X.rows) {
            throw_shape(stage, "the graph lists row " + std::to_string(row) + " as invalid, of " +
                                   std::to_string(X.rows) + " rows");
        }
        valid[static_cast<std::size_t>(row)] = 0;
    }
    return valid;
}

inline void check_given_start(const Matrix<float>& given, std::int64_t n, int n_components,
                              const std::vector<char>& valid, std::string_view stage) {
    if (given.rows() != n || given.cols() != n_components) {
        throw_shape(stage,
                    "`given` is (" + std::to_string(given.rows()) + ", " + std::to_string(given.cols()) +
                        "), wanted (" + std::to_string(n) + ", " + std::to_string(n_components) + ")",
                    "pass one row of coordinates per item, or another init");
    }
    for (std::int64_t i = 0; i < n; ++i) {
        for (const float value : given.row(i)) {
            if (valid[static_cast<std::size_t>(i)] && !std::isfinite(value)) {
                throw Error(ErrorCode::InvalidArgument, ErrorContext{std::string(stage), {}, i, "given", -1},
                            "the start of item " + std::to_string(i) + " is not finite",
                            "give every item with a valid vector a finite position");
            }
        }
    }
}

/// Mean of the valid rows to the origin (float64 sums in row order).
inline void layout_center(Matrix<float>& y, const std::vector<char>& valid) {
    for (std::int64_t d = 0; d < y.cols(); ++d) {
        double sum = 0;
        std::int64_t count = 0;
        for (std::int64_t i = 0; i < y.rows(); ++i) {
            if (!valid[static_cast<std::size_t>(i)]) continue;
            sum += static_cast<double>(y(i, d));
            ++count;
        }
        if (count == 0) return;
        const auto mean = static_cast<float>(sum / static_cast<double>(count));
        for (std::int64_t i = 0; i < y.rows(); ++i) y(i, d) -= mean;
    }
}

/// On each axis the valid item farthest from 0 (the first of equals) becomes positive.
inline void layout_fix_signs(Matrix<float>& y, const std::vector<char>& valid) {
    for (std::int64_t d = 0; d < y.cols(); ++d) {
        float farthest = 0;
        for (std::int64_t i = 0; i < y.rows(); ++i) {
            if (valid[static_cast<std::size_t>(i)] && std::abs(y(i, d)) > std::abs(farthest))
                farthest = y(i, d);
        }
        if (farthest >= 0) continue;
        for (std::int64_t i = 0; i < y.rows(); ++i) y(i, d) = -y(i, d);
    }
}

inline void layout_mark_invalid(Matrix<float>& y, const std::vector<char>& valid) {
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (valid[static_cast<std::size_t>(i)]) continue;
        for (float& value : y.row(i)) value = std::numeric_limits<float>::quiet_NaN();
    }
}

/// The vectors for a start: rows of invalid items (a quarantined zero vector is finite) become NaN in a copy,
/// so that no start takes them for items.
inline MatrixView<const float> layout_start_vectors(MatrixView<const float> X, const std::vector<char>& valid,
                                                    Matrix<float>& copy) {
    bool masked = false;
    for (std::int64_t i = 0; i < X.rows && !masked; ++i) {
        masked = !valid[static_cast<std::size_t>(i)] && X.cols > 0 && std::isfinite(X(i, 0));
    }
    if (!masked) return X;
    copy = Matrix<float>(X.rows, X.cols);
    for (std::int64_t i = 0; i < X.rows; ++i) {
        for (std::int64_t d = 0; d < X.cols; ++d) {
            copy(i, d) =
                valid[static_cast<std::size_t>(i)] ? X(i, d) : std::numeric_limits<float>::quiet_NaN();
        }
    }
    return copy.view();
}

/// Least and largest coordinate of the marked rows on an axis; low > high when there are none.
struct LayoutSpan {
    float low = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();
};
inline LayoutSpan layout_span(const Matrix<float>& y, const std::vector<char>& marked, std::int64_t axis) {
    LayoutSpan span;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (!marked[static_cast<std::size_t>(i)]) continue;
        span.low = std::min(span.low, y(i, axis));
        span.high = std::max(span.high, y(i, axis));
    }
    return span;
}

inline std::int64_t layout_count(const std::vector<char>& valid) {
    std::int64_t count = 0;
    for (const char v : valid) count += v;
    return count;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_FINISH_HPP
