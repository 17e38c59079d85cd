// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/tsne.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_REPULSION_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_REPULSION_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/detail/tsne_grid.hpp"
#include "filmatlas/layout/detail/tsne_tree.hpp"

/// @file tsne_repulsion.hpp
/// @brief Repulsion of t-SNE, in every round by what is cheaper for the map's size: the tree or the grid.

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

/// Whether a grid over a plane map of this side is cheaper than the tree; nanoseconds as measured.
inline bool tsne_grid_pays(float side, std::int64_t count) {
    if (!(side < kGridMostSide)) return false;
    const double length = TsneGrid::length_for(side);
    double log2 = 0;
    for (double l = length; l > 1; l /= 2) ++log2;
    return length * length * log2 < kTsneTreeNanoseconds * static_cast<double>(count);
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
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_REPULSION_HPP
