// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_KDTREE_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_KDTREE_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

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
        point_.resize(static_cast<std::size_t>(n_));
        std::iota(point_.begin(), point_.end(), Index{0});
        boxes_.resize(static_cast<std::size_t>((2 * leaves - 1) * 2 * d()));
        for (int level = 0; level <= levels_; ++level) {
            const std::int64_t nodes = std::int64_t{1} << level;
            parallel_for(nodes, std::max<std::int64_t>(1, nodes / 64), num_threads,
                         [&](std::int64_t begin, std::int64_t end) {
                             for (std::int64_t i = begin; i < end; ++i) split(points, level, i);
                         });
        }
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

    /// Distance of q to a node's box; anything from `enough` on when it is at least that.
    double to_box(const double* q, std::int64_t node, double enough) const {
        const double* box = boxes_.data() + node * 2 * d();
        double sum = 0;
        for (std::int64_t k = 0; k < d(); ++k) {
            const double below = box[2 * k] - q[k];
            const double above = q[k] - box[2 * k + 1];
            sum += term(std::max(0.0, std::max(below, above)));
            if (Dim == 0 && (k & 3) == 3 && sum >= enough) break;
        }
        return sum;
    }

    /// Distances of q to all places of a leaf, anything from `enough` on where they are at least that;
    /// infinite for the padding.
    void to_leaf(const double* q, std::int64_t leaf, double* out, double enough) const {
        const double* lanes = lanes_.data() + leaf * leaf_size * d();
        constexpr std::int64_t width = 8;
        for (std::int64_t j = 0; j < leaf_size; j += width) {
            std::array<double, width> sum{};
            for (std::int64_t k = 0; k < d(); ++k) {
                const double value = q[k];
                const double* lane = lanes + k * leaf_size + j;
                for (std::size_t i = 0; i < width; ++i) sum[i] += term(lane[i] - value);
                if (Dim == 0 && (k & 3) == 3 && *std::min_element(sum.begin(), sum.end()) >= enough) break;
            }
            std::copy_n(sum.data(), width, out + j);
        }
    }

    /// Visits leaves that may hold something nearer than `bound()`, nearest subtree first, starting with the
    /// leaf `home` and climbing. `skip(node, distance)` drops a subtree; `scan(leaf)` may lower the bound.
    template <class Bound, class Skip, class Scan>
    void search(const double* q, std::int64_t home, Bound&& bound, Skip&& skip, Scan&& scan) const {
        std::array<Pending, 64> stack;
        std::int64_t node = first_leaf_ + home;
        if (!skip(node, 0.0)) scan(home);
        while (node > 0) {
            const std::int64_t sibling = (node & 1) != 0 ? node + 1 : node - 1;
            node = (node - 1) / 2;
            const double distance = to_box(q, sibling, bound());
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
                    double near_distance = to_box(q, near, bound());
                    double far_distance = to_box(q, far, bound());
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

    void split(const Matrix<double>& points, int level, std::int64_t i) {
        const std::int64_t begin = (i * n_) >> level;
        const std::int64_t end = ((i + 1) * n_) >> level;
        double* box = boxes_.data() + ((std::int64_t{1} << level) - 1 + i) * 2 * d();
        for (std::int64_t k = 0; k < d(); ++k) {
            box[2 * k] = infinity;
            box[2 * k + 1] = -infinity;
        }
        for (std::int64_t p = begin; p < end; ++p) {
            const double* row = points.row_data(point_[static_cast<std::size_t>(p)]);
            for (std::int64_t k = 0; k < d(); ++k) {
                box[2 * k] = std::min(box[2 * k], row[k]);
                box[2 * k + 1] = std::max(box[2 * k + 1], row[k]);
            }
        }
        if (level == levels_) return;
        std::int64_t widest = 0;
        for (std::int64_t k = 1; k < d(); ++k) {
            if (box[2 * k + 1] - box[2 * k] > box[2 * widest + 1] - box[2 * widest]) widest = k;
        }
        const std::int64_t middle = ((2 * i + 1) * n_) >> (level + 1);
        std::nth_element(point_.begin() + begin, point_.begin() + middle, point_.begin() + end,
                         [&](Index a, Index b) {
                             const double x = points(a, widest);
                             const double y = points(b, widest);
                             return x != y ? x < y : a < b;
                         });
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
