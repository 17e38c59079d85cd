// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_RUN_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_RUN_IMPL_HPP

#include <memory>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/run_state.hpp"
#include "filmatlas/layout/detail/umap_engine.hpp"
#include "filmatlas/layout/detail/umap_stage.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/local_radii.hpp"
#include "filmatlas/layout/pull.hpp"
#include "filmatlas/layout/umap.hpp"

namespace filmatlas {
namespace detail {

struct UmapRunState final : LayoutRunState {
    UmapStage umap;

    void finish(Layout& map) const override {
        umap.finish(map.coordinates, valid);
        layout_mark_invalid(map.coordinates, valid);
    }
};

/// The weights of the items' pairs, pulled as the options ask for.
inline CsrMatrix<float> umap_weights(const KnnGraph& graph, const UmapOptions& options) {
    FuzzyGraphOptions fuzzy;
    fuzzy.n_neighbors = options.n_neighbors;
    fuzzy.local_connectivity = options.local_connectivity;
    fuzzy.set_op_mix_ratio = options.set_op_mix_ratio;
    fuzzy.disconnection_distance = options.disconnection_distance;
    fuzzy.num_threads = options.num_threads;
    CsrMatrix<float> weights = fuzzy_graph(graph, fuzzy);
    if (!options.labels.empty()) weights = pull_to_classes(weights, options.labels, options.target_weight);
    if (options.levels.rows() > 0) weights = pull_to_hierarchy(weights, options.levels, options.hierarchy_pull);
    return weights;
}

inline std::unique_ptr<LayoutRunState> umap_run_state(MatrixView<const float> X, const KnnGraph& graph,
                                                      const UmapOptions& options, const Progress& progress) {
    validate(options);
    auto state = std::make_unique<UmapRunState>();
    UmapRunState& s = *state;
    const LayoutClock clock(s.layout.run.seconds);
    s.valid = layout_valid_rows(X, graph, "umap");
    const std::int64_t n = X.rows;
    if (!layout_open(n, s.valid, options, "umap", "umap", s.layout)) return state;
    if (!options.mobility.empty() && static_cast<std::int64_t>(options.mobility.size()) != n) {
        throw_shape("umap", "`mobility` has " + std::to_string(options.mobility.size()) + " values for " +
                                std::to_string(n) + " items");
    }
    s.umap.weights = umap_weights(graph, options);
    if (graph.k() < options.n_neighbors - 1) {
        s.layout.run.warnings.push_back("umap: the graph has " + std::to_string(graph.k()) +
                                        " neighbours per item: n_neighbors = " + std::to_string(graph.k() + 1) +
                                        " instead of " + std::to_string(options.n_neighbors));
    }
    s.layout.coordinates = layout_begin(
        X, graph.metric, s.valid, options, [&]() -> const CsrMatrix<float>& { return s.umap.weights; },
        progress, s.layout.run);
    s.umap.options = options;
    // What the start was made of is of no use any more.
    s.umap.options.given = {};
    s.umap.options.levels = {};
    s.umap.options.labels = {};
    // Densities come late, and take rounds that the neighbours have had before them.
    const int epochs = options.n_epochs.value_or(default_umap_epochs(n) + (options.densmap ? 200 : 0));
    if (options.densmap && epochs > 0) {
        s.umap.options.log_radii = log_local_radii(s.umap.weights, graph, UmapFiring(s.umap.weights, epochs).least());
    }
    s.umap.add_to(s.stages, epochs, s.layout.coordinates);
    return state;
}

}  // namespace detail

FILMATLAS_INLINE UmapRun::UmapRun(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options,
                                  const Progress& progress)
    : LayoutRun(detail::umap_run_state(X, graph, options, progress)) {}

FILMATLAS_INLINE Layout umap(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options,
                             const Progress& progress) {
    return detail::layout_in_one_run<UmapRun>(X, graph, options, progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_RUN_IMPL_HPP
