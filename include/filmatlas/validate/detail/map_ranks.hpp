// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP
#define FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "filmatlas/core/detail/simd_versions.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file map_ranks.hpp
/// @brief Exact ranks of distances on a map, without measuring all of them.

namespace filmatlas::detail {

/// Counts the points before others in the order of (squared distance, id).
///
/// A k-d tree whose boxes are counted whole where they lie on one side of a circle. Rounding keeps order: no point of a
/// box is measured farther than the box's farthest corner or nearer than its nearest one, so that the counts are those of
/// measuring every point in float64, ties included. One walk answers all questions of a point; about sqrt(n) boxes are
/// opened per question.
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
        stride_ = ids_.size() + kLanes;
        points_.resize(stride_ * dims_);
        for (std::size_t p = 0; p < ids_.size(); ++p) {
            place_[static_cast<std::size_t>(ids_[p])] = p;
            for (std::size_t axis = 0; axis < dims_; ++axis) points_[axis * stride_ + p] = at(ids_[p], axis);
        }
    }

    /// Where a point stands in the order of the leaves: those that follow one another lie near one another.
    std::size_t place(Index i) const { return place_[static_cast<std::size_t>(i)]; }

    /// How many points other than i come before each of `others`, seen from i: `counts`, of the same length.
    void before(Index i, std::span<const Index> others, std::span<std::int64_t> counts) const {
        const auto walk = simd_version(&MapRanks::walk_baseline, &MapRanks::walk_avx2, &MapRanks::walk_avx512);
        for (std::size_t first = 0; first < others.size(); first += kQuestions) {
            const std::size_t some = std::min(kQuestions, others.size() - first);
            (this->*walk)(i, others.data() + first, some, counts.data() + first);
        }
    }

private:
    static constexpr std::size_t kLeaf = 32;
    static constexpr std::size_t kLanes = 8;
    static constexpr std::size_t kQuestions = 32;  ///< answered at a time
    typedef double Lanes __attribute__((vector_size(64), aligned(8), may_alias));
    typedef std::int64_t Counts __attribute__((vector_size(64)));
    struct Node {
        std::size_t first;
        std::size_t last;
        std::size_t children;  ///< the second one follows; 0 = a leaf
    };

    double squared(std::size_t a, std::size_t b) const {
        double sum = 0;
        for (std::size_t axis = 0; axis < dims_; ++axis) {
            const double gap = points_[axis * stride_ + b] - points_[axis * stride_ + a];
            sum += gap * gap;
        }
        return sum;
    }

    /// It adds, multiplies and compares only, so that all instruction sets give the same figures.
    __attribute__((always_inline)) inline void walk(Index i, const Index* others, std::size_t count,
                                                    std::int64_t* counts) const {
        struct Question {
            double reach;
            Index id;
            std::size_t slot;
        };
        std::array<Question, kQuestions> asked;
        const std::size_t own = place(i);
        for (std::size_t q = 0; q < count; ++q) asked[q] = {squared(own, place(others[q])), others[q], q};
        std::sort(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(count),
                  [](const Question& a, const Question& b) { return a.reach < b.reach; });
        std::array<std::int64_t, kQuestions> found{};
        std::array<double, kLeaf> distances;
        // Questions [low, high) are open for a node: those before reach none of its points, those behind all of them.
        struct Open {
            std::size_t node;
            std::size_t low;
            std::size_t high;
        };
        // Halving keeps the depth below 64, and one sibling waits on each level.
        std::array<Open, 64> open;
        std::size_t waiting = 0;
        if (count > 0) open[waiting++] = {0, 0, count};
        while (waiting > 0) {
            auto [index, low, high] = open[--waiting];
            const double* box = box_.data() + index * dims_ * 2;
            double nearest = 0;
            double farthest = 0;
            for (std::size_t axis = 0; axis < dims_; ++axis) {
                const double from = points_[axis * stride_ + own];
                const double below = box[2 * axis] - from;
                const double above = from - box[2 * axis + 1];
                const double near = std::max(std::max(below, above), 0.0);
                const double far = std::max(-below, -above);
                nearest += near * near;
                farthest += far * far;
            }
            while (low < high && nearest > asked[low].reach) ++low;
            if (low == high) continue;
            const Node& node = nodes_[index];
            const std::size_t size = node.last - node.first;
            while (low < high && farthest < asked[high - 1].reach) found[--high] += static_cast<std::int64_t>(size);
            if (low == high) continue;
            if (node.children != 0) {
                open[waiting++] = {node.children, low, high};
                open[waiting++] = {node.children + 1, low, high};
                continue;
            }
            const std::size_t lanes = (size + kLanes - 1) / kLanes;
            for (std::size_t l = 0; l < lanes; ++l) {
                Lanes sum{};
                for (std::size_t axis = 0; axis < dims_; ++axis) {
                    const double* from = points_.data() + axis * stride_;
                    const Lanes gap = *reinterpret_cast<const Lanes*>(from + node.first + l * kLanes) - from[own];
                    sum += gap * gap;
                }
                *reinterpret_cast<Lanes*>(distances.data() + l * kLanes) = sum;
            }
            for (std::size_t p = size; p < lanes * kLanes; ++p) distances[p] = std::numeric_limits<double>::infinity();
            for (std::size_t q = low; q < high; ++q) {
                const double reach = asked[q].reach;
                Counts below{};
                Counts equal{};
                for (std::size_t l = 0; l < lanes; ++l) {
                    const Lanes values = *reinterpret_cast<const Lanes*>(distances.data() + l * kLanes);
                    below -= values < reach;
                    equal -= values == reach;
                }
                std::int64_t ties = 0;
                for (std::size_t l = 0; l < kLanes; ++l) found[q] += below[l];
                for (std::size_t l = 0; l < kLanes; ++l) ties += equal[l];
                for (std::size_t p = 0; ties > 0 && p < size; ++p)
                    found[q] += distances[p] == reach && ids_[node.first + p] < asked[q].id ? 1 : 0;
            }
        }
        for (std::size_t q = 0; q < count; ++q) {
            const bool itself = 0 < asked[q].reach || i < asked[q].id;
            counts[asked[q].slot] = found[q] - (itself ? 1 : 0);
        }
    }
    void walk_baseline(Index i, const Index* others, std::size_t count, std::int64_t* counts) const {
        walk(i, others, count, counts);
    }
    FILMATLAS_TARGET_AVX2 void walk_avx2(Index i, const Index* others, std::size_t count, std::int64_t* counts) const {
        walk(i, others, count, counts);
    }
    FILMATLAS_TARGET_AVX512 void walk_avx512(Index i, const Index* others, std::size_t count, std::int64_t* counts) const {
        walk(i, others, count, counts);
    }

    std::size_t dims_;
    std::vector<Index> ids_;          ///< in the order of the leaves
    std::vector<std::size_t> place_;  ///< of each id in that order
    std::size_t stride_ = 0;
    std::vector<double> points_;      ///< (dims, stride), in that order, with lanes to read at the end
    std::vector<Node> nodes_;
    std::vector<double> box_;         ///< (nodes, dims, 2)
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP
