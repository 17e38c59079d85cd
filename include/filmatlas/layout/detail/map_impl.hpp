// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_MAP_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_MAP_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/map_territories.hpp"
#include "filmatlas/layout/detail/tsne_optimize.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/hierarchy_start.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/pull.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/umap.hpp"

namespace filmatlas {
namespace detail {

inline constexpr int kMapGatherRounds = 60;
inline constexpr double kMapGather = 1.5;
/// Pull of the levels under territories. Films (kept of 15 / trust / rank correlation): 0 .219 / .925 / .262; 1 .233 /
/// .928 / .258; 2 .242 / .932 / .245; 4 .252 / .936 / .227; without territories .240 / .897 / .394.
inline constexpr double kMapTerritoryPull = 2;
/// Half extent, per square root of the item count, at which t-SNE starts: not far below the size that it will
/// reach, so that the regions of the start stay where they are. Measured on newsgroups (kept of 15 / rank correlation):
/// 0.15 .381 / .393; 0.25 .370 / .409; 0.35 .359 / .423; 0.5 .344 / .443.
inline constexpr double kMapSpreadPerRoot = 0.35;

/// Moves the middle of the box to the origin and scales the longest half-side to kMapHalfExtent.
inline void map_fit_box(Matrix<float>& y, const std::vector<char>& valid) {
    float extent = 0;
    for (std::int64_t d = 0; d < y.cols(); ++d) {
        const auto [low, high] = layout_span(y, valid, d);
        if (!(low <= high)) return;
        const float middle = low + (high - low) / 2;
        for (std::int64_t i = 0; i < y.rows(); ++i) y(i, d) -= middle;
        extent = std::max(extent, (high - low) / 2);
    }
    const float scale = extent > 0 ? kMapHalfExtent / extent : 0.0F;
    for (float& value : y.values()) value = std::clamp(value * scale, -kMapHalfExtent, kMapHalfExtent);
}

/// Rotates to principal axes, largest variance first, and reflects so that no axis has a negative third
/// moment.
inline void map_orient(Matrix<float>& y, const std::vector<char>& valid) {
    const std::int64_t c = y.cols();
    layout_center(y, valid);
    // Cyclic Jacobi on the c x c scatter matrix.
    std::vector<double> a(static_cast<std::size_t>(c * c), 0);
    std::vector<double> v(static_cast<std::size_t>(c * c), 0);
    const auto at = [c](std::int64_t r, std::int64_t s) { return static_cast<std::size_t>(r * c + s); };
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (!valid[static_cast<std::size_t>(i)]) continue;
        for (std::int64_t r = 0; r < c; ++r) {
            for (std::int64_t s = 0; s < c; ++s) {
                a[at(r, s)] += static_cast<double>(y(i, r)) * static_cast<double>(y(i, s));
            }
        }
    }
    for (std::int64_t r = 0; r < c; ++r) v[at(r, r)] = 1;
    for (int sweep = 0; sweep < 30; ++sweep) {
        for (std::int64_t p = 0; p < c; ++p) {
            for (std::int64_t q = p + 1; q < c; ++q) {
                const double off = a[at(p, q)];
                if (std::abs(off) <= 1e-300) continue;
                const double theta = (a[at(q, q)] - a[at(p, p)]) / (2 * off);
                const double t = (theta >= 0 ? 1.0 : -1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const double cosine = 1 / std::sqrt(t * t + 1);
                const double sine = t * cosine;
                for (std::int64_t k = 0; k < c; ++k) {
                    const double x = a[at(k, p)];
                    const double z = a[at(k, q)];
                    a[at(k, p)] = cosine * x - sine * z;
                    a[at(k, q)] = sine * x + cosine * z;
                }
                for (std::int64_t k = 0; k < c; ++k) {
                    const double x = a[at(p, k)];
                    const double z = a[at(q, k)];
                    a[at(p, k)] = cosine * x - sine * z;
                    a[at(q, k)] = sine * x + cosine * z;
                    const double e = v[at(k, p)];
                    const double f = v[at(k, q)];
                    v[at(k, p)] = cosine * e - sine * f;
                    v[at(k, q)] = sine * e + cosine * f;
                }
            }
        }
    }
    std::vector<std::int64_t> axes(static_cast<std::size_t>(c));
    for (std::int64_t d = 0; d < c; ++d) axes[static_cast<std::size_t>(d)] = d;
    std::stable_sort(axes.begin(), axes.end(),
                     [&](std::int64_t r, std::int64_t s) { return a[at(r, r)] > a[at(s, s)]; });
    std::vector<double> row(static_cast<std::size_t>(c));
    std::vector<double> third(static_cast<std::size_t>(c), 0);
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        for (std::int64_t d = 0; d < c; ++d) {
            double sum = 0;
            for (std::int64_t k = 0; k < c; ++k) {
                sum += static_cast<double>(y(i, k)) * v[at(k, axes[static_cast<std::size_t>(d)])];
            }
            row[static_cast<std::size_t>(d)] = sum;
        }
        for (std::int64_t d = 0; d < c; ++d) {
            const double x = row[static_cast<std::size_t>(d)];
            y(i, d) = static_cast<float>(x);
            if (valid[static_cast<std::size_t>(i)]) third[static_cast<std::size_t>(d)] += x * x * x;
        }
    }
    for (std::int64_t d = 0; d < c; ++d) {
        if (third[static_cast<std::size_t>(d)] >= 0) continue;
        for (std::int64_t i = 0; i < y.rows(); ++i) y(i, d) = -y(i, d);
    }
}

}  // namespace detail

FILMATLAS_INLINE void validate(const MapOptions& options) {
    const auto bad = [](std::string_view field, const std::string& value, const char* remedy) {
        throw_invalid("atlas_map", field, "is " + value, remedy);
    };
    if (options.n_components != 2 && options.n_components != 3) {
        bad("n_components", std::to_string(options.n_components), "use 2 or 3");
    }
    if (options.umap_epochs < 0) bad("umap_epochs", std::to_string(options.umap_epochs), "use 0 or more");
    if (options.gather_iter && *options.gather_iter < 0) {
        bad("gather_iter", std::to_string(*options.gather_iter), "use 0 or more");
    }
    if (options.n_iter < 0) bad("n_iter", std::to_string(options.n_iter), "use 0 or more");
    if (!(options.exaggeration > 0) || !std::isfinite(options.exaggeration)) {
        bad("exaggeration", to_text(options.exaggeration), "use a positive number");
    }
    if (!(options.perplexity > 1) || !std::isfinite(options.perplexity)) {
        bad("perplexity", to_text(options.perplexity), "use a number above 1");
    }
    const double pull = options.hierarchy_pull.value_or(0);
    if (!(pull >= 0) || !std::isfinite(pull)) bad("hierarchy_pull", to_text(pull), "use 0 or more");
    if (options.territories && options.n_components != 2) {
        bad("n_components", std::to_string(options.n_components) + " with territories", "use 2");
    }
    if (options.territories && options.levels.cols() == 0) {
        bad("levels", "empty with territories", "give the groups of every item at every level");
    }
    validate(options.ground);
    if (options.num_threads < 0) bad("num_threads", std::to_string(options.num_threads), "use 0 or more");
}

FILMATLAS_INLINE Layout atlas_map(MatrixView<const float> X, const KnnGraph& graph, const MapOptions& options,
                                  const Progress& progress) {
    validate(options);
    const auto started = std::chrono::steady_clock::now();
    const std::vector<char> valid = detail::layout_valid_rows(X, graph, "atlas_map");
    Layout layout;
    const std::int64_t n = X.rows;
    const bool given = options.init == LayoutInit::Given;
    if (options.levels.cols() > 0 && options.levels.rows() != n) {
        throw_shape("atlas_map", "`levels` has " + std::to_string(options.levels.rows()) + " rows for " +
                                     std::to_string(n) + " items");
    }
    if (!detail::layout_open(n, valid, options, "atlas", "atlas_map", layout)) return layout;

    FuzzyGraphOptions near;
    near.n_neighbors = static_cast<int>(std::clamp<std::int64_t>(graph.k() + 1, 2, 16));
    near.num_threads = options.num_threads;
    if (options.umap_epochs == 0) {
        layout.coordinates = detail::layout_begin(
            X, graph.metric, valid, options, [&] { return fuzzy_graph(graph, near); }, layout.run);
    } else {
        UmapOptions whole;
        whole.n_neighbors = near.n_neighbors;
        whole.n_components = options.n_components;
        whole.n_epochs = options.umap_epochs;
        whole.init = options.init;
        whole.given = options.given;
        whole.seed = options.seed;
        whole.num_threads = options.num_threads;
        Layout coarse = umap(X, graph, whole, progress);
        layout.coordinates = std::move(coarse.coordinates);
        layout.run.warnings = std::move(coarse.run.warnings);
        for (std::int64_t i = 0; i < n; ++i) {
            if (!valid[static_cast<std::size_t>(i)]) std::ranges::fill(layout.coordinates.row(i), 0.0F);
        }
    }

    Hierarchy tree;
    detail::TerritoryHome home;
    if (options.territories) {
        tree = detail::map_tree(options.levels);
        home = detail::map_home(X, graph.metric, tree, options.seed, options.num_threads);
    }
    CsrMatrix<float> affinities = tsne_affinities(graph, options.perplexity, options.num_threads);
    const double pull = options.hierarchy_pull.value_or(options.territories ? detail::kMapTerritoryPull : 0.0);
    if (options.levels.rows() > 0 && pull > 0) {
        affinities = pull_to_hierarchy(affinities, options.levels, pull);
        double total = 0;
        for (const float w : affinities.values) total += static_cast<double>(w);
        for (float& w : affinities.values) w = static_cast<float>(static_cast<double>(w) / total);
    }
    const auto count = static_cast<double>(std::max<std::int64_t>(1, detail::layout_count(valid)));
    const int gather = options.gather_iter.value_or(given ? 0 : detail::kMapGatherRounds);
    const bool nested = options.nested_start.value_or(options.territories && !given);
    if (nested) {
        StartOptions start;
        start.seed = options.seed;
        layout.coordinates =
            hierarchy_start(detail::map_known(layout.coordinates, valid), options.levels, start).coordinates;
    }
    if (gather + options.n_iter > 0) {
        if (!given || nested) {
            detail::map_fit_box(layout.coordinates, valid);
            const double extent =
                detail::kMapSpreadPerRoot * (options.n_components == 2 ? std::sqrt(count) : std::cbrt(count));
            const auto scale = static_cast<float>(extent / static_cast<double>(kMapHalfExtent));
            for (float& value : layout.coordinates.values()) value *= scale;
        }
        detail::TsneRun detail_run;
        detail_run.num_threads = options.num_threads;
        detail_run.rounds = gather;
        detail_run.exaggeration = detail::kMapGather * options.exaggeration;
        detail_run.learning_rate = std::max(count / detail_run.exaggeration, 50.0);
        detail::tsne_optimize(affinities, layout.coordinates, detail_run, progress, "map (gather)");
        detail_run.rounds = options.n_iter;
        detail_run.exaggeration = options.exaggeration;
        detail_run.learning_rate = std::max(count / options.exaggeration, 50.0);
        if (options.territories) {
            detail::map_settle_rounds(home, options.ground, affinities, valid, detail_run, layout.coordinates, progress);
        } else {
            detail::tsne_optimize(affinities, layout.coordinates, detail_run, progress, "map");
        }
    }
    detail::map_orient(layout.coordinates, valid);
    detail::map_fit_box(layout.coordinates, valid);
    if (options.territories) {
        const std::int64_t strays = detail::map_settle(home, options.ground, valid, layout.coordinates,
                                                       [&](Matrix<float>& y) { detail::map_fit_box(y, valid); });
        if (strays > 0) {
            layout.run.warnings.push_back("atlas_map: " + std::to_string(strays) +
                                          " items stand outside their own territories");
        }
    }
    detail::layout_mark_invalid(layout.coordinates, valid);
    layout.run.iterations = options.umap_epochs + gather + options.n_iter;
    layout.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return layout;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_MAP_IMPL_HPP
