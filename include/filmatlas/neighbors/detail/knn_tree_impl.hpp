// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_TREE_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_TREE_IMPL_HPP

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <nanoflann.hpp>

#include "filmatlas/neighbors/detail/knn_space_impl.hpp"

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

inline KnnGroups knn_group_equal(const KnnSpace& space) {
    const std::int64_t n = space.size();
    const std::int64_t d = space.dim();
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](Index a, Index b) {
        const float* x = space.row(a);
        const float* y = space.row(b);
        for (std::int64_t k = 0; k < d; ++k) {
            if (x[k] != y[k]) return x[k] < y[k];
        }
        return a < b;
    });
    struct Run {
        std::size_t begin, end;
    };
    std::vector<Run> runs;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const bool same =
            i > 0 && std::equal(space.row(order[i]), space.row(order[i]) + d, space.row(order[i - 1]));
        if (same) {
            ++runs.back().end;
        } else {
            runs.push_back({i, i + 1});
        }
    }
    std::sort(runs.begin(), runs.end(),
              [&](const Run& a, const Run& b) { return order[a.begin] < order[b.begin]; });
    KnnGroups groups;
    groups.members.reserve(order.size());
    for (const Run& run : runs) {
        for (std::size_t i = run.begin; i < run.end; ++i) groups.members.push_back(order[i]);
        groups.begin.push_back(static_cast<std::int64_t>(groups.members.size()));
    }
    return groups;
}

/// The groups' first members as nanoflann wants to see points.
struct KnnTreePoints {
    const KnnSpace& space;
    const KnnGroups& groups;

    std::size_t kdtree_get_point_count() const { return static_cast<std::size_t>(groups.size()); }
    float kdtree_get_pt(std::size_t group, std::size_t k) const {
        return space.row(groups.group(static_cast<std::int64_t>(group)).front())[k];
    }
    template <class Box>
    bool kdtree_get_bbox(Box&) const {
        return false;
    }
};

/// Result set for nanoflann: keeps the nearest groups by (our distance, lowest position). The tree prunes on
/// its own float64 distances, with a margin that covers their difference from ours and admits ties.
class KnnTreeResult {
public:
    using DistanceType = double;
    using IndexType = std::uint32_t;
    using CountType = std::size_t;

    KnnTreeResult(const Kernels& kernel, const KnnSpace& space, const KnnGroups& groups, std::int64_t slots)
        : kernel_(kernel), space_(space), groups_(groups), heap_(static_cast<std::size_t>(slots)) {}

    void start(std::int64_t group) {
        group_ = group;
        origin_ = space_.row(groups_.group(group).front());
        std::fill(heap_.begin(), heap_.end(), knn_no_key);
        worst_ = std::numeric_limits<double>::max();
    }
    std::vector<std::uint64_t>& keys() { return heap_; }

    double worstDist() const { return worst_; }
    bool full() const { return heap_.front() != knn_no_key; }
    std::size_t size() const { return heap_.size(); }
    bool empty() const { return false; }
    void sort() {}
    bool addPoint(double, std::uint32_t group) {
        if (static_cast<std::int64_t>(group) == group_) return true;
        const float* row = space_.row(groups_.group(group).front());
        const std::uint64_t key = knn_key(space_.distance(kernel_, origin_, space_.scale, row, space_.scale),
                                          static_cast<Index>(group));
        if (key < heap_.front()) {
            knn_heap_replace(heap_.data(), heap_.size(), key);
            if (full()) {
                const double d = static_cast<double>(knn_key_distance(heap_.front())) + 0x1.0p-149;
                worst_ = (space_.metric == Metric::Euclidean ? d * d : d) * (1 + 1e-5);
            }
        }
        return true;
    }

private:
    const Kernels& kernel_;
    const KnnSpace& space_;
    const KnnGroups& groups_;
    std::vector<std::uint64_t> heap_;
    std::int64_t group_ = -1;
    const float* origin_ = nullptr;
    double worst_ = 0;
};

#if NANOFLANN_VERSION >= 0x150
using KnnTreeSearch = nanoflann::SearchParameters;
#else
using KnnTreeSearch = nanoflann::SearchParams;
#endif

template <int Dim>
void knn_search_tree(const KnnSpace& space, const KnnGroups& groups, std::int64_t slots,
                     Matrix<Index>& indices, Matrix<float>& distances, int num_threads,
                     const Progress& progress) {
    using Metric_ = nanoflann::L2_Simple_Adaptor<float, KnnTreePoints, double, std::uint32_t>;
    using Tree = nanoflann::KDTreeSingleIndexAdaptor<Metric_, KnnTreePoints, Dim, std::uint32_t>;
    const KnnTreePoints points{space, groups};
    const Tree tree(static_cast<int>(space.dim()), points, nanoflann::KDTreeSingleIndexAdaptorParams(12));
    const Kernels& kernel = kernels();
    const std::int64_t wanted = std::min(slots, groups.size() - 1);  // other groups that can matter
    const auto search_groups = [&](std::int64_t begin, std::int64_t end) {
        KnnTreeResult result(kernel, space, groups, std::max<std::int64_t>(wanted, 1));
        std::vector<std::uint64_t> merged;
        for (std::int64_t g = begin; g < end; ++g) {
            result.start(g);
            if (wanted > 0) tree.findNeighbors(result, space.row(groups.group(g).front()), KnnTreeSearch());
            // A group can give at most `slots` neighbours, its own members one more (the item itself is among
            // them).
            merged.clear();
            const auto append = [&](std::span<const Index> members, float distance, std::size_t most) {
                for (std::size_t m = 0; m < std::min(members.size(), most); ++m) {
                    merged.push_back(knn_key(distance, members[m]));
                }
            };
            const auto members = groups.group(g);
            append(members, 0.0F, static_cast<std::size_t>(slots) + 1);
            for (const std::uint64_t key : result.keys()) {
                if (key != knn_no_key) {
                    append(groups.group(knn_key_id(key)), knn_key_distance(key),
                           static_cast<std::size_t>(slots));
                }
            }
            std::sort(merged.begin(), merged.end());
            for (const Index member : members) {
                const Index row = space.valid[static_cast<std::size_t>(member)];
                std::int64_t slot = 0;
                for (std::size_t m = 0; m < merged.size() && slot < slots; ++m) {
                    if (knn_key_id(merged[m]) == member) continue;
                    indices(row, slot) = space.valid[static_cast<std::size_t>(knn_key_id(merged[m]))];
                    distances(row, slot) = knn_key_distance(merged[m]);
                    ++slot;
                }
            }
        }
    };
    parallel_for(groups.size(), 256, num_threads, search_groups, progress, "knn_graph");
}

/// Fills the first `slots` of each valid row; the rest must hold -1 and +inf already.
inline void knn_tree(const KnnSpace& space, std::int64_t slots, Matrix<Index>& indices,
                     Matrix<float>& distances, int num_threads, const Progress& progress) {
    const KnnGroups groups = knn_group_equal(space);
    switch (space.dim()) {
        case 2: knn_search_tree<2>(space, groups, slots, indices, distances, num_threads, progress); break;
        case 3: knn_search_tree<3>(space, groups, slots, indices, distances, num_threads, progress); break;
        default: knn_search_tree<-1>(space, groups, slots, indices, distances, num_threads, progress); break;
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_TREE_IMPL_HPP
