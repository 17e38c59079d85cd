// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_BLOCKED_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_BLOCKED_HPP

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_forest.hpp"
#include "filmatlas/cluster/detail/density_lists.hpp"
#include "filmatlas/cluster/detail/density_points.hpp"
#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas::detail {

/// Maximum of any range of values in constant time: n log n numbers.
class RangeMax {
public:
    explicit RangeMax(std::vector<double> values) {
        levels_.push_back(std::move(values));
        for (std::size_t width = 1; 2 * width <= levels_.front().size(); width *= 2) {
            const std::vector<double>& below = levels_.back();
            std::vector<double> level(levels_.front().size() - 2 * width + 1);
            for (std::size_t i = 0; i < level.size(); ++i) level[i] = std::max(below[i], below[i + width]);
            levels_.push_back(std::move(level));
        }
    }
    /// Of [begin, end), which is not empty.
    double operator()(std::int64_t begin, std::int64_t end) const {
        const auto level =
            static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(end - begin)) - 1);
        const std::vector<double>& row = levels_[level];
        return std::max(row[static_cast<std::size_t>(begin)],
                        row[static_cast<std::size_t>(end) - (std::size_t{1} << level)]);
    }

private:
    std::vector<std::vector<double>> levels_;
};

/// The way for many dimensions: the spanning tree of the exact neighbour graph, then the proof that it is
/// minimal, or its repair.
///
/// A pair that is no neighbour of either side cannot improve the tree unless it is nearer than the highest
/// edge on the tree's path between the two, which is also above both ends' last listed distances. In the
/// order of the single-linkage tree's leaves the highest edge between two places is the maximum of the gaps
/// between them, so blocks of a product can be screened against exactly that limit. Rows whose way to the
/// heaviest part is all below their last listed distance need no product at all.
class DensityBlocked {
public:
    DensityBlocked(const DensityPoints<float>& points, const SpanningTreeOptions& options, double needed,
                   const Progress& progress)
        : points_(points),
          reduced_(options.metric, options.alpha),
          metric_(options.metric),
          threads_(options.num_threads),
          progress_(progress),
          n_(points.size()),
          d_(points.rows.cols()) {
        scale_.assign(static_cast<std::size_t>(n_), 1.0);
        if (metric_ == Metric::Cosine) {
            for (std::int64_t i = 0; i < n_; ++i) {
                double squared = 0;
                for (const float v : points_.rows.row(i))
                    squared += static_cast<double>(v) * static_cast<double>(v);
                scale_[at(i)] = 1 / std::sqrt(squared);
            }
        }
        find_lists(needed);
    }

    const std::vector<double>& cores() const { return core_; }
    bool exact() const { return exact_; }
    double certified() const { return certified_; }
    double excess_bound() const { return excess_bound_; }

    DensityEdges run(bool exact) {
        DensityEdges tree = list_forest();
        join_components(tree);
        const auto proof =
            density_certificate(
                n_, tree, unlisted_, [this](double r) { return reduced_.distance(r); }, threads_, progress_);
        const auto edges = static_cast<std::int64_t>(tree.a.size());
        exact_ = proof.proven == edges;
        certified_ = edges == 0 ? 1.0 : static_cast<double>(proof.proven) / static_cast<double>(edges);
        if (exact_) return tree;
        if (exact) {
            repair(tree);
            exact_ = true;
            certified_ = 1;
            return tree;
        }
        double weight = 0;
        for (const double r : tree.reduced) weight += reduced_.distance(r);
        excess_bound_ = proof.lower > 0 ? std::max(0.0, weight / proof.lower - 1)
                                        : std::numeric_limits<double>::infinity();
        return tree;
    }

private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    using Neighbor = DensityNeighbor;

    static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

    /// In float64, in eight lanes.
    double between(std::int64_t i, std::int64_t j) const {
        const float* x = points_.rows.row_data(i);
        const float* y = points_.rows.row_data(j);
        const double s = scale_[at(i)];
        const double t = scale_[at(j)];
        std::array<double, 8> lane{};
        std::int64_t k = 0;
        for (; k + 8 <= d_; k += 8) {
            for (std::size_t l = 0; l < 8; ++l) {
                const double v = static_cast<double>(x[k + static_cast<std::int64_t>(l)]) * s -
                                 static_cast<double>(y[k + static_cast<std::int64_t>(l)]) * t;
                lane[l] += v * v;
            }
        }
        for (std::size_t l = 0; k < d_; ++k, ++l) {
            const double v = static_cast<double>(x[k]) * s - static_cast<double>(y[k]) * t;
            lane[l] += v * v;
        }
        return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
    double reach(std::int64_t i, std::int64_t j, double reduced) const {
        return std::max(reduced_.factor * reduced, std::max(core_[at(i)], core_[at(j)]));
    }

    void find_lists(double needed) {
        KnnOptions options;
        options.k = static_cast<int>(
            std::max(1.0, std::min(static_cast<double>(n_ - 1), needed + density_extra_slots)));
        options.metric = metric_;
        options.method = KnnMethod::Exact;
        options.num_threads = threads_;
        lists_ = density_lists(
            points_.rows.view(), options, points_.weight, needed, progress_,
            [this](std::int64_t i, std::int64_t j) { return between(i, j); },
            [this](std::int64_t, float listed) { return density_floor(listed, d_, metric_); },
            [&](std::int64_t i, double) {
                std::vector<Neighbor> all;
                for (Index j = 0; j < static_cast<Index>(n_); ++j) {
                    if (j != i) all.push_back({between(i, j), j});
                }
                std::sort(all.begin(), all.end());
                double core = 0;
                density_core_from(points_.weight[at(i)], needed, all.data(), all.data() + all.size(), points_.weight,
                                  core);
                return core;
            });
        core_ = std::move(lists_.core);
        unlisted_ = std::move(lists_.bound);
        for (std::int64_t i = 0; i < n_; ++i)
            unlisted_[at(i)] = std::max(core_[at(i)], reduced_.factor * unlisted_[at(i)]);
    }

    bool lists(std::int64_t i, Index j) const {
        const Neighbor* list = lists_.of(i);
        return std::any_of(list, list + lists_.slots, [j](const Neighbor& x) { return x.id == j; });
    }

    DensityEdges list_forest() const {
        constexpr std::size_t most = std::size_t{1} << 22;  // edges sorted at once
        DensityEdges edges;
        for (std::int64_t i = 0; i < n_; ++i) {
            progress_("spanning_tree: edges", i, n_);
            const Neighbor* list = lists_.of(i);
            for (std::int64_t s = 0; s < lists_.slots; ++s) {
                const Index j = list[s].id;
                if (j < 0 || (j < i && lists(j, static_cast<Index>(i)))) continue;
                edges.add(static_cast<Index>(i), j, reach(i, j, list[s].reduced));
            }
            if (edges.a.size() > most + at(n_)) edges = density_forest(n_, edges, threads_, progress_);
        }
        return density_forest(n_, edges, threads_, progress_);
    }

    /// Every `step`-th of some points, `most` of them at the most.
    static std::vector<Index> some_of(std::span<const Index> ids, std::size_t most) {
        std::vector<Index> out;
        const std::size_t step = (ids.size() + most - 1) / most;
        for (std::size_t s = 0; s < ids.size(); s += step) out.push_back(ids[s]);
        return out;
    }

    /// The member of `part` that is cheapest to reach from a point.
    Neighbor cheapest(Index from, const std::vector<Index>& part) const {
        Neighbor best{infinity, -1};
        for (const Index j : part) best = std::min(best, Neighbor{reach(from, j, between(from, j)), j});
        return best;
    }

    /// Joins the components that the lists leave, as cheaply as a few pairs of members show. The repair starts from
    /// this: the cheaper the joints, the fewer pairs undercut them.
    void join_components(DensityEdges& forest) const {
        UnionFind sets(n_);
        for (std::size_t e = 0; e < forest.a.size(); ++e) sets.unite(forest.a[e], forest.b[e]);
        if (sets.num_sets() == 1) return;
        std::vector<std::vector<Index>> parts;
        std::vector<Index> part_of(at(n_), -1);  // of each component, at its root
        for (Index i = 0; i < static_cast<Index>(n_); ++i) {
            Index& part = part_of[at(sets.find(i))];
            if (part < 0) {
                part = static_cast<Index>(parts.size());
                parts.emplace_back();
            }
            parts[at(part)].push_back(i);
        }
        std::stable_sort(parts.begin(), parts.end(),
                         [](const auto& x, const auto& y) { return x.size() > y.size(); });
        // The larger parts' members are targets, those of the largest first.
        const std::size_t count = parts.size();
        const std::size_t own = std::clamp<std::size_t>(16384 / count, 1, 16);
        const std::size_t most = std::clamp<std::size_t>((std::size_t{1} << 22) / (own * count), 64, 1024);
        std::vector<std::vector<Index>> targets;
        for (std::size_t room = most; room > 0 && targets.size() < count;) {
            targets.push_back(some_of(parts[targets.size()], std::min(room, targets.empty() ? most / 2 : own)));
            room -= targets.back().size();
        }
        std::vector<std::vector<Neighbor>> ways(count);  // to every part of the targets
        parallel_for(
            static_cast<std::int64_t>(count), 4, threads_,
            [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t p = begin; p < end; ++p) {
                    const std::vector<Index> from = some_of(parts[at(p)], own);
                    for (const std::vector<Index>& target : targets) {
                        Neighbor best{infinity, -1};
                        for (const Index i : from) best = std::min(best, cheapest(i, target));
                        ways[at(p)].push_back(best);
                    }
                }
            },
            progress_, "spanning_tree: joints");
        DensityEdges between_parts;
        for (std::size_t p = 0; p < count; ++p) {
            for (std::size_t t = 0; t < targets.size(); ++t) {
                if (t != p)
                    between_parts.add(static_cast<Index>(p), static_cast<Index>(t), ways[p][t].reduced);
            }
        }
        const DensityEdges chosen = density_forest(static_cast<std::int64_t>(count), between_parts);
        // Each joint is drawn tight: from either side to the nearest member of the other, until nothing is nearer.
        constexpr std::size_t members = 4096;
        DensityEdges joints = chosen;
        const auto num_joints = static_cast<std::int64_t>(joints.a.size());
        const auto tighten = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t e = begin; e < end; ++e) {
                const std::vector<Index> near = some_of(parts[at(chosen.a[at(e)])], members);
                const std::vector<Index> far = some_of(parts[at(chosen.b[at(e)])], members);
                Neighbor from{infinity, -1};
                Neighbor to = ways[at(chosen.a[at(e)])][at(chosen.b[at(e)])];
                for (int step = 0; step < 8; ++step) {
                    const Neighbor back = cheapest(to.id, near);
                    if (!(back.reduced < from.reduced)) break;
                    from = back;
                    to = cheapest(from.id, far);
                }
                joints.a[at(e)] = from.id;
                joints.b[at(e)] = to.id;
                joints.reduced[at(e)] = to.reduced;
            }
        };
        parallel_for(num_joints, 1, threads_, tighten, progress_, "spanning_tree: joints");
        append(forest, joints);
        forest = density_forest(n_, forest, threads_, progress_);
    }

    /// Finds every pair that is cheaper than the tree's path between its ends, and takes the tree of all.
    void repair(DensityEdges& tree) const {
        auto [order, gap] = density_leaf_order(n_, tree);
        // The first place is the heart of the heaviest part: every step down goes to the heavier side.
        std::vector<std::int64_t> active;
        std::vector<std::int64_t> active_before(at(n_) + 1, 0);
        double way = 0;
        for (std::int64_t p = 0; p < n_; ++p) {
            if (p > 0) way = std::max(way, gap[at(p - 1)]);
            const bool open = way > unlisted_[at(order[at(p)])];
            if (open) active.push_back(p);
            active_before[at(p) + 1] = active_before[at(p)] + (open ? 1 : 0);
        }
        const RangeMax highest(std::move(gap));
        append(tree, screen(order, active, active_before, highest));
        tree = density_forest(n_, tree, threads_, progress_);
    }

    static void append(DensityEdges& to, const DensityEdges& from) {
        to.a.insert(to.a.end(), from.a.begin(), from.a.end());
        to.b.insert(to.b.end(), from.b.begin(), from.b.end());
        to.reduced.insert(to.reduced.end(), from.reduced.begin(), from.reduced.end());
    }

    DensityEdges screen(const std::vector<Index>& order, const std::vector<std::int64_t>& active,
                        const std::vector<std::int64_t>& active_before, const RangeMax& highest) const {
        constexpr std::int64_t panel = PackedRows<float>::panel_rows;
        constexpr std::int64_t block_panels = 16;
        constexpr std::int64_t task_panels = 8;
        const Kernels& kernel = kernels();
        const std::vector<double> centre = mean();
        const auto fill = [&](std::int64_t place, float* out) {
            const Index i = order[at(place)];
            const float* row = points_.rows.row_data(i);
            for (std::int64_t k = 0; k < d_; ++k) {
                out[k] = static_cast<float>(static_cast<double>(row[k]) * scale_[at(i)] - centre[at(k)]);
            }
        };
        const auto count = static_cast<std::int64_t>(active.size());
        const PackedRows<float> cols(n_, d_, threads_, fill);
        const PackedRows<float> rows(count, d_, threads_,
                                     [&](std::int64_t r, float* out) { fill(active[at(r)], out); });
        // A key below the true squared distance: squared lengths less what rounding can add.
        std::vector<float> add(at(cols.panels() * panel), std::numeric_limits<float>::infinity());
        const double slack = (static_cast<double>(d_) + 24) * 0x1.0p-24;
        parallel_for(n_, 1024, threads_, [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> row(at(d_));
            for (std::int64_t p = begin; p < end; ++p) {
                fill(p, row.data());
                double squared = 0;
                for (const float v : row) squared += static_cast<double>(v) * static_cast<double>(v);
                add[at(p)] = static_cast<float>(squared * (1 - slack));
            }
        });
        const auto limit_of = [this](double reduced) {
            return static_cast<float>(std::min(reduced / reduced_.factor * (1 + 0x1.0p-20), 3e38));
        };
        const std::int64_t row_panels = rows.panels();
        const std::int64_t tasks = (row_panels + task_panels - 1) / task_panels;
        std::vector<DensityEdges> found(at(tasks));
        parallel_blocks(
            tasks, threads_,
            [&](std::int64_t task, int) {
                DensityEdges& edges = found[at(task)];
                std::vector<float> product(at(panel * block_panels * panel));
                std::vector<std::uint32_t> hits(product.size());
                std::array<float, panel> row_add{};
                std::array<float, panel> row_limit{};
                std::vector<float> col_limit(at(block_panels * panel));
                for (std::int64_t first = 0; first < cols.panels(); first += block_panels) {
                    const std::int64_t panels = std::min(block_panels, cols.panels() - first);
                    const std::int64_t q0 = first * panel;
                    const std::int64_t q1 = std::min(n_, (first + panels) * panel);
                    for (std::int64_t p = task * task_panels;
                         p < std::min(row_panels, (task + 1) * task_panels); ++p) {
                        const std::int64_t r0 = p * panel;
                        const std::int64_t r1 = std::min(count, r0 + panel);
                        const std::int64_t low = active[at(r0)];
                        const std::int64_t high = active[at(r1 - 1)];
                        // Pairs of two open rows are seen from the one that comes first.
                        const bool all_open = active_before[at(q1)] - active_before[at(q0)] == q1 - q0;
                        if (all_open && q1 <= low) continue;
                        std::fill(col_limit.begin(), col_limit.end(), -infinity_f);
                        double top = 0;
                        if (high < q0) {
                            double way = 0;
                            for (std::int64_t q = q0; q < q1; ++q) {
                                if (q > q0) way = std::max(way, highest(q - 1, q));
                                col_limit[at(q - q0)] = limit_of(way);
                            }
                            top = way;
                            for (std::int64_t r = r0; r < r1; ++r) {
                                const double to_block = highest(active[at(r)], q0);
                                row_limit[at(r - r0)] = limit_of(to_block);
                                top = std::max(top, to_block);
                            }
                        } else if (low >= q1) {
                            double way = 0;
                            for (std::int64_t q = q1; q-- > q0;) {
                                if (q + 1 < q1) way = std::max(way, highest(q, q + 1));
                                col_limit[at(q - q0)] = limit_of(way);
                            }
                            top = way;
                            for (std::int64_t r = r0; r < r1; ++r) {
                                const double to_block = highest(q1 - 1, active[at(r)]);
                                row_limit[at(r - r0)] = limit_of(to_block);
                                top = std::max(top, to_block);
                            }
                        } else {
                            for (std::int64_t r = r0; r < r1; ++r) {
                                const std::int64_t from = std::min(active[at(r)], q0);
                                const std::int64_t to = std::max(active[at(r)], q1 - 1);
                                const double way = to > from ? highest(from, to) : 0.0;
                                row_limit[at(r - r0)] = limit_of(way);
                                top = std::max(top, way);
                            }
                        }
                        if (!(top > least_unlisted(order, active, r0, r1))) continue;
                        for (std::int64_t r = r0; r < r1; ++r) row_add[at(r - r0)] = add[at(active[at(r)])];
                        kernel.block_product_loose(rows.panel(p), cols.panel(first), at(d_), at(panels),
                                                   product.data(), at(block_panels * panel));
                        const std::size_t pairs =
                            kernel.scan_pairs(product.data(), at(block_panels * panel), at(r1 - r0),
                                              at(panels * panel), row_add.data(), add.data() + q0, 2.0F,
                                              row_limit.data(), col_limit.data(), hits.data());
                        for (std::size_t h = 0; h < pairs; ++h) {
                            const std::int64_t x = active[at(r0 + (hits[h] >> 16))];
                            const std::int64_t y = q0 + (hits[h] & 0xFFFFU);
                            if (x == y || y >= n_) continue;
                            const Index i = order[at(x)];
                            const Index j = order[at(y)];
                            const double way = highest(std::min(x, y), std::max(x, y));
                            if (way <= std::max(unlisted_[at(i)], unlisted_[at(j)])) continue;
                            const double r = reach(i, j, between(i, j));
                            if (r < way) edges.add(std::min(i, j), std::max(i, j), r);
                        }
                        if (edges.a.size() > (std::size_t{1} << 22)) edges = density_forest(n_, edges);
                    }
                }
            },
            progress_, "spanning_tree");
        DensityEdges all;
        for (const DensityEdges& part : found) append(all, part);
        return all;
    }

    double least_unlisted(const std::vector<Index>& order, const std::vector<std::int64_t>& active,
                          std::int64_t r0, std::int64_t r1) const {
        double least = infinity;
        for (std::int64_t r = r0; r < r1; ++r)
            least = std::min(least, unlisted_[at(order[at(active[at(r)])])]);
        return least;
    }

    /// Shorter rows round less; distances do not change.
    std::vector<double> mean() const {
        std::vector<double> sum(at(d_), 0.0);
        for (std::int64_t i = 0; i < n_; ++i) {
            const float* row = points_.rows.row_data(i);
            for (std::int64_t k = 0; k < d_; ++k) sum[at(k)] += static_cast<double>(row[k]) * scale_[at(i)];
        }
        for (double& v : sum) v /= static_cast<double>(n_);
        return sum;
    }

    static constexpr float infinity_f = std::numeric_limits<float>::infinity();

    const DensityPoints<float>& points_;
    ReducedDistance reduced_;
    Metric metric_;
    int threads_;
    const Progress& progress_;
    std::int64_t n_;
    std::int64_t d_;
    std::vector<double> scale_;     ///< that makes a row unit length under cosine; else 1
    std::vector<double> core_;      ///< reduced
    std::vector<double> unlisted_;  ///< no pair of the point that is in neither list reaches less
    DensityLists lists_;
    bool exact_ = false;
    double certified_ = 0;
    double excess_bound_ = 0;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_BLOCKED_HPP
