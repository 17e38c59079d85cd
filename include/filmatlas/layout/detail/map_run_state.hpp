// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/map.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_MAP_RUN_STATE_HPP
#define FILMATLAS_LAYOUT_DETAIL_MAP_RUN_STATE_HPP

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/map_frame.hpp"
#include "filmatlas/layout/detail/map_territories.hpp"
#include "filmatlas/layout/detail/run_state.hpp"
#include "filmatlas/layout/detail/tsne_optimize.hpp"
#include "filmatlas/layout/detail/umap_stage.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/hierarchy_start.hpp"
#include "filmatlas/layout/pull.hpp"
#include "filmatlas/layout/tsne.hpp"

/// @file map_run_state.hpp
/// @brief The atlas's map: its start, and the stages of its rounds.

namespace filmatlas::detail {

inline constexpr int kMapGatherRounds = 60;
inline constexpr double kMapGather = 1.5;
/// Pull of the levels under territories. Films (kept of 15 / trust / rank correlation): 0 .219 / .925 / .262; 1 .233 /
/// .928 / .258; 2 .242 / .932 / .245; 4 .252 / .936 / .227; without territories .240 / .897 / .394.
inline constexpr double kMapTerritoryPull = 2;
/// Half extent, per square root of the item count, at which t-SNE starts: not far below the size that it will
/// reach, so that the regions of the start stay where they are. Measured on newsgroups (kept of 15 / rank correlation):
/// 0.15 .381 / .393; 0.25 .370 / .409; 0.35 .359 / .423; 0.5 .344 / .443.
inline constexpr double kMapSpreadPerRoot = 0.35;

struct MapRunState final : LayoutRunState {
    MapOptions options;
    UmapStage umap;  ///< where rounds of it are asked for
    CsrMatrix<float> affinities;
    Hierarchy tree;      ///< of the territories
    TerritoryHome home;
    int tsne_rounds = 0;
    bool spread_out = false;

    bool given() const { return options.init == LayoutInit::Given; }

    /// From the start to where t-SNE begins: groups apart where asked for, not far below the final size.
    void spread(Matrix<float>& y) const {
        if (options.umap_epochs > 0) {
            umap.finish(y, valid);
            for (std::int64_t i = 0; i < y.rows(); ++i) {
                if (!valid[static_cast<std::size_t>(i)]) std::ranges::fill(y.row(i), 0.0F);
            }
        }
        const bool nested = options.nested_start.value_or(options.territories && !given());
        if (nested) {
            StartOptions start;
            start.seed = options.seed;
            const Matrix<float> apart = hierarchy_start(map_known(y, valid), options.levels, start).coordinates;
            std::ranges::copy(apart.values(), y.values().begin());
        }
        if (tsne_rounds == 0 || (given() && !nested)) return;
        map_fit_box(y, valid);
        const auto count = static_cast<double>(std::max<std::int64_t>(1, layout_count(valid)));
        const double extent = kMapSpreadPerRoot * (y.cols() == 2 ? std::sqrt(count) : std::cbrt(count));
        const auto scale = static_cast<float>(extent / static_cast<double>(kMapHalfExtent));
        for (float& value : y.values()) value *= scale;
    }

    /// @param left  rounds to come when strays are brought home before these; 0 = they are not.
    void add_stage(TsneRounds rounds, int left) {
        const auto count = static_cast<double>(std::max<std::int64_t>(1, layout_count(valid)));
        rounds.learning_rate = std::max(count / rounds.exaggeration, 50.0);
        rounds.num_threads = options.num_threads;
        stages.add(rounds.count, [this, rounds, left] {
            if (!spread_out) spread(layout.coordinates);
            spread_out = true;
            if (left > 0) map_bring_home(home, options.ground, valid, left, layout.coordinates);
            return tsne_engine(affinities, layout.coordinates, rounds);
        });
    }

    void add_stages(int gather, int settle) {
        tsne_rounds = gather + settle;
        if (options.umap_epochs > 0) {
            umap.add_to(stages, options.umap_epochs, layout.coordinates);
        } else {
            spread(layout.coordinates);
            spread_out = true;
        }
        TsneRounds rounds;
        rounds.stage = "map (gather)";
        rounds.count = gather;
        rounds.exaggeration = kMapGather * options.exaggeration;
        add_stage(rounds, 0);
        rounds.stage = "map";
        rounds.count = settle;
        rounds.exaggeration = options.exaggeration;
        if (options.territories) {
            map_add_settling(rounds, [this](const TsneRounds& part, int left) { add_stage(part, left); });
        } else {
            add_stage(rounds, 0);
        }
    }

    void finish(Layout& map) const override {
        Matrix<float>& y = map.coordinates;
        if (!spread_out) spread(y);
        map_orient(y, valid);
        map_fit_box(y, valid);
        if (options.territories) {
            const std::int64_t strays =
                map_settle(home, options.ground, valid, y, [&](Matrix<float>& moved) { map_fit_box(moved, valid); });
            if (strays > 0) {
                map.run.warnings.push_back("atlas_map: " + std::to_string(strays) +
                                           " items stand outside their own territories");
            }
        }
        layout_mark_invalid(y, valid);
    }
};

/// t-SNE's similarities, pulled along the levels where asked for.
inline CsrMatrix<float> map_affinities(const KnnGraph& graph, const MapOptions& options) {
    CsrMatrix<float> affinities = tsne_affinities(graph, options.perplexity, options.num_threads);
    const double pull = options.hierarchy_pull.value_or(options.territories ? kMapTerritoryPull : 0.0);
    if (options.levels.rows() == 0 || pull == 0) return affinities;
    affinities = pull_to_hierarchy(affinities, options.levels, pull);
    double total = 0;
    for (const float w : affinities.values) total += static_cast<double>(w);
    for (float& w : affinities.values) w = static_cast<float>(static_cast<double>(w) / total);
    return affinities;
}

inline std::unique_ptr<LayoutRunState> map_run_state(MatrixView<const float> X, const KnnGraph& graph,
                                                     const MapOptions& options, const Progress& progress) {
    validate(options);
    auto state = std::make_unique<MapRunState>();
    MapRunState& s = *state;
    const LayoutClock clock(s.layout.run.seconds);
    s.valid = layout_valid_rows(X, graph, "atlas_map");
    const std::int64_t n = X.rows;
    if (options.levels.cols() > 0 && options.levels.rows() != n) {
        throw_shape("atlas_map", "`levels` has " + std::to_string(options.levels.rows()) + " rows for " +
                                     std::to_string(n) + " items");
    }
    if (!layout_open(n, s.valid, options, "atlas", "atlas_map", s.layout)) return state;

    UmapOptions& whole = s.umap.options;
    whole.n_neighbors = static_cast<int>(std::clamp<std::int64_t>(graph.k() + 1, 2, 16));
    whole.n_components = options.n_components;
    whole.init = options.init;
    whole.seed = options.seed;
    whole.num_threads = options.num_threads;
    CsrMatrix<float>& weights = s.umap.weights;
    const auto graph_weights = [&]() -> const CsrMatrix<float>& {
        if (weights.rows == 0)
            weights = fuzzy_graph(graph, {.n_neighbors = whole.n_neighbors, .num_threads = options.num_threads});
        return weights;
    };
    if (options.umap_epochs > 0) graph_weights();
    s.layout.coordinates =
        layout_begin(X, graph.metric, s.valid, options, graph_weights, progress, s.layout.run);
    if (options.umap_epochs == 0) weights = {};
    s.options = options;
    s.options.given = {};
    if (options.territories) {
        s.tree = map_tree(options.levels);
        s.home = map_home(X, graph.metric, s.tree, options.seed, options.num_threads);
    }
    s.affinities = map_affinities(graph, options);
    s.add_stages(options.gather_iter.value_or(s.given() ? 0 : kMapGatherRounds),
                 options.n_iter.value_or(default_map_rounds(n)));
    return state;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_MAP_RUN_STATE_HPP
