// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_POINTS_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_POINTS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_sort.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

namespace filmatlas::detail {

/// The distinct rows of a matrix in the order of their content: whatever is decided by position among them
/// does not depend on the order of the rows.
template <class T>
struct DensityPoints {
    Matrix<T> rows;              ///< (m, d); of unit length under cosine
    std::vector<Index> members;  ///< valid rows, point after point, ascending within one
    std::vector<Index> begin;    ///< (m + 1,) where each point's rows start in `members`
    std::vector<double> weight;  ///< (m,) of all its rows
    std::vector<Index> invalid;  ///< rows left out, ascending
    bool unit_weights = true;    ///< every point weighs 1

    std::int64_t size() const { return rows.rows(); }
    Index first(std::int64_t point) const {
        return members[static_cast<std::size_t>(begin[static_cast<std::size_t>(point)])];
    }
};

/// What becomes of a row: `Unit` and `NonZero` refuse zero rows, `Unit` scales to length 1.
enum class RowForm { AsGiven, NonZero, Unit };

/// Copies a row; false when it is not a valid vector.
template <class T, class In>
bool density_take_row(MatrixView<const In> X, std::int64_t i, RowForm form, T* out) {
    const In* row = X.row_data(i);
    double largest = 0;
    for (std::int64_t k = 0; k < X.cols; ++k) {
        if (!std::isfinite(row[k])) return false;
        largest = std::max(largest, std::abs(static_cast<double>(row[k])));
    }
    if (form != RowForm::AsGiven && largest == 0) return false;
    if (form != RowForm::Unit) {
        for (std::int64_t k = 0; k < X.cols; ++k) out[k] = static_cast<T>(row[k]) + T{0};  // -0 becomes 0
        return true;
    }
    double squared = 0;
    for (std::int64_t k = 0; k < X.cols; ++k) {
        const double v = static_cast<double>(row[k]) / largest;
        squared += v * v;
    }
    const double norm = std::sqrt(squared);
    for (std::int64_t k = 0; k < X.cols; ++k) {
        out[k] = static_cast<T>(static_cast<double>(row[k]) / largest / norm) + T{0};
    }
    return true;
}

template <class T, class In>
DensityPoints<T> density_points(MatrixView<const In> X, RowForm form, std::span<const double> weights,
                                int num_threads) {
    const std::int64_t d = X.cols;
    Matrix<T> taken(X.rows, d);
    std::vector<char> valid(static_cast<std::size_t>(X.rows), 0);
    parallel_for(X.rows, 2048, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            valid[static_cast<std::size_t>(i)] = density_take_row<T>(X, i, form, taken.row_data(i)) ? 1 : 0;
        }
    });
    DensityPoints<T> out;
    std::vector<double> key;
    std::vector<Index> kept;
    key.reserve(valid.size());
    kept.reserve(valid.size());
    for (std::int64_t i = 0; i < X.rows; ++i) {
        if (valid[static_cast<std::size_t>(i)] == 0) {
            out.invalid.push_back(static_cast<Index>(i));
        } else {
            kept.push_back(static_cast<Index>(i));
            key.push_back(d > 0 ? static_cast<double>(taken(i, 0)) : 0.0);
        }
    }
    const std::vector<Index> order = density_order(key, num_threads);
    const auto count = static_cast<std::int64_t>(order.size());
    Matrix<T> rows(count, d);  // of the members
    out.members.resize(order.size());
    const auto copy_rows = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t m = begin; m < end; ++m) {
            std::copy_n(taken.row_data(out.members[static_cast<std::size_t>(m)]), d, rows.row_data(m));
        }
    };
    parallel_for(count, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (auto m = static_cast<std::size_t>(begin); m < static_cast<std::size_t>(end); ++m) {
            out.members[m] = kept[static_cast<std::size_t>(order[m])];
        }
        copy_rows(begin, end);
    });
    const auto same = [&](std::int64_t a, std::int64_t b) {
        return std::equal(rows.row_data(a), rows.row_data(a) + d, rows.row_data(b));
    };
    const auto less = [&](Index a, Index b) {
        const T* x = taken.row_data(a);
        const T* y = taken.row_data(b);
        for (std::int64_t k = 0; k < d; ++k) {
            if (x[k] != y[k]) return x[k] < y[k];
        }
        return a < b;
    };
    // Rows whose first value is equal, in full order.
    for (std::int64_t run = 0; run < count;) {
        std::int64_t end = run + 1;
        bool equal = true;
        while (end < count && rows(end, 0) == rows(run, 0)) {
            equal = equal && same(end, run);
            ++end;
        }
        if (!equal) {
            std::sort(out.members.begin() + run, out.members.begin() + end, less);
            copy_rows(run, end);
        }
        run = end;
    }
    out.begin.reserve(kept.size() + 1);
    out.weight.reserve(kept.size());
    for (std::int64_t m = 0; m < count; ++m) {
        if (m == 0 || !same(m, m - 1)) {
            out.begin.push_back(static_cast<Index>(m));
            out.weight.push_back(0);
        }
        const Index member = out.members[static_cast<std::size_t>(m)];
        out.weight.back() += weights.empty() ? 1.0 : weights[static_cast<std::size_t>(member)];
    }
    out.begin.push_back(static_cast<Index>(out.members.size()));
    for (const double w : out.weight) out.unit_weights = out.unit_weights && w == 1;
    const auto m = static_cast<std::int64_t>(out.weight.size());
    if (m == count) {
        out.rows = std::move(rows);
        return out;
    }
    out.rows = Matrix<T>(m, d);
    parallel_for(m, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p) {
            std::copy_n(rows.row_data(out.begin[static_cast<std::size_t>(p)]), d, out.rows.row_data(p));
        }
    });
    return out;
}

/// How distances are held while a tree is made: a monotone function of them that needs no root.
struct ReducedDistance {
    bool manhattan = false;
    bool root = false;  ///< the distance is the root of the reduced one
    double half = 1;    ///< cosine is half the squared distance of unit rows
    double factor = 1;  ///< reduced distances are multiplied by it for alpha

    ReducedDistance(Metric metric, double alpha)
        : manhattan(metric == Metric::Manhattan),
          root(metric == Metric::Euclidean),
          half(metric == Metric::Cosine ? 0.5 : 1.0),
          factor(root ? 1 / (alpha * alpha) : 1 / alpha) {}

    double distance(double reduced) const { return root ? std::sqrt(reduced) : half * reduced; }
    template <class T>
    double between(const T* a, const T* b, std::int64_t d) const {
        double sum = 0;
        for (std::int64_t k = 0; k < d; ++k) {
            const double t = static_cast<double>(a[k]) - static_cast<double>(b[k]);
            sum += manhattan ? std::abs(t) : t * t;
        }
        return sum;
    }
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_POINTS_HPP
