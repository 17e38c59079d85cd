// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/detail/tsne_tree.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file tsne_optimize.hpp
/// @brief Rows of similarities and the rounds of t-SNE.

namespace filmatlas::detail {

inline constexpr std::int64_t kTsneLeavesPerBlock = 16;
inline constexpr std::int64_t kTsneItemsPerBlock = 512;
/// Rounds between two assignments of items to tree nodes.
inline constexpr std::int64_t kTsneRegroup = 8;

/// Perplexity that k neighbours can carry: at most k, where all of them weigh the same. On sentence
/// embeddings flat weights over 15 neighbours keep more of them, and larger regions in one piece, than a
/// Gaussian of perplexity 5 or 10 over the same 15.
inline double tsne_perplexity(double wanted, std::int64_t k) {
    return std::min(wanted, static_cast<double>(k));
}

/// Similarities of one row: p proportional to exp(-beta (d - d_0)), entropy log(perplexity); Newton's steps
/// inside a bracket, at most 200.
inline void tsne_row(const std::vector<double>& d, double perplexity, std::vector<double>& p) {
    const std::size_t m = d.size();
    p.assign(m, 1.0 / static_cast<double>(m));
    const double target = layout_log(std::min(perplexity, static_cast<double>(m)));
    if (perplexity >= static_cast<double>(m) || d[m - 1] <= d[0]) return;
    double mean = 0;
    for (const double x : d) mean += x - d[0];
    mean /= static_cast<double>(m);
    double low = 0;
    double high = std::numeric_limits<double>::infinity();
    double beta = 1.0 / mean;
    for (int round = 0; round < 200; ++round) {
        double sum = 0;
        double first = 0;
        double second = 0;
        for (std::size_t s = 0; s < m; ++s) {
            const double x = d[s] - d[0];
            const double w = layout_exp(-beta * x);
            p[s] = w;
            sum += w;
            first += w * x;
            second += w * x * x;
        }
        first /= sum;
        second /= sum;
        for (double& w : p) w /= sum;
        const double gap = layout_log(sum) + beta * first - target;  // entropy - target, falls with beta
        if (std::abs(gap) < 1e-9) break;
        if (gap > 0) {
            low = beta;
        } else {
            high = beta;
        }
        const double slope = -beta * (second - first * first);
        double next = slope < 0 ? beta - gap / slope : -1;
        if (!(next > low && next < high)) next = std::isinf(high) ? beta * 2 : (low + high) / 2;
        if (next == beta || next > 1e300) break;
        beta = next;
    }
}

/// Parameters of a run of rounds with one exaggeration.
struct TsneRun {
    int rounds = 0;
    double exaggeration = 1;
    double learning_rate = 200;
    double momentum = 0.8;
    double theta = 0.5;
    int num_threads = 0;
};

/// Moves the items that have similarities; the others stand still and repel nobody.
template <int D>
void tsne_optimize(const CsrMatrix<float>& affinities, Matrix<float>& coordinates, const TsneRun& run,
                   const Progress& progress, std::string_view stage) {
    const std::int64_t n = coordinates.rows();
    std::vector<Index> items;
    for (std::int64_t i = 0; i < n; ++i) {
        if (!affinities.row_indices(i).empty()) items.push_back(static_cast<Index>(i));
    }
    const auto count = static_cast<std::int64_t>(items.size());
    if (count == 0 || run.rounds == 0) return;

    TsneTree<D> tree(items);
    const std::int64_t leaves = tree.num_leaves();
    const TsneSum<D> sum = tsne_summer<D>();
    const auto theta2 = static_cast<float>(run.theta * run.theta);
    std::vector<float> now(coordinates.values());
    std::vector<float> then(now);
    std::vector<float> repulsion(now.size(), 0);
    std::vector<float> velocity(now.size(), 0);
    std::vector<float> gain(now.size(), 1);
    std::vector<double> shares(static_cast<std::size_t>(leaves), 0);
    float inverse_normaliser = 0;
    const auto exaggeration = static_cast<float>(run.exaggeration);
    const auto rate = static_cast<float>(run.learning_rate);
    const auto momentum = static_cast<float>(run.momentum);
    constexpr float kMaxStep = 5.0F;

    const auto current = [&](std::int64_t round) { return round % 2 == 0 ? now.data() : then.data(); };
    const auto next = [&](std::int64_t round) { return round % 2 == 0 ? then.data() : now.data(); };
    const std::int64_t leaf_blocks = (leaves + kTsneLeavesPerBlock - 1) / kTsneLeavesPerBlock;
    const auto over_leaves = [leaves](std::int64_t block, auto&& body) {
        const std::int64_t end = std::min(leaves, (block + 1) * kTsneLeavesPerBlock);
        for (std::int64_t leaf = block * kTsneLeavesPerBlock; leaf < end; ++leaf) body(leaf);
    };

    std::vector<LayoutPhase> phases;
    phases.push_back({1, [&](std::int64_t round, std::int64_t) {
                          if (round % kTsneRegroup == 0) tree.assign(current(round));
                      }});
    phases.push_back({leaf_blocks, [&](std::int64_t round, std::int64_t block) {
                          over_leaves(block,
                                      [&](std::int64_t leaf) { tree.refresh_leaf(leaf, current(round)); });
                      }});
    phases.push_back({1, [&](std::int64_t, std::int64_t) { tree.refresh_inner(); }});
    phases.push_back({leaf_blocks, [&](std::int64_t, std::int64_t block) {
                          std::vector<TsneEntry<D>> list;
                          list.reserve(2048);
                          over_leaves(block, [&](std::int64_t leaf) {
                              shares[static_cast<std::size_t>(leaf)] =
                                  tsne_leaf_forces<D>(tree, leaf, theta2, sum, list, repulsion.data());
                          });
                      }});
    phases.push_back({1, [&](std::int64_t, std::int64_t) {
                          double total = 0;
                          for (const double share : shares) total += share;
                          inverse_normaliser = total > 0 ? static_cast<float>(1.0 / total) : 0.0F;
                      }});
    phases.push_back(
        {(count + kTsneItemsPerBlock - 1) / kTsneItemsPerBlock, [&](std::int64_t round, std::int64_t block) {
             const float* y = current(round);
             float* out = next(round);
             const std::int64_t end = std::min(count, (block + 1) * kTsneItemsPerBlock);
             for (std::int64_t p = block * kTsneItemsPerBlock; p < end; ++p) {
                 const std::int64_t i = items[static_cast<std::size_t>(p)];
                 const auto ids = affinities.row_indices(i);
                 const auto weights = affinities.row_values(i);
                 float force[D] = {};
                 for (std::size_t e = 0; e < ids.size(); ++e) {
                     const std::int64_t j = ids[e];
                     float delta[D];
                     float distance2 = 1;
                     for (int d = 0; d < D; ++d) {
                         delta[d] = y[i * D + d] - y[j * D + d];
                         distance2 += delta[d] * delta[d];
                     }
                     const float w = weights[e] / distance2;
                     for (int d = 0; d < D; ++d) force[d] += w * delta[d];
                 }
                 float step2 = 0;
                 for (int d = 0; d < D; ++d) {
                     const std::int64_t k = i * D + d;
                     const float gradient = exaggeration * force[d] -
                                            inverse_normaliser * repulsion[static_cast<std::size_t>(k)];
                     float& g = gain[static_cast<std::size_t>(k)];
                     float& v = velocity[static_cast<std::size_t>(k)];
                     // Delta-bar-delta: a coordinate that keeps its direction takes longer
                     // steps.
                     g = (gradient > 0) != (v > 0) ? g + 0.2F : std::max(g * 0.8F, 0.01F);
                     v = momentum * v - rate * g * gradient;
                     step2 += v * v;
                 }
                 const float shrink = step2 > kMaxStep * kMaxStep ? kMaxStep / std::sqrt(step2) : 1.0F;
                 for (int d = 0; d < D; ++d) {
                     const std::int64_t k = i * D + d;
                     velocity[static_cast<std::size_t>(k)] *= shrink;
                     out[k] = y[k] + velocity[static_cast<std::size_t>(k)];
                 }
             }
         }});
    run_layout_phases(run.rounds, phases, run.num_threads, progress, stage);
    const std::vector<float>& last = run.rounds % 2 == 0 ? now : then;
    std::copy(last.begin(), last.end(), coordinates.values().begin());
}

inline void tsne_optimize(const CsrMatrix<float>& affinities, Matrix<float>& coordinates, const TsneRun& run,
                          const Progress& progress, std::string_view stage) {
    if (coordinates.cols() == 2) {
        tsne_optimize<2>(affinities, coordinates, run, progress, stage);
    } else {
        tsne_optimize<3>(affinities, coordinates, run, progress, stage);
    }
}

template <int D>
double tsne_repulsion_of(const Matrix<float>& coordinates, double theta, Matrix<float>& forces,
                         int num_threads) {
    std::vector<Index> items(static_cast<std::size_t>(coordinates.rows()));
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = static_cast<Index>(i);
    TsneTree<D> tree(items);
    tree.assign(coordinates.data());
    for (std::int64_t leaf = 0; leaf < tree.num_leaves(); ++leaf) tree.refresh_leaf(leaf, coordinates.data());
    tree.refresh_inner();
    std::vector<double> shares(static_cast<std::size_t>(tree.num_leaves()), 0);
    const TsneSum<D> sum = tsne_summer<D>();
    parallel_for(tree.num_leaves(), kTsneLeavesPerBlock, num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                     std::vector<TsneEntry<D>> list;
                     for (std::int64_t leaf = begin; leaf < end; ++leaf) {
                         shares[static_cast<std::size_t>(leaf)] = tsne_leaf_forces<D>(
                             tree, leaf, static_cast<float>(theta * theta), sum, list, forces.data());
                     }
                 });
    double total = 0;
    for (const double share : shares) total += share;
    return total;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP
