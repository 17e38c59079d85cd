// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_DETAIL_KNN_APPROXIMATE_IMPL_HPP
#define FILMATLAS_NEIGHBORS_DETAIL_KNN_APPROXIMATE_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/neighbors/detail/knn_coarse_impl.hpp"
#include "filmatlas/neighbors/detail/knn_descent_impl.hpp"
#include "filmatlas/neighbors/detail/knn_plain_impl.hpp"
#include "filmatlas/neighbors/detail/knn_recall_impl.hpp"
#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"

namespace filmatlas::detail {

/// Below these, exact search takes no longer.
inline constexpr std::int64_t knn_descent_min_rows = 2048;
inline constexpr std::int64_t knn_descent_max_k = 512;

/// Whether rows are rounded to 8 bits for the search.
inline bool knn_rounds(Metric metric, std::int64_t d) {
    return metric != Metric::Manhattan && metric != Metric::InnerProduct && d >= 32 &&
           d <= static_cast<std::int64_t>(int8_max_row);
}

inline KnnDescentPlan knn_descent_plan(std::int64_t n, const KnnOptions& options, bool rounds) {
    const DescentOptions& wanted = options.descent;
    KnnDescentPlan plan{};
    const int k = options.k;
    plan.slots = wanted.list_size.value_or(k + std::max(12, k / 2));
    plan.slots = static_cast<int>(std::min<std::int64_t>(std::max(plan.slots, k), std::max<std::int64_t>(n - 1, 1)));
    // Products of 8-bit rows are cheap in blocks: few large leaves find more than many small ones.
    plan.n_trees = wanted.n_trees.value_or(rounds ? 24 : 8);
    plan.leaf_size = std::max(wanted.leaf_size.value_or(rounds ? 512 : 64), 2 * (plan.slots + 1));
    plan.max_candidates = wanted.max_candidates.value_or(std::min(plan.slots, 32));
    plan.max_rounds = wanted.max_iterations;
    plan.delta = wanted.delta;
    plan.seed = options.seed;
    plan.num_threads = options.num_threads;
    return plan;
}

/// Multiplications of pairs of numbers, roughly.
inline double knn_exact_cost(std::int64_t n, std::int64_t d) {
    return 0.5 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(d);
}
inline double knn_descent_cost(std::int64_t n, std::int64_t d, const KnnOptions& options) {
    const KnnDescentPlan plan = knn_descent_plan(n, options, knn_rounds(options.metric, d));
    const double depth = std::log2(static_cast<double>(n) / plan.leaf_size + 1);
    const double tree = 0.375 * plan.leaf_size + depth;  // leaves are between half and all of leaf_size
    const double joins = 3.0 * 1.2 * plan.max_candidates * plan.max_candidates;
    const double sample = std::min<double>(options.descent.recall_sample, static_cast<double>(n));
    return (plan.n_trees * tree + joins + sample) * static_cast<double>(n) * static_cast<double>(d);
}
inline std::string knn_cost_text(double cost) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", cost);
    return text;
}

inline std::int64_t knn_descent_bytes(std::int64_t n, std::int64_t d, const KnnOptions& options) {
    const bool rounds = knn_rounds(options.metric, d);
    const KnnDescentPlan plan = knn_descent_plan(n, options, rounds);
    const std::int64_t rows = rounds ? KnnCoarseRows::bytes(n, d) : 4 * n;
    const std::int64_t lists = n * (16 * static_cast<std::int64_t>(plan.slots) + 12);
    const std::int64_t other = n * (64 + 8 * static_cast<std::int64_t>(options.k));
    return std::max(2 * rows, rows + lists) + other +
           4 * d * static_cast<std::int64_t>(options.descent.recall_sample + 256);
}

/// Progress of one run in thousandths, over phases that count in their own units.
class KnnPhases {
public:
    explicit KnnPhases(const Progress& progress) : progress_(progress) {}

    Progress part(std::int64_t from, std::int64_t to) const {
        if (!progress_) return {};
        return Progress(
            [outer = progress_, from, to](const Tick& tick) {
                const std::int64_t done = tick.total > 0 ? (to - from) * tick.done / tick.total : 0;
                outer("knn_graph", std::min<std::int64_t>(from + done, 999), 1000);
                return true;
            },
            std::chrono::milliseconds(0));
    }
    /// Of a tree, or of a round: how many there will be is unknown, so each takes half of what is left.
    Progress of_descent(int phase, int trees) const {
        if (phase < trees) return part(80 + 400 * phase / trees, 80 + 400 * (phase + 1) / trees);
        const int round = std::min(phase - trees, 8);
        return part(800 - (320 >> round), 800 - (320 >> (round + 1)));
    }

private:
    Progress progress_;
};

/// Measures the candidates exactly, puts the members of their groups in their place, and writes the lists.
inline void knn_write_descent(const KnnSpace& space, const KnnRepeats& repeats, const KnnCandidates& candidates,
                              const std::vector<std::uint32_t>& order, std::int64_t slots, std::size_t measured,
                              KnnGraph& graph, int num_threads, const Progress& progress) {
    const Kernels& kernel = kernels();
    const auto write_items = [&](std::int64_t begin, std::int64_t end) {
        KnnRowReader reader(space);
        KnnGroupLists lists(space, slots, graph.indices, graph.distances);
        std::vector<std::uint32_t> groups;
        for (std::int64_t item = begin; item < end; ++item) {
            const std::uint32_t own = order[static_cast<std::size_t>(item)];
            groups.clear();
            candidates.visit(item, [&](std::uint32_t c) {
                if (groups.size() < measured) groups.push_back(order[c]);
            });
            if (space.rows.direct()) {
                for (const std::uint32_t g : groups) prefetch_values(space.direct_row(repeats.first(g)), space.dim());
            }
            const Index first = repeats.first(own);
            lists.start(repeats.group(own));
            for (const std::uint32_t g : groups) {
                const Index other = repeats.first(g);
                lists.add(repeats.group(g),
                          space.distance(kernel, reader.first(first), space.factor_of(first), reader.second(other),
                                         space.factor_of(other)));
            }
            lists.write();
        }
    };
    parallel_for(static_cast<std::int64_t>(order.size()), 256, num_threads, write_items, progress, "knn_graph");
}

/// Searches with one kind of rows and writes the graph; false where the rows are too coarse.
template <class Rows>
bool knn_descend_with(Rows& rows, const KnnDescentPlan& plan, const KnnSpace& space, const KnnRepeats& repeats,
                      std::int64_t slots, KnnGraph& graph, const KnnPhases& phases) {
    KnnDescent<Rows> descent(rows, plan);
    if (!descent.run([&](int phase) { return phases.of_descent(phase, plan.n_trees); })) return false;
    // Rounding hardly changes ranks: half as many again as are wanted hold the true ones.
    const auto measured = static_cast<std::size_t>(slots + std::max<std::int64_t>(6, slots / 2));
    knn_write_descent(space, repeats, descent.candidates(), descent.order(), slots, measured, graph,
                      plan.num_threads, phases.part(800, 880));
    graph.run.iterations = descent.rounds();
    graph.run.converged = descent.converged();
    return true;
}

inline KnnCoarseRows knn_round_rows(const KnnSpace& space, const KnnRepeats& repeats, int num_threads,
                                    const Progress& progress) {
    const std::int64_t n = repeats.size();
    const auto d = static_cast<std::size_t>(space.dim());
    // Distances do not see a common shift, the rounding does. The mean of a sample is good enough.
    const std::int64_t samples = std::min<std::int64_t>(n, 1024);
    std::vector<double> sums(d, 0.0);
    std::vector<float> values(d);
    const auto pack = [&](std::int64_t g, std::vector<float>& out) {
        const Index position = repeats.first(g);
        space.pack(space.row(position, out.data()), space.factor_of(position), out.data());
    };
    for (std::int64_t s = 0; s < samples; ++s) {
        pack(s * n / samples, values);
        for (std::size_t k = 0; k < d; ++k) sums[k] += static_cast<double>(values[k]);
    }
    std::vector<float> mean(d);
    for (std::size_t k = 0; k < d; ++k) mean[k] = static_cast<float>(sums[k] / static_cast<double>(samples));
    KnnCoarseRows rows(n, space.dim());
    const auto round = [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> row(d);
        for (std::int64_t g = begin; g < end; ++g) {
            pack(g, row);
            for (std::size_t k = 0; k < d; ++k) row[k] -= mean[k];
            rows.set(g, row.data());
        }
    };
    parallel_for(n, knn_grain(space.dim()), num_threads, round, progress, "knn_graph");
    return rows;
}

/// Fills the first `slots` of each valid row, the recall and its interval; the rest must hold -1 and +inf.
inline void knn_approximate(const KnnSpace& space, std::int64_t slots, const KnnOptions& options,
                            KnnGraph& graph, const Progress& progress) {
    const KnnPhases phases(progress);
    const int threads = options.num_threads;
    const KnnRepeats repeats = knn_find_repeats(space, threads, phases.part(0, 40));
    bool done = false;
    if (repeats.size() > 1 && knn_rounds(options.metric, space.dim())) {
        KnnCoarseRows rows = knn_round_rows(space, repeats, threads, phases.part(40, 80));
        const KnnDescentPlan plan = knn_descent_plan(repeats.size(), options, true);
        done = knn_descend_with(rows, plan, space, repeats, slots, graph, phases);
        if (!done) graph.reason += "; the rows lie too close together for 8 bits, so float32 was searched";
    }
    if (!done) {
        std::vector<Index> firsts;
        for (std::int64_t g = 0; g < repeats.size(); ++g) firsts.push_back(repeats.first(g));
        KnnPlainRows rows(space, std::move(firsts));
        const KnnDescentPlan plan = knn_descent_plan(repeats.size(), options, false);
        knn_descend_with(rows, plan, space, repeats, slots, graph, phases);
    }
    const KnnInterval found = knn_measure_recall(space, graph.indices, slots, options.descent.recall_sample,
                                                 options.seed, threads, phases.part(880, 1000));
    graph.recall = found.mean;
    graph.recall_low = found.low;
    graph.recall_high = found.high;
    if (found.high < 0.9) {
        char text[160];
        std::snprintf(text, sizeof text,
                      "knn_graph: only %.3f of the true neighbours were found; raise n_trees, list_size or "
                      "max_candidates, or use exact",
                      found.mean);
        graph.run.warnings.emplace_back(text);
    }
    if (progress) progress("knn_graph", 1000, 1000);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_NEIGHBORS_DETAIL_KNN_APPROXIMATE_IMPL_HPP
