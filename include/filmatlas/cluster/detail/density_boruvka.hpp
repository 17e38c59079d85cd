// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_BORUVKA_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_BORUVKA_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_cores.hpp"
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

/// Boruvka's rounds: each component's cheapest way out is an edge.
///
/// Any cheapest edge of every component may be taken as long as no cycle closes, so ties need no rule. A
/// search starts with bounds that were fixed before the round and shares bounds only within its leaf: the
/// result is a function of the points alone.
template <int Dim, bool Manhattan>
class DensityBoruvka {
public:
    using Cores = DensityCores<Dim, Manhattan>;
    using Tree = typename Cores::Tree;

    /// Lists are shortened as components grow. `factor` scales distances, not core distances.
    DensityBoruvka(Cores& cores, double factor, int num_threads, const Progress& progress)
        : cores_(cores),
          tree_(cores.tree()),
          core_(cores.core()),
          factor_(factor),
          threads_(num_threads),
          progress_(progress),
          way_(core_.size()),
          sets_(tree_.size()),
          component_(core_.size()),
          roots_(core_.size()),
          node_component_(at(tree_.nodes())),
          cheapest_(core_.size()),
          limit_(core_.size()) {
        for (std::size_t p = 0; p < way_.size(); ++p) way_[p].at_least = cores.at_least()[p];
        std::iota(component_.begin(), component_.end(), Index{0});
        std::iota(roots_.begin(), roots_.end(), Index{0});
        find_node_cores();
    }

    DensityEdges run() {
        const std::int64_t n = tree_.size();
        edges_.a.reserve(core_.size());
        edges_.b.reserve(core_.size());
        edges_.reduced.reserve(core_.size());
        join_lists();
        while (sets_.num_sets() > 1) {
            round();
            if (progress_) progress_("spanning_tree", n - sets_.num_sets(), n - 1);
        }
        return std::move(edges_);
    }

private:
    static constexpr double infinity = Tree::infinity;
    static constexpr std::int64_t grain = 4096;
    /// A point's cheapest known way out of its component, and what no way out can be below that is not listed.
    struct Way {
        double reduced = infinity;
        double at_least = 0;
        Index to = -1;
        bool listed = true;  ///< the list may hold another
    };
    /// Points of one component in a leaf, and their box.
    struct Group {
        std::vector<Index> points;
        std::vector<double> box;
    };

    static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
    double between(std::int64_t p, std::int64_t q) const { return tree_.between(tree_.row(p), tree_.row(q)); }
    double reach(std::int64_t p, std::int64_t q, double reduced) const {
        return std::max(factor_ * reduced, std::max(core_[at(p)], core_[at(q)]));
    }

    void join(std::int64_t p, std::int64_t q, double reduced) {
        if (sets_.unite(static_cast<Index>(p), static_cast<Index>(q))) {
            edges_.add(tree_.point(p), tree_.point(q), reduced);
        }
    }

    /// No edge of a point is below its core distance: one that is equal to it is among the cheapest.
    void join_lists() {
        std::vector<Index> partner(core_.size());
        parallel_for(tree_.size(), grain, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) partner[at(p)] = partner_of(p);
        });
        for (std::int64_t p = 0; p < tree_.size(); ++p) {
            if (partner[at(p)] >= 0) join(p, partner[at(p)], core_[at(p)]);
        }
    }

    /// The nearest listed point that is reached at the core distance, -1 when there is none. Nothing is known about the
    /// next one, so that branches would be guessed wrong half of the time.
    Index partner_of(std::int64_t p) {
        const Index* list = cores_.list_of(p);
        const double core = core_[at(p)];
        Index partner = -1;
        double nearest = infinity;
        for (std::size_t s = 0; s < cores_.slots() && list[s] >= 0; ++s) {
            const double reduced = between(p, list[s]);
            const double r = std::max(factor_ * reduced, core_[at(list[s])]) <= core ? reduced : infinity;
            partner = r < nearest ? list[s] : partner;
            nearest = std::min(r, nearest);
        }
        return partner;
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
        const UnionFind& sets = sets_;  // many threads look: nobody may shorten paths
        std::erase_if(roots_, [&](Index c) { return sets.find(c) != c; });
        parallel_for(tree_.leaves(), 256, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                Index common = -2;
                for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
                    const Index c = sets.find(component_[at(p)]);
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

    /// Cheapest listed way out, to the nearest of several, where the one known leads into the own component by now.
    void refresh(std::int64_t p) {
        Way& way = way_[at(p)];
        const Index own = component_[at(p)];
        if (way.to >= 0 && component_[at(way.to)] != own) return;
        way.to = -1;
        way.reduced = infinity;
        if (!way.listed) return;
        Index* list = cores_.list_of(p);
        std::size_t kept = 0;
        for (std::size_t s = 0; s < cores_.slots() && list[s] >= 0; ++s) {
            const Index q = list[s];
            list[kept] = q;
            kept += component_[at(q)] != own ? std::size_t{1} : std::size_t{0};
        }
        double nearest = infinity;
        for (std::size_t s = 0; s < kept; ++s) {
            const Index q = list[s];
            const double reduced = between(p, q);
            const double r = reach(p, q, reduced);
            if (r < way.reduced || (r == way.reduced && reduced < nearest)) {
                nearest = reduced;
                way.reduced = r;
                way.to = q;
            }
        }
        if (kept < cores_.slots()) list[kept] = -1;
        way.listed = kept > 0;
    }

    bool cheaper(Index p, Index q) const { return way_[at(p)].reduced < way_[at(q)].reduced; }

    /// Of every stretch of one component in [begin, end) the point with the cheapest known way out, the first of
    /// several.
    void find_cheapest(std::int64_t begin, std::int64_t end, std::vector<Index>& found) const {
        for (auto p = static_cast<Index>(begin); p < static_cast<Index>(end); ++p) {
            if (way_[at(p)].to < 0) continue;
            if (found.empty() || component_[at(found.back())] != component_[at(p)]) {
                found.push_back(p);
            } else if (cheaper(p, found.back())) {
                found.back() = p;
            }
        }
    }

    /// The same of every component, -1 where no way is known, from stretches in ascending order.
    void take_cheapest(const std::vector<std::vector<Index>>& found) {
        for (const Index c : roots_) cheapest_[at(c)] = -1;
        for (const std::vector<Index>& mine : found) {
            for (const Index p : mine) {
                Index& chosen = cheapest_[at(component_[at(p)])];
                if (chosen < 0 || cheaper(p, chosen)) chosen = p;
            }
        }
    }

    /// Bounds for the round's searches, which lower ways while others read.
    void fix_limits() {
        for (const Index c : roots_) {
            const Index p = cheapest_[at(c)];
            limit_[at(c)] = p >= 0 ? way_[at(p)].reduced : infinity;
        }
    }

    /// Looks for ways out below the component's cheapest for its points in the leaf together: nearly always there is
    /// none.
    void look_around(std::int64_t leaf, Index own, Group& group) {
        double limit = limit_[at(own)];
        const double least = gather(leaf, own, limit, group);
        // What is farther is out of reach, also when `factor_` times it is rounded.
        const auto range_of = [&](double reduced) { return reduced / factor_ * (1 + 1e-12); };
        double range = range_of(limit);
        std::array<double, static_cast<std::size_t>(Tree::leaf_size)> reduced;
        const auto scan = [&](std::int64_t other, Index p) {
            Way& way = way_[at(p)];
            const std::int64_t first = tree_.leaf_begin(other);
            const std::int64_t count = tree_.leaf_begin(other + 1) - first;
            tree_.to_leaf(tree_.row(p), other, reduced.data(), range);
            for (std::int64_t j = 0; j < count; ++j) {
                if (!(factor_ * reduced[at(j)] < limit) || component_[at(first + j)] == own) continue;
                const double r = reach(p, first + j, reduced[at(j)]);
                if (r < limit) {
                    limit = r;
                    range = range_of(limit);
                    way.reduced = r;
                    way.to = static_cast<Index>(first + j);
                }
            }
        };
        tree_.search(
            leaf, [&](std::int64_t node) { return tree_.box_to_box(group.box.data(), node, range); },
            [&] { return range; },
            [&](std::int64_t node, double distance) {
                return node_component_[at(node)] == own || !(limit > least) ||
                       !(std::max(factor_ * distance, node_core_[at(node)]) < limit);
            },
            [&](std::int64_t other) {
                for (const Index p : group.points) {
                    if (way_[at(p)].at_least < limit &&
                        tree_.to_box(tree_.row(p), tree_.first_leaf() + other, range) < range) {
                        scan(other, p);
                    }
                }
            });
        for (const Index p : group.points) way_[at(p)].at_least = std::max(way_[at(p)].at_least, limit);
    }

    /// The component's points in the leaf that may have ways out below `limit`; returns what none is below.
    double gather(std::int64_t leaf, Index own, double limit, Group& group) const {
        double least = infinity;
        group.points.clear();
        for (std::int64_t k = 0; k < tree_.d(); ++k) {
            group.box[at(2 * k)] = infinity;
            group.box[at(2 * k + 1)] = -infinity;
        }
        for (std::int64_t p = tree_.leaf_begin(leaf); p < tree_.leaf_begin(leaf + 1); ++p) {
            if (component_[at(p)] != own || !(way_[at(p)].at_least < limit)) continue;
            group.points.push_back(static_cast<Index>(p));
            least = std::min(least, way_[at(p)].at_least);
            const double* row = tree_.row(p);
            for (std::int64_t k = 0; k < tree_.d(); ++k) {
                group.box[at(2 * k)] = std::min(group.box[at(2 * k)], row[k]);
                group.box[at(2 * k + 1)] = std::max(group.box[at(2 * k + 1)], row[k]);
            }
        }
        return least;
    }

    Index largest_component() const {
        Index largest = component_[0];
        for (const Index c : roots_) {
            if (sets_.set_size(c) > sets_.set_size(largest)) largest = c;
        }
        return largest;
    }

    void round() {
        find_components();
        std::vector<std::vector<Index>> found(at((tree_.size() + grain - 1) / grain));
        parallel_for(tree_.size(), grain, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) refresh(p);
            find_cheapest(begin, end, found[at(begin / grain)]);
        });
        take_cheapest(found);
        fix_limits();
        const Index largest = largest_component();  // it waits for the others to find it
        constexpr std::int64_t leaves = 32;
        found.assign(at((tree_.leaves() + leaves - 1) / leaves), {});
        parallel_for(tree_.leaves(), leaves, threads_, [&](std::int64_t begin, std::int64_t end) {
            Group group;
            group.box.resize(at(2 * tree_.d()));
            for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                const Index* first = component_.data() + tree_.leaf_begin(leaf);
                const Index* last = component_.data() + tree_.leaf_begin(leaf + 1);
                for (const Index* own = first; own != last; ++own) {
                    if (*own != largest && std::find(first, own, *own) == own) look_around(leaf, *own, group);
                }
            }
            find_cheapest(tree_.leaf_begin(begin), tree_.leaf_begin(end), found[at(begin / leaves)]);
        });
        take_cheapest(found);
        for (const Index c : roots_) {
            const Index p = cheapest_[at(c)];
            if (p >= 0 && c != largest) join(p, way_[at(p)].to, way_[at(p)].reduced);
        }
    }

    Cores& cores_;
    const Tree& tree_;
    const std::vector<double>& core_;
    double factor_;
    int threads_;
    const Progress& progress_;
    std::vector<Way> way_;
    UnionFind sets_;
    DensityEdges edges_;
    std::vector<Index> component_;  ///< of each point: that which stands for all
    std::vector<Index> roots_;      ///< those, ascending
    std::vector<Index> node_component_;
    std::vector<double> node_core_;
    std::vector<Index> cheapest_;  ///< per component
    std::vector<double> limit_;    ///< per component: no search of the round looks for more
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_BORUVKA_HPP
