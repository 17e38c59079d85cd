// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_CORES_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_CORES_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "filmatlas/cluster/detail/density_kdtree.hpp"
#include "filmatlas/cluster/detail/density_lists.hpp"
#include "filmatlas/cluster/detail/density_nearest.hpp"
#include "filmatlas/core/detail/simd_versions.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"

namespace filmatlas::detail {

/// Core distances of distinct points and lists of near ones: by search in a tree, or by a product of blocks where a
/// sample of searches shows that boxes part the points too little. Points go by their position in the tree.
template <int Dim, bool Manhattan>
class DensityCores {
public:
    using Tree = DensityKdTree<Dim, Manhattan>;

    /// `needed`: weight that makes a point dense, its own included. `factor` scales distances, not core
    /// distances.
    DensityCores(const Matrix<double>& points, const std::vector<double>& weight, bool unit_weights, double needed,
                 double factor, int num_threads, const Progress& progress)
        : tree_(points, num_threads),
          weight_(weight),
          needed_(needed),
          factor_(factor),
          threads_(num_threads),
          progress_(progress),
          core_(weight.size()) {
        if (product_pays()) {
            multiply(points);
        } else {
            search_all(unit_weights);
        }
    }

    const Tree& tree() const { return tree_; }
    /// Reduced core distances.
    const std::vector<double>& core() const { return core_; }
    /// What no edge of a point to one that is not listed is below.
    const std::vector<double>& at_least() const { return at_least_.empty() ? core_ : at_least_; }
    /// Up to `slots()` near points of p, in no order; -1 ends a list.
    Index* list_of(std::int64_t p) { return list_.get() + at(p) * slots_; }
    std::size_t slots() const { return slots_; }

    /// Reduced core distance per point, in the order in which the points were given.
    std::vector<double> core_by_point() const {
        std::vector<double> out(core_.size());
        parallel_for(tree_.size(), 8192, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) out[at(tree_.point(p))] = core_[at(p)];
        });
        return out;
    }

private:
    static constexpr double infinity = Tree::infinity;
    static constexpr std::size_t lanes = static_cast<std::size_t>(Tree::leaf_size);
    static constexpr std::size_t longest_search_list = 16;
    /// A neighbour met by a search.
    struct Near {
        double reduced;
        Index position;
    };

    static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
    double weight_at(std::int64_t p) const { return weight_[at(tree_.point(p))]; }
    /// The largest thing here by far: not filled, so that its pages come to the threads that do.
    void make_lists() { list_ = std::make_unique_for_overwrite<Index[]>(core_.size() * slots_); }
    template <class Neighbor>
    void fill_list(std::int64_t p, std::size_t count, Neighbor&& neighbor) {
        Index* list = list_of(p);
        for (std::size_t i = 0; i < std::min(count, slots_); ++i) list[i] = neighbor(i);
        if (count < slots_) list[count] = -1;
    }

    /// The neighbours that make a point dense (one at least), ascending, of those nearer than `limit`. Returns the work
    /// done, in leaves met.
    double search_near(std::int64_t p, std::int64_t leaf, double limit, std::vector<Near>& near) const {
        // A dense point needs no neighbour; one is found all the same, to start the rounds with.
        const double wanted = std::max(needed_ - weight_at(p), 1e-300);
        std::array<double, lanes> reduced;
        std::int64_t leaves = 0;
        std::int64_t steps = 0;
        double held = 0;
        near.clear();
        const auto scan = [&](std::int64_t other) {
            ++leaves;
            const std::int64_t first = tree_.leaf_begin(other);
            const std::int64_t count = tree_.leaf_begin(other + 1) - first;
            tree_.to_leaf(tree_.row(p), other, reduced.data(), limit);
            for (std::int64_t j = 0; j < count; ++j) {
                const double r = reduced[at(j)];
                if (!(r < limit) || first + j == p) continue;
                std::size_t slot = near.size();
                near.push_back({});
                while (slot > 0 && r < near[slot - 1].reduced) {
                    near[slot] = near[slot - 1];
                    --slot;
                }
                near[slot] = {r, static_cast<Index>(first + j)};
                held += weight_at(first + j);
                while (near.size() > 1 && held - weight_at(near.back().position) >= wanted) {
                    held -= weight_at(near.back().position);
                    near.pop_back();
                }
                if (held >= wanted) limit = near.back().reduced;
            }
        };
        const auto distance = [&](std::int64_t node) {
            ++steps;
            return tree_.to_box(tree_.row(p), node, limit);
        };
        const auto bound = [&] {
            ++steps;
            return limit;
        };
        tree_.search(leaf, distance, bound, [](std::int64_t, double) { return false; }, scan);
        return static_cast<double>(leaves) + static_cast<double>(steps) / 8;
    }
    double core_of(std::int64_t p, const std::vector<Near>& near) const {
        return needed_ > weight_at(p) && !near.empty() ? near.back().reduced : 0.0;
    }

    /// Whether a product of all points is cheaper than searches that cost as much as those of a sample do.
    bool product_pays() const {
        if constexpr (Dim != 0 || Manhattan) return false;
        const std::int64_t n = tree_.size();
        if (n < 1000) return false;
        constexpr std::int64_t sample = 128;
        std::vector<Near> near;
        double work = 0;
        for (std::int64_t s = 0; s < sample; ++s) {
            const std::int64_t leaf = s * tree_.leaves() / sample;
            work += search_near(tree_.leaf_begin(leaf), leaf, infinity, near);
        }
        // In the time of one dimension of a leaf.
        const double search = work / sample * static_cast<double>(tree_.d() + 4);
        const double product = 1000 + 0.02 * static_cast<double>(n);
        return search > product;
    }

    void search_all(bool unit_weights) {
        const auto wanted =
            static_cast<std::size_t>(std::max(1.0, std::min(needed_, static_cast<double>(tree_.size())) - 1));
        slots_ = unit_weights ? std::min(longest_search_list, wanted) : longest_search_list;
        make_lists();
        // AVX2 alone gains nothing here.
        const auto search_leaves =
            simd_version(&DensityCores::search_leaves_baseline, &DensityCores::search_leaves_baseline,
                         &DensityCores::search_leaves_avx512);
        parallel_for(
            tree_.leaves(), 64, threads_,
            [&](std::int64_t begin, std::int64_t end) {
                if (unit_weights) {
                    (this->*search_leaves)(begin, end, wanted);
                    return;
                }
                std::vector<Near> near;
                for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                    for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                        search_near(p, leaf, infinity, near);
                        core_[at(p)] = core_of(p, near);
                        fill_list(p, near.size(), [&](std::size_t i) { return near[i].position; });
                    }
                }
            },
            progress_, "core_distances");
    }

    void search_leaves_baseline(std::int64_t begin, std::int64_t end, std::size_t wanted) {
        search_leaves<SimdLevel::Baseline>(begin, end, wanted);
    }
    FILMATLAS_TARGET_AVX512 __attribute__((flatten)) void search_leaves_avx512(std::int64_t begin, std::int64_t end,
                                                                               std::size_t wanted) {
        search_leaves<SimdLevel::Avx512>(begin, end, wanted);
    }

    /// Core distances and lists of points of weight 1. Those of a leaf meet the leaves around together.
    template <SimdLevel level>
    void search_leaves(std::int64_t begin, std::int64_t end, std::size_t wanted) {
        std::vector<NearestFew<level>> near(lanes, NearestFew<level>(wanted, lanes));
        for (std::int64_t leaf = begin; leaf < end; ++leaf) search_leaf(leaf, near);
    }

    template <SimdLevel level>
    void search_leaf(std::int64_t leaf, std::vector<NearestFew<level>>& near) {
        const std::int64_t begin = tree_.leaf_begin(leaf);
        const auto size = at(tree_.leaf_begin(leaf + 1) - begin);
        const double* box = tree_.box(tree_.first_leaf() + leaf);
        for (NearestFew<level>& few : near) few.clear();
        double widest = infinity;
        std::array<double, lanes> apart;
        std::array<double, lanes> reduced;
        const auto scan = [&](std::int64_t other) {
            const std::int64_t first = tree_.leaf_begin(other);
            const auto count = at(tree_.leaf_begin(other + 1) - first);
            tree_.leaf_to_box(leaf, other, apart.data());
            widest = 0;
            for (std::size_t i = 0; i < size; ++i) {
                if (apart[i] < near[i].limit()) {
                    const double* row = tree_.row(begin + static_cast<std::int64_t>(i));
                    tree_.to_leaf(row, other, reduced.data(), near[i].limit());
                    if (other == leaf) reduced[i] = infinity;
                    near[i].add(reduced.data(), count, first);
                }
                widest = std::max(widest, near[i].limit());
            }
        };
        tree_.search(
            leaf, [&](std::int64_t node) { return tree_.box_to_box(box, node, widest); }, [&] { return widest; },
            [](std::int64_t, double) { return false; }, scan);
        for (std::size_t i = 0; i < size; ++i) {
            const std::int64_t p = begin + static_cast<std::int64_t>(i);
            const double farthest = near[i].settle();
            core_[at(p)] = needed_ > 1 ? farthest : 0.0;
            if (near[i].size() > slots_) near[i].settle(slots_);
            fill_list(p, near[i].size(), [&](std::size_t j) { return near[i].id(j); });
        }
    }

    void multiply(const Matrix<double>& points) {
        const std::int64_t n = tree_.size();
        const std::int64_t d = tree_.d();
        std::vector<Index> position(core_.size());
        std::vector<Index> leaf_of(core_.size());
        for (std::int64_t leaf = 0; leaf < tree_.leaves(); ++leaf) {
            for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                position[at(tree_.point(p))] = static_cast<Index>(p);
                leaf_of[at(tree_.point(p))] = static_cast<Index>(leaf);
            }
        }
        // What rounding to float32 moves each point by.
        Matrix<float> rounded(n, d);
        std::vector<double> moved(core_.size());
        for (std::int64_t i = 0; i < n; ++i) {
            double squared = 0;
            for (std::int64_t k = 0; k < d; ++k) {
                rounded(i, k) = static_cast<float>(points(i, k));
                const double error = points(i, k) - static_cast<double>(rounded(i, k));
                squared += error * error;
            }
            moved[at(i)] = std::sqrt(squared) * (1 + 1e-12);
        }
        const double farthest_moved = *std::max_element(moved.begin(), moved.end());
        KnnOptions options;
        options.k = static_cast<int>(std::min(static_cast<double>(n - 1), needed_ + density_extra_slots));
        options.metric = Metric::SqEuclidean;
        options.method = KnnMethod::Exact;
        options.num_threads = threads_;
        const DensityLists lists = density_lists(
            rounded.view(), options, weight_, needed_, progress_,
            [&](std::int64_t i, std::int64_t j) { return tree_.between(points.row_data(i), points.row_data(j)); },
            [&](std::int64_t i, float listed) {
                const double length =
                    std::sqrt(density_floor(listed, d, options.metric)) - moved[at(i)] - farthest_moved;
                return length > 0 ? length * length * (1 - 1e-12) : 0.0;
            },
            [&](std::int64_t i, double enough) {
                std::vector<Near> near;
                const std::int64_t p = position[at(i)];
                search_near(p, leaf_of[at(i)], std::nextafter(enough, infinity), near);
                return core_of(p, near);
            });
        slots_ = at(lists.slots);
        make_lists();
        at_least_.resize(core_.size());
        parallel_for(n, 4096, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) {
                const Index i = tree_.point(p);
                core_[at(p)] = lists.core[at(i)];
                at_least_[at(p)] = std::max(core_[at(p)], factor_ * lists.bound[at(i)]);
                for (std::size_t s = 0; s < slots_; ++s) {
                    const Index j = lists.of(i)[s].id;
                    list_of(p)[s] = j >= 0 ? position[at(j)] : -1;
                }
            }
        });
    }

    Tree tree_;
    const std::vector<double>& weight_;
    double needed_;
    double factor_;
    int threads_;
    const Progress& progress_;
    std::vector<double> core_;
    std::vector<double> at_least_;  ///< empty where it is the core distance
    std::size_t slots_ = 0;
    std::unique_ptr<Index[]> list_;  ///< (n, slots_)
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_CORES_HPP
