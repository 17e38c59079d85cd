// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_OPTIMIZE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_OPTIMIZE_HPP

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_optimize.hpp
/// @brief The epochs of UMAP: 32 items of a group side by side, each working through its own forces in order.
///
/// A group moves while everything else stands still, so that all partners' positions can be fetched first; what
/// remains is arithmetic on lanes, one item each, whose results do not depend on the vectors' width.

namespace filmatlas::detail {

inline constexpr int kUmapGroups = 16;
inline constexpr int kUmapLanes = 32;
inline constexpr std::int64_t kUmapBlock = 128;
inline constexpr int kUmapMaxComponents = 16;

/// When an edge fires: in the first epoch not before 1, 2, 3, ... periods.
struct UmapEdge {
    Index target;
    float period;  ///< epochs between two firings, >= 1
    std::int32_t fired;
    std::int32_t negatives;  ///< drawn so far
};

/// Firings of an edge in epochs 1 .. epoch.
inline std::int32_t umap_firings(float period, int epoch) {
    const auto p = static_cast<double>(period);
    auto count = static_cast<std::int32_t>(static_cast<double>(epoch) / p);
    while (static_cast<double>(count + 1) * p <= static_cast<double>(epoch)) ++count;
    while (count > 0 && static_cast<double>(count) * p > static_cast<double>(epoch)) --count;
    return count;
}

inline std::int32_t umap_firing_epoch(float period, std::int32_t number) {
    const double at = static_cast<double>(number) * static_cast<double>(period);
    const auto whole = static_cast<std::int32_t>(std::min(at, 2e9));
    return static_cast<double>(whole) < at ? whole + 1 : whole;
}

/// Repelling draws that are due when an edge fires in `epoch`, counted from the start: one period / rate
/// after the other, the first one skipped.
inline std::int32_t umap_negatives_due(float period, int rate, int epoch) {
    if (rate == 0) return 0;
    const auto due =
        static_cast<std::int32_t>(static_cast<double>(epoch) * rate / static_cast<double>(period)) - 1;
    return std::max(0, due);
}

struct UmapState;
struct UmapForces;
using UmapApply = void (*)(const UmapState&, const UmapForces&, float alpha, int dims, float* at,
                           float* from) noexcept;

/// Everything that the workers share. Items and edges stand in the order of the groups.
struct UmapState {
    std::vector<Index> items;            ///< that move
    std::vector<std::int64_t> group;     ///< kUmapGroups + 1 places in `items`
    std::vector<std::int64_t> begin;     ///< edges of items[p]: begin[p] .. begin[p + 1]
    std::vector<UmapEdge> edges;
    std::vector<std::int32_t> next_epoch;  ///< of each edge, beside them: most are only asked for it
    std::vector<float> mobility;         ///< of items[p]; empty = 1
    std::vector<Index> active;           ///< items with edges: those that repel
    std::vector<float> moved;            ///< new positions, in the order of `items`
    Matrix<float>* y = nullptr;
    UmapApply apply = nullptr;           ///< for the instruction set in use
    std::int64_t n = 0;
    float a = 0;
    float b = 0;
    float repulsion = 0;
    int negative_rate = 0;
    std::uint64_t seed = 0;
    double learning_rate = 1;
    int total_epochs = 0;
};

/// Forces of up to 32 items, one lane each, in the order in which they act; a part of them at a time, because an item
/// with thousands of edges has tens of thousands.
struct UmapForces {
    static constexpr int kMost = 512;
    int steps = 0;
    std::vector<float> kind;   ///< (steps, lanes): 1 attracts, -1 repels, 0 nothing
    std::vector<float> other;  ///< (steps, dims, lanes) positions of the partners
    void reserve_step(int step, int dims) {
        if (step < steps) return;
        // Every lane not written stays without a force.
        kind.resize(static_cast<std::size_t>(step + 1) * kUmapLanes, 0.0F);
        other.resize(static_cast<std::size_t>(step + 1) * kUmapLanes * static_cast<std::size_t>(dims), 0.0F);
        steps = step + 1;
    }
    void clear() {
        steps = 0;
        kind.clear();
        other.clear();
    }
};

/// One item on its way through an epoch: every edge that fires attracts, then its draws repel.
class UmapLane {
public:
    UmapLane(const UmapState& s, int epoch, std::int64_t place)
        : item_(s.items[static_cast<std::size_t>(place)]),
          edge_(static_cast<std::size_t>(s.begin[static_cast<std::size_t>(place)])),
          end_(static_cast<std::size_t>(s.begin[static_cast<std::size_t>(place) + 1])),
          draws_(s.seed, "umap.negatives",
                 static_cast<std::uint64_t>(epoch) * static_cast<std::uint64_t>(s.n) +
                     static_cast<std::uint64_t>(item_)) {}

    bool done() const noexcept { return edge_ == end_ && repelling_ == 0; }

    /// Appends the next forces, until the epoch's are all there or the part is full.
    template <int D>
    void collect(UmapState& s, int epoch, int lane, int dims_given, UmapForces& forces) {
        const int dims = D > 0 ? D : dims_given;
        const float* y = s.y->data();
        int step = 0;
        const auto add = [&](Index j, float kind) {
            forces.reserve_step(step, dims);
            const auto at = static_cast<std::size_t>(step) * kUmapLanes;
            forces.kind[at + static_cast<std::size_t>(lane)] = kind;
            float* out = forces.other.data() + at * static_cast<std::size_t>(dims) + static_cast<std::size_t>(lane);
            const float* from = y + std::int64_t{j} * dims;
            for (int d = 0; d < dims; ++d) out[d * kUmapLanes] = from[d];
            ++step;
        };
        while (step < UmapForces::kMost) {
            if (repelling_ > 0) {
                --repelling_;
                std::uint64_t draw = spare_;
                if (!has_spare_) {
                    draw = draws_.next();
                    spare_ = draw >> 32;
                }
                has_spare_ = !has_spare_;
                // A 32-bit fraction: no item is likelier than another by more than n / 2^32.
                const Index j =
                    s.active[((draw & 0xFFFFFFFFULL) * static_cast<std::uint64_t>(s.active.size())) >> 32];
                if (j != item_) add(j, -1.0F);
                continue;
            }
            while (edge_ < end_ && s.next_epoch[edge_] > epoch) ++edge_;
            if (edge_ == end_) return;
            UmapEdge& edge = s.edges[edge_];
            ++edge.fired;
            s.next_epoch[edge_] = umap_firing_epoch(edge.period, edge.fired + 1);
            add(edge.target, 1.0F);
            const std::int32_t due = umap_negatives_due(edge.period, s.negative_rate, epoch);
            repelling_ = std::max(0, due - edge.negatives);
            edge.negatives = std::max(edge.negatives, due);
            ++edge_;
        }
    }

private:
    Index item_;
    std::size_t edge_;
    std::size_t end_;
    RandomStream draws_;
    std::uint64_t spare_ = 0;
    bool has_spare_ = false;
    std::int32_t repelling_ = 0;
};

/// Moves the items by their forces, edge after edge. `at` and `from` are (dims, lanes): where they are,
/// and where they were when their present edge fired. Two vectors at a time, because each
/// edge waits for the one before it.
template <int D, int Lanes>
FILMATLAS_ALWAYS_INLINE void umap_apply_lanes(const UmapState& s, const UmapForces& forces, float alpha, int dims_given,
                                              float* at, float* from) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    constexpr int kStore = D > 0 ? D : kUmapMaxComponents;
    const int dims = D > 0 ? D : dims_given;
    const float attract = -2.0F * s.a * s.b;
    const float repel = 2.0F * s.repulsion * s.b;
    // An edge's pull and the draws that follow it act from one place: that keeps the order of the regions better than
    // draws that see the pull already (rank correlation .31 against .28 on film embeddings), and waits less.
    constexpr int kTwo = 2;
    for (int base = 0; base < kUmapLanes; base += kTwo * Lanes) {
        F position[kTwo][kStore];
        F anchor[kTwo][kStore];
        for (int w = 0; w < kTwo; ++w) {
            for (int d = 0; d < dims; ++d) {
                std::memcpy(&position[w][d], at + d * kUmapLanes + base + w * Lanes, sizeof(F));
                std::memcpy(&anchor[w][d], from + d * kUmapLanes + base + w * Lanes, sizeof(F));
            }
        }
        for (int step = 0; step < forces.steps; ++step) {
            for (int w = 0; w < kTwo; ++w) {
                F kind;
                std::memcpy(&kind, forces.kind.data() + step * kUmapLanes + base + w * Lanes, sizeof(F));
                const float* other = forces.other.data() + std::int64_t{step} * kUmapLanes * dims + base + w * Lanes;
                F delta[kStore];
                F distance2 = F{} + 1e-30F;
                for (int d = 0; d < dims; ++d) {
                    F there;
                    std::memcpy(&there, other + d * kUmapLanes, sizeof(F));
                    anchor[w][d] = kind > 0.0F ? position[w][d] : anchor[w][d];
                    delta[d] = anchor[w][d] - there;
                    distance2 += delta[d] * delta[d];
                }
                F power = distance2;
                layout_pow_lanes<Lanes>(power, s.b);
                const F numerator = kind > 0.0F ? attract * power : -kind * repel;
                const F offset = kind > 0.0F ? F{} : F{} + 0.001F;
                const F coefficient = numerator / ((distance2 + offset) * (1.0F + s.a * power));
                for (int d = 0; d < dims; ++d) {
                    F force = coefficient * delta[d];
                    force = force < -4.0F ? F{} - 4.0F : force;
                    force = force > 4.0F ? F{} + 4.0F : force;
                    // The edge is stored in both directions and both ends move, so that it pulls twice; the second
                    // pull starts where the first one ended.
                    F second = coefficient * (delta[d] + alpha * force);
                    second = second < -4.0F ? F{} - 4.0F : second;
                    second = second > 4.0F ? F{} + 4.0F : second;
                    force += kind > 0.0F ? second : F{};
                    position[w][d] += alpha * force;
                }
            }
        }
        for (int w = 0; w < kTwo; ++w) {
            for (int d = 0; d < dims; ++d) {
                std::memcpy(at + d * kUmapLanes + base + w * Lanes, &position[w][d], sizeof(F));
                std::memcpy(from + d * kUmapLanes + base + w * Lanes, &anchor[w][d], sizeof(F));
            }
        }
    }
}

template <int D>
inline void umap_apply_baseline(const UmapState& s, const UmapForces& forces, float alpha, int dims, float* at,
                                float* from) noexcept {
    umap_apply_lanes<D, 4>(s, forces, alpha, dims, at, from);
}
#ifdef FILMATLAS_LAYOUT_X86
template <int D>
FILMATLAS_TARGET_AVX2 inline void umap_apply_avx2(const UmapState& s, const UmapForces& forces, float alpha, int dims,
                                                  float* at, float* from) noexcept {
    umap_apply_lanes<D, 8>(s, forces, alpha, dims, at, from);
}
template <int D>
FILMATLAS_TARGET_AVX512 inline void umap_apply_avx512(const UmapState& s, const UmapForces& forces, float alpha,
                                                      int dims, float* at, float* from) noexcept {
    umap_apply_lanes<D, 16>(s, forces, alpha, dims, at, from);
}
#endif

template <int D>
UmapApply umap_applier() {
#ifdef FILMATLAS_LAYOUT_X86
    if (layout_lanes() == 16) return &umap_apply_avx512<D>;
    if (layout_lanes() == 8) return &umap_apply_avx2<D>;
#endif
    return &umap_apply_baseline<D>;
}

/// New positions of the items at [first, last) of `items`, all of one group.
template <int D>
void umap_move_items(UmapState& s, int epoch, std::int64_t first, std::int64_t last) {
    const UmapApply apply = s.apply;
    const int dims = D > 0 ? D : static_cast<int>(s.y->cols());
    const auto alpha = static_cast<float>(s.learning_rate * (1.0 - static_cast<double>(std::max(0, epoch - 1)) /
                                                                       static_cast<double>(s.total_epochs)));
    const float* y = s.y->data();
    UmapForces forces;
    std::vector<UmapLane> lanes;
    alignas(64) float at[kUmapMaxComponents * kUmapLanes];
    alignas(64) float from[kUmapMaxComponents * kUmapLanes];
    for (std::int64_t base = first; base < last; base += kUmapLanes) {
        const auto used = static_cast<int>(std::min<std::int64_t>(kUmapLanes, last - base));
        lanes.clear();
        std::fill(at, at + dims * kUmapLanes, 0.0F);
        std::fill(from, from + dims * kUmapLanes, 0.0F);
        for (int lane = 0; lane < used; ++lane) {
            const std::int64_t item = s.items[static_cast<std::size_t>(base + lane)];
            for (int d = 0; d < dims; ++d) at[d * kUmapLanes + lane] = y[item * dims + d];
            lanes.emplace_back(s, epoch, base + lane);
        }
        for (bool more = true; more;) {
            more = false;
            forces.clear();
            for (int lane = 0; lane < used; ++lane) {
                UmapLane& own = lanes[static_cast<std::size_t>(lane)];
                own.collect<D>(s, epoch, lane, dims, forces);
                more = more || !own.done();
            }
            apply(s, forces, alpha, dims, at, from);
        }
        // An item with thousands of edges must not fly off in one epoch.
        const float cap = 4.0F * alpha;
        for (int lane = 0; lane < used; ++lane) {
            const std::int64_t item = s.items[static_cast<std::size_t>(base + lane)];
            const float share = s.mobility.empty() ? 1.0F : s.mobility[static_cast<std::size_t>(base + lane)];
            for (int d = 0; d < dims; ++d) {
                const float start = y[item * dims + d];
                const float step = std::clamp(at[d * kUmapLanes + lane] - start, -cap, cap);
                s.moved[static_cast<std::size_t>((base + lane) * dims + d)] = start + share * step;
            }
        }
    }
}

/// The edges that fire at all, with their schedule as it stands before `first_epoch`; what moves, in groups.
/// @param mobility  (n,) share of each step that an item takes, 0 = pinned; empty = 1.
inline void umap_prepare(UmapState& s, const CsrMatrix<float>& weights, std::span<const float> mobility,
                         int first_epoch) {
    float largest = 0;
    for (const float w : weights.values) largest = std::max(largest, w);
    const auto fires = [&](std::int64_t i, Index j, float w) {
        return w > 0 && j != i && static_cast<double>(largest) <= static_cast<double>(w) * s.total_epochs;
    };
    // Items without edges stand still and are not drawn.
    std::vector<std::vector<std::pair<float, Index>>> groups(kUmapGroups);
    for (std::int64_t i = 0; i < s.n; ++i) {
        const auto ids = weights.row_indices(i);
        const auto values = weights.row_values(i);
        float pull = 0;
        for (std::size_t e = 0; e < ids.size(); ++e) pull += fires(i, ids[e], values[e]) ? values[e] : 0.0F;
        if (pull == 0) continue;
        s.active.push_back(static_cast<Index>(i));
        if (!mobility.empty() && mobility[static_cast<std::size_t>(i)] == 0) continue;
        groups[mix64(static_cast<std::uint64_t>(i)) % kUmapGroups].emplace_back(-pull, static_cast<Index>(i));
    }
    s.group.assign(1, 0);
    s.begin.assign(1, 0);
    for (auto& group : groups) {
        // Items with as many forces share a vector, so that few lanes idle.
        std::sort(group.begin(), group.end());
        for (const auto& [pull, i] : group) {
            s.items.push_back(i);
            if (!mobility.empty()) s.mobility.push_back(mobility[static_cast<std::size_t>(i)]);
            const auto ids = weights.row_indices(i);
            const auto values = weights.row_values(i);
            for (std::size_t e = 0; e < ids.size(); ++e) {
                if (!fires(i, ids[e], values[e])) continue;
                const float period = largest / values[e];
                const std::int32_t fired = umap_firings(period, std::max(0, first_epoch - 1));
                const std::int32_t negatives =
                    fired == 0 ? 0 : umap_negatives_due(period, s.negative_rate, umap_firing_epoch(period, fired));
                s.edges.push_back({ids[e], period, fired, negatives});
                s.next_epoch.push_back(umap_firing_epoch(period, fired + 1));
            }
            s.begin.push_back(static_cast<std::int64_t>(s.edges.size()));
        }
        s.group.push_back(static_cast<std::int64_t>(s.items.size()));
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_OPTIMIZE_HPP
