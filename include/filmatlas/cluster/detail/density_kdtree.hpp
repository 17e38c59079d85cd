// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_KDTREE_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_KDTREE_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_sort.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas::detail {

/// A balanced tree of boxes over distinct points, halved along the widest side, in heap order: node i has the
/// children 2i + 1 and 2i + 2, all leaves are on the last level. Leaves hold their points dimension by
/// dimension, padded with infinity, so that one query meets a whole leaf in straight loops.
///
/// Distances are sums over the dimensions in ascending order, of boxes as of points, so that rounding can
/// never make a box seem farther than a point in it. `Dim` 0: as many dimensions as the points have.
template <int Dim, bool Manhattan>
class DensityKdTree {
public:
    static constexpr std::int64_t leaf_size = Dim >= 1 && Dim <= 3 ? 16 : 32;
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    DensityKdTree(const Matrix<double>& points, int num_threads) : n_(points.rows()), d_(points.cols()) {
        while ((n_ + (std::int64_t{1} << levels_) - 1) >> levels_ > leaf_size) ++levels_;
        const std::int64_t leaves = std::int64_t{1} << levels_;
        first_leaf_ = leaves - 1;
        boxes_.resize(static_cast<std::size_t>((2 * leaves - 1) * 2 * d()));
        Orders orders(points, num_threads);
        for (int level = 0; level <= levels_; ++level) {
            const std::int64_t nodes = std::int64_t{1} << level;
            parallel_for(nodes, std::max<std::int64_t>(1, nodes / 64), num_threads,
                         [&](std::int64_t begin, std::int64_t end) {
                             std::vector<Index> right;
                             for (std::int64_t i = begin; i < end; ++i) split(points, level, i, orders, right);
                         });
        }
        point_ = std::move(orders.sorted[0]);
        lanes_.assign(static_cast<std::size_t>(leaves * leaf_size * d()), infinity);
        rows_.resize(static_cast<std::size_t>(n_ * d()));
        parallel_for(leaves, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t leaf = begin; leaf < end; ++leaf) fill_leaf(points, leaf);
        });
    }

    std::int64_t size() const { return n_; }
    std::int64_t d() const {
        if constexpr (Dim > 0) return Dim;
        return d_;
    }
    std::int64_t leaves() const { return first_leaf_ + 1; }
    std::int64_t first_leaf() const { return first_leaf_; }
    std::int64_t nodes() const { return 2 * first_leaf_ + 1; }
    std::int64_t leaf_begin(std::int64_t leaf) const { return (leaf * n_) >> levels_; }
    /// Index of a position's point.
    Index point(std::int64_t position) const { return point_[static_cast<std::size_t>(position)]; }
    const double* row(std::int64_t position) const { return rows_.data() + position * d(); }

    double between(const double* a, const double* b) const {
        double sum = 0;
        for (std::int64_t k = 0; k < d(); ++k) sum += term(a[k] - b[k]);
        return sum;
    }

    /// A node's box: lowest and highest value of every dimension.
    const double* box(std::int64_t node) const { return boxes_.data() + node * 2 * d(); }

    /// Distance of q to a node's box; anything from `enough` on when it is at least that.
    double to_box(const double* q, std::int64_t node, double enough) const {
        return apart<1>(q, q, node, enough);
    }
    /// The same of a box.
    double box_to_box(const double* a, std::int64_t node, double enough) const {
        return apart<2>(a, a + 1, node, enough);
    }

    /// Distances of q to all places of a leaf, anything from `enough` on where they are at least that;
    /// infinite for the padding.
    void to_leaf(const double* q, std::int64_t leaf, double* out, double enough) const {
        over_lanes(leaf, out, enough, [q](std::int64_t k, double value) { return term(value - q[k]); });
    }

    /// Distances of all places of a leaf to another's box; infinite for the padding.
    void leaf_to_box(std::int64_t leaf, std::int64_t other, double* out) const {
        const double* bounds = box(first_leaf_ + other);
        over_lanes(leaf, out, infinity, [bounds](std::int64_t k, double value) {
            return term(std::max(0.0, std::max(bounds[2 * k] - value, value - bounds[2 * k + 1])));
        });
    }

    /// Visits leaves that may hold something nearer than `bound()`, nearest subtree first, starting with the
    /// leaf `home` and climbing. `distance(node)` is that of a node's box; `skip(node, distance)` drops a subtree;
    /// `scan(leaf)` may lower the bound.
    template <class Distance, class Bound, class Skip, class Scan>
    void search(std::int64_t home, Distance&& distance_of, Bound&& bound, Skip&& skip, Scan&& scan) const {
        std::array<Pending, 64> stack;
        std::int64_t node = first_leaf_ + home;
        if (!skip(node, 0.0)) scan(home);
        while (node > 0) {
            const std::int64_t sibling = (node & 1) != 0 ? node + 1 : node - 1;
            node = (node - 1) / 2;
            const double distance = distance_of(sibling);
            if (!(distance < bound()) || skip(sibling, distance)) continue;
            std::size_t depth = 0;
            stack[depth++] = {sibling, distance};
            while (depth > 0) {
                const Pending next = stack[--depth];
                if (!(next.distance < bound()) || skip(next.node, next.distance)) continue;
                std::int64_t at = next.node;
                bool alive = true;
                while (at < first_leaf_) {
                    std::int64_t near = 2 * at + 1;
                    std::int64_t far = near + 1;
                    double near_distance = distance_of(near);
                    double far_distance = distance_of(far);
                    if (far_distance < near_distance) {
                        std::swap(near, far);
                        std::swap(near_distance, far_distance);
                    }
                    if (far_distance < bound() && !skip(far, far_distance))
                        stack[depth++] = {far, far_distance};
                    alive = near_distance < bound() && !skip(near, near_distance);
                    if (!alive) break;
                    at = near;
                }
                if (alive) scan(at - first_leaf_);
            }
        }
    }

private:
    struct Pending {
        std::int64_t node;
        double distance;
    };

    static double term(double difference) {
        if constexpr (Manhattan) return std::abs(difference);
        return difference * difference;
    }

    template <int Stride>
    double apart(const double* low, const double* high, std::int64_t node, double enough) const {
        const double* other = box(node);
        double sum = 0;
        for (std::int64_t k = 0; k < d(); ++k) {
            const double below = other[2 * k] - high[Stride * k];
            const double above = low[Stride * k] - other[2 * k + 1];
            sum += term(std::max(0.0, std::max(below, above)));
            if (Dim == 0 && (k & 3) == 3 && sum >= enough) break;
        }
        return sum;
    }

    /// Sums of `part(dimension, value)` for all places of a leaf. A sum may end where it is at least `enough`.
    template <class Part>
    void over_lanes(std::int64_t leaf, double* out, double enough, Part&& part) const {
        const double* lanes = lanes_.data() + leaf * leaf_size * d();
        // Few dimensions: one loop that the compiler turns into vector operations. Many: eight places at a time.
        constexpr std::int64_t width = Dim > 0 ? leaf_size : 8;
        for (std::int64_t first = 0; first < leaf_size; first += width) {
            std::array<double, static_cast<std::size_t>(width)> sum{};
            if constexpr (Dim > 0) {
                for (std::int64_t i = 0; i < width; ++i) {
                    double total = part(0, lanes[i]);
                    for (std::int64_t k = 1; k < Dim; ++k) total += part(k, lanes[k * leaf_size + i]);
                    sum[static_cast<std::size_t>(i)] = total;
                }
            } else {
                for (std::int64_t k = 0; k < d(); ++k) {
                    const double* lane = lanes + k * leaf_size + first;
                    for (std::int64_t i = 0; i < width; ++i) sum[static_cast<std::size_t>(i)] += part(k, lane[i]);
                    if ((k & 3) == 3 && *std::min_element(sum.begin(), sum.end()) >= enough) break;
                }
            }
            std::copy_n(sum.data(), width, out + first);
        }
    }

    /// The points in the order of each dimension, and where they are in it.
    struct Orders {
        std::vector<std::vector<Index>> sorted;
        std::vector<std::vector<Index>> rank;

        Orders(const Matrix<double>& points, int num_threads) {
            std::vector<double> values(static_cast<std::size_t>(points.rows()));
            for (std::int64_t k = 0; k < points.cols(); ++k) {
                for (std::int64_t i = 0; i < points.rows(); ++i) values[static_cast<std::size_t>(i)] = points(i, k);
                sorted.push_back(density_order(values, num_threads));
                rank.emplace_back(values.size());
                for (std::size_t i = 0; i < values.size(); ++i)
                    rank.back()[static_cast<std::size_t>(sorted.back()[i])] = static_cast<Index>(i);
            }
        }
    };

    /// Sets a node's box, and parts its stretch of every order in the middle of the widest dimension.
    void split(const Matrix<double>& points, int level, std::int64_t i, Orders& orders, std::vector<Index>& right) {
        const std::int64_t begin = (i * n_) >> level;
        const std::int64_t end = ((i + 1) * n_) >> level;
        double* box = boxes_.data() + ((std::int64_t{1} << level) - 1 + i) * 2 * d();
        std::size_t widest = 0;
        for (std::int64_t k = 0; k < d(); ++k) {
            const Index* sorted = orders.sorted[static_cast<std::size_t>(k)].data();
            box[2 * k] = points(sorted[begin], k);
            box[2 * k + 1] = points(sorted[end - 1], k);
            if (box[2 * k + 1] - box[2 * k] > box[2 * widest + 1] - box[2 * widest])
                widest = static_cast<std::size_t>(k);
        }
        if (level == levels_) return;
        const std::int64_t middle = ((2 * i + 1) * n_) >> (level + 1);
        const Index* rank = orders.rank[widest].data();
        const Index first_right = rank[orders.sorted[widest][static_cast<std::size_t>(middle)]];
        right.resize(static_cast<std::size_t>(end - begin));
        for (std::size_t k = 0; k < orders.sorted.size(); ++k) {
            if (k == widest) continue;
            Index* to = orders.sorted[k].data() + begin;
            Index* to_right = right.data();
            for (const Index* from = to; from != orders.sorted[k].data() + end; ++from) {
                const Index point = *from;
                const bool is_right = rank[point] >= first_right;
                *to = point;
                *to_right = point;
                to += is_right ? 0 : 1;
                to_right += is_right ? 1 : 0;
            }
            std::copy(right.data(), to_right, to);
        }
    }

    void fill_leaf(const Matrix<double>& points, std::int64_t leaf) {
        const std::int64_t begin = leaf_begin(leaf);
        const std::int64_t end = leaf_begin(leaf + 1);
        std::sort(point_.begin() + begin, point_.begin() + end);
        double* lanes = lanes_.data() + leaf * leaf_size * d();
        for (std::int64_t p = begin; p < end; ++p) {
            const double* row = points.row_data(point_[static_cast<std::size_t>(p)]);
            for (std::int64_t k = 0; k < d(); ++k) {
                lanes[k * leaf_size + (p - begin)] = row[k];
                rows_[static_cast<std::size_t>(p * d() + k)] = row[k];
            }
        }
    }

    std::int64_t n_;
    std::int64_t d_;
    int levels_ = 0;
    std::int64_t first_leaf_ = 0;
    std::vector<Index> point_;
    std::vector<double> boxes_;  ///< per node and dimension: lowest, highest
    std::vector<double> lanes_;  ///< per leaf and dimension: `leaf_size` values
    std::vector<double> rows_;   ///< the points by position
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_KDTREE_HPP
