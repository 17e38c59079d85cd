// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/tsne.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/detail/tsne_grid.hpp"
#include "filmatlas/layout/detail/tsne_tree.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file tsne_optimize.hpp
/// @brief Rows of similarities and the rounds of t-SNE.

namespace filmatlas::detail {

inline constexpr std::int64_t kTsneLeavesPerBlock = 16;
inline constexpr std::int64_t kTsneItemsPerBlock = 512;
/// Rounds between two assignments of items to tree nodes.
inline constexpr std::int64_t kTsneRegroup = 8;
/// Parts into which each step of the grid is dealt.
inline constexpr std::int64_t kTsneGridBlocks = 32;
/// What the tree costs per item, beyond what the grid costs per item.
inline constexpr double kTsneTreeNanoseconds = 350;
/// Sides beyond which a grid would take gigabytes: the tree steps in.
inline constexpr float kGridMostSide = 2000.0F;

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
    TsneRepulsion repulsion = TsneRepulsion::Auto;
    int num_threads = 0;
    /// (n,) how far an item may go from where it starts; empty = no limit.
    std::vector<float> leash = {};
};

/// Whether a grid over a plane map of this side is cheaper than the tree; nanoseconds as measured.
inline bool tsne_grid_pays(float side, std::int64_t count) {
    if (!(side < kGridMostSide)) return false;
    const double length = TsneGrid::length_for(side);
    double log2 = 0;
    for (double l = length; l > 1; l /= 2) ++log2;
    return length * length * log2 < kTsneTreeNanoseconds * static_cast<double>(count);
}

/// What one round's step reads and moves.
struct TsneStep {
    const CsrMatrix<float>* affinities;
    const Index* items;
    const float* y;
    float* out;
    const float* repulsion;
    float* velocity;
    float* gain;
    float inverse_normaliser;
    float exaggeration;
    float rate;
    float momentum;
    const float* anchor;  ///< where the items started
    const float* leash;   ///< null = no limit
};

/// Moves the items [begin, end) of the list by attraction, repulsion and momentum.
template <int D>
FILMATLAS_ALWAYS_INLINE void tsne_move_items(const TsneStep& s, std::int64_t begin, std::int64_t end) noexcept {
    constexpr std::size_t kLanes = 8;
    constexpr float kMaxStep = 5.0F;
    using F = LayoutVec<kLanes>::F;
    for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t i = s.items[p];
        const auto ids = s.affinities->row_indices(i);
        const auto weights = s.affinities->row_values(i);
        // Eight edges side by side; lanes without an edge stand on the item and weigh nothing.
        F sums[D] = {};
        for (std::size_t e = 0; e < ids.size(); e += kLanes) {
            alignas(32) float other[D][kLanes];
            alignas(32) float weight[kLanes];
            const std::size_t used = std::min(kLanes, ids.size() - e);
            for (std::size_t l = 0; l < kLanes; ++l) {
                const std::int64_t j = l < used ? std::int64_t{ids[e + l]} : i;
                weight[l] = l < used ? weights[e + l] : 0.0F;
                for (int d = 0; d < D; ++d) other[d][l] = s.y[j * D + d];
            }
            F delta[D];
            F distance2 = F{} + 1.0F;
            for (int d = 0; d < D; ++d) {
                F from;
                std::memcpy(&from, other[d], sizeof from);
                delta[d] = s.y[i * D + d] - from;
                distance2 += delta[d] * delta[d];
            }
            F w;
            std::memcpy(&w, weight, sizeof w);
            w /= distance2;
            for (int d = 0; d < D; ++d) sums[d] += w * delta[d];
        }
        float step2 = 0;
        for (int d = 0; d < D; ++d) {
            float force = 0;
            for (std::size_t l = 0; l < kLanes; ++l) force += sums[d][l];
            const std::int64_t k = i * D + d;
            const float gradient = s.exaggeration * force - s.inverse_normaliser * s.repulsion[k];
            float& g = s.gain[k];
            float& v = s.velocity[k];
            // Delta-bar-delta: a coordinate that keeps its direction takes longer steps.
            g = (gradient > 0) != (v > 0) ? g + 0.2F : std::max(g * 0.8F, 0.01F);
            v = s.momentum * v - s.rate * g * gradient;
            step2 += v * v;
        }
        const float shrink = step2 > kMaxStep * kMaxStep ? kMaxStep / std::sqrt(step2) : 1.0F;
        for (int d = 0; d < D; ++d) {
            const std::int64_t k = i * D + d;
            s.velocity[k] *= shrink;
            s.out[k] = s.y[k] + s.velocity[k];
        }
        if (s.leash == nullptr) continue;
        float away2 = 0;
        for (int d = 0; d < D; ++d) {
            const float gap = s.out[i * D + d] - s.anchor[i * D + d];
            away2 += gap * gap;
        }
        if (away2 <= s.leash[i] * s.leash[i]) continue;
        const float back = s.leash[i] / std::sqrt(away2);
        for (int d = 0; d < D; ++d) {
            const std::int64_t k = i * D + d;
            s.out[k] = s.anchor[k] + (s.out[k] - s.anchor[k]) * back;
            s.velocity[k] = s.out[k] - s.y[k];
        }
    }
}

using TsneMove = void (*)(const TsneStep&, std::int64_t, std::int64_t) noexcept;
template <int D>
inline void tsne_move_baseline(const TsneStep& s, std::int64_t begin, std::int64_t end) noexcept {
    tsne_move_items<D>(s, begin, end);
}
#ifdef FILMATLAS_LAYOUT_X86
template <int D>
FILMATLAS_TARGET_AVX2 inline void tsne_move_avx2(const TsneStep& s, std::int64_t begin, std::int64_t end) noexcept {
    tsne_move_items<D>(s, begin, end);
}
#endif
template <int D>
TsneMove tsne_mover() {
#ifdef FILMATLAS_LAYOUT_X86
    if (layout_lanes() >= 8) return &tsne_move_avx2<D>;
#endif
    return &tsne_move_baseline<D>;
}

/// The phases that compute all repulsions of a round and the normaliser's shares: by the tree, or on the grid in
/// the rounds in which that is cheaper. Both leave repulsion[item * D + d].
template <int D>
class TsneRepeller {
public:
    /// @param current  positions at the beginning of a round.
    TsneRepeller(const std::vector<Index>& items, double theta, TsneRepulsion choice, std::vector<float>& repulsion,
                 std::function<const float*(std::int64_t)> current)
        : items_(items),
          tree_(items),
          grid_(items),
          theta2_(static_cast<float>(theta * theta)),
          choice_(theta == 0 && choice == TsneRepulsion::Auto ? TsneRepulsion::Tree : choice),
          repulsion_(repulsion),
          current_(std::move(current)) {}

    /// 1 / the normaliser of the round, after its phases.
    float inverse_normaliser() const noexcept { return inverse_; }
    double normaliser() const noexcept { return total_; }

    void add_phases(std::vector<LayoutPhase>& phases) {
        const auto count = static_cast<std::int64_t>(items_.size());
        const std::int64_t leaves = tree_.num_leaves();
        const std::int64_t leaf_blocks = (leaves + kTsneLeavesPerBlock - 1) / kTsneLeavesPerBlock;
        const std::int64_t item_blocks = (count + kTsneItemsPerBlock - 1) / kTsneItemsPerBlock;
        tree_shares_.assign(static_cast<std::size_t>(leaves), 0);
        grid_shares_.assign(static_cast<std::size_t>(item_blocks), 0);
        const auto over_leaves = [leaves](std::int64_t block, auto&& body) {
            const std::int64_t end = std::min(leaves, (block + 1) * kTsneLeavesPerBlock);
            for (std::int64_t leaf = block * kTsneLeavesPerBlock; leaf < end; ++leaf) body(leaf);
        };
        phases.push_back({1, [this](std::int64_t round, std::int64_t) { begin(round); }});
        phases.push_back({leaf_blocks, [this, over_leaves](std::int64_t round, std::int64_t block) {
                              if (on_grid_) return;
                              over_leaves(block, [&](std::int64_t leaf) { tree_.refresh_leaf(leaf, current_(round)); });
                          }});
        phases.push_back({1, [this](std::int64_t, std::int64_t) {
                              if (!on_grid_) tree_.refresh_inner();
                          }});
        const TsneSum<D> sum = tsne_summer<D>();
        phases.push_back({leaf_blocks, [this, over_leaves, sum](std::int64_t, std::int64_t block) {
                              if (on_grid_) return;
                              std::vector<TsneEntry<D>> list;
                              list.reserve(2048);
                              over_leaves(block, [&](std::int64_t leaf) {
                                  tree_shares_[static_cast<std::size_t>(leaf)] =
                                      tsne_leaf_forces<D>(tree_, leaf, theta2_, sum, list, repulsion_.data());
                              });
                          }});
        if constexpr (D == 2) {
            if (choice_ != TsneRepulsion::Tree) add_grid_phases(phases, item_blocks);
        }
        phases.push_back({1, [this](std::int64_t, std::int64_t) {
                              total_ = 0;
                              for (const double share : on_grid_ ? grid_shares_ : tree_shares_) total_ += share;
                              inverse_ = total_ > 0 ? static_cast<float>(1.0 / total_) : 0.0F;
                          }});
    }

private:
    void begin(std::int64_t round) {
        const float* y = current_(round);
        if constexpr (D == 2) {
            GridBox box;
            for (std::size_t k = 0; k < items_.size(); ++k) box.include(y + std::int64_t{items_[k]} * 2, k == 0);
            const bool pays = tsne_grid_pays(box.side(), static_cast<std::int64_t>(items_.size()));
            on_grid_ = choice_ == TsneRepulsion::Grid ? box.side() < kGridMostSide
                                                      : choice_ == TsneRepulsion::Auto && pays;
            if (on_grid_) {
                grid_.place(y, box);
                assigned_ = false;
                return;
            }
        }
        if (round % kTsneRegroup == 0 || !assigned_) tree_.assign(y);
        assigned_ = true;
    }

    /// The steps of the grid have as many parts as the map's size asks for; they are dealt to a fixed number of blocks.
    void add_grid_phases(std::vector<LayoutPhase>& phases, std::int64_t item_blocks) {
        const auto step = [this, &phases](auto count_of, auto body) {
            phases.push_back({kTsneGridBlocks, [this, count_of, body](std::int64_t round, std::int64_t block) {
                                  if (!on_grid_) return;
                                  const std::int64_t parts = count_of();
                                  const std::int64_t end = parts * (block + 1) / kTsneGridBlocks;
                                  FftBuffer buffer;
                                  for (std::int64_t part = parts * block / kTsneGridBlocks; part < end; ++part) {
                                      body(round, part, buffer);
                                  }
                              }});
        };
        step([this] { return grid_.num_strips(); },
             [this](std::int64_t round, std::int64_t part, FftBuffer&) { grid_.spread(current_(round), part); });
        step([this] { return grid_.num_row_batches(); },
             [this](std::int64_t, std::int64_t part, FftBuffer& buffer) { grid_.rows_forward(part, buffer); });
        step([this] { return grid_.num_column_batches(); },
             [this](std::int64_t, std::int64_t part, FftBuffer& buffer) { grid_.columns(part, buffer); });
        step([this] { return grid_.num_row_batches(); },
             [this](std::int64_t, std::int64_t part, FftBuffer& buffer) { grid_.rows_back(part, buffer); });
        phases.push_back({item_blocks, [this](std::int64_t round, std::int64_t block) {
                              if (!on_grid_) return;
                              const float* y = current_(round);
                              const auto begin = static_cast<std::size_t>(block * kTsneItemsPerBlock);
                              const auto end = std::min(items_.size(), begin + kTsneItemsPerBlock);
                              double share = 0;
                              for (std::size_t k = begin; k < end; ++k) {
                                  const std::int64_t at = std::int64_t{items_[k]} * 2;
                                  share += grid_.read(y + at, repulsion_.data() + at);
                              }
                              grid_shares_[static_cast<std::size_t>(block)] = share;
                          }});
    }

    const std::vector<Index>& items_;
    TsneTree<D> tree_;
    TsneGrid grid_;
    float theta2_;
    TsneRepulsion choice_;
    std::vector<float>& repulsion_;
    std::function<const float*(std::int64_t)> current_;
    std::vector<double> tree_shares_;
    std::vector<double> grid_shares_;
    bool on_grid_ = false;
    bool assigned_ = false;
    double total_ = 0;
    float inverse_ = 0;
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

    std::vector<float> now(coordinates.values());
    std::vector<float> then(now);
    std::vector<float> repulsion(now.size(), 0);
    std::vector<float> velocity(now.size(), 0);
    std::vector<float> gain(now.size(), 1);
    const auto current = [&](std::int64_t round) { return round % 2 == 0 ? now.data() : then.data(); };
    TsneRepeller<D> repeller(items, run.theta, run.repulsion, repulsion, current);
    TsneStep step{&affinities,
                  items.data(),
                  nullptr,
                  nullptr,
                  repulsion.data(),
                  velocity.data(),
                  gain.data(),
                  0,
                  static_cast<float>(run.exaggeration),
                  static_cast<float>(run.learning_rate),
                  static_cast<float>(run.momentum),
                  coordinates.data(),
                  run.leash.empty() ? nullptr : run.leash.data()};
    const TsneMove move = tsne_mover<D>();
    std::vector<LayoutPhase> phases;
    repeller.add_phases(phases);
    phases.push_back({(count + kTsneItemsPerBlock - 1) / kTsneItemsPerBlock,
                      [&](std::int64_t round, std::int64_t block) {
                          TsneStep own = step;
                          own.y = current(round);
                          own.out = current(round + 1);
                          own.inverse_normaliser = repeller.inverse_normaliser();
                          move(own, block * kTsneItemsPerBlock, std::min(count, (block + 1) * kTsneItemsPerBlock));
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

/// Repulsion of all items of a map, as in a round.
template <int D>
double tsne_repulsion_of(const Matrix<float>& coordinates, double theta, TsneRepulsion choice, Matrix<float>& forces,
                         int num_threads) {
    std::vector<Index> items(static_cast<std::size_t>(coordinates.rows()));
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = static_cast<Index>(i);
    if (items.empty()) return 0;
    TsneRepeller<D> repeller(items, theta, choice, forces.values(),
                             [&](std::int64_t) { return coordinates.data(); });
    std::vector<LayoutPhase> phases;
    repeller.add_phases(phases);
    run_layout_phases(1, phases, num_threads, {}, "tsne");
    return repeller.normaliser();
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_OPTIMIZE_HPP
