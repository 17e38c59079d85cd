// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_BORUVKA_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_BORUVKA_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_kdtree.hpp"
#include "filmatlas/cluster/detail/density_lists.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/union_find.hpp"

namespace filmatlas::detail {

/// Edges between points with reduced weights.
struct DensityEdges {
    std::vector<Index> a;
    std::vector<Index> b;
    std::vector<double> reduced;

    void add(Index x, Index y, double r) {
        a.push_back(x);
        b.push_back(y);
        reduced.push_back(r);
    }
};

/// Core distances by search in the tree, or by a product of blocks where a sample of searches shows that boxes part the
/// points too little; then Boruvka's rounds: each component's cheapest way out is an edge.
///
/// Any cheapest edge of every component may be taken as long as no cycle closes, so ties need no rule. A
/// search starts with bounds that were fixed before the round and shares bounds only within its leaf: the
/// result is a function of the points alone.
template <int Dim, bool Manhattan>
class DensityBoruvka {
public:
    using Tree = DensityKdTree<Dim, Manhattan>;
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// `needed`: weight that makes a point dense, its own included. `factor` scales distances, not core
    /// distances.
    DensityBoruvka(const Matrix<double>& points, const std::vector<double>& weight, bool unit_weights,
                   double needed, double factor, int num_threads, const Progress& progress)
        : tree_(points, num_threads),
          weight_(weight),
          unit_weights_(unit_weights),
          needed_(needed),
          factor_(factor),
          threads_(num_threads),
          progress_(progress),
          core_(static_cast<std::size_t>(points.rows())),
          way_(static_cast<std::size_t>(points.rows())),
          sets_(points.rows()) {
        if (product_pays()) {
            multiply(points);
        } else {
            search_all();
        }
    }

    /// Reduced core distance per point.
    std::vector<double> cores() const {
        std::vector<double> out(core_.size());
        for (std::size_t p = 0; p < core_.size(); ++p)
            out[static_cast<std::size_t>(tree_.point(to_index(p)))] = core_[p];
        return out;
    }

    DensityEdges run() {
        const std::int64_t n = tree_.size();
        edges_.a.reserve(static_cast<std::size_t>(n));
        edges_.b.reserve(static_cast<std::size_t>(n));
        edges_.reduced.reserve(static_cast<std::size_t>(n));
        join_lists();
        component_.resize(static_cast<std::size_t>(n));
        node_component_.resize(static_cast<std::size_t>(tree_.nodes()));
        best_.resize(static_cast<std::size_t>(n));
        cheapest_.resize(static_cast<std::size_t>(n));
        find_node_cores();
        while (sets_.num_sets() > 1) {
            round();
            if (progress_) progress_("spanning_tree", n - sets_.num_sets(), n - 1);
        }
        return std::move(edges_);
    }

private:
    static constexpr std::size_t longest_search_list = 16;
    /// A neighbour met by a search.
    struct Near {
        double reduced;
        Index position;
    };
    /// A point's cheapest known way out of its component, and what no way out can be below.
    struct Way {
        double reduced = infinity;
        double at_least = 0;
        Index to = -1;
    };

    static std::int64_t to_index(std::size_t i) { return static_cast<std::int64_t>(i); }
    static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
    double reach(std::int64_t p, std::int64_t q, double reduced) const {
        return std::max(factor_ * reduced, std::max(core_[at(p)], core_[at(q)]));
    }
    double reach(std::int64_t p, std::int64_t q) const {
        return reach(p, q, tree_.between(tree_.row(p), tree_.row(q)));
    }

    Index* list(std::int64_t p) { return list_.data() + at(p) * slots_; }
    const Index* list(std::int64_t p) const { return list_.data() + at(p) * slots_; }

    /// The neighbours that make a point dense (one at least), ascending, of those nearer than `limit`. Returns the work
    /// done, in leaves met.
    template <bool Unit>
    double search_near(std::int64_t p, std::int64_t leaf, double limit, std::vector<Near>& near) const {
        const auto most = static_cast<std::size_t>(
            std::max(1.0, std::min(needed_ - 1, static_cast<double>(tree_.size() - 1))));
        const auto weight_at = [&](const Near& x) { return weight_[at(tree_.point(x.position))]; };
        // A dense point needs no neighbour; one is found all the same, to start the rounds with.
        const double wanted = std::max(needed_ - (Unit ? 1.0 : weight_[at(tree_.point(p))]), 1e-300);
        std::array<double, static_cast<std::size_t>(Tree::leaf_size)> reduced;
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
                if constexpr (Unit) {
                    if (near.size() == most) near.pop_back();
                }
                std::size_t slot = near.size();
                near.push_back({});
                while (slot > 0 && r < near[slot - 1].reduced) {
                    near[slot] = near[slot - 1];
                    --slot;
                }
                near[slot] = {r, static_cast<Index>(first + j)};
                if constexpr (Unit) {
                    if (near.size() == most) limit = near.back().reduced;
                } else {
                    held += weight_at(near[slot]);
                    while (near.size() > 1 && held - weight_at(near.back()) >= wanted) {
                        held -= weight_at(near.back());
                        near.pop_back();
                    }
                    if (held >= wanted) limit = near.back().reduced;
                }
            }
        };
        const auto bound = [&] {
            ++steps;
            return limit;
        };
        tree_.search(tree_.row(p), leaf, bound, [](std::int64_t, double) { return false; }, scan);
        return static_cast<double>(leaves) + static_cast<double>(steps) / 8;
    }
    double search_near(std::int64_t p, std::int64_t leaf, double limit, std::vector<Near>& near) const {
        return unit_weights_ ? search_near<true>(p, leaf, limit, near) : search_near<false>(p, leaf, limit, near);
    }
    double core_of(std::int64_t p, const std::vector<Near>& near) const {
        return needed_ > weight_[at(tree_.point(p))] && !near.empty() ? near.back().reduced : 0.0;
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

    void search_all() {
        slots_ = std::min(longest_search_list, static_cast<std::size_t>(std::max(1.0, needed_ - 1)));
        if (!unit_weights_) slots_ = longest_search_list;
        list_.assign(core_.size() * slots_, -1);
        parallel_for(
            tree_.leaves(), 64, threads_,
            [&](std::int64_t begin, std::int64_t end) {
                std::vector<Near> near;
                for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                    for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                        search_near(p, leaf, infinity, near);
                        core_[at(p)] = core_of(p, near);
                        way_[at(p)].at_least = core_[at(p)];
                        for (std::size_t i = 0; i < std::min(near.size(), slots_); ++i) list(p)[i] = near[i].position;
                    }
                }
            },
            progress_, "core_distances");
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
        list_.resize(core_.size() * slots_);
        parallel_for(n, 4096, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) {
                const Index i = tree_.point(p);
                core_[at(p)] = lists.core[at(i)];
                way_[at(p)].at_least = std::max(core_[at(p)], factor_ * lists.bound[at(i)]);
                for (std::size_t s = 0; s < slots_; ++s) {
                    const Index j = lists.of(i)[s].id;
                    list(p)[s] = j >= 0 ? position[at(j)] : -1;
                }
            }
        });
    }

    void join(std::int64_t p, std::int64_t q, double reduced) {
        if (sets_.unite(static_cast<Index>(p), static_cast<Index>(q))) {
            edges_.add(tree_.point(p), tree_.point(q), reduced);
        }
    }

    /// No edge of a point is below its core distance: one that is equal to it is among the cheapest.
    void join_lists() {
        std::vector<Index> partner(core_.size(), -1);
        parallel_for(tree_.size(), 4096, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) {
                for (std::size_t s = 0; s < slots_ && list(p)[s] >= 0; ++s) {
                    const Index q = list(p)[s];
                    if (core_[at(q)] <= core_[at(p)] && reach(p, q) == core_[at(p)]) {
                        partner[at(p)] = q;
                        break;
                    }
                }
            }
        });
        for (std::int64_t p = 0; p < tree_.size(); ++p) {
            if (partner[at(p)] >= 0) join(p, partner[at(p)], core_[at(p)]);
        }
    }

    void find_node_cores() {
        node_core_.assign(at(tree_.nodes()), infinity);
        for (std::int64_t leaf = 0; leaf < tree_.leaves(); ++leaf) {
            double& least = node_core_[at(tree_.first_leaf() + leaf)];
            for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                least = std::min(least, core_[at(p)]);
            }
        }
        for (std::int64_t node = tree_.first_leaf() - 1; node >= 0; --node) {
            node_core_[at(node)] = std::min(node_core_[at(2 * node + 1)], node_core_[at(2 * node + 2)]);
        }
    }

    void find_components() {
        parallel_for(tree_.leaves(), 256, threads_, [&](std::int64_t begin, std::int64_t end) {
            const UnionFind& sets = sets_;
            for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                Index common = -2;
                for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                    const Index c = sets.find(static_cast<Index>(p));
                    component_[at(p)] = c;
                    common = common == -2 || common == c ? c : Index{-1};
                }
                node_component_[at(tree_.first_leaf() + leaf)] = common;
            }
        });
        for (std::int64_t node = tree_.first_leaf() - 1; node >= 0; --node) {
            const Index left = node_component_[at(2 * node + 1)];
            node_component_[at(node)] = left == node_component_[at(2 * node + 2)] ? left : Index{-1};
        }
    }

    /// Cheapest listed way out where the one known leads into the own component by now.
    void refresh(std::int64_t p) {
        Way& way = way_[at(p)];
        const Index own = component_[at(p)];
        if (way.to >= 0 && component_[at(way.to)] != own) return;
        way.to = -1;
        way.reduced = infinity;
        std::size_t kept = 0;
        for (std::size_t s = 0; s < slots_ && list(p)[s] >= 0; ++s) {
            const Index q = list(p)[s];
            if (component_[at(q)] == own) continue;
            list(p)[kept++] = q;
            const double r = reach(p, q);
            if (r < way.reduced) {
                way.reduced = r;
                way.to = q;
            }
        }
        if (kept < slots_) list(p)[kept] = -1;
    }

    void look_around(std::int64_t p, std::int64_t leaf, double bound) {
        Way& way = way_[at(p)];
        const Index own = component_[at(p)];
        const double start = std::min(bound, way.reduced);
        double limit = start;
        // What is farther is out of reach, also when `factor_` times it is rounded.
        const auto range = [&] { return limit / factor_ * (1 + 1e-12); };
        std::array<double, static_cast<std::size_t>(Tree::leaf_size)> reduced;
        tree_.search(
            tree_.row(p), leaf, range,
            [&](std::int64_t node, double distance) {
                return node_component_[at(node)] == own || !(limit > way.at_least) ||
                       !(std::max(factor_ * distance, node_core_[at(node)]) < limit);
            },
            [&](std::int64_t other) {
                const std::int64_t first = tree_.leaf_begin(other);
                const std::int64_t count = tree_.leaf_begin(other + 1) - first;
                tree_.to_leaf(tree_.row(p), other, reduced.data(), range());
                for (std::int64_t j = 0; j < count; ++j) {
                    if (!(factor_ * reduced[at(j)] < limit)) continue;
                    const std::int64_t q = first + j;
                    if (component_[at(q)] == own) continue;
                    const double r = reach(p, q, reduced[at(j)]);
                    if (r < limit) {
                        limit = r;
                        way.reduced = r;
                        way.to = static_cast<Index>(q);
                    }
                }
            });
        way.at_least = std::max(way.at_least, limit);
    }

    void round() {
        const std::int64_t n = tree_.size();
        find_components();
        parallel_for(n, 4096, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) refresh(p);
        });
        // The largest component waits for the others to find it.
        Index largest = 0;
        for (std::int64_t p = 0; p < n; ++p) {
            if (component_[at(p)] != p) continue;
            best_[at(p)] = infinity;
            cheapest_[at(p)] = -1;
            if (sets_.set_size(static_cast<Index>(p)) > sets_.set_size(largest))
                largest = static_cast<Index>(p);
        }
        largest = component_[at(largest)];
        for (std::int64_t p = 0; p < n; ++p) {
            double& best = best_[at(component_[at(p)])];
            best = std::min(best, way_[at(p)].reduced);
        }
        parallel_for(tree_.leaves(), 32, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                Index last = -1;
                double bound = 0;
                for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                    const Index own = component_[at(p)];
                    if (own == largest) continue;
                    if (own != last) {
                        last = own;
                        bound = best_[at(own)];
                    }
                    const Way& way = way_[at(p)];
                    if (!(way.at_least < std::min(bound, way.reduced))) continue;
                    look_around(p, leaf, bound);
                    bound = std::min(bound, way.reduced);
                }
            }
        });
        for (std::int64_t p = 0; p < n; ++p) {
            const Index own = component_[at(p)];
            Index& chosen = cheapest_[at(own)];
            if (own == largest || way_[at(p)].to < 0) continue;
            if (chosen < 0 || way_[at(p)].reduced < way_[at(chosen)].reduced) chosen = static_cast<Index>(p);
        }
        for (std::int64_t c = 0; c < n; ++c) {
            if (component_[at(c)] != c || cheapest_[at(c)] < 0) continue;
            const Way& way = way_[at(cheapest_[at(c)])];
            join(cheapest_[at(c)], way.to, way.reduced);
        }
    }

    Tree tree_;
    const std::vector<double>& weight_;
    bool unit_weights_;
    double needed_;
    double factor_;
    int threads_;
    const Progress& progress_;
    std::vector<double> core_;  ///< by position, like all below
    std::size_t slots_ = 0;
    std::vector<Index> list_;  ///< (n, slots_) near points, ascending by distance; -1 ends a list
    std::vector<Way> way_;
    UnionFind sets_;
    DensityEdges edges_;
    std::vector<Index> component_;
    std::vector<Index> node_component_;
    std::vector<double> node_core_;
    std::vector<double> best_;
    std::vector<Index> cheapest_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_BORUVKA_HPP
