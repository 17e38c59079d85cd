// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_POINTS_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_POINTS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/smooth_core.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/core/parallel.hpp"

/// @file nested_points.hpp
/// @brief Items as distinct points in an order by content, and partitions of them within size bounds.

namespace filmatlas::detail {

inline constexpr const char* kNestedStage = "nested_clusters";

inline constexpr int kNestedMaxFinest = 16384;  ///< nodes whose pairwise distances (1 GiB) are still held

/// The distinct valid rows in an order given by their content alone: what all decisions are made on.
struct NestedPoints {
    Matrix<float> rows;           ///< (m, d), unit length under cosine
    std::vector<double> weights;  ///< (m,) items with this vector
    std::vector<Index> point_of;  ///< (n,) -1 for items without a valid vector
    std::vector<Index> invalid;   ///< those items, ascending
    SmoothLists neighbors;        ///< the nearer two thirds of the neighbours and the point itself
    SmoothLists held_out;         ///< the other third: smoothing never sees it, choices are judged by it
};

/// Rows ready for comparison; false where there is no valid vector.
inline std::vector<char> nested_prepare(MatrixView<const float> X, const KnnGraph& graph, bool unit,
                                        int num_threads, Matrix<float>& rows) {
    std::vector<char> valid(static_cast<std::size_t>(X.rows), 1);
    for (const Index i : graph.invalid_rows) {
        if (i >= 0 && i < X.rows) valid[static_cast<std::size_t>(i)] = 0;
    }
    parallel_for(X.rows, kSmoothGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            double norm2 = 0;
            for (std::int64_t j = 0; j < X.cols; ++j) {
                rows(i, j) = X(i, j) + 0.0F;  // -0 and 0 are one value
                norm2 += static_cast<double>(X(i, j)) * static_cast<double>(X(i, j));
            }
            if (!std::isfinite(norm2) || (unit && !(norm2 > 0))) valid[static_cast<std::size_t>(i)] = 0;
            if (unit && valid[static_cast<std::size_t>(i)] != 0) smooth_unit(rows.row_data(i), X.cols);
        }
    });
    return valid;
}

/// Splits the neighbours of every point into those that smoothing may use and those held out. Per item they
/// are ranked by (distance, content), so that the split does not depend on the order of the rows.
inline void nested_lists(const KnnGraph& graph, const std::vector<Index>& order,
                         const std::vector<std::int64_t>& begin, NestedPoints& points) {
    smooth_check_ids(graph);
    const std::int64_t near = graph.k() < 3 ? graph.k() : (2 * graph.k() + 2) / 3;
    points.neighbors.begin.push_back(0);
    points.held_out.begin.push_back(0);
    std::vector<std::pair<float, Index>> ranked;
    std::vector<Index> list;
    std::vector<Index> held;
    const auto append = [](std::vector<Index>& ids, SmoothLists& lists) {
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        lists.ids.insert(lists.ids.end(), ids.begin(), ids.end());
        lists.begin.push_back(static_cast<std::int64_t>(lists.ids.size()));
    };
    for (std::size_t p = 0; p + 1 < begin.size(); ++p) {
        list.clear();
        held.clear();
        for (std::int64_t r = begin[p]; r < begin[p + 1]; ++r) {
            const Index item = order[static_cast<std::size_t>(r)];
            ranked.clear();
            for (std::int64_t slot = 0; slot < graph.k(); ++slot) {
                const Index j = graph.indices(item, slot);
                if (j < 0 || j == item) continue;
                const Index point = points.point_of[static_cast<std::size_t>(j)];
                if (point >= 0) ranked.emplace_back(graph.distances(item, slot), point);
            }
            std::sort(ranked.begin(), ranked.end());
            for (std::size_t slot = 0; slot < ranked.size(); ++slot) {
                if (ranked[slot].second == static_cast<Index>(p)) continue;
                (static_cast<std::int64_t>(slot) < near ? list : held).push_back(ranked[slot].second);
            }
        }
        if (!list.empty()) list.push_back(static_cast<Index>(p));
        append(list, points.neighbors);
        append(held, points.held_out);
    }
}

inline NestedPoints nested_points(MatrixView<const float> X, const KnnGraph& graph, bool unit,
                                  int num_threads) {
    NestedPoints out;
    Matrix<float> rows(X.rows, X.cols);
    const std::vector<char> valid = nested_prepare(X, graph, unit, num_threads, rows);
    std::vector<Index> order;
    for (Index i = 0; i < X.rows; ++i)
        (valid[static_cast<std::size_t>(i)] != 0 ? order : out.invalid).push_back(i);
    const auto before = [&](Index a, Index b) {
        const float* x = rows.row_data(a);
        const float* y = rows.row_data(b);
        return std::lexicographical_compare(x, x + X.cols, y, y + X.cols);
    };
    std::sort(order.begin(), order.end(), [&](Index a, Index b) {
        if (before(a, b)) return true;
        return !before(b, a) && a < b;
    });
    out.point_of.assign(static_cast<std::size_t>(X.rows), -1);
    std::vector<Index> first;  // of the items of each point
    std::vector<std::int64_t> begin;
    for (std::size_t r = 0; r < order.size(); ++r) {
        if (r == 0 || before(order[r - 1], order[r])) {
            first.push_back(order[r]);
            begin.push_back(static_cast<std::int64_t>(r));
            out.weights.push_back(0);
        }
        out.weights.back() += 1;
        out.point_of[static_cast<std::size_t>(order[r])] = static_cast<Index>(first.size()) - 1;
    }
    begin.push_back(static_cast<std::int64_t>(order.size()));
    const auto m = static_cast<std::int64_t>(first.size());
    out.rows = Matrix<float>(m, X.cols);
    for (std::int64_t p = 0; p < m; ++p) {
        std::copy_n(rows.row_data(first[static_cast<std::size_t>(p)]), X.cols, out.rows.row_data(p));
    }
    nested_lists(graph, order, begin, out);
    return out;
}

/// A partition of the points with the weight of its parts.
struct NestedParts {
    std::vector<Index> label;  ///< per point
    std::vector<double> weight;
    int count() const { return static_cast<int>(weight.size()); }
};

/// Renumbers the parts by first point and drops empty ones.
inline NestedParts nested_parts(const std::vector<Index>& label, const std::vector<double>& weights) {
    NestedParts out;
    Index highest = -1;
    for (const Index l : label) highest = std::max(highest, l);
    std::vector<Index> number(static_cast<std::size_t>(highest) + 1, -1);
    out.label.reserve(label.size());
    for (std::size_t i = 0; i < label.size(); ++i) {
        Index& mine = number[static_cast<std::size_t>(label[i])];
        if (mine < 0) {
            mine = static_cast<Index>(out.weight.size());
            out.weight.push_back(0);
        }
        out.label.push_back(mine);
        out.weight[static_cast<std::size_t>(mine)] += weights[i];
    }
    return out;
}

/// Weighted means of the parts, scaled to unit length when `unit`.
inline Matrix<double> nested_centroids(const Matrix<float>& rows, const std::vector<double>& weights,
                                       const NestedParts& parts, bool unit) {
    Matrix<double> out(parts.count(), rows.cols());
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
        double* sum = out.row_data(parts.label[static_cast<std::size_t>(i)]);
        const double weight = weights[static_cast<std::size_t>(i)];
        const float* row = rows.row_data(i);
        for (std::int64_t j = 0; j < rows.cols(); ++j) sum[j] += weight * static_cast<double>(row[j]);
    }
    for (std::int64_t c = 0; c < out.rows(); ++c) {
        double norm2 = 0;
        for (double& value : out.row(c)) {
            value /= parts.weight[static_cast<std::size_t>(c)];
            norm2 += value * value;
        }
        if (!unit || !(norm2 > 0)) continue;
        const double scale = 1.0 / std::sqrt(norm2);
        for (double& value : out.row(c)) value *= scale;
    }
    return out;
}

/// Cuts parts heavier than `max_size` by k-means inside, until none is left that can be cut.
/// Points that smoothing made equal are told apart by their own vectors.
inline void nested_split(const Matrix<float>& smoothed, const Matrix<float>& original,
                         const std::vector<double>& weights, double max_size, const KMeansOptions& options,
                         NestedParts& parts) {
    std::vector<std::vector<Index>> members(parts.weight.size());
    for (std::size_t i = 0; i < parts.label.size(); ++i) {
        members[static_cast<std::size_t>(parts.label[i])].push_back(static_cast<Index>(i));
    }
    for (std::size_t part = 0; part < members.size(); ++part) {  // pieces are appended and looked at in turn
        const auto inside = static_cast<std::int64_t>(members[part].size());
        double weight = 0;
        for (const Index i : members[part]) weight += weights[static_cast<std::size_t>(i)];
        if (weight <= max_size || inside < 2) continue;
        std::vector<double> own_weights;
        for (const Index i : members[part]) own_weights.push_back(weights[static_cast<std::size_t>(i)]);
        const int k =
            static_cast<int>(std::min<double>(static_cast<double>(inside), std::ceil(weight / max_size)));
        KMeansResult cut;
        for (const Matrix<float>* rows : {&smoothed, &original}) {
            Matrix<float> own(inside, rows->cols());
            for (std::int64_t r = 0; r < inside; ++r) {
                std::copy_n(rows->row_data(members[part][static_cast<std::size_t>(r)]), rows->cols(),
                            own.row_data(r));
            }
            cut = kmeans(own.view(), k, options, own_weights);
            if (cut.sizes[1] > 0) break;
        }
        if (cut.sizes[1] == 0) continue;  // the same item many times
        std::vector<std::vector<Index>> pieces(static_cast<std::size_t>(k));
        for (std::int64_t r = 0; r < inside; ++r) {
            pieces[static_cast<std::size_t>(cut.labels[static_cast<std::size_t>(r)])].push_back(
                members[part][static_cast<std::size_t>(r)]);
        }
        members[part].clear();
        for (auto& piece : pieces) {
            if (!piece.empty()) members.push_back(std::move(piece));
        }
    }
    for (std::size_t part = 0; part < members.size(); ++part) {
        for (const Index i : members[part])
            parts.label[static_cast<std::size_t>(i)] = static_cast<Index>(part);
    }
    parts = nested_parts(parts.label, weights);
}

/// Joins parts lighter than `min_size` to the nearest part that stays within `max_size` (to the nearest of
/// all when none does), lightest first.
inline void nested_merge_small(const Matrix<float>& rows, const std::vector<double>& weights, double min_size,
                               double max_size, bool unit, NestedParts& parts) {
    Matrix<double> centroids = nested_centroids(rows, weights, parts, unit);
    std::vector<double> weight = parts.weight;
    std::vector<Index> joined(weight.size());
    std::iota(joined.begin(), joined.end(), Index{0});
    int left = parts.count();
    while (left > 1) {
        std::size_t small = weight.size();
        for (std::size_t c = 0; c < weight.size(); ++c) {
            if (weight[c] > 0 && weight[c] < min_size &&
                (small == weight.size() || weight[c] < weight[small]))
                small = c;
        }
        if (small == weight.size()) break;
        std::size_t to = weight.size();
        double nearest = 0;
        bool to_fits = false;
        for (std::size_t c = 0; c < weight.size(); ++c) {
            if (c == small || !(weight[c] > 0)) continue;
            const bool fits = weight[c] + weight[small] <= max_size;
            const double distance = linkage_distance(centroids.row_data(static_cast<std::int64_t>(small)),
                                                     centroids.row_data(static_cast<std::int64_t>(c)),
                                                     rows.cols(), Metric::SqEuclidean);
            if (to == weight.size() || (fits && !to_fits) || (fits == to_fits && distance < nearest)) {
                to = c;
                nearest = distance;
                to_fits = fits;
            }
        }
        double* a = centroids.row_data(static_cast<std::int64_t>(to));
        const double* b = centroids.row_data(static_cast<std::int64_t>(small));
        const double total = weight[to] + weight[small];
        double norm2 = 0;
        for (std::int64_t j = 0; j < rows.cols(); ++j) {
            a[j] = (weight[to] * a[j] + weight[small] * b[j]) / total;
            norm2 += a[j] * a[j];
        }
        if (unit && norm2 > 0) {
            for (std::int64_t j = 0; j < rows.cols(); ++j) a[j] /= std::sqrt(norm2);
        }
        weight[to] = total;
        weight[small] = 0;
        joined[small] = static_cast<Index>(to);
        --left;
    }
    for (Index& label : parts.label) {
        while (joined[static_cast<std::size_t>(label)] != label)
            label = joined[static_cast<std::size_t>(label)];
    }
    parts = nested_parts(parts.label, weights);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_POINTS_HPP
