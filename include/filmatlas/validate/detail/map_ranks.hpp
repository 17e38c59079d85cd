// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP
#define FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"

/// @file map_ranks.hpp
/// @brief Exact ranks of distances on a map, without measuring all of them.

namespace filmatlas::detail {

/// Counts the points before one in the order of (squared distance, id).
///
/// A k-d tree whose boxes are counted whole where they lie on one side of the circle. Rounding keeps order: no point of a
/// box is measured farther than the box's farthest corner or nearer than its nearest one, so that the counts are those of
/// measuring every point in float64, ties included. About sqrt(n) boxes are opened per question.
class MapRanks {
public:
    /// @param coordinates  (n, c); the points are its `rows`, numbered 0 .. rows.size() - 1.
    MapRanks(const Matrix<float>& coordinates, const std::vector<Index>& rows)
        : dims_(static_cast<std::size_t>(coordinates.cols())), ids_(rows.size()), place_(rows.size()) {
        std::iota(ids_.begin(), ids_.end(), Index{0});
        const auto at = [&](Index id, std::size_t axis) {
            return static_cast<double>(
                coordinates(rows[static_cast<std::size_t>(id)], static_cast<std::int64_t>(axis)));
        };
        if (!rows.empty()) nodes_.push_back({0, rows.size(), 0});
        for (std::size_t node = 0; node < nodes_.size(); ++node) {
            const auto [first, last, unused] = nodes_[node];
            const auto begin = ids_.begin() + static_cast<std::ptrdiff_t>(first);
            const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(last);
            std::size_t widest = 0;
            double width = -1;
            for (std::size_t axis = 0; axis < dims_; ++axis) {
                double low = std::numeric_limits<double>::infinity();
                double high = -low;
                for (auto id = begin; id != end; ++id) {
                    low = std::min(low, at(*id, axis));
                    high = std::max(high, at(*id, axis));
                }
                box_.push_back(low);
                box_.push_back(high);
                if (high - low > width) {
                    width = high - low;
                    widest = axis;
                }
            }
            if (last - first <= kLeaf) continue;
            const std::size_t middle = first + (last - first) / 2;
            std::nth_element(begin, ids_.begin() + static_cast<std::ptrdiff_t>(middle), end, [&](Index a, Index b) {
                const double x = at(a, widest);
                const double y = at(b, widest);
                return x != y ? x < y : a < b;
            });
            nodes_[node].children = nodes_.size();
            nodes_.push_back({first, middle, 0});
            nodes_.push_back({middle, last, 0});
        }
        points_.resize(ids_.size() * dims_);
        for (std::size_t p = 0; p < ids_.size(); ++p) {
            place_[static_cast<std::size_t>(ids_[p])] = p;
            for (std::size_t axis = 0; axis < dims_; ++axis) points_[p * dims_ + axis] = at(ids_[p], axis);
        }
    }

    /// Points other than i that come before j, seen from i.
    std::int64_t before(Index i, Index j) const {
        const double* from = point(place_[static_cast<std::size_t>(i)]);
        const double reach = squared(from, point(place_[static_cast<std::size_t>(j)]));
        std::int64_t count = 0;
        // Halving keeps the depth below 64, and one sibling waits on each level.
        std::array<std::size_t, 64> open;
        std::size_t waiting = 0;
        open[waiting++] = 0;
        while (waiting > 0) {
            const std::size_t index = open[--waiting];
            const Node& node = nodes_[index];
            const auto [nearest, farthest] = span(from, index);
            if (nearest > reach) continue;
            if (farthest < reach) {
                count += static_cast<std::int64_t>(node.last - node.first);
            } else if (node.children != 0) {
                open[waiting++] = node.children;
                open[waiting++] = node.children + 1;
            } else {
                for (std::size_t p = node.first; p < node.last; ++p) {
                    const double distance = squared(from, point(p));
                    count += distance < reach || (distance == reach && ids_[p] < j) ? 1 : 0;
                }
            }
        }
        return count - (0 < reach || i < j ? 1 : 0);  // i itself
    }

private:
    static constexpr std::size_t kLeaf = 16;
    struct Node {
        std::size_t first;
        std::size_t last;
        std::size_t children;  ///< the second one follows; 0 = a leaf
    };

    const double* point(std::size_t p) const { return points_.data() + p * dims_; }
    double squared(const double* a, const double* b) const {
        double sum = 0;
        for (std::size_t axis = 0; axis < dims_; ++axis) {
            const double gap = b[axis] - a[axis];
            sum += gap * gap;
        }
        return sum;
    }
    /// Squared distances of the nearest and the farthest place of a node's box.
    std::pair<double, double> span(const double* from, std::size_t node) const {
        const double* box = box_.data() + node * dims_ * 2;
        double nearest = 0;
        double farthest = 0;
        for (std::size_t axis = 0; axis < dims_; ++axis) {
            const double low = box[2 * axis] - from[axis];
            const double high = box[2 * axis + 1] - from[axis];
            const double near = low > 0 ? low : high < 0 ? high : 0.0;
            const double far = std::max(std::abs(low), std::abs(high));
            nearest += near * near;
            farthest += far * far;
        }
        return {nearest, farthest};
    }

    std::size_t dims_;
    std::vector<Index> ids_;           ///< in the order of the leaves
    std::vector<std::size_t> place_;   ///< of each id in that order
    std::vector<double> points_;       ///< (n, dims), in that order
    std::vector<Node> nodes_;
    std::vector<double> box_;          ///< (nodes, dims, 2)
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP
