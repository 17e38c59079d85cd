// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_GRAPH_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_GRAPH_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_centroids.hpp"
#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/linkage_rounds.hpp"
#include "filmatlas/cluster/linkage_graph.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

using LinkageNeighbors = std::vector<std::vector<Index>>;

/// Both ends of every edge, ascending and once.
inline void linkage_tidy(LinkageNeighbors& lists, int num_threads) {
    parallel_for(static_cast<std::int64_t>(lists.size()), 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            std::vector<Index>& list = lists[static_cast<std::size_t>(i)];
            std::sort(list.begin(), list.end());
            list.erase(std::unique(list.begin(), list.end()), list.end());
        }
    });
}

/// Greedy merging along a graph's edges. A cluster stays in the slot of one of its parts; `merged` counts what
/// happened to a slot, so that what was measured before can be told from what still holds. Every pair is kept by the
/// cluster that was made later, whose best one alone stands in the heap of all.
class LinkageGraphMerger {
public:
    LinkageGraphMerger(Matrix<double> rows, LinkageNeighbors neighbors, LinkageForm form, int num_threads)
        : form_(form),
          n_(rows.rows()),
          d_(rows.cols()),
          num_threads_(num_threads),
          center_(std::move(rows)),
          neighbors_(std::move(neighbors)),
          weight_(static_cast<std::size_t>(n_), 1.0),
          variance_(static_cast<std::size_t>(n_), 0.0),
          merged_(static_cast<std::size_t>(n_), 0),
          into_(static_cast<std::size_t>(n_)),
          seen_(static_cast<std::size_t>(n_), -1),
          candidates_(static_cast<std::size_t>(n_)) {
        for (std::size_t i = 0; i < into_.size(); ++i) into_[i] = static_cast<Index>(i);
    }

    GraphLinkage run(const Progress& progress) {
        GraphLinkage out;
        std::vector<LinkageMerge> merges;
        merges.reserve(static_cast<std::size_t>(n_) - 1);
        start(progress);
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), later);
            const Best top = heap_.back();
            heap_.pop_back();
            if (into_[at(top.owner)] != top.owner || merged_[at(top.owner)] != top.merged) continue;
            const Candidate best = candidates_[at(top.owner)].front();
            if (!holds(best)) {
                offer_next(top.owner);
                continue;
            }
            merges.push_back({top.a, top.b, height(best.value)});
            merge(top.a, top.b);
            progress("linkage on graph", static_cast<std::int64_t>(merges.size()), n_ - 1);
        }
        out.components = n_ - static_cast<std::int64_t>(merges.size());
        join_components(merges, progress);
        out.tree = linkage_label(n_, merges, false);
        return out;
    }

private:
    /// A neighbour of the cluster that keeps it.
    struct Candidate {
        double value;
        Index slot;
        Index merged;  ///< what `merged_` said of the slot
        static bool later(const Candidate& x, const Candidate& y) {
            return x.value != y.value ? x.value > y.value : x.slot > y.slot;
        }
    };
    /// The best candidate of a cluster.
    struct Best {
        double value;
        Index a;  ///< a < b
        Index b;
        Index owner;
        Index merged;  ///< what `merged_` said of the owner
    };
    static bool later(const Best& x, const Best& y) {
        if (x.value != y.value) return x.value > y.value;
        return x.a != y.a ? x.a > y.a : x.b > y.b;
    }
    static std::size_t at(Index slot) { return static_cast<std::size_t>(slot); }

    bool holds(const Candidate& c) const { return into_[at(c.slot)] == c.slot && merged_[at(c.slot)] == c.merged; }

    double height(double value) const {
        if (form_ == LinkageForm::Ward) return std::sqrt(value);
        return form_ == LinkageForm::MeanCosine ? 0.5 * value : value;
    }

    double squared(Index a, Index b) const {
        return linkage_sum(center_.row_data(a), center_.row_data(b), d_,
                           [](double x, double y) { return (x - y) * (x - y); });
    }

    Candidate candidate(Index owner, Index slot) const {
        double value = squared(owner, slot);
        if (form_ == LinkageForm::Ward) {
            value *= 2.0 * (weight_[at(owner)] * weight_[at(slot)]) / (weight_[at(owner)] + weight_[at(slot)]);
        } else {
            value += variance_[at(owner)] + variance_[at(slot)];
        }
        return {value, slot, merged_[at(slot)]};
    }

    /// Each item keeps its edges to later ones.
    void start(const Progress& progress) {
        parallel_for(
            n_, 256, num_threads_,
            [&](std::int64_t first, std::int64_t last) {
                for (auto i = static_cast<Index>(first); i < static_cast<Index>(last); ++i) {
                    const auto& list = neighbors_[at(i)];
                    auto& mine = candidates_[at(i)];
                    const auto above = std::upper_bound(list.begin(), list.end(), i);
                    mine.reserve(static_cast<std::size_t>(list.end() - above));
                    for (auto j = above; j != list.end(); ++j) mine.push_back(candidate(i, *j));
                    std::make_heap(mine.begin(), mine.end(), Candidate::later);
                }
            },
            progress, "linkage edges");
        for (Index i = 0; i < static_cast<Index>(n_); ++i) offer(i);
    }

    void offer(Index owner) {
        if (candidates_[at(owner)].empty()) return;
        const Candidate& best = candidates_[at(owner)].front();
        const auto [a, b] = std::minmax(owner, best.slot);
        heap_.push_back({best.value, a, b, owner, merged_[at(owner)]});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    /// Passes over what does not hold any more.
    void offer_next(Index owner) {
        auto& mine = candidates_[at(owner)];
        while (!mine.empty() && !holds(mine.front())) {
            std::pop_heap(mine.begin(), mine.end(), Candidate::later);
            mine.pop_back();
        }
        offer(owner);
    }

    Index find(Index slot) {
        while (into_[at(slot)] != slot) {
            into_[at(slot)] = into_[at(into_[at(slot)])];
            slot = into_[at(slot)];
        }
        return slot;
    }

    /// Into the slot with the longer list of neighbours.
    void merge(Index a, Index b) {
        Index from = a;
        Index to = b;
        if (neighbors_[at(from)].size() > neighbors_[at(to)].size()) std::swap(from, to);
        const double total = weight_[at(from)] + weight_[at(to)];
        const double share = weight_[at(from)] / total;
        variance_[at(to)] = share * variance_[at(from)] + weight_[at(to)] / total * variance_[at(to)] +
                            share * (weight_[at(to)] / total) * squared(a, b);
        const double* x = center_.row_data(from);
        double* y = center_.row_data(to);
        for (std::int64_t j = 0; j < d_; ++j) y[j] = (weight_[at(from)] * x[j] + weight_[at(to)] * y[j]) / total;
        weight_[at(to)] = total;
        into_[at(from)] = to;
        ++merged_[at(to)];

        // Lists name slots as they were: each cluster behind them once, and not the own.
        std::vector<Index>& list = neighbors_[at(to)];
        list.insert(list.end(), neighbors_[at(from)].begin(), neighbors_[at(from)].end());
        std::vector<Index>().swap(neighbors_[at(from)]);
        const auto stamp = static_cast<std::int64_t>(++stamp_);
        seen_[at(to)] = stamp;
        std::size_t kept = 0;
        for (const Index old : list) {
            const Index slot = find(old);
            if (std::exchange(seen_[at(slot)], stamp) != stamp) list[kept++] = slot;
        }
        list.resize(kept);
        std::vector<Candidate>().swap(candidates_[at(from)]);
        auto& mine = candidates_[at(to)];
        mine.clear();
        for (const Index slot : list) mine.push_back(candidate(to, slot));
        std::make_heap(mine.begin(), mine.end(), Candidate::later);
        offer(to);
    }

    void join_components(std::vector<LinkageMerge>& merges, const Progress& progress) {
        std::vector<Index> roots;
        for (std::size_t i = 0; i < into_.size(); ++i) {
            if (into_[i] == static_cast<Index>(i)) roots.push_back(static_cast<Index>(i));
        }
        if (roots.size() < 2) return;
        Matrix<double> rows(static_cast<std::int64_t>(roots.size()), d_);
        std::vector<double> weights;
        std::vector<double> variances;
        for (std::size_t r = 0; r < roots.size(); ++r) {
            std::copy_n(center_.row_data(roots[r]), d_, rows.row_data(static_cast<std::int64_t>(r)));
            weights.push_back(weight_[at(roots[r])]);
            variances.push_back(variance_[at(roots[r])]);
        }
        LinkageCentroids space(std::move(rows), std::move(weights), form_, num_threads_, progress, std::move(variances));
        LinkageRounds<LinkageCentroids> rounds(static_cast<std::int64_t>(roots.size()), space);
        std::vector<LinkageMerge> joins = rounds.merges(progress);
        std::stable_sort(joins.begin(), joins.end(),
                         [](const LinkageMerge& x, const LinkageMerge& y) { return x.height < y.height; });
        for (const LinkageMerge& join : joins) {
            merges.push_back({roots[static_cast<std::size_t>(join.a)], roots[static_cast<std::size_t>(join.b)],
                              join.height});
        }
    }

    LinkageForm form_;
    std::int64_t n_;
    std::int64_t d_;
    int num_threads_;
    Matrix<double> center_;
    LinkageNeighbors neighbors_;
    std::vector<double> weight_;
    std::vector<double> variance_;
    std::vector<Index> merged_;       ///< merges into each slot so far
    std::vector<Index> into_;         ///< the slot that took each slot's cluster
    std::vector<std::int64_t> seen_;  ///< the merge that met the slot last
    std::int64_t stamp_ = 0;
    std::vector<std::vector<Candidate>> candidates_;  ///< of each slot; a heap
    std::vector<Best> heap_;
};

template <class T>
GraphLinkage linkage_along(MatrixView<const T> X, LinkageNeighbors neighbors, const GraphLinkageOptions& options,
                           const Progress& progress) {
    constexpr const char* stage = "linkage_on_graph";
    validate(options);
    if (X.rows != static_cast<std::int64_t>(neighbors.size())) {
        throw_shape(stage, std::to_string(X.rows) + " rows, but a graph of " + std::to_string(neighbors.size()) + " items",
                    "pass the graph of these rows");
    }
    std::int64_t edges = 0;
    for (const auto& list : neighbors) edges += static_cast<std::int64_t>(list.size());
    const std::int64_t needed = 8 * X.rows * X.cols + 100 * X.rows + 40 * edges;
    const std::int64_t limit = options.memory_limit.value_or(kLinkageDefaultLimit);
    if (needed > limit) {
        throw Error(ErrorCode::Memory, ErrorContext{stage, {}, -1, "memory_limit", -1},
                    std::to_string(X.rows) + " items need " + std::to_string(needed) + " bytes, the limit is " +
                        std::to_string(limit),
                    "raise memory_limit, or reduce the columns first");
    }
    Matrix<double> rows = linkage_rows(X, options.metric);
    if (rows.rows() == 1) return {LinkageTree{Matrix<double>(0, 4), 1}, 1};
    linkage_tidy(neighbors, options.num_threads);
    const LinkageForm form = options.method == LinkageMethod::Ward    ? LinkageForm::Ward
                             : options.metric == Metric::SqEuclidean ? LinkageForm::MeanSquared
                                                                     : LinkageForm::MeanCosine;
    return LinkageGraphMerger(std::move(rows), std::move(neighbors), form, options.num_threads).run(progress);
}

inline void linkage_add_edge(LinkageNeighbors& lists, std::int64_t i, std::int64_t j) {
    if (j == i) return;
    if (j < 0 || j >= static_cast<std::int64_t>(lists.size())) {
        throw Error(ErrorCode::Format, ErrorContext{"linkage_on_graph", {}, i, {}, -1},
                    "the graph names item " + std::to_string(j) + " of " + std::to_string(lists.size()));
    }
    lists[static_cast<std::size_t>(i)].push_back(static_cast<Index>(j));
    lists[static_cast<std::size_t>(j)].push_back(static_cast<Index>(i));
}

inline LinkageNeighbors linkage_edges(const CsrMatrix<float>& graph) {
    if (graph.rows != graph.cols) {
        throw_shape("linkage_on_graph", "the graph has " + std::to_string(graph.rows) + " rows and " +
                                            std::to_string(graph.cols) + " columns");
    }
    LinkageNeighbors lists(static_cast<std::size_t>(graph.rows));
    for (std::int64_t i = 0; i < graph.rows; ++i) {
        for (const Index j : graph.row_indices(i)) linkage_add_edge(lists, i, j);
    }
    return lists;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const GraphLinkageOptions& options) {
    constexpr const char* stage = "linkage_on_graph";
    if (options.method != LinkageMethod::Ward && options.method != LinkageMethod::Average) {
        throw_invalid(stage, "method", "is " + std::string(to_string(options.method)), "use ward or average");
    }
    if (options.method == LinkageMethod::Ward && options.metric != Metric::Euclidean) {
        throw_invalid(stage, "metric", "ward is defined for Euclidean distances only", "use euclidean, or average linkage");
    }
    if (options.method == LinkageMethod::Average && options.metric != Metric::Cosine &&
        options.metric != Metric::SqEuclidean) {
        throw_invalid(stage, "metric", "the mean " + std::string(to_string(options.metric)) +
                                           " distance does not follow from centroids",
                      "use cosine or sqeuclidean");
    }
    if (options.memory_limit && *options.memory_limit < 0) {
        throw_invalid(stage, "memory_limit", "is " + std::to_string(*options.memory_limit), "use bytes >= 0");
    }
    if (options.num_threads < 0) {
        throw_invalid(stage, "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE GraphLinkage linkage_on_graph(MatrixView<const float> X, const KnnGraph& graph,
                                               const GraphLinkageOptions& options, const Progress& progress) {
    detail::LinkageNeighbors lists(static_cast<std::size_t>(graph.size()));
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        for (const Index j : graph.indices.row(i)) {
            if (j >= 0) detail::linkage_add_edge(lists, i, j);
        }
    }
    return detail::linkage_along(X, std::move(lists), options, progress);
}

FILMATLAS_INLINE GraphLinkage linkage_on_graph(MatrixView<const float> X, const CsrMatrix<float>& graph,
                                               const GraphLinkageOptions& options, const Progress& progress) {
    return detail::linkage_along(X, detail::linkage_edges(graph), options, progress);
}

FILMATLAS_INLINE GraphLinkage linkage_on_graph(MatrixView<const double> X, const CsrMatrix<float>& graph,
                                               const GraphLinkageOptions& options, const Progress& progress) {
    return detail::linkage_along(X, detail::linkage_edges(graph), options, progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_GRAPH_IMPL_HPP
