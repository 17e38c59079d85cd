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

#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

// Exact neighbours in few dimensions: a balanced tree of boxes over leaves of at most 16 points, whose coordinates
// lie side by side. All points of the tree are queries too, so each search starts in its own leaf and climbs,
// and neighbouring searches touch the same leaves.

namespace filmatlas::detail {

/// Equal rows form one group, so that n copies of a point cost n searches' worth of nothing. Groups are
/// ordered by their lowest position, members ascend.
struct KnnGroups {
    std::vector<Index> members;             ///< positions, group after group
    std::vector<std::int64_t> begin = {0};  ///< groups + 1 offsets
    std::int64_t size() const { return static_cast<std::int64_t>(begin.size()) - 1; }
    std::span<const Index> group(std::int64_t g) const {
        const auto at = static_cast<std::size_t>(begin[static_cast<std::size_t>(g)]);
        return {members.data() + at, static_cast<std::size_t>(begin[static_cast<std::size_t>(g) + 1]) - at};
    }
};

inline KnnGroups knn_group_equal(const KnnSpace& space, int num_threads) {
    const std::int64_t n = space.size();
    const std::int64_t d = space.dim();
    struct Hashed {
        std::uint64_t hash;
        Index position;
    };
    // Sorted by a hash of the row, so that the rows themselves are read only where hashes agree.
    std::vector<Hashed> order(static_cast<std::size_t>(n));
    parallel_for(n, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const float* row = space.direct_row(i);
            std::uint64_t hash = 0;
            for (std::int64_t k = 0; k < d; ++k) {
                hash = (hash ^ std::bit_cast<std::uint32_t>(row[k] + 0.0F)) * 0x9E3779B97F4A7C15ULL;
                hash ^= hash >> 29;
            }
            order[static_cast<std::size_t>(i)] = {hash, static_cast<Index>(i)};
        }
    });
    std::sort(order.begin(), order.end(), [&](const Hashed& a, const Hashed& b) {
        if (a.hash != b.hash) return a.hash < b.hash;
        const float* x = space.direct_row(a.position);
        const float* y = space.direct_row(b.position);
        for (std::int64_t k = 0; k < d; ++k) {
            if (x[k] != y[k]) return x[k] < y[k];
        }
        return a.position < b.position;
    });
    // next[i]: the following position with the values of position i, or -1.
    std::vector<Index> next(static_cast<std::size_t>(n), -1);
    std::vector<char> leads(static_cast<std::size_t>(n), 1);
    for (std::size_t i = 1; i < order.size(); ++i) {
        const Hashed& before = order[i - 1];
        const float* row = space.direct_row(order[i].position);
        if (before.hash == order[i].hash && std::equal(row, row + d, space.direct_row(before.position))) {
            next[static_cast<std::size_t>(before.position)] = order[i].position;
            leads[static_cast<std::size_t>(order[i].position)] = 0;
        }
    }
    KnnGroups groups;
    groups.members.reserve(order.size());
    for (std::int64_t i = 0; i < n; ++i) {
        if (leads[static_cast<std::size_t>(i)] == 0) continue;
        for (Index at = static_cast<Index>(i); at >= 0; at = next[static_cast<std::size_t>(at)]) {
            groups.members.push_back(at);
        }
        groups.begin.push_back(static_cast<std::int64_t>(groups.members.size()));
    }
    return groups;
}

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
    KnnBoxTree(const KnnSpace& space, const KnnGroups& groups, int num_threads)
        : n_(groups.size()) {
        static_assert(std::has_single_bit(Dim) && Dim <= 16, "the kernels' lanes are halved in a tree");
        const auto d = static_cast<std::size_t>(space.dim());
        while ((n_ + leaf_count() - 1) >> depth_ > knn_tree_leaf) ++depth_;
        std::vector<float> scaled(static_cast<std::size_t>(n_) * Dim, 0.0F);
        parallel_for(n_, 4096, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t g = begin; g < end; ++g) {
                const float* row = space.direct_row(groups.group(g).front());
                for (std::size_t k = 0; k < d; ++k)
                    scaled[static_cast<std::size_t>(g) * Dim + k] = row[k] * space.scale;
            }
        });
        order_.resize(static_cast<std::size_t>(n_));
        std::iota(order_.begin(), order_.end(), 0);
        for (int level = 0; level < depth_; ++level) {
            parallel_blocks(std::int64_t{1} << level, num_threads,
                            [&](std::int64_t node, int) { split(scaled, level, node); });
        }
        place(scaled, num_threads);
    }

    std::int64_t leaf_count() const { return std::int64_t{1} << depth_; }
    std::int64_t leaf_begin(std::int64_t leaf) const { return (leaf * n_) >> depth_; }
    std::int64_t leaf_end(std::int64_t leaf) const { return ((leaf + 1) * n_) >> depth_; }
    /// The group at a place; places follow the leaves.
    Index group(std::int64_t place) const { return order_[static_cast<std::size_t>(place)]; }

    /// Calls visit(leaf, squared) for every leaf that may hold a point whose squared distance to slot `slot` of leaf
    /// `home` is at most `limit` (read again at each step); `squared` has the distances of the leaf's points.
    template <class Visit>
    void search(std::int64_t home, std::int64_t slot, const float& limit, Visit&& visit) const {
        std::array<float, Dim> query;
        for (std::size_t k = 0; k < Dim; ++k) query[k] = leaf_data(home)[k * knn_tree_leaf + static_cast<std::size_t>(slot)];
        scan(query, home, visit);
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
                    scan(query, step.node - leaf_count(), visit);
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

private:
    const float* leaf_data(std::int64_t leaf) const {
        return leaves_.data() + static_cast<std::size_t>(leaf) * Dim * knn_tree_leaf;
    }

    /// Halves a node's groups along its widest dimension.
    void split(const std::vector<float>& scaled, int level, std::int64_t node) {
        const std::int64_t begin = (node * n_) >> level;
        const std::int64_t end = ((node + 1) * n_) >> level;
        const std::int64_t middle = ((2 * node + 1) * n_) >> (level + 1);
        const auto at = [&](Index g, std::size_t k) { return scaled[static_cast<std::size_t>(g) * Dim + k]; };
        std::size_t widest = 0;
        float width = -1;
        for (std::size_t k = 0; k < Dim; ++k) {
            float low = FLT_MAX;
            float high = -FLT_MAX;
            for (std::int64_t i = begin; i < end; ++i) {
                const float value = at(order_[static_cast<std::size_t>(i)], k);
                low = std::min(low, value);
                high = std::max(high, value);
            }
            if (high - low > width) {
                width = high - low;
                widest = k;
            }
        }
        std::vector<std::pair<float, Index>> values;
        values.reserve(static_cast<std::size_t>(end - begin));
        for (std::int64_t i = begin; i < end; ++i) {
            const Index g = order_[static_cast<std::size_t>(i)];
            values.emplace_back(at(g, widest), g);
        }
        std::nth_element(values.begin(), values.begin() + (middle - begin), values.end());
        for (std::int64_t i = begin; i < end; ++i)
            order_[static_cast<std::size_t>(i)] = values[static_cast<std::size_t>(i - begin)].second;
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
    float to_box(const std::array<float, Dim>& query, std::int64_t node) const {
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

    template <class Visit>
    void scan(const std::array<float, Dim>& query, std::int64_t leaf, Visit&& visit) const {
        using Row = std::array<float, knn_tree_leaf>;
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
        visit(leaf, lanes[0]);
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

    void start() {
        limit_ = std::numeric_limits<float>::infinity();
        size_ = settled_ = 0;
    }
    const float& limit() const { return limit_; }

    /// Takes the points of a leaf that are near enough. Without branches: which ones are is not predictable.
    void add(const std::array<float, knn_tree_leaf>& squared, std::int64_t place, std::size_t count) {
        if (squared_.size() < size_ + knn_tree_leaf) {
            squared_.resize(2 * size_ + knn_tree_leaf);
            places_.resize(squared_.size());
        }
        for (std::size_t j = 0; j < count; ++j) {
            squared_[size_] = squared[j];
            places_[size_] = static_cast<Index>(place) + static_cast<Index>(j);
            size_ += squared[j] <= limit_ ? 1U : 0U;
        }
        if (size_ >= wanted_ && size_ - settled_ >= patience_) settle();
    }
    /// Lowers the limit to what the nearest `wanted` points allow, or a little more, and drops the others.
    void settle() {
        if (size_ <= wanted_) return;
        float low = 0;
        float high = 0;
        for (std::size_t j = 0; j < size_; ++j) high = squared_[j] > high ? squared_[j] : high;
        // Bisection for a value that enough points do not exceed: cheaper than ordering them.
        for (int step = 0; step < 16; ++step) {
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
        if (high < huge_) limit_ = std::min(limit_, high * (1 + 0x1.0p-18F) + floor_);
        std::size_t kept = 0;
        for (std::size_t j = 0; j < size_; ++j) {
            squared_[kept] = squared_[j];
            places_[kept] = places_[j];
            kept += squared_[j] <= limit_ ? 1U : 0U;
        }
        size_ = settled_ = kept;
    }

    std::size_t size() const { return size_; }
    float squared(std::size_t j) const { return squared_[j]; }
    std::int64_t place(std::size_t j) const { return places_[j]; }

private:
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

/// Fills the first `slots` of each valid row from a tree.
template <std::size_t Dim>
void knn_search_tree(const KnnSpace& space, const KnnGroups& groups, std::int64_t slots, Matrix<Index>& indices,
                     Matrix<float>& distances, int num_threads, const Progress& progress) {
    const KnnBoxTree<Dim> tree(space, groups, num_threads);
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
        std::vector<std::uint64_t> merged;
        // A group can give at most `slots` neighbours, its own members one more (the item itself is among them).
        const auto append = [&](std::span<const Index> members, float distance, std::int64_t most) {
            const auto count = std::min(members.size(), static_cast<std::size_t>(most));
            for (const Index member : members.first(count)) merged.push_back(knn_key(distance, member));
        };
        for (std::int64_t leaf = first; leaf < last; ++leaf) {
            for (std::int64_t i = tree.leaf_begin(leaf); i < tree.leaf_end(leaf); ++i) {
                const std::span<const Index> members = at_place(i);
                candidates.start();
                const auto visit = [&](std::int64_t at, const std::array<float, knn_tree_leaf>& squared) {
                    const std::int64_t place = tree.leaf_begin(at);
                    candidates.add(squared, place, static_cast<std::size_t>(tree.leaf_end(at) - place));
                };
                tree.search(leaf, i - tree.leaf_begin(leaf), candidates.limit(), visit);
                merged.clear();
                append(members, 0.0F, slots + 1);
                candidates.settle();
                for (std::size_t j = 0; j < candidates.size(); ++j) {
                    const std::int64_t place = candidates.place(j);
                    if (place == i) continue;
                    const std::span<const Index> others = at_place(place);
                    const float distance = space.distance_of_squared(candidates.squared(j), [&] {
                        return space.distance_in_float64(space.direct_row(members.front()),
                                                         space.direct_row(others.front()));
                    });
                    append(others, distance, slots);
                }
                const auto kept = std::min(merged.size(), static_cast<std::size_t>(slots) + 1);
                const auto last_kept = merged.begin() + static_cast<std::ptrdiff_t>(kept);
                if (kept < merged.size()) std::nth_element(merged.begin(), last_kept, merged.end());
                std::sort(merged.begin(), last_kept);
                for (const Index member : members) {
                    const Index item = space.valid[static_cast<std::size_t>(member)];
                    std::int64_t slot = 0;
                    for (std::size_t m = 0; m < kept && slot < slots; ++m) {
                        if (knn_key_id(merged[m]) == member) continue;
                        indices(item, slot) = space.valid[static_cast<std::size_t>(knn_key_id(merged[m]))];
                        distances(item, slot) = knn_key_distance(merged[m]);
                        ++slot;
                    }
                }
            }
        }
    };
    parallel_for(tree.leaf_count(), 32, num_threads, search_leaves, progress, "knn_graph");
}

/// Fills the first `slots` of each valid row; the rest must hold -1 and +inf already.
inline void knn_tree(const KnnSpace& space, std::int64_t slots, Matrix<Index>& indices,
                     Matrix<float>& distances, int num_threads, const Progress& progress) {
    const KnnGroups groups = knn_group_equal(space, num_threads);
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
