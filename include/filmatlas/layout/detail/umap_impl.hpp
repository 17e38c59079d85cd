// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/umap.hpp"

namespace filmatlas {
namespace detail {

inline constexpr int kUmapGroups = 16;
inline constexpr std::int64_t kUmapBlock = 128;
inline constexpr int kUmapMaxComponents = 16;

/// Everything that the workers share.
struct UmapState {
    // Edges that fire at all, per item; `period` is the number of epochs between two firings, >= 1.
    std::vector<std::int64_t> begin;
    std::vector<Index> target;
    std::vector<float> period;
    std::vector<std::int32_t> next_epoch;
    std::vector<std::int32_t> negatives_done;
    std::vector<std::vector<Index>> groups;
    std::vector<Index> active;  ///< items with edges: those that move and repel
    Matrix<float>* y = nullptr;
    std::vector<std::vector<float>> moved;  ///< new positions of a group, in the order of `groups`
    std::int64_t n = 0;
    float a = 0;
    float b = 0;
    float repulsion = 0;
    int negative_rate = 0;
    std::uint64_t seed = 0;
    double learning_rate = 1;
    int total_epochs = 0;
};

/// Firings of an edge in epochs 1 .. epoch: it fires in the first epoch not before 1, 2, 3, ... periods.
inline std::int32_t umap_firings(float period, int epoch) {
    auto count = static_cast<std::int32_t>(static_cast<double>(epoch) / static_cast<double>(period));
    while (static_cast<double>(count + 1) * static_cast<double>(period) <= static_cast<double>(epoch))
        ++count;
    while (count > 0 && static_cast<double>(count) * static_cast<double>(period) > static_cast<double>(epoch))
        --count;
    return count;
}

inline std::int32_t umap_firing_epoch(float period, std::int32_t number) {
    return static_cast<std::int32_t>(std::ceil(static_cast<double>(number) * static_cast<double>(period)));
}

/// Repelling draws that are due when an edge fires in `epoch`, counted from the start: one period / rate
/// after the other, the first one skipped.
inline std::int32_t umap_negatives_due(float period, int rate, int epoch) {
    if (rate == 0) return 0;
    const auto due =
        static_cast<std::int32_t>(static_cast<double>(epoch) * rate / static_cast<double>(period)) - 1;
    return std::max(0, due);
}

/// Moves the items [first, last) of a group by all their forces of one epoch, in order: each force starts
/// from where the one before left the item, everything else stands still.
template <int D>
FILMATLAS_ALWAYS_INLINE void umap_move_items(UmapState& s, int epoch, int group, std::int64_t first,
                                             std::int64_t last) noexcept {
    constexpr int kLanes = 8;
    using F = LayoutVec<kLanes>::F;
    constexpr int kStore = D > 0 ? D : kUmapMaxComponents;
    const int dims = D > 0 ? D : static_cast<int>(s.y->cols());
    const float* y = s.y->data();
    const auto& items = s.groups[static_cast<std::size_t>(group)];
    float* moved = s.moved[static_cast<std::size_t>(group)].data();
    const auto alpha =
        static_cast<float>(s.learning_rate * (1.0 - static_cast<double>(std::max(0, epoch - 1)) /
                                                        static_cast<double>(s.total_epochs)));
    const float attract = -2.0F * s.a * s.b;
    const float repel = 2.0F * s.repulsion * s.b;
    const auto clamp4 = [](float v) { return v < -4.0F ? -4.0F : (v > 4.0F ? 4.0F : v); };

    for (std::int64_t position = first; position < last; ++position) {
        const std::int64_t item = items[static_cast<std::size_t>(position)];
        float start[kStore];
        float at[kStore];
        for (int d = 0; d < dims; ++d) start[d] = at[d] = y[item * dims + d];
        const auto edge_begin = static_cast<std::size_t>(s.begin[static_cast<std::size_t>(item)]);
        const auto edge_end = static_cast<std::size_t>(s.begin[static_cast<std::size_t>(item) + 1]);
        RandomStream draws(s.seed, "umap.negatives",
                           static_cast<std::uint64_t>(epoch) * static_cast<std::uint64_t>(s.n) +
                               static_cast<std::uint64_t>(item));
        std::uint64_t spare = 0;
        bool has_spare = false;
        for (std::size_t e = edge_begin; e < edge_end; ++e) {
            if (s.next_epoch[e] > epoch) continue;
            const float period = s.period[e];
            s.next_epoch[e] = umap_firing_epoch(period, umap_firings(period, epoch) + 1);
            const std::int32_t due = umap_negatives_due(period, s.negative_rate, epoch);
            int negatives = std::max(0, due - s.negatives_done[e]);
            s.negatives_done[e] = due;
            bool positive = true;
            do {
                // Lane 0 of the first round attracts, the others repel; unused lanes stand on the item: no
                // force.
                alignas(32) float other[kStore][kLanes];
                const int used = std::min(kLanes, negatives + (positive ? 1 : 0));
                for (int lane = 0; lane < kLanes; ++lane) {
                    std::int64_t j = item;
                    if (lane == 0 && positive) {
                        j = s.target[e];
                    } else if (lane < used) {
                        std::uint64_t draw = spare;
                        if (!has_spare) {
                            draw = draws.next();
                            spare = draw >> 32;
                        }
                        has_spare = !has_spare;
                        // A 32-bit fraction: no item is likelier than another by more than n / 2^32.
                        j = s.active[((draw & 0xFFFFFFFFULL) * static_cast<std::uint64_t>(s.active.size())) >>
                                     32];
                    }
                    const bool self = j == item;
                    for (int d = 0; d < dims; ++d) other[d][lane] = self ? at[d] : y[j * dims + d];
                }
                F delta[kStore];
                F distance2{};
                for (int d = 0; d < dims; ++d) {
                    F from;
                    std::memcpy(&from, other[d], sizeof from);
                    delta[d] = at[d] - from;
                    distance2 += delta[d] * delta[d];
                }
                F power = distance2 + 1e-30F;
                layout_pow_lanes<kLanes>(power, s.b);
                F numerator = F{} + repel;
                F denominator = distance2 + 0.001F;
                if (positive) {
                    numerator[0] = attract * power[0];
                    denominator[0] = distance2[0] + 1e-30F;
                }
                const F coefficient = numerator / (denominator * (1.0F + s.a * power));
                for (int d = 0; d < dims; ++d) {
                    F force = coefficient * delta[d];
                    force = force < -4.0F ? F{} - 4.0F : force;
                    force = force > 4.0F ? F{} + 4.0F : force;
                    float sum = 0;
                    int lane = 0;
                    if (positive) {
                        // The edge is stored in both directions and both ends move, so that it pulls twice;
                        // the second pull starts where the first one ended.
                        const float pull = force[0];
                        sum = pull + clamp4(coefficient[0] * (delta[d][0] + alpha * pull));
                        lane = 1;
                    }
                    for (; lane < used; ++lane) sum += force[lane];
                    at[d] += alpha * sum;
                }
                negatives -= used - (positive ? 1 : 0);
                positive = false;
            } while (negatives > 0);
        }
        // An item with thousands of edges must not fly off in one epoch.
        const float cap = 4.0F * alpha;
        for (int d = 0; d < dims; ++d) {
            float step = at[d] - start[d];
            step = step < -cap ? -cap : (step > cap ? cap : step);
            moved[position * dims + d] = start[d] + step;
        }
    }
}

template <int D>
inline void umap_move_baseline(UmapState& s, int epoch, int group, std::int64_t first,
                               std::int64_t last) noexcept {
    umap_move_items<D>(s, epoch, group, first, last);
}
#ifdef FILMATLAS_LAYOUT_X86
template <int D>
FILMATLAS_TARGET_AVX2 inline void umap_move_avx2(UmapState& s, int epoch, int group, std::int64_t first,
                                                 std::int64_t last) noexcept {
    umap_move_items<D>(s, epoch, group, first, last);
}
#endif

using UmapMove = void (*)(UmapState&, int, int, std::int64_t, std::int64_t) noexcept;

template <int D>
UmapMove umap_mover() {
#ifdef FILMATLAS_LAYOUT_X86
    if (layout_lanes() >= 8) return &umap_move_avx2<D>;
#endif
    return &umap_move_baseline<D>;
}

inline void validate_umap_dims(int n_components, std::string_view stage) {
    if (n_components < 1 || n_components > kUmapMaxComponents) {
        throw_invalid(stage, "n_components", "is " + std::to_string(n_components), "use 1 to 16");
    }
}

}  // namespace detail

FILMATLAS_INLINE int default_umap_epochs(std::int64_t n) noexcept { return n <= 10000 ? 500 : 200; }

FILMATLAS_INLINE void validate(const UmapOptions& options) {
    const auto bad = [](std::string_view field, const std::string& value, const char* remedy) {
        throw_invalid("umap", field, "is " + value, remedy);
    };
    if (options.n_neighbors < 2) {
        bad("n_neighbors", std::to_string(options.n_neighbors), "use at least 2 (the item itself counts)");
    }
    if (!(options.spread > 0) || !std::isfinite(options.spread))
        bad("spread", to_text(options.spread), "use a positive number");
    if (!(options.min_dist >= 0 && options.min_dist <= options.spread)) {
        bad("min_dist", to_text(options.min_dist), "use a value from 0 to spread");
    }
    detail::validate_umap_dims(options.n_components, "umap");
    if (options.n_epochs && *options.n_epochs < 0)
        bad("n_epochs", std::to_string(*options.n_epochs), "use 0 or more");
    if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
        bad("learning_rate", to_text(options.learning_rate), "use a positive number");
    }
    if (options.negative_sample_rate < 0 || options.negative_sample_rate > 1000) {
        bad("negative_sample_rate", std::to_string(options.negative_sample_rate), "use 0 to 1000");
    }
    if (!(options.repulsion_strength >= 0) || !std::isfinite(options.repulsion_strength)) {
        bad("repulsion_strength", to_text(options.repulsion_strength), "use 0 or more");
    }
    if (options.num_threads < 0) bad("num_threads", std::to_string(options.num_threads), "use 0 or more");
    FuzzyGraphOptions fuzzy;
    fuzzy.local_connectivity = options.local_connectivity;
    fuzzy.set_op_mix_ratio = options.set_op_mix_ratio;
    validate(fuzzy);
}

FILMATLAS_INLINE void umap_optimize(const CsrMatrix<float>& weights, Matrix<float>& coordinates,
                                    int first_epoch, int last_epoch, int total_epochs,
                                    const UmapOptions& options, const Progress& progress) {
    validate(options);
    const std::int64_t n = coordinates.rows();
    const auto dims = static_cast<int>(coordinates.cols());
    if (weights.rows != n || weights.cols != n) {
        throw_shape("umap", "the weights are (" + std::to_string(weights.rows) + ", " +
                                std::to_string(weights.cols) + ") for " + std::to_string(n) + " coordinates");
    }
    detail::validate_umap_dims(dims, "umap");
    if (first_epoch < 0 || last_epoch < first_epoch || total_epochs < last_epoch) {
        throw_invalid("umap", "first_epoch",
                      "the epochs " + std::to_string(first_epoch) + " to " + std::to_string(last_epoch) +
                          " of " + std::to_string(total_epochs) + " are no range",
                      "use 0 <= first_epoch <= last_epoch <= total_epochs");
    }
    if (n < 2 || weights.nnz() == 0 || first_epoch == last_epoch) return;

    const UmapCurve curve = fit_umap_curve(options.spread, options.min_dist);
    detail::UmapState state;
    state.y = &coordinates;
    state.n = n;
    state.a = static_cast<float>(curve.a);
    state.b = static_cast<float>(curve.b);
    state.repulsion = static_cast<float>(options.repulsion_strength);
    state.negative_rate = options.negative_sample_rate;
    state.seed = options.seed;
    state.learning_rate = options.learning_rate;
    state.total_epochs = total_epochs;

    float largest = 0;
    for (const float w : weights.values) largest = std::max(largest, w);
    state.begin.assign(static_cast<std::size_t>(n) + 1, 0);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto ids = weights.row_indices(i);
        const auto values = weights.row_values(i);
        for (std::size_t e = 0; e < ids.size(); ++e) {
            const float w = values[e];
            if (!(w > 0) || ids[e] == i ||
                static_cast<double>(largest) > static_cast<double>(w) * total_epochs)
                continue;
            const float period = largest / w;
            state.target.push_back(ids[e]);
            state.period.push_back(period);
            const int done = std::max(0, first_epoch - 1);
            const std::int32_t fired = detail::umap_firings(period, done);
            state.next_epoch.push_back(detail::umap_firing_epoch(period, fired + 1));
            state.negatives_done.push_back(
                fired == 0 ? 0
                           : detail::umap_negatives_due(period, state.negative_rate,
                                                        detail::umap_firing_epoch(period, fired)));
        }
        state.begin[static_cast<std::size_t>(i) + 1] = static_cast<std::int64_t>(state.target.size());
    }
    // Items without edges stand still and are not drawn.
    state.groups.resize(detail::kUmapGroups);
    for (std::int64_t i = 0; i < n; ++i) {
        if (state.begin[static_cast<std::size_t>(i)] == state.begin[static_cast<std::size_t>(i) + 1])
            continue;
        state.active.push_back(static_cast<Index>(i));
        state.groups[mix64(static_cast<std::uint64_t>(i)) % detail::kUmapGroups].push_back(
            static_cast<Index>(i));
    }
    state.moved.resize(detail::kUmapGroups);

    const detail::UmapMove move = dims == 2   ? detail::umap_mover<2>()
                                  : dims == 3 ? detail::umap_mover<3>()
                                              : detail::umap_mover<0>();
    std::vector<detail::LayoutPhase> phases;
    for (int g = 0; g < detail::kUmapGroups; ++g) {
        const auto size = static_cast<std::int64_t>(state.groups[static_cast<std::size_t>(g)].size());
        state.moved[static_cast<std::size_t>(g)].resize(static_cast<std::size_t>(size * dims));
        phases.push_back({(size + detail::kUmapBlock - 1) / detail::kUmapBlock,
                          [&state, move, g, size, first_epoch](std::int64_t iteration, std::int64_t block) {
                              move(state, first_epoch + static_cast<int>(iteration), g,
                                   block * detail::kUmapBlock,
                                   std::min(size, (block + 1) * detail::kUmapBlock));
                          }});
        phases.push_back({size > 0 ? 1 : 0, [&state, g, dims](std::int64_t, std::int64_t) {
                              const auto& items = state.groups[static_cast<std::size_t>(g)];
                              const float* from = state.moved[static_cast<std::size_t>(g)].data();
                              float* y = state.y->data();
                              for (const Index item : items) {
                                  for (int d = 0; d < dims; ++d)
                                      y[static_cast<std::int64_t>(item) * dims + d] = *from++;
                              }
                          }});
    }
    detail::run_layout_phases(last_epoch - first_epoch, phases, options.num_threads, progress, "umap");
}

FILMATLAS_INLINE Layout umap(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options,
                             const Progress& progress) {
    validate(options);
    const auto started = std::chrono::steady_clock::now();
    const std::vector<char> valid = detail::layout_valid_rows(X, graph, "umap");
    Layout layout;
    layout.method = "umap";
    layout.init = std::string(to_string(options.init));
    const std::int64_t n = X.rows;
    if (options.init == LayoutInit::Given) {
        detail::check_given_start(options.given, n, options.n_components, valid, "umap");
    }
    if (n == 0) {
        layout.coordinates = Matrix<float>(0, options.n_components);
        return layout;
    }

    FuzzyGraphOptions fuzzy;
    fuzzy.n_neighbors = options.n_neighbors;
    fuzzy.local_connectivity = options.local_connectivity;
    fuzzy.set_op_mix_ratio = options.set_op_mix_ratio;
    fuzzy.num_threads = options.num_threads;
    const CsrMatrix<float> weights = fuzzy_graph(graph, fuzzy);
    if (graph.k() < options.n_neighbors - 1) {
        layout.run.warnings.push_back("umap: the graph has " + std::to_string(graph.k()) +
                                      " neighbours per item: n_neighbors = " + std::to_string(graph.k() + 1) +
                                      " instead of " + std::to_string(options.n_neighbors));
    }

    StartOptions start;
    start.n_components = options.n_components;
    start.seed = options.seed;
    start.num_threads = options.num_threads;
    if (options.init == LayoutInit::Given) {
        layout.coordinates = options.given;
        for (std::int64_t i = 0; i < n; ++i) {
            if (valid[static_cast<std::size_t>(i)]) continue;
            for (float& value : layout.coordinates.row(i)) value = 0;
        }
    } else {
        Matrix<float> masked;
        const MatrixView<const float> vectors = detail::layout_start_vectors(X, valid, masked);
        StartResult result = options.init == LayoutInit::Spectral ? spectral_start(vectors, weights, start)
                                                                  : pca_start(vectors, start);
        layout.coordinates = std::move(result.coordinates);
        for (std::string& warning : result.run.warnings) layout.run.warnings.push_back(std::move(warning));
    }
    const int epochs = options.n_epochs.value_or(default_umap_epochs(n));
    umap_optimize(weights, layout.coordinates, 0, epochs, epochs, options, progress);
    detail::layout_center(layout.coordinates, valid);
    if (options.init != LayoutInit::Given) detail::layout_fix_signs(layout.coordinates, valid);
    detail::layout_mark_invalid(layout.coordinates, valid);
    layout.run.iterations = epochs;
    layout.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return layout;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP
