// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_OPTIMIZE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_OPTIMIZE_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/umap_density.hpp"
#include "filmatlas/layout/detail/umap_due.hpp"
#include "filmatlas/layout/detail/umap_schedule.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_optimize.hpp
/// @brief The epochs of UMAP: 64 items of a group side by side, each working through its own forces in order.
///
/// A group moves while everything else stands still, so that all partners' positions can be fetched first; what
/// remains is arithmetic on lanes, one item each, whose results do not depend on the vectors' width.

namespace filmatlas::detail {

inline constexpr int kUmapGroups = 16;
inline constexpr int kUmapLanes = 64;
inline constexpr int kUmapStrip = 16;  ///< lanes side by side that have a number of steps of their own
inline constexpr int kUmapDraws = 32;
inline constexpr std::int64_t kUmapBlock = 128;
inline constexpr int kUmapMaxComponents = 16;

struct UmapState;
struct UmapForces;
using UmapDraw = void (*)(const RandomStream&, std::uint64_t counter, std::uint64_t choices,
                          std::uint32_t* places) noexcept;
using UmapApply = void (*)(const UmapState&, const UmapForces&, float alpha, int dims, float* at,
                           float* from) noexcept;

/// Everything that the workers share. Items and edges stand in the order of the groups.
struct UmapState {
    std::vector<Index> items;            ///< that move
    std::vector<std::int64_t> group;     ///< kUmapGroups + 1 places in `items`
    std::vector<std::int64_t> begin;     ///< edges of items[p]: begin[p] .. begin[p + 1]
    // An array each: most edges are only asked for their epoch, and blocks of one size are used again.
    std::vector<std::int32_t> next_epoch;  ///< in which an edge fires
    std::vector<Index> target;
    std::vector<float> period;             ///< epochs between two firings, >= 1
    std::vector<float> mobility;         ///< of items[p]; empty = 1
    std::vector<Index> active;           ///< items with edges: those that repel
    std::vector<float> moved;            ///< new positions, in the order of `items`
    Matrix<float>* y = nullptr;
    UmapApply apply = nullptr;           ///< for the instruction set in use
    UmapApply apply_dense = nullptr;     ///< likewise, with the pulls of `density`
    const UmapDensity* density = nullptr;  ///< null = plain UMAP
    UmapDraw draw = nullptr;             ///< likewise
    UmapFindDue find_due = nullptr;      ///< likewise
    std::int64_t n = 0;
    float a = 0;
    float b = 0;
    float repulsion = 0;
    int negative_rate = 0;
    std::uint64_t seed = 0;
    double learning_rate = 1;
    UmapFiring fires;
};

/// Forces of up to 64 items, one lane each, in the order in which they act; a part of them at a time, because an item
/// with thousands of edges has tens of thousands.
struct UmapForces {
    static constexpr int kMost = 512;
    struct Strip {
        int steps = 0;
        std::vector<float> kind;   ///< (steps, strip): 1 attracts, -1 repels, 0 nothing
        std::vector<float> other;  ///< (steps, dims, strip) positions of the partners
        std::vector<float> pulls;  ///< (steps, 2, strip) of densities, where they count and an edge attracts
        void reserve_steps(int wanted, int dims) {
            if (wanted <= steps) return;
            // Every lane not written stays without a force.
            kind.resize(static_cast<std::size_t>(wanted * kUmapStrip), 0.0F);
            other.resize(std::max(other.size(), static_cast<std::size_t>(wanted * kUmapStrip * dims)), 0.0F);
            steps = wanted;
        }
    };
    std::array<Strip, kUmapLanes / kUmapStrip> strips;
    void clear() {
        for (Strip& strip : strips) {
            strip.steps = 0;
            strip.kind.clear();
        }
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

    /// Asks for the edges: most are only looked at for their epoch, and what is read of the others lies scattered.
    void prefetch(const UmapState& s) const noexcept {
        const auto edges = static_cast<std::int64_t>(end_ - edge_);
        prefetch_values(s.next_epoch.data() + edge_, edges);
        prefetch_values(s.period.data() + edge_, edges);
        prefetch_values(s.target.data() + edge_, edges);
    }

    /// Appends the next forces, until the epoch's are all there or the part is full.
    template <int D, bool Dense>
    void collect(UmapState& s, int epoch, int lane, int dims_given, UmapForces::Strip& strip) {
        const int dims = D > 0 ? D : dims_given;
        int step = repel<D>(s, 0, lane, dims, strip);
        while (edge_ < end_ && step < UmapForces::kMost) {
            UmapDue due;
            const std::size_t first = edge_;
            edge_ = std::min(end_, first + UmapDue::most);
            const std::size_t count = s.find_due(s.next_epoch.data() + first, s.period.data() + first, edge_ - first,
                                                 epoch, s.negative_rate, due);
            for (std::size_t f = 0; f < count; ++f) {
                const std::size_t edge = first + due.edge[f];
                if (step == UmapForces::kMost) {  // the next part begins here
                    edge_ = edge;
                    return;
                }
                const Index target = s.target[edge];
                s.next_epoch[edge] = due.next_epoch[f];
                strip.reserve_steps(step + 1, dims);
                if constexpr (Dense) add_pulls(*s.density, target, s.period[edge], step, lane, strip);
                add<D>(s, step++, lane, dims, target, 1.0F, strip);
                repelling_ = due.draws[f];
                step = repel<D>(s, step, lane, dims, strip);
            }
        }
    }

private:
    template <int D>
    static void add(const UmapState& s, int step, int lane, int dims_given, std::int64_t j, float kind,
                    UmapForces::Strip& strip) {
        const int dims = D > 0 ? D : dims_given;
        const float* from = s.y->data() + j * dims;
        float* out = strip.other.data() + step * dims * kUmapStrip + lane;
        strip.kind[static_cast<std::size_t>(step * kUmapStrip + lane)] = kind;
        for (int d = 0; d < dims; ++d) out[d * kUmapStrip] = from[d];
    }

    /// The coefficients of an edge's two ends, per unit of its weight.
    void add_pulls(const UmapDensity& density, Index target, float period, int step, int lane,
                   UmapForces::Strip& strip) {
        strip.pulls.resize(std::max(strip.pulls.size(), static_cast<std::size_t>(strip.steps) * 2 * kUmapStrip), 0.0F);
        const float* own = density.pulls.data() + std::size_t{2} * static_cast<std::size_t>(item_);
        const float* other = density.pulls.data() + std::size_t{2} * static_cast<std::size_t>(target);
        float* out = strip.pulls.data() + step * 2 * kUmapStrip + lane;
        out[0] = period * (own[0] + other[0]);
        out[kUmapStrip] = period * (own[1] + other[1]);
    }

    /// Draws that are due, from `step` on. @return the step after them.
    template <int D>
    int repel(const UmapState& s, int step, int lane, int dims, UmapForces::Strip& strip) {
        const std::int32_t now = std::min(repelling_, UmapForces::kMost - step);
        repelling_ -= now;
        strip.reserve_steps(step + now, dims);
        const bool all = static_cast<std::int64_t>(s.active.size()) == s.n;
        for (std::int32_t r = 0; r < now; ++r) {
            if (next_draw_ == kUmapDraws) {
                s.draw(draws_, counter_, s.active.size(), drawn_.data());
                counter_ += kUmapDraws / 2;
                next_draw_ = 0;
            }
            const std::size_t place = drawn_[static_cast<std::size_t>(next_draw_++)];
            const Index j = all ? static_cast<Index>(place) : s.active[place];
            if (j == item_) continue;
            add<D>(s, step++, lane, dims, j, -1.0F, strip);
        }
        return step;
    }

    Index item_;
    std::int32_t repelling_ = 0;
    std::size_t edge_;
    std::size_t end_;
    RandomStream draws_;
    std::uint64_t counter_ = 0;
    int next_draw_ = kUmapDraws;
    std::array<std::uint32_t, kUmapDraws> drawn_;
};

/// Places below `choices`, by 32-bit fractions: none is likelier than another by more than choices / 2^32.
FILMATLAS_ALWAYS_INLINE void umap_draw_places(const RandomStream& draws, std::uint64_t counter, std::uint64_t choices,
                                              std::uint32_t* places) noexcept {
    for (std::uint64_t c = 0; c < kUmapDraws / 2; ++c) {
        const std::uint64_t draw = draws.at(counter + c);
        places[2 * c] = static_cast<std::uint32_t>(((draw & 0xFFFFFFFFULL) * choices) >> 32);
        places[2 * c + 1] = static_cast<std::uint32_t>(((draw >> 32) * choices) >> 32);
    }
}

/// Vectors of lanes on their way through the steps, and the forces of each.
template <int D, int Lanes, int Count>
struct UmapVectors {
    using F = typename LayoutVec<Lanes>::F;
    static constexpr int kStore = D > 0 ? D : kUmapMaxComponents;
    F position[Count][kStore];
    F anchor[Count][kStore];  ///< where it was when its present edge fired
    const UmapForces::Strip* strips[Count];
    int lane[Count];  ///< first lane within the strip
};

template <class F>
FILMATLAS_ALWAYS_INLINE void umap_clamp(F& force, float most) noexcept {
    force = force < -most ? F{} - most : force;
    force = force > most ? F{} + most : force;
}

/// Steps [first, last) of the first `Used` vectors, hand in hand: each step waits for the one before it.
template <int Used, bool Dense, int D, int Lanes, int Count>
FILMATLAS_ALWAYS_INLINE void umap_apply_steps(const UmapState& s, float alpha, int dims_given, int first, int last,
                                              UmapVectors<D, Lanes, Count>& v) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    const int dims = D > 0 ? D : dims_given;
    const float attract = -2.0F * s.a * s.b;
    const float repel = 2.0F * s.repulsion * s.b;
    // An edge's pull and the draws that follow it act from one place: that keeps the order of the regions better than
    // draws that see the pull already (rank correlation .31 against .28 on film embeddings), and waits less.
    for (int step = first; step < last; ++step) {
        F kind[Used];
        F delta[Used][UmapVectors<D, Lanes, Count>::kStore];
        F distance2[Used];
        F power[Used];
        F coefficient[Used];
        for (int w = 0; w < Used; ++w) {
            const UmapForces::Strip& strip = *v.strips[w];
            std::memcpy(&kind[w], strip.kind.data() + step * kUmapStrip + v.lane[w], sizeof(F));
            const float* other = strip.other.data() + step * dims * kUmapStrip + v.lane[w];
            distance2[w] = F{} + 1e-30F;
            for (int d = 0; d < dims; ++d) {
                F there;
                std::memcpy(&there, other + d * kUmapStrip, sizeof(F));
                v.anchor[w][d] = kind[w] > 0.0F ? v.position[w][d] : v.anchor[w][d];
                delta[w][d] = v.anchor[w][d] - there;
                distance2[w] += delta[w][d] * delta[w][d];
            }
            power[w] = distance2[w];
        }
        layout_pow_lanes<Lanes>(power, s.b);
        for (int w = 0; w < Used; ++w) {
            const F numerator = kind[w] > 0.0F ? attract * power[w] : -kind[w] * repel;
            const F offset = kind[w] > 0.0F ? F{} : F{} + 0.001F;
            coefficient[w] = numerator / ((distance2[w] + offset) * (1.0F + s.a * power[w]));
        }
        [[maybe_unused]] F density[Used];
        if constexpr (Dense) {
            for (int w = 0; w < Used; ++w) {
                F near, far;
                const float* pulls = v.strips[w]->pulls.data() + step * 2 * kUmapStrip + v.lane[w];
                std::memcpy(&near, pulls, sizeof(F));
                std::memcpy(&far, pulls + kUmapStrip, sizeof(F));
                const F similar = 1.0F / (1.0F + s.a * power[w]);
                const F fall = s.a * s.b * power[w] / distance2[w] * similar;
                density[w] = similar * ((1.0F - s.b * (1.0F - similar)) * near + fall * far);
                // Items on one spot have an infinite slope and no direction.
                umap_clamp(density[w], 1e12F);
                density[w] = kind[w] > 0.0F ? density[w] : F{};
            }
        }
        for (int d = 0; d < dims; ++d) {
            for (int w = 0; w < Used; ++w) {
                F force = coefficient[w] * delta[w][d];
                umap_clamp(force, 4.0F);
                if constexpr (Dense) {
                    F pull = density[w] * delta[w][d];
                    umap_clamp(pull, 4.0F);
                    force += pull;
                }
                // The edge is stored in both directions and both ends move, so that it pulls twice; the second
                // pull starts where the first one ended.
                const F moved = delta[w][d] + alpha * force;
                F second = coefficient[w] * moved;
                umap_clamp(second, 4.0F);
                if constexpr (Dense) {
                    F pull = density[w] * moved;
                    umap_clamp(pull, 4.0F);
                    second += pull;
                }
                force += kind[w] > 0.0F ? second : F{};
                v.position[w][d] += alpha * force;
            }
        }
    }
}

/// Moves the items by their forces, edge after edge. `at` and `from` are (dims, lanes): where they are,
/// and where they were when their present edge fired.
template <int D, bool Dense, int Lanes>
FILMATLAS_ALWAYS_INLINE void umap_apply_lanes(const UmapState& s, const UmapForces& forces, float alpha, int dims_given,
                                              float* at, float* from) noexcept {
    using F = typename LayoutVec<Lanes>::F;
    constexpr int kCount = Lanes == 16 ? 4 : 2;
    const int dims = D > 0 ? D : dims_given;
    for (int base = 0; base < kUmapLanes; base += kCount * Lanes) {
        UmapVectors<D, Lanes, kCount> v;
        for (int w = 0; w < kCount; ++w) {
            const int lane = base + w * Lanes;
            for (int d = 0; d < dims; ++d) {
                std::memcpy(&v.position[w][d], at + d * kUmapLanes + lane, sizeof(F));
                std::memcpy(&v.anchor[w][d], from + d * kUmapLanes + lane, sizeof(F));
            }
            v.strips[w] = &forces.strips[static_cast<std::size_t>(lane / kUmapStrip)];
            v.lane[w] = lane % kUmapStrip;
        }
        // The lanes stand in the order of their forces, so that the last vectors are done first.
        int done = 0;
        const auto until = [&](int w) { return std::max(done, v.strips[w]->steps); };
        if constexpr (kCount == 4) {
            int last = until(3);
            umap_apply_steps<4, Dense>(s, alpha, dims_given, done, last, v);
            done = last;
            last = until(2);
            umap_apply_steps<3, Dense>(s, alpha, dims_given, done, last, v);
            done = last;
        }
        int last = until(1);
        umap_apply_steps<2, Dense>(s, alpha, dims_given, done, last, v);
        done = last;
        umap_apply_steps<1, Dense>(s, alpha, dims_given, done, until(0), v);
        for (int w = 0; w < kCount; ++w) {
            const int lane = base + w * Lanes;
            for (int d = 0; d < dims; ++d) {
                std::memcpy(at + d * kUmapLanes + lane, &v.position[w][d], sizeof(F));
                std::memcpy(from + d * kUmapLanes + lane, &v.anchor[w][d], sizeof(F));
            }
        }
    }
}

template <int D, bool Dense>
inline void umap_apply_baseline(const UmapState& s, const UmapForces& forces, float alpha, int dims, float* at,
                                float* from) noexcept {
    umap_apply_lanes<D, Dense, 4>(s, forces, alpha, dims, at, from);
}
template <int D, bool Dense>
FILMATLAS_TARGET_AVX2 inline void umap_apply_avx2(const UmapState& s, const UmapForces& forces, float alpha, int dims,
                                                  float* at, float* from) noexcept {
    umap_apply_lanes<D, Dense, 8>(s, forces, alpha, dims, at, from);
}
template <int D, bool Dense>
FILMATLAS_TARGET_AVX512 inline void umap_apply_avx512(const UmapState& s, const UmapForces& forces, float alpha,
                                                      int dims, float* at, float* from) noexcept {
    umap_apply_lanes<D, Dense, 16>(s, forces, alpha, dims, at, from);
}

inline void umap_draw_baseline(const RandomStream& draws, std::uint64_t counter, std::uint64_t choices,
                               std::uint32_t* places) noexcept {
    umap_draw_places(draws, counter, choices, places);
}
FILMATLAS_TARGET_AVX2 inline void umap_draw_avx2(const RandomStream& draws, std::uint64_t counter, std::uint64_t choices,
                                                 std::uint32_t* places) noexcept {
    umap_draw_places(draws, counter, choices, places);
}
FILMATLAS_TARGET_AVX512 inline void umap_draw_avx512(const RandomStream& draws, std::uint64_t counter,
                                                     std::uint64_t choices, std::uint32_t* places) noexcept {
    umap_draw_places(draws, counter, choices, places);
}

inline UmapDraw umap_drawer() {
    return simd_version(&umap_draw_baseline, &umap_draw_avx2, &umap_draw_avx512);
}

template <int D, bool Dense>
UmapApply umap_applier() {
    return simd_version(&umap_apply_baseline<D, Dense>, &umap_apply_avx2<D, Dense>, &umap_apply_avx512<D, Dense>);
}

/// New positions of the items at [first, last) of `items`, all of one group.
template <int D, bool Dense>
void umap_move_items(UmapState& s, int epoch, std::int64_t first, std::int64_t last) {
    const UmapApply apply = Dense ? s.apply_dense : s.apply;
    const int dims = D > 0 ? D : static_cast<int>(s.y->cols());
    const auto alpha = static_cast<float>(s.learning_rate * (1.0 - static_cast<double>(std::max(0, epoch - 1)) /
                                                                       static_cast<double>(s.fires.total_epochs)));
    const float* y = s.y->data();
    UmapForces forces;
    for (UmapForces::Strip& strip : forces.strips) strip.reserve_steps(UmapForces::kMost / 8, dims);
    std::vector<UmapLane> lanes;
    alignas(64) float at[kUmapMaxComponents * kUmapLanes];
    alignas(64) float from[kUmapMaxComponents * kUmapLanes];
    for (std::int64_t base = first; base < last; base += kUmapLanes) {
        const auto used = static_cast<int>(std::min<std::int64_t>(kUmapLanes, last - base));
        lanes.clear();
        std::fill(at, at + dims * kUmapLanes, 0.0F);
        std::fill(from, from + dims * kUmapLanes, 0.0F);
        for (int lane = 0; lane < used; ++lane) {
            const Index item = s.items[static_cast<std::size_t>(base + lane)];
            for (int d = 0; d < dims; ++d) at[d * kUmapLanes + lane] = y[std::int64_t{item} * dims + d];
            lanes.emplace_back(s, epoch, base + lane);
            lanes.back().prefetch(s);
        }
        for (bool more = true; more;) {
            more = false;
            forces.clear();
            for (int lane = 0; lane < used; ++lane) {
                UmapLane& own = lanes[static_cast<std::size_t>(lane)];
                own.collect<D, Dense>(s, epoch, lane % kUmapStrip, dims,
                                      forces.strips[static_cast<std::size_t>(lane / kUmapStrip)]);
                more = more || !own.done();
            }
            // A vector goes as far as those after it: the steps fall.
            for (std::size_t w = forces.strips.size() - 1; w > 0; --w) {
                forces.strips[w - 1].reserve_steps(forces.strips[w].steps, dims);
            }
            if constexpr (Dense) {
                for (UmapForces::Strip& strip : forces.strips) {
                    strip.pulls.resize(static_cast<std::size_t>(strip.steps) * 2 * kUmapStrip, 0.0F);
                }
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
    // Items without edges stand still and are not drawn.
    std::vector<std::vector<std::pair<float, Index>>> groups(kUmapGroups);
    std::size_t edges = 0;
    for (std::int64_t i = 0; i < s.n; ++i) {
        const auto ids = weights.row_indices(i);
        const auto values = weights.row_values(i);
        float pull = 0;
        std::size_t firing = 0;
        for (std::size_t e = 0; e < ids.size(); ++e) {
            if (!s.fires(i, ids[e], values[e])) continue;
            pull += values[e];
            ++firing;
        }
        if (firing == 0) continue;
        s.active.push_back(static_cast<Index>(i));
        if (!mobility.empty() && mobility[static_cast<std::size_t>(i)] == 0) continue;
        edges += firing;
        groups[mix64(static_cast<std::uint64_t>(i)) % kUmapGroups].emplace_back(-pull, static_cast<Index>(i));
    }
    s.target.reserve(edges);
    s.period.reserve(edges);
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
                if (!s.fires(i, ids[e], values[e])) continue;
                s.target.push_back(ids[e]);
                s.period.push_back(s.fires.period(values[e]));
            }
            s.begin.push_back(static_cast<std::int64_t>(s.target.size()));
        }
        s.group.push_back(static_cast<std::int64_t>(s.items.size()));
    }
    umap_next_epochs(s.period, std::max(0, first_epoch - 1), s.next_epoch);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_OPTIMIZE_HPP
