// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_TREE_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_TREE_IMPL_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

// Exact neighbours in few dimensions: a balanced tree of boxes over leaves of at most 16 points, whose coordinates
// lie side by side. All points of the tree are queries too, so each search starts in its own leaf and climbs,
// and neighbouring searches touch the same leaves.

namespace filmatlas::detail {

inline constexpr std::int64_t knn_tree_leaf = 16;

/// Adds up the squares of one pair as the kernels do: dimension k is their lane k, and the lanes are halved in a
/// tree. `Values` are floats, or rows of floats added element by element.
template <class Values, std::size_t Dim, class Add>
void knn_tree_add_lanes(std::array<Values, Dim>& lanes, Add&& add) {
    for (std::size_t half = Dim / 2; half > 0; half /= 2) {
        for (std::size_t k = 0; k < half; ++k) add(lanes[k], lanes[k + half]);
    }
}

/// Groups in a balanced tree with 2^depth leaves: node 1 is the root, 2i and 2i + 1 are the children of i. Its shape
/// depends on the number of groups alone. Points have `Dim` dimensions, those beyond the vectors' own are 0.
template <std::size_t Dim>
class KnnBoxTree {
public:
    KnnBoxTree(const KnnSpace& space, const KnnRepeats& groups, int num_threads)
        : n_(groups.size()) {
        static_assert(std::has_single_bit(Dim) && Dim <= 16, "the kernels' lanes are halved in a tree");
        const auto d = static_cast<std::size_t>(space.dim());
        while ((n_ + leaf_count() - 1) >> depth_ > knn_tree_leaf) ++depth_;
        std::vector<float> scaled(static_cast<std::size_t>(n_) * Dim, 0.0F);
        parallel_for(n_, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t g = begin; g < end; ++g) {
                const float* row = space.direct_row(groups.first(g));
                for (std::size_t k = 0; k < d; ++k)
                    scaled[static_cast<std::size_t>(g) * Dim + k] = row[k] * space.scale;
            }
        });
        order_.resize(static_cast<std::size_t>(n_));
        std::iota(order_.begin(), order_.end(), 0);
        // The uppermost levels together, then each of their subtrees by one worker, whose cache it fits.
        const int top = std::min(depth_, 5);
        for (int level = 0; level < top; ++level) {
            parallel_blocks(std::int64_t{1} << level, num_threads,
                            [&](std::int64_t node, int) { split(scaled, level, node); });
        }
        parallel_blocks(std::int64_t{1} << top, num_threads, [&](std::int64_t subtree, int) {
            for (int level = top; level < depth_; ++level) {
                const std::int64_t nodes = std::int64_t{1} << (level - top);
                for (std::int64_t node = 0; node < nodes; ++node) split(scaled, level, subtree * nodes + node);
            }
        });
        place(scaled, num_threads);
    }

    std::int64_t leaf_count() const { return std::int64_t{1} << depth_; }
    std::int64_t leaf_begin(std::int64_t leaf) const { return (leaf * n_) >> depth_; }
    std::int64_t leaf_end(std::int64_t leaf) const { return ((leaf + 1) * n_) >> depth_; }
    /// The group at a place; places follow the leaves.
    Index group(std::int64_t place) const { return order_[static_cast<std::size_t>(place)]; }

    using Point = std::array<float, Dim>;
    /// Squared distances of a leaf's points; what is beyond its last one means nothing.
    using Row = std::array<float, knn_tree_leaf>;

    Point point(std::int64_t leaf, std::int64_t slot) const {
        Point values;
        for (std::size_t k = 0; k < Dim; ++k)
            values[k] = leaf_data(leaf)[k * knn_tree_leaf + static_cast<std::size_t>(slot)];
        return values;
    }

    Row squared(const Point& query, std::int64_t leaf) const {
        std::array<Row, Dim> lanes;
        const float* data = leaf_data(leaf);
        for (std::size_t k = 0; k < Dim; ++k) {
            for (std::size_t j = 0; j < knn_tree_leaf; ++j) {
                const float difference = query[k] - data[k * knn_tree_leaf + j];
                lanes[k][j] = difference * difference;
            }
        }
        knn_tree_add_lanes(lanes, [](Row& a, const Row& b) {
            for (std::size_t j = 0; j < knn_tree_leaf; ++j) a[j] += b[j];
        });
        return lanes[0];
    }

    /// Calls visit(leaf) for every leaf but `home`, where the search starts, that may hold a point whose squared distance
    /// is at most `limit` (read again at each step).
    template <class Visit>
    void search(const Point& query, std::int64_t home, const float& limit, Visit&& visit) const {
        struct Step {
            float distance;
            std::int64_t node;
        };
        std::array<Step, 64> stack;
        for (std::int64_t node = leaf_count() + home; node > 1; node >>= 1) {
            std::size_t open = 0;
            stack[open++] = {to_box(query, node ^ 1), node ^ 1};
            while (open > 0) {
                const Step step = stack[--open];
                if (step.distance > limit) continue;
                if (step.node >= leaf_count()) {
                    visit(step.node - leaf_count());
                    continue;
                }
                Step near{to_box(query, 2 * step.node), 2 * step.node};
                Step far{to_box(query, 2 * step.node + 1), 2 * step.node + 1};
                if (far.distance < near.distance) std::swap(near, far);
                if (far.distance <= limit) stack[open++] = far;
                if (near.distance <= limit) stack[open++] = near;
            }
        }
    }

    /// Coordinate k of point j at [k * knn_tree_leaf + j].
    const float* leaf_data(std::int64_t leaf) const {
        return leaves_.data() + static_cast<std::size_t>(leaf) * Dim * knn_tree_leaf;
    }

private:
    /// Halves a node's groups along its widest dimension.
    void split(const std::vector<float>& scaled, int level, std::int64_t node) {
        const std::int64_t begin = (node * n_) >> level;
        const std::int64_t end = ((node + 1) * n_) >> level;
        const std::int64_t middle = ((2 * node + 1) * n_) >> (level + 1);
        const auto point = [&](std::int64_t i) {
            return scaled.data() + static_cast<std::size_t>(order_[static_cast<std::size_t>(i)]) * Dim;
        };
        std::array<float, Dim> low;
        std::array<float, Dim> high;
        low.fill(FLT_MAX);
        high.fill(-FLT_MAX);
        for (std::int64_t i = begin; i < end; ++i) {
            const float* values = point(i);
            for (std::size_t k = 0; k < Dim; ++k) {
                low[k] = std::min(low[k], values[k]);
                high[k] = std::max(high[k], values[k]);
            }
        }
        std::size_t widest = 0;
        for (std::size_t k = 1; k < Dim; ++k) {
            if (high[k] - low[k] > high[widest] - low[widest]) widest = k;
        }
        std::vector<std::uint64_t> keys(static_cast<std::size_t>(end - begin));
        for (std::int64_t i = begin; i < end; ++i) {
            keys[static_cast<std::size_t>(i - begin)] =
                knn_key(point(i)[widest], order_[static_cast<std::size_t>(i)]);
        }
        std::nth_element(keys.begin(), keys.begin() + (middle - begin), keys.end());
        for (std::int64_t i = begin; i < end; ++i)
            order_[static_cast<std::size_t>(i)] = knn_key_id(keys[static_cast<std::size_t>(i - begin)]);
    }

    /// Coordinates leaf by leaf, and all boxes from the leaves upwards.
    void place(const std::vector<float>& scaled, int num_threads) {
        leaves_.assign(static_cast<std::size_t>(leaf_count()) * Dim * knn_tree_leaf, 0.0F);
        boxes_.resize(static_cast<std::size_t>(2 * leaf_count()) * 2 * Dim);
        parallel_for(leaf_count(), 256, num_threads, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t leaf = first; leaf < last; ++leaf) {
                float* data = leaves_.data() + static_cast<std::size_t>(leaf) * Dim * knn_tree_leaf;
                float* low = box(leaf_count() + leaf);
                float* high = low + Dim;
                std::fill(low, low + Dim, FLT_MAX);
                std::fill(high, high + Dim, -FLT_MAX);
                for (std::int64_t i = leaf_begin(leaf); i < leaf_end(leaf); ++i) {
                    const auto slot = static_cast<std::size_t>(i - leaf_begin(leaf));
                    const float* row = scaled.data() + static_cast<std::size_t>(group(i)) * Dim;
                    for (std::size_t k = 0; k < Dim; ++k) {
                        data[k * knn_tree_leaf + slot] = row[k];
                        low[k] = std::min(low[k], row[k]);
                        high[k] = std::max(high[k], row[k]);
                    }
                }
            }
        });
        for (std::int64_t node = leaf_count() - 1; node > 0; --node) {
            float* mine = box(node);
            const float* left = box(2 * node);
            const float* right = box(2 * node + 1);
            for (std::size_t k = 0; k < Dim; ++k) {
                mine[k] = std::min(left[k], right[k]);
                mine[Dim + k] = std::max(left[Dim + k], right[Dim + k]);
            }
        }
    }

    float* box(std::int64_t node) { return boxes_.data() + static_cast<std::size_t>(node) * 2 * Dim; }

    /// At most the squared distance to any point inside: the same operations on a point of the box no farther in any
    /// dimension, and rounding keeps order.
    float to_box(const Point& query, std::int64_t node) const {
        const float* low = boxes_.data() + static_cast<std::size_t>(node) * 2 * Dim;
        const float* high = low + Dim;
        std::array<float, Dim> lanes;
        for (std::size_t k = 0; k < Dim; ++k) {
            const float out = std::max(std::max(low[k] - query[k], query[k] - high[k]), 0.0F);
            lanes[k] = out * out;
        }
        knn_tree_add_lanes(lanes, [](float& a, float b) { a += b; });
        return lanes[0];
    }

    std::int64_t n_;
    int depth_ = 0;
    std::vector<Index> order_;   ///< groups, leaf after leaf
    std::vector<float> leaves_;  ///< per leaf: `knn_tree_leaf` first coordinates, second ones, ...
    std::vector<float> boxes_;   ///< per node: least coordinates, largest coordinates
};

/// The points met by one search whose squared distance is small enough. Selection is by squared distance; since the
/// reported distances follow from it by operations that may round two of them together, everything within a
/// margin of the last is kept for the decision by (distance, id).
class KnnTreeCandidates {
public:
    KnnTreeCandidates(const KnnSpace& space, std::int64_t wanted)
        : wanted_(static_cast<std::size_t>(wanted)),
          patience_(std::max<std::size_t>(wanted_ / 2, 8)),
          floor_(space.screen_limit(FLT_MIN)),
          // Beyond this, distances may be too large for float32 to tell apart.
          huge_(space.screen_limit(FLT_MAX) * 0.999F) {}

    /// `limit`: a squared distance that `wanted` points are known not to exceed.
    void start(float limit) {
        limit_ = widened(limit);
        size_ = settled_ = 0;
    }
    const float& limit() const { return limit_; }

    /// Takes the points of a leaf that are near enough.
    template <std::size_t Dim>
    void add(const std::array<float, Dim>& query, const float* points, std::int64_t place, std::size_t count) {
        if (squared_.size() < size_ + knn_tree_leaf) {
            squared_.resize(2 * size_ + knn_tree_leaf);
            places_.resize(squared_.size());
        }
        size_ += kernel_.take_near(query.data(), points, Dim, count, limit_, static_cast<Index>(place),
                                   squared_.data() + size_, places_.data() + size_);
        if (size_ >= wanted_ && size_ - settled_ >= patience_) settle();
    }
    /// Lowers the limit to what the nearest `wanted` points allow, or a little more, and drops the others.
    void settle() {
        if (size_ < wanted_) return;
        float low = 0;
        float high = 0;
        for (std::size_t j = 0; j < size_; ++j) high = squared_[j] > high ? squared_[j] : high;
        // Bisection for a value that enough points do not exceed: cheaper than ordering them.
        for (int step = size_ > wanted_ ? 0 : 16; step < 16; ++step) {
            const float middle = 0.5F * (low + high);
            std::uint32_t count = 0;
            for (std::size_t j = 0; j < size_; ++j) count += squared_[j] <= middle ? 1U : 0U;
            if (count < wanted_) {
                low = middle;
            } else {
                high = middle;
                if (count <= wanted_ + 1) break;
            }
        }
        limit_ = std::min(limit_, widened(high));
        std::size_t kept = 0;
        for (std::size_t j = 0; j < size_; ++j) {
            squared_[kept] = squared_[j];
            places_[kept] = places_[j];
            kept += squared_[j] <= limit_ ? 1U : 0U;
        }
        size_ = settled_ = kept;
    }

    /// For a later search: a squared distance that `wanted` points do not exceed; +inf where there are fewer.
    float reached() const { return size_ < wanted_ ? std::numeric_limits<float>::infinity() : limit_; }

    std::size_t size() const { return size_; }
    float squared(std::size_t j) const { return squared_[j]; }
    std::int64_t place(std::size_t j) const { return places_[j]; }

private:
    float widened(float limit) const {
        return limit < huge_ ? limit * (1 + 0x1.0p-18F) + floor_ : std::numeric_limits<float>::infinity();
    }

    const Kernels& kernel_ = kernels();
    std::vector<float> squared_;
    std::vector<Index> places_;  ///< in the tree
    std::size_t size_ = 0;
    std::size_t settled_ = 0;  ///< size after the limit was last lowered
    std::size_t wanted_;
    std::size_t patience_;
    float floor_;
    float huge_;
    float limit_ = 0;
};

/// How far the searches of a leaf's points went. A point has as many neighbours within its own distance to another one
/// and the reach of that: most searches begin with a limit little wider than their last one.
class KnnTreeReach {
public:
    KnnTreeReach() { reach_.fill(std::numeric_limits<float>::infinity()); }

    /// Of a search in this leaf, from the squared distances to the leaf's points. The margin covers the rounding of all
    /// three distances, each at most 16 * 2^-24 of its square.
    float limit(const std::array<float, knn_tree_leaf>& squared) const {
        std::array<float, knn_tree_leaf> sums;
        for (std::size_t j = 0; j < knn_tree_leaf; ++j) sums[j] = std::sqrt(squared[j]) + reach_[j];
        const float least = *std::min_element(sums.begin(), sums.end());
        return least * least * (1 + 0x1.0p-17F);
    }
    void set(std::int64_t slot, float squared) { reach_[static_cast<std::size_t>(slot)] = std::sqrt(squared); }

private:
    std::array<float, knn_tree_leaf> reach_;  ///< of the leaf's points; +inf where not known
};

/// Fills the first `slots` of each valid row from a tree.
template <std::size_t Dim>
void knn_search_tree(const KnnSpace& space, const KnnRepeats& groups, std::int64_t slots, Matrix<Index>& indices,
                     Matrix<float>& distances, int num_threads, const Progress& progress) {
    using Tree = KnnBoxTree<Dim>;
    const Tree tree(space, groups, num_threads);
    const std::int64_t wanted = std::min(slots, groups.size() - 1) + 1;  // groups that can matter, its own among them
    // Members of the groups in the order of the leaves: neighbours on the map are neighbours in memory.
    std::vector<std::int64_t> begin(static_cast<std::size_t>(groups.size()) + 1, 0);
    std::vector<Index> ordered;
    ordered.reserve(groups.members.size());
    for (std::int64_t place = 0; place < groups.size(); ++place) {
        const auto group = groups.group(tree.group(place));
        ordered.insert(ordered.end(), group.begin(), group.end());
        begin[static_cast<std::size_t>(place) + 1] = static_cast<std::int64_t>(ordered.size());
    }
    const auto at_place = [&](std::int64_t place) {
        const auto at = static_cast<std::size_t>(begin[static_cast<std::size_t>(place)]);
        return std::span<const Index>(
            ordered.data() + at, static_cast<std::size_t>(begin[static_cast<std::size_t>(place) + 1]) - at);
    };
    const auto search_leaves = [&](std::int64_t first, std::int64_t last) {
        KnnTreeCandidates candidates(space, wanted);
        KnnGroupLists lists(space, slots, indices, distances);
        for (std::int64_t leaf = first; leaf < last; ++leaf) {
            KnnTreeReach reach;
            for (std::int64_t i = tree.leaf_begin(leaf); i < tree.leaf_end(leaf); ++i) {
                const std::span<const Index> members = at_place(i);
                const std::int64_t slot = i - tree.leaf_begin(leaf);
                const typename Tree::Point query = tree.point(leaf, slot);
                const auto visit = [&](std::int64_t at) {
                    const std::int64_t place = tree.leaf_begin(at);
                    candidates.add(query, tree.leaf_data(at), place, static_cast<std::size_t>(tree.leaf_end(at) - place));
                };
                candidates.start(reach.limit(tree.squared(query, leaf)));
                visit(leaf);
                tree.search(query, leaf, candidates.limit(), visit);
                candidates.settle();
                reach.set(slot, candidates.reached());
                lists.start(members);
                for (std::size_t j = 0; j < candidates.size(); ++j) {
                    const std::int64_t place = candidates.place(j);
                    if (place == i) continue;
                    const std::span<const Index> others = at_place(place);
                    const float distance = space.distance_of_squared(candidates.squared(j), [&] {
                        return space.distance_in_float64(space.direct_row(members.front()),
                                                         space.direct_row(others.front()));
                    });
                    lists.add(others, distance);
                }
                lists.write();
            }
        }
    };
    parallel_for(tree.leaf_count(), 32, num_threads, search_leaves, progress, "knn_graph");
}

/// Fills the first `slots` of each valid row; the rest must hold -1 and +inf already.
inline void knn_tree(const KnnSpace& space, std::int64_t slots, Matrix<Index>& indices,
                     Matrix<float>& distances, int num_threads, const Progress& progress) {
    const KnnRepeats groups = knn_find_repeats(space, num_threads);
    const auto search = [&]<std::size_t Dim>(std::integral_constant<std::size_t, Dim>) {
        knn_search_tree<Dim>(space, groups, slots, indices, distances, num_threads, progress);
    };
    if (space.dim() <= 2) {
        search(std::integral_constant<std::size_t, 2>{});
    } else if (space.dim() <= 4) {
        search(std::integral_constant<std::size_t, 4>{});
    } else if (space.dim() <= 8) {
        search(std::integral_constant<std::size_t, 8>{});
    } else {
        search(std::integral_constant<std::size_t, 16>{});
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_TREE_IMPL_HPP
