// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_TREE_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_TREE_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/math.hpp"

/// @file tsne_tree.hpp
/// @brief Barnes-Hut sums over a balanced k-d tree; the items of one leaf walk the tree together.
///
/// The shape of the tree depends on n alone: every leaf but the last holds 16 items. Nodes stand in preorder
/// with a skip index, so that a walk needs no stack. Which items a node holds is renewed from time to time;
/// centres and boxes are computed for the present positions in any case, so that an old assignment costs
/// time, not accuracy.

namespace filmatlas::detail {

inline constexpr std::int64_t kTsneLeaf = 16;

template <int D>
struct TsneEntry {
    float center[D];
    float mass;
};

template <int D>
class TsneTree {
public:
    struct Node {
        std::int64_t begin;
        std::int64_t end;
        std::int32_t skip;  ///< next node when this one's subtree is left out
        bool leaf() const noexcept { return end - begin <= kTsneLeaf; }
    };

    explicit TsneTree(const std::vector<Index>& items) : order_(items), positions_(items.size()) {
        const auto n = static_cast<std::int64_t>(items.size());
        if (n == 0) return;
        // (begin, end) pairs still to be laid out; the deeper one is on top, which gives preorder.
        std::vector<std::pair<std::int64_t, std::int64_t>> open{{0, n}};
        while (!open.empty()) {
            const auto [begin, end] = open.back();
            open.pop_back();
            nodes_.push_back({begin, end, 0});
            if (end - begin <= kTsneLeaf) {
                leaves_.push_back(static_cast<std::int32_t>(nodes_.size()) - 1);
                continue;
            }
            const std::int64_t middle = split(begin, end);
            open.emplace_back(middle, end);
            open.emplace_back(begin, middle);
        }
        // Subtree sizes from the back: a node's second child follows its first child's subtree.
        for (auto i = static_cast<std::int32_t>(nodes_.size()) - 1; i >= 0; --i) {
            Node& node = nodes_[static_cast<std::size_t>(i)];
            if (node.leaf()) {
                node.skip = i + 1;
            } else {
                const std::int32_t second = nodes_[static_cast<std::size_t>(i) + 1].skip;
                node.skip = nodes_[static_cast<std::size_t>(second)].skip;
            }
        }
        entries_.resize(nodes_.size());
        low_.resize(nodes_.size());
        high_.resize(nodes_.size());
        size2_.resize(nodes_.size());
    }

    std::int64_t num_leaves() const noexcept { return static_cast<std::int64_t>(leaves_.size()); }
    const std::vector<Index>& order() const noexcept { return order_; }
    const Node& leaf_node(std::int64_t leaf) const {
        return nodes_[static_cast<std::size_t>(leaves_[static_cast<std::size_t>(leaf)])];
    }

    /// Deals the items into the nodes: each node's items are halved at the median of its widest axis; ties by
    /// id.
    void assign(const float* y) {
        for (const Node& node : nodes_) {
            const auto first = order_.begin() + node.begin;
            const auto last = order_.begin() + node.end;
            if (node.leaf()) {
                std::sort(first, last);
                continue;
            }
            std::array<float, D> low;
            std::array<float, D> high;
            for (int d = 0; d < D; ++d) {
                low[static_cast<std::size_t>(d)] = high[static_cast<std::size_t>(d)] =
                    y[std::int64_t{*first} * D + d];
            }
            for (auto it = first; it != last; ++it) {
                for (int d = 0; d < D; ++d) {
                    const float v = y[std::int64_t{*it} * D + d];
                    low[static_cast<std::size_t>(d)] = std::min(low[static_cast<std::size_t>(d)], v);
                    high[static_cast<std::size_t>(d)] = std::max(high[static_cast<std::size_t>(d)], v);
                }
            }
            int axis = 0;
            for (int d = 1; d < D; ++d) {
                if (high[static_cast<std::size_t>(d)] - low[static_cast<std::size_t>(d)] >
                    high[static_cast<std::size_t>(axis)] - low[static_cast<std::size_t>(axis)]) {
                    axis = d;
                }
            }
            std::nth_element(first, order_.begin() + split(node.begin, node.end), last,
                             [y, axis](Index a, Index b) {
                                 const float va = y[std::int64_t{a} * D + axis];
                                 const float vb = y[std::int64_t{b} * D + axis];
                                 return va != vb ? va < vb : a < b;
                             });
        }
    }

    /// Reads the positions of one leaf's items and computes its centre and box.
    void refresh_leaf(std::int64_t leaf, const float* y) {
        const auto id = static_cast<std::size_t>(leaves_[static_cast<std::size_t>(leaf)]);
        const Node& node = nodes_[id];
        std::array<double, D> sum{};
        auto& low = low_[id];
        auto& high = high_[id];
        for (std::int64_t p = node.begin; p < node.end; ++p) {
            auto& entry = positions_[static_cast<std::size_t>(p)];
            const std::int64_t item = order_[static_cast<std::size_t>(p)];
            entry.mass = 1;
            for (int d = 0; d < D; ++d) {
                const auto k = static_cast<std::size_t>(d);
                const float v = entry.center[d] = y[item * D + d];
                sum[k] += static_cast<double>(v);
                low[k] = p == node.begin ? v : std::min(low[k], v);
                high[k] = p == node.begin ? v : std::max(high[k], v);
            }
        }
        finish(id, sum);
    }

    /// Centres and boxes of the inner nodes, from the leaves up.
    void refresh_inner() {
        for (std::size_t i = nodes_.size(); i-- > 0;) {
            const Node& node = nodes_[i];
            if (node.leaf()) continue;
            const std::size_t a = i + 1;
            const auto b = static_cast<std::size_t>(nodes_[a].skip);
            std::array<double, D> sum{};
            for (std::size_t d = 0; d < D; ++d) {
                sum[d] = static_cast<double>(entries_[a].center[d]) * static_cast<double>(entries_[a].mass) +
                         static_cast<double>(entries_[b].center[d]) * static_cast<double>(entries_[b].mass);
                low_[i][d] = std::min(low_[a][d], low_[b][d]);
                high_[i][d] = std::max(high_[a][d], high_[b][d]);
            }
            finish(i, sum);
        }
    }

    /// Everything that repels the items of a leaf: far nodes by their centre, near ones item by item.
    void collect(std::int64_t leaf, float theta2, std::vector<TsneEntry<D>>& list) const {
        list.clear();
        const auto own = static_cast<std::size_t>(leaves_[static_cast<std::size_t>(leaf)]);
        const auto& low = low_[own];
        const auto& high = high_[own];
        const auto count = static_cast<std::int32_t>(nodes_.size());
        for (std::int32_t i = 0; i < count;) {
            const auto id = static_cast<std::size_t>(i);
            float distance2 = 0;
            for (std::size_t d = 0; d < D; ++d) {
                const float c = entries_[id].center[d];
                const float gap = std::max(std::max(low[d] - c, c - high[d]), 0.0F);
                distance2 += gap * gap;
            }
            const Node& node = nodes_[id];
            if (size2_[id] < theta2 * distance2) {
                list.push_back(entries_[id]);
                i = node.skip;
            } else if (node.leaf()) {
                list.insert(list.end(), positions_.begin() + node.begin, positions_.begin() + node.end);
                i = node.skip;
            } else {
                ++i;
            }
        }
    }

    const TsneEntry<D>* positions(std::int64_t begin) const { return positions_.data() + begin; }

private:
    /// Halves a range at a multiple of the leaf size.
    static std::int64_t split(std::int64_t begin, std::int64_t end) {
        const std::int64_t leaves = (end - begin + kTsneLeaf - 1) / kTsneLeaf;
        return begin + leaves / 2 * kTsneLeaf;
    }

    void finish(std::size_t id, const std::array<double, D>& sum) {
        const auto mass = static_cast<double>(nodes_[id].end - nodes_[id].begin);
        float extent = 0;
        for (std::size_t d = 0; d < D; ++d) {
            entries_[id].center[d] = static_cast<float>(sum[d] / mass);
            extent = std::max(extent, high_[id][d] - low_[id][d]);
        }
        entries_[id].mass = static_cast<float>(mass);
        size2_[id] = extent * extent;
    }

    std::vector<Index> order_;
    std::vector<TsneEntry<D>> positions_;  ///< the items in tree order, mass 1
    std::vector<Node> nodes_;
    std::vector<std::int32_t> leaves_;
    std::vector<TsneEntry<D>> entries_;
    std::vector<std::array<float, D>> low_;
    std::vector<std::array<float, D>> high_;
    std::vector<float> size2_;
};

/// Sums over `list` for 16 items side by side; every lane adds in the order of the list, whatever the
/// vectors' width. forces[d * 16 + lane], weight[lane] = sum of 1 / (1 + distance^2).
template <int D, int Lanes, int Width>
FILMATLAS_ALWAYS_INLINE void tsne_sum_lanes(const float* at, const TsneEntry<D>* list, std::size_t count,
                                            float* forces, float* weight) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    constexpr int kStep = Lanes * Width;
    for (int base = 0; base < 16; base += kStep) {
        F x[D][Width];
        F force[D][Width];
        F total[Width];
        for (int w = 0; w < Width; ++w) {
            total[w] = F{};
            for (int d = 0; d < D; ++d) {
                std::memcpy(&x[d][w], at + d * 16 + base + w * Lanes, sizeof(F));
                force[d][w] = F{};
            }
        }
        for (std::size_t j = 0; j < count; ++j) {
            const TsneEntry<D>& entry = list[j];
            for (int w = 0; w < Width; ++w) {
                F delta[D];
                F distance2 = F{} + 1.0F;
                for (int d = 0; d < D; ++d) {
                    delta[d] = x[d][w] - entry.center[d];
                    distance2 += delta[d] * delta[d];
                }
                const F q = 1.0F / distance2;
                const F mq = q * entry.mass;
                total[w] += mq;
                const F scale = mq * q;
                for (int d = 0; d < D; ++d) force[d][w] += scale * delta[d];
            }
        }
        for (int w = 0; w < Width; ++w) {
            std::memcpy(weight + base + w * Lanes, &total[w], sizeof(F));
            for (int d = 0; d < D; ++d)
                std::memcpy(forces + d * 16 + base + w * Lanes, &force[d][w], sizeof(F));
        }
    }
}

template <int D>
using TsneSum = void (*)(const float*, const TsneEntry<D>*, std::size_t, float*, float*) noexcept;

template <int D>
inline void tsne_sum_baseline(const float* at, const TsneEntry<D>* list, std::size_t count, float* forces,
                              float* weight) noexcept {
    tsne_sum_lanes<D, 4, 2>(at, list, count, forces, weight);
}
template <int D>
FILMATLAS_TARGET_AVX2 inline void tsne_sum_avx2(const float* at, const TsneEntry<D>* list, std::size_t count,
                                                float* forces, float* weight) noexcept {
    tsne_sum_lanes<D, 8, 2>(at, list, count, forces, weight);
}
template <int D>
FILMATLAS_TARGET_AVX512 inline void tsne_sum_avx512(const float* at, const TsneEntry<D>* list,
                                                    std::size_t count, float* forces,
                                                    float* weight) noexcept {
    tsne_sum_lanes<D, 16, 1>(at, list, count, forces, weight);
}

template <int D>
TsneSum<D> tsne_summer() {
    return simd_version(&tsne_sum_baseline<D>, &tsne_sum_avx2<D>, &tsne_sum_avx512<D>);
}

/// Repulsion of the items of one leaf: forces[item * D + d]; returns the leaf's share of the normaliser.
template <int D>
double tsne_leaf_forces(const TsneTree<D>& tree, std::int64_t leaf, float theta2, TsneSum<D> sum,
                        std::vector<TsneEntry<D>>& list, float* forces) {
    tree.collect(leaf, theta2, list);
    const auto& node = tree.leaf_node(leaf);
    const auto size = static_cast<int>(node.end - node.begin);
    const TsneEntry<D>* own = tree.positions(node.begin);
    alignas(64) float at[D * 16];
    alignas(64) float force[D * 16];
    alignas(64) float weight[16];
    for (int lane = 0; lane < 16; ++lane) {
        for (int d = 0; d < D; ++d) at[d * 16 + lane] = own[lane < size ? lane : 0].center[d];
    }
    sum(at, list.data(), list.size(), force, weight);
    double normaliser = 0;
    for (int lane = 0; lane < size; ++lane) {
        normaliser += static_cast<double>(weight[lane]) - 1.0;  // the item itself
        const std::int64_t item = tree.order()[static_cast<std::size_t>(node.begin + lane)];
        for (int d = 0; d < D; ++d) forces[item * D + d] = force[d * 16 + lane];
    }
    return normaliser;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_TREE_HPP
