// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_PACMAP_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_PACMAP_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/graph_rows.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/pacmap.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t kPacmapBlock = 512;

/// Partners of every item, whichever end of the pair it is.
struct PacmapPairs {
    std::vector<std::int64_t> begin;
    std::vector<Index> other;
};

/// Both directions of directed pairs (`per_item` slots per item, -1 = none), each item's in a fixed order.
inline PacmapPairs pacmap_both_ways(const std::vector<Index>& partner, std::int64_t n, std::int64_t per_item) {
    PacmapPairs pairs;
    pairs.begin.assign(static_cast<std::size_t>(n) + 1, 0);
    const auto each = [&](auto&& take) {
        for (std::int64_t i = 0; i < n; ++i) {
            for (std::int64_t s = 0; s < per_item; ++s) {
                const Index j = partner[static_cast<std::size_t>(i * per_item + s)];
                if (j < 0) continue;
                take(static_cast<Index>(i), j);
                take(j, static_cast<Index>(i));
            }
        }
    };
    each([&](Index a, Index) { ++pairs.begin[static_cast<std::size_t>(a) + 1]; });
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) pairs.begin[i + 1] += pairs.begin[i];
    pairs.other.resize(static_cast<std::size_t>(pairs.begin.back()));
    std::vector<std::int64_t> next(pairs.begin.begin(), pairs.begin.end() - 1);
    each([&](Index a, Index b) { pairs.other[static_cast<std::size_t>(next[static_cast<std::size_t>(a)]++)] = b; });
    return pairs;
}

/// What orders partners in the full space: squared distance, or minus the product (of unit vectors for cosine).
inline double pacmap_farness(MatrixView<const float> X, Metric metric, std::int64_t i, std::int64_t j) {
    const auto a = X.row(i);
    const auto b = X.row(j);
    double sums[4] = {0, 0, 0, 0};
    double norm_a = 0;
    double norm_b = 0;
    const bool product = metric == Metric::Cosine || metric == Metric::InnerProduct;
    for (std::size_t d = 0; d < a.size(); ++d) {
        const auto x = static_cast<double>(a[d]);
        const auto y = static_cast<double>(b[d]);
        sums[d % 4] += product ? x * y : (metric == Metric::Manhattan ? std::abs(x - y) : (x - y) * (x - y));
        if (metric == Metric::Cosine) {
            norm_a += x * x;
            norm_b += y * y;
        }
    }
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    if (metric == Metric::Cosine) return norm_a > 0 && norm_b > 0 ? -sum / std::sqrt(norm_a * norm_b) : 0.0;
    return product ? -sum : sum;
}

/// Near pairs: of the graph's neighbours those with the least d^2 / (scale_i scale_j), where a scale is the mean
/// distance of the fourth to sixth neighbour.
inline std::vector<Index> pacmap_near(const KnnGraph& graph, std::int64_t per_item, int num_threads) {
    const std::int64_t n = graph.size();
    const double too_far = disconnection_distance(graph.metric);
    std::vector<double> scale(static_cast<std::size_t>(n), 0);
    std::vector<double> row;
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t count = fuzzy_row(graph, i, std::min<std::int64_t>(graph.k(), 6), row, too_far);
        double sum = 0;
        double used = 0;
        for (std::int64_t s = std::min<std::int64_t>(3, count > 0 ? count - 1 : 0); s < count; ++s, ++used)
            sum += row[static_cast<std::size_t>(s)];
        scale[static_cast<std::size_t>(i)] = used > 0 ? std::max(sum / used, 1e-10) : 1.0;
    }
    std::vector<Index> near(static_cast<std::size_t>(n * per_item), -1);
    parallel_for(n, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> d;
        std::vector<std::pair<double, Index>> order;
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t count =
                fuzzy_row(graph, i, std::min<std::int64_t>(graph.k(), per_item + 50), d, too_far);
            order.clear();
            for (std::int64_t s = 0; s < count; ++s) {
                const Index j = graph.indices(i, s);
                const double own = d[static_cast<std::size_t>(s)];
                order.emplace_back(own * own / scale[static_cast<std::size_t>(j)], j);
            }
            const auto taken = std::min<std::size_t>(order.size(), static_cast<std::size_t>(per_item));
            std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(taken), order.end());
            for (std::size_t s = 0; s < taken; ++s)
                near[static_cast<std::size_t>(i * per_item) + s] = order[s].second;
        }
    });
    return near;
}

/// Mid-near pairs: each the second nearest in the full space of six drawn items.
inline std::vector<Index> pacmap_mid_near(MatrixView<const float> X, Metric metric, const std::vector<Index>& items,
                                          std::int64_t per_item, std::uint64_t seed, int num_threads,
                                          const Progress& progress) {
    std::vector<Index> mid(static_cast<std::size_t>(X.rows * per_item), -1);
    if (items.size() < 3) return mid;
    const auto draw_pairs = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p) {
            const Index i = items[static_cast<std::size_t>(p)];
            RandomStream draws(seed, "pacmap.mid", static_cast<std::uint64_t>(i));
            for (std::int64_t s = 0; s < per_item; ++s) {
                std::pair<double, Index> best[2] = {{std::numeric_limits<double>::infinity(), -1},
                                                    {std::numeric_limits<double>::infinity(), -1}};
                for (int draw = 0; draw < 6; ++draw) {
                    const Index j = items[draws.below(items.size())];
                    if (j == i || j == best[0].second || j == best[1].second) continue;
                    const std::pair<double, Index> found{pacmap_farness(X, metric, i, j), j};
                    if (found < best[0]) {
                        best[1] = best[0];
                        best[0] = found;
                    } else if (found < best[1]) {
                        best[1] = found;
                    }
                }
                mid[static_cast<std::size_t>(i * per_item + s)] = best[1].second >= 0 ? best[1].second : best[0].second;
            }
        }
    };
    parallel_for(static_cast<std::int64_t>(items.size()), 256, num_threads, draw_pairs, progress, "pacmap (pairs)");
    return mid;
}

/// Further pairs: drawn items that are not among the near ones.
inline std::vector<Index> pacmap_further(const std::vector<Index>& near, std::int64_t near_per_item,
                                         const std::vector<Index>& items, std::int64_t n, std::int64_t per_item,
                                         std::uint64_t seed) {
    std::vector<Index> further(static_cast<std::size_t>(n * per_item), -1);
    for (const Index i : items) {
        RandomStream draws(seed, "pacmap.further", static_cast<std::uint64_t>(i));
        const auto first = near.begin() + std::int64_t{i} * near_per_item;
        for (std::int64_t s = 0; s < per_item; ++s) {
            const Index j = items[draws.below(items.size())];
            if (j == i || std::find(first, first + near_per_item, j) != first + near_per_item) continue;
            further[static_cast<std::size_t>(std::int64_t{i} * per_item + s)] = j;
        }
    }
    return further;
}

/// Adds weight * scale / (offset + 1 + r^2)^2 (y_i - y_j) over an item's partners; eight side by side.
template <int D>
FILMATLAS_ALWAYS_INLINE void pacmap_pull(const float* y, std::int64_t i, const PacmapPairs& pairs, float scale,
                                         float offset, float* force) noexcept {
    constexpr std::int64_t kLanes = 8;
    using F = LayoutVec<kLanes>::F;
    const std::int64_t end = pairs.begin[static_cast<std::size_t>(i) + 1];
    F sums[D] = {};
    for (std::int64_t e = pairs.begin[static_cast<std::size_t>(i)]; e < end; e += kLanes) {
        alignas(32) float other[D][kLanes];
        for (std::int64_t l = 0; l < kLanes; ++l) {
            const std::int64_t j = e + l < end ? std::int64_t{pairs.other[static_cast<std::size_t>(e + l)]} : i;
            for (int d = 0; d < D; ++d) other[d][l] = y[j * D + d];
        }
        F delta[D];
        F distance = F{} + (1.0F + offset);
        for (int d = 0; d < D; ++d) {
            F there;
            std::memcpy(&there, other[d], sizeof there);
            delta[d] = y[i * D + d] - there;
            distance += delta[d] * delta[d];
        }
        const F w = scale / (distance * distance);
        for (int d = 0; d < D; ++d) sums[d] += w * delta[d];
    }
    for (int d = 0; d < D; ++d) {
        for (std::int64_t l = 0; l < kLanes; ++l) force[d] += sums[d][l];
    }
}

struct PacmapStep {
    const PacmapPairs* near;
    const PacmapPairs* mid;
    const PacmapPairs* further;
    const Index* items;
    const float* y;
    float* out;
    float* first;   ///< moments of Adam
    float* second;
    float near_weight;
    float mid_weight;
    float rate;  ///< bias corrections included
};

template <int D>
FILMATLAS_ALWAYS_INLINE void pacmap_move_items(const PacmapStep& s, std::int64_t begin, std::int64_t end) noexcept {
    for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t i = s.items[p];
        float force[D] = {};
        // Derivatives of w d / (10 + d), w d / (10000 + d) and 1 / (1 + d) with d = 1 + r^2.
        pacmap_pull<D>(s.y, i, *s.near, 20.0F * s.near_weight, 10.0F, force);
        if (s.mid_weight > 0) pacmap_pull<D>(s.y, i, *s.mid, 20000.0F * s.mid_weight, 10000.0F, force);
        pacmap_pull<D>(s.y, i, *s.further, -2.0F, 1.0F, force);
        for (int d = 0; d < D; ++d) {
            const std::int64_t k = i * D + d;
            s.first[k] += 0.1F * (force[d] - s.first[k]);
            s.second[k] += 0.001F * (force[d] * force[d] - s.second[k]);
            s.out[k] = s.y[k] - s.rate * s.first[k] / (std::sqrt(s.second[k]) + 1e-7F);
        }
    }
}

using PacmapMove = void (*)(const PacmapStep&, std::int64_t, std::int64_t) noexcept;
template <int D>
inline void pacmap_move_baseline(const PacmapStep& s, std::int64_t begin, std::int64_t end) noexcept {
    pacmap_move_items<D>(s, begin, end);
}
template <int D>
FILMATLAS_TARGET_AVX2 inline void pacmap_move_avx2(const PacmapStep& s, std::int64_t begin, std::int64_t end) noexcept {
    pacmap_move_items<D>(s, begin, end);
}
template <int D>
PacmapMove pacmap_mover() {
    return simd_version(&pacmap_move_baseline<D>, &pacmap_move_avx2<D>, &pacmap_move_avx2<D>);
}

}  // namespace detail

FILMATLAS_INLINE int default_pacmap_neighbors(std::int64_t n) noexcept {
    if (n <= 10000) return 10;
    const double log10 = detail::layout_log(static_cast<double>(n)) / 2.3025850929940457;
    return static_cast<int>(10 + 15 * (log10 - 4) + 0.5);
}

FILMATLAS_INLINE void validate(const PacmapOptions& options) {
    const auto bad = [](std::string_view field, const std::string& value, const char* remedy) {
        throw_invalid("pacmap", field, "is " + value, remedy);
    };
    if (options.n_neighbors && *options.n_neighbors < 1) {
        bad("n_neighbors", std::to_string(*options.n_neighbors), "use at least 1");
    }
    if (!(options.mid_near_ratio >= 0 && options.mid_near_ratio <= 100)) {
        bad("mid_near_ratio", to_text(options.mid_near_ratio), "use 0 to 100");
    }
    if (!(options.further_ratio >= 0 && options.further_ratio <= 100)) {
        bad("further_ratio", to_text(options.further_ratio), "use 0 to 100");
    }
    if (options.n_components != 2 && options.n_components != 3) {
        bad("n_components", std::to_string(options.n_components), "use 2 or 3");
    }
    for (const int rounds : options.n_iter) {
        if (rounds < 0) bad("n_iter", std::to_string(rounds), "use 0 or more");
    }
    if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
        bad("learning_rate", to_text(options.learning_rate), "use a positive number");
    }
    if (options.num_threads < 0) bad("num_threads", std::to_string(options.num_threads), "use 0 or more");
}

FILMATLAS_INLINE Layout pacmap(MatrixView<const float> X, const KnnGraph& graph, const PacmapOptions& options,
                               const Progress& progress) {
    validate(options);
    const auto started = std::chrono::steady_clock::now();
    const std::vector<char> valid = detail::layout_valid_rows(X, graph, "pacmap");
    detail::check_layout_graph(graph, "pacmap");
    const std::int64_t n = X.rows;
    Layout layout;
    const bool given = options.init == LayoutInit::Given;
    if (!detail::layout_open(n, valid, options, "pacmap", "pacmap", layout)) return layout;
    std::vector<Index> items;
    for (std::int64_t i = 0; i < n; ++i) {
        if (valid[static_cast<std::size_t>(i)]) items.push_back(static_cast<Index>(i));
    }
    layout.coordinates =
        detail::layout_begin(X, graph.metric, valid, options, [&] { return fuzzy_graph(graph); }, progress, layout.run);
    if (!given) {
        for (float& value : layout.coordinates.values()) value *= 0.01F;
    }

    const int wanted = options.n_neighbors.value_or(default_pacmap_neighbors(n));
    const std::int64_t near_count = std::min<std::int64_t>(wanted, graph.k());
    const auto per_item = [wanted](double ratio) { return static_cast<std::int64_t>(wanted * ratio + 0.5); };
    const std::vector<Index> near_ids = detail::pacmap_near(graph, near_count, options.num_threads);
    const detail::PacmapPairs near = detail::pacmap_both_ways(near_ids, n, near_count);
    const std::int64_t mid_count = per_item(options.mid_near_ratio);
    const detail::PacmapPairs mid = detail::pacmap_both_ways(
        detail::pacmap_mid_near(X, graph.metric, items, mid_count, options.seed, options.num_threads, progress), n,
        mid_count);
    const std::int64_t further_count = per_item(options.further_ratio);
    const detail::PacmapPairs further = detail::pacmap_both_ways(
        detail::pacmap_further(near_ids, near_count, items, n, further_count, options.seed), n, further_count);

    std::vector<float> now(layout.coordinates.values());
    std::vector<float> then(now);
    std::vector<float> first(now.size(), 0);
    std::vector<float> second(now.size(), 0);
    const int total = options.n_iter[0] + options.n_iter[1] + options.n_iter[2];
    const auto count = static_cast<std::int64_t>(items.size());
    std::vector<float> rates;
    double beta1 = 1;
    double beta2 = 1;
    for (int t = 0; t < total; ++t) {
        beta1 *= 0.9;
        beta2 *= 0.999;
        rates.push_back(static_cast<float>(options.learning_rate * std::sqrt(1 - beta2) / (1 - beta1)));
    }
    const detail::PacmapMove move =
        options.n_components == 2 ? detail::pacmap_mover<2>() : detail::pacmap_mover<3>();
    const std::vector<detail::LayoutPhase> phases = {
        {(count + detail::kPacmapBlock - 1) / detail::kPacmapBlock, [&](std::int64_t round, std::int64_t block) {
             detail::PacmapStep step{&near,
                                     &mid,
                                     &further,
                                     items.data(),
                                     round % 2 == 0 ? now.data() : then.data(),
                                     round % 2 == 0 ? then.data() : now.data(),
                                     first.data(),
                                     second.data(),
                                     1,
                                     0,
                                     rates[static_cast<std::size_t>(round)]};
             if (round < options.n_iter[0]) {
                 const float part = static_cast<float>(round) / static_cast<float>(options.n_iter[0]);
                 step.near_weight = 2;
                 step.mid_weight = 1000.0F + part * (3.0F - 1000.0F);
             } else if (round < options.n_iter[0] + options.n_iter[1]) {
                 step.near_weight = 3;
                 step.mid_weight = 3;
             }
             move(step, block * detail::kPacmapBlock, std::min(count, (block + 1) * detail::kPacmapBlock));
         }}};
    detail::run_layout_phases(total, phases, options.num_threads, progress, "pacmap");
    layout.coordinates.values() = total % 2 == 0 ? now : then;

    detail::layout_center(layout.coordinates, valid);
    if (!given) detail::layout_fix_signs(layout.coordinates, valid);
    detail::layout_mark_invalid(layout.coordinates, valid);
    layout.run.iterations = total;
    layout.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return layout;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_PACMAP_IMPL_HPP
