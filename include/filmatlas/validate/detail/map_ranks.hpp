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
#include <utility>
#include <vector>

#include "filmatlas/core/detail/simd_versions.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file map_ranks.hpp
/// @brief Exact ranks of distances on a map, without measuring all of them.

namespace filmatlas::detail {

/// Counts the points before others in the order of (squared distance, id).
///
/// A tree of boxes, each halved at the median of its widest axis up to three times, that are counted whole where they lie
/// on one side of a circle. Rounding keeps order: no point of a box is measured farther than the box's farthest corner or
/// nearer than its nearest one, so that the counts are those of measuring every point in float64, ties included. One walk
/// answers all questions of a point; about sqrt(n) boxes are opened per question.
class MapRanks {
public:
    /// @param coordinates  (n, c); the points are its `rows`, numbered 0 .. rows.size() - 1.
    MapRanks(const Matrix<float>& coordinates, const std::vector<Index>& rows)
        : dims_(static_cast<std::size_t>(coordinates.cols())), place_(rows.size()) {
        std::vector<Index> ids(rows.size());
        std::iota(ids.begin(), ids.end(), Index{0});
        const auto at = [&](Index id, std::size_t axis) {
            return static_cast<double>(
                coordinates(rows[static_cast<std::size_t>(id)], static_cast<std::int64_t>(axis)));
        };
        // Where rounds of halving are no multiple of three, the root has fewer: of the others there are many.
        std::size_t rounds = 0;
        for (std::size_t size = ids.size(); size > kLeaf; size = (size + 1) / 2) ++rounds;
        std::size_t most = std::size_t{2} << (rounds + 2) % 3;
        std::vector<Part> parts{{0, ids.size()}};
        for (std::size_t node = 0; node < parts.size(); ++node, most = kLanes) {
            // A node's parts, each halved while it is larger than a leaf: the first half stays, the second one joins.
            std::array<Part, kLanes> own{};
            own[0] = parts[node];
            std::size_t count = 1;
            while (count < most) {
                const std::size_t before = count;
                for (std::size_t part = 0; part < before; ++part) {
                    if (count == most || own[part].last - own[part].first <= kLeaf) continue;
                    const std::size_t middle = halve(ids, own[part], at);
                    own[count++] = {middle, own[part].last};
                    own[part].last = middle;
                }
                if (count == before) break;
            }
            Node& filled = nodes_.emplace_back();
            boxes_.resize(boxes_.size() + 2 * dims_ * kLanes);
            double* box = boxes_.data() + node * 2 * dims_ * kLanes;
            for (std::size_t part = 0; part < kLanes; ++part) {
                const auto [first, last] = part < count ? own[part] : Part{0, 0};
                for (std::size_t axis = 0; axis < dims_; ++axis) {
                    const auto [low, high] = bounds(ids, {first, last}, axis, at);
                    box[2 * axis * kLanes + part] = low;
                    box[(2 * axis + 1) * kLanes + part] = high;
                }
                filled.size[part] = static_cast<std::int64_t>(last - first);
                if (last - first > kLeaf) {
                    filled.inner[part] = true;
                    filled.begin[part] = parts.size();
                    parts.push_back({first, last});
                } else {
                    filled.begin[part] = add_leaf(ids, {first, last}, at);
                }
            }
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
    static constexpr std::size_t kLanes = 8;       ///< parts of a node, and points of a leaf that lie together
    static constexpr std::size_t kQuestions = 32;  ///< answered at a time
    // Halving keeps the depth below 64, a third of it in nodes, and a node's parts wait together.
    static constexpr std::size_t kWaiting = (64 / 3 + 1) * kLanes;
    // Of as many lanes as an instruction takes: compilers take wider vectors apart, lane by lane. As template arguments
    // the types would lose their attributes.
    struct One {
        typedef double Values;
    };
    struct Two {
        typedef double Values __attribute__((vector_size(16), aligned(8), may_alias));
        typedef std::int64_t Counts __attribute__((vector_size(16)));
    };
    struct Four {
        typedef double Values __attribute__((vector_size(32), aligned(8), may_alias));
        typedef std::int64_t Counts __attribute__((vector_size(32)));
    };
    struct Eight {
        typedef double Values __attribute__((vector_size(64), aligned(8), may_alias));
        typedef std::int64_t Counts __attribute__((vector_size(64)));
    };
    /// Points [first, last) of those that are sorted into parts.
    struct Part {
        std::size_t first;
        std::size_t last;
    };
    struct Node {
        std::array<std::int64_t, kLanes> size{};
        std::array<std::size_t, kLanes> begin{};  ///< of each part: its node, or the place of its first point
        std::array<bool, kLanes> inner{};
    };
    /// Questions [low, high) are open for a part: those before reach none of its points, those behind all of them.
    struct Open {
        std::size_t begin;
        std::int64_t size;
        std::int64_t low;
        std::int64_t high;
        bool inner;
    };

    template <class At>
    static std::pair<double, double> bounds(const std::vector<Index>& ids, Part part, std::size_t axis, const At& at) {
        double low = std::numeric_limits<double>::infinity();
        double high = -low;
        for (std::size_t p = part.first; p < part.last; ++p) {
            low = std::min(low, at(ids[p], axis));
            high = std::max(high, at(ids[p], axis));
        }
        return {low, high};
    }

    /// Sorts a part into two halves; returns where the second one begins.
    template <class At>
    std::size_t halve(std::vector<Index>& ids, Part part, const At& at) const {
        std::size_t widest = 0;
        double width = -1;
        for (std::size_t axis = 0; axis < dims_; ++axis) {
            const auto [low, high] = bounds(ids, part, axis, at);
            if (high - low > width) {
                width = high - low;
                widest = axis;
            }
        }
        const std::size_t middle = part.first + (part.last - part.first) / 2;
        const auto begin = ids.begin();
        std::nth_element(begin + static_cast<std::ptrdiff_t>(part.first), begin + static_cast<std::ptrdiff_t>(middle),
                         begin + static_cast<std::ptrdiff_t>(part.last), [&](Index a, Index b) {
                             const double x = at(a, widest);
                             const double y = at(b, widest);
                             return x != y ? x < y : a < b;
                         });
        return middle;
    }

    /// Appends the points of a leaf; lanes without one are infinitely far from all. Returns the first one's place.
    template <class At>
    std::size_t add_leaf(const std::vector<Index>& ids, Part part, const At& at) {
        const std::size_t begin = ids_.size();
        const std::size_t lanes = (part.last - part.first + kLanes - 1) / kLanes;
        for (std::size_t l = 0; l < lanes; ++l) {
            for (std::size_t axis = 0; axis < dims_; ++axis) {
                for (std::size_t p = part.first + l * kLanes; p < part.first + (l + 1) * kLanes; ++p)
                    points_.push_back(p < part.last ? at(ids[p], axis) : std::numeric_limits<double>::infinity());
            }
        }
        ids_.resize(begin + lanes * kLanes, Index{-1});
        for (std::size_t p = part.first; p < part.last; ++p) {
            ids_[begin + p - part.first] = ids[p];
            place_[static_cast<std::size_t>(ids[p])] = begin + p - part.first;
        }
        return begin;
    }

    double coordinate(std::size_t place, std::size_t axis) const {
        return points_[(place / kLanes * dims_ + axis) * kLanes + place % kLanes];
    }
    /// Of some points from a place on, which is a multiple of as many.
    template <class Vectors>
    __attribute__((always_inline)) inline void squared_lanes(const double* from, std::size_t place,
                                                             typename Vectors::Values& sum) const {
        using Values = typename Vectors::Values;
        const double* points = points_.data() + place / kLanes * kLanes * dims_ + place % kLanes;
        sum = Values{};
        for (std::size_t axis = 0; axis < dims_; ++axis) {
            const Values gap = *reinterpret_cast<const Values*>(points + axis * kLanes) - from[axis];
            sum += gap * gap;
        }
    }
    /// Squared distances to the nearest and the farthest corner of a node's parts, from one on; those without points are
    /// infinitely far.
    template <class Vectors>
    __attribute__((always_inline)) inline void reach_of_parts(const double* from, std::size_t node, std::size_t part,
                                                              typename Vectors::Values& nearest,
                                                              typename Vectors::Values& farthest) const {
        using Values = typename Vectors::Values;
        const double* box = boxes_.data() + node * dims_ * 2 * kLanes + part;
        nearest = Values{};
        farthest = Values{};
        for (std::size_t axis = 0; axis < dims_; ++axis) {
            const Values below = *reinterpret_cast<const Values*>(box + 2 * axis * kLanes) - from[axis];
            const Values above = from[axis] - *reinterpret_cast<const Values*>(box + (2 * axis + 1) * kLanes);
            const Values outside = below > above ? below : above;
            const Values near = outside > 0.0 ? outside : Values{};
            const Values far = below < above ? below : above;
            nearest += near * near;
            farthest += far * far;
        }
    }

    /// It adds, multiplies and compares only, so that all instruction sets give the same figures.
    template <class Vectors>
    __attribute__((always_inline)) inline void walk(Index i, const Index* others, std::size_t count,
                                                    std::int64_t* counts) const {
        using Values = typename Vectors::Values;
        using Counts = typename Vectors::Counts;
        constexpr std::size_t lanes = sizeof(Values) / sizeof(double);
        struct Question {
            double reach;
            Index id;
            std::size_t slot;
        };
        std::array<Question, kQuestions> asked;
        std::vector<double> from(dims_);
        for (std::size_t axis = 0; axis < dims_; ++axis) from[axis] = coordinate(place(i), axis);
        for (std::size_t q = 0; q < count; ++q) {
            asked[q] = {0, others[q], q};
            squared_lanes<One>(from.data(), place(others[q]), asked[q].reach);
        }
        std::sort(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(count),
                  [](const Question& a, const Question& b) { return a.reach < b.reach; });
        std::array<std::int64_t, kQuestions + 1> whole{};  // points that this question reaches and the one before does not
        Counts below[kQuestions];  // of single points, by lane
        Counts equal[kQuestions];
        std::fill_n(below, count, Counts{});
        std::fill_n(equal, count, Counts{});
        std::array<Open, kWaiting> open;
        std::size_t waiting = 0;
        open[waiting++] = {0, 0, 0, static_cast<std::int64_t>(count), true};
        while (waiting > 0) {
            const Open part = open[--waiting];
            const auto first = static_cast<std::size_t>(part.low);
            const auto last = static_cast<std::size_t>(part.high);
            if (part.inner) {
                const Node& node = nodes_[part.begin];
                for (std::size_t p = 0; p < kLanes; p += lanes) {
                    Values nearest;
                    Values farthest;
                    reach_of_parts<Vectors>(from.data(), part.begin, p, nearest, farthest);
                    Counts low = Counts{} + part.low;
                    Counts high = Counts{} + part.high;
                    for (std::size_t q = first; q < last; ++q) {
                        low -= nearest > asked[q].reach;
                        high += farthest < asked[q].reach;
                    }
                    // Which parts stay open is hard to foresee: without a branch.
                    for (std::size_t l = 0; l < lanes; ++l) {
                        whole[static_cast<std::size_t>(high[l])] += node.size[p + l];
                        whole[last] -= node.size[p + l];
                        open[waiting] = {node.begin[p + l], node.size[p + l], low[l], high[l], node.inner[p + l]};
                        waiting += low[l] < high[l] ? 1 : 0;
                    }
                }
            } else {
                for (std::size_t l = 0; l < static_cast<std::size_t>(part.size); l += lanes) {
                    Values distances;
                    squared_lanes<Vectors>(from.data(), part.begin + l, distances);
                    for (std::size_t q = first; q < last; ++q) {
                        below[q] -= distances < asked[q].reach;
                        equal[q] -= distances == asked[q].reach;
                    }
                }
            }
        }
        std::int64_t boxes = 0;
        for (std::size_t q = 0; q < count; ++q) {
            boxes += whole[q];
            std::int64_t found = boxes;
            std::int64_t ties = 0;
            for (std::size_t l = 0; l < lanes; ++l) found += below[q][l];
            for (std::size_t l = 0; l < lanes; ++l) ties += equal[q][l];
            // The point asked for is as far as itself.
            if (ties > 1) found += ties_before(from.data(), asked[q].reach, asked[q].id);
            const bool itself = 0 < asked[q].reach || i < asked[q].id;
            counts[asked[q].slot] = found - (itself ? 1 : 0);
        }
    }

    /// Points at this squared distance with smaller ids.
    std::int64_t ties_before(const double* from, double reach, Index id) const {
        std::int64_t found = 0;
        std::vector<std::size_t> open{0};
        while (!open.empty()) {
            const std::size_t index = open.back();
            open.pop_back();
            const Node& node = nodes_[index];
            for (std::size_t p = 0; p < kLanes; ++p) {
                double nearest;
                double farthest;
                reach_of_parts<One>(from, index, p, nearest, farthest);
                if (node.size[p] == 0 || nearest > reach || farthest < reach) continue;
                if (node.inner[p]) {
                    open.push_back(node.begin[p]);
                    continue;
                }
                const std::size_t first = node.begin[p];
                for (std::size_t place = first; place < first + static_cast<std::size_t>(node.size[p]); ++place) {
                    double distance;
                    squared_lanes<One>(from, place, distance);
                    found += distance == reach && ids_[place] < id ? 1 : 0;
                }
            }
        }
        return found;
    }

    void walk_baseline(Index i, const Index* others, std::size_t count, std::int64_t* counts) const {
        walk<Two>(i, others, count, counts);
    }
    FILMATLAS_TARGET_AVX2 void walk_avx2(Index i, const Index* others, std::size_t count, std::int64_t* counts) const {
        walk<Four>(i, others, count, counts);
    }
    FILMATLAS_TARGET_AVX512 void walk_avx512(Index i, const Index* others, std::size_t count, std::int64_t* counts) const {
        walk<Eight>(i, others, count, counts);
    }

    std::size_t dims_;
    std::vector<Index> ids_;          ///< by place: leaf after leaf, in eights; -1 where a lane has none
    std::vector<std::size_t> place_;  ///< of each id
    std::vector<double> points_;      ///< (eights of places, dims, 8)
    std::vector<Node> nodes_;
    std::vector<double> boxes_;       ///< (nodes, dims, 2, 8): where parts begin and end
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_VALIDATE_DETAIL_MAP_RANKS_HPP
