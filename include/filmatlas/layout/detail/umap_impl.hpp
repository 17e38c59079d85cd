// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/detail/umap_optimize.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/pull.hpp"
#include "filmatlas/layout/umap.hpp"

namespace filmatlas {
namespace detail {

inline void validate_umap_dims(int n_components, std::string_view stage) {
    if (n_components < 1 || n_components > kUmapMaxComponents) {
        throw_invalid(stage, "n_components", "is " + std::to_string(n_components), "use 1 to 16");
    }
}

}  // namespace detail

FILMATLAS_INLINE int default_umap_epochs(std::int64_t n) noexcept {
    return n <= 5000 ? 500 : n <= 50000 ? 300 : 200;
}

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
    for (std::size_t i = 0; i < options.mobility.size(); ++i) {
        if (!(options.mobility[i] >= 0 && options.mobility[i] <= 1)) {
            bad("mobility", to_text(static_cast<double>(options.mobility[i])) + " for item " + std::to_string(i),
                "use values in [0, 1], 0 = pinned");
        }
    }
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
    if (!options.mobility.empty() && static_cast<std::int64_t>(options.mobility.size()) != n) {
        throw_shape("umap", "`mobility` has " + std::to_string(options.mobility.size()) + " values for " +
                                std::to_string(n) + " items");
    }
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

    detail::umap_prepare(state, weights, options.mobility, first_epoch);
    state.moved.resize(state.items.size() * static_cast<std::size_t>(dims));

    state.draw = detail::umap_drawer();
    state.apply = dims == 2   ? detail::umap_applier<2>()
                  : dims == 3 ? detail::umap_applier<3>()
                              : detail::umap_applier<0>();
    const auto move = dims == 2   ? &detail::umap_move_items<2>
                      : dims == 3 ? &detail::umap_move_items<3>
                                  : &detail::umap_move_items<0>;
    std::vector<detail::LayoutPhase> phases;
    for (std::size_t g = 0; g < detail::kUmapGroups; ++g) {
        const std::int64_t begin = state.group[g];
        const std::int64_t end = state.group[g + 1];
        phases.push_back({(end - begin + detail::kUmapBlock - 1) / detail::kUmapBlock,
                          [&state, move, begin, end, first_epoch](std::int64_t iteration, std::int64_t block) {
                              const std::int64_t first = begin + block * detail::kUmapBlock;
                              move(state, first_epoch + static_cast<int>(iteration), first,
                                   std::min(end, first + detail::kUmapBlock));
                          }});
        phases.push_back({end > begin ? 1 : 0, [&state, begin, end, dims](std::int64_t, std::int64_t) {
                              const float* from = state.moved.data() + begin * dims;
                              float* y = state.y->data();
                              for (std::int64_t p = begin; p < end; ++p) {
                                  const std::int64_t item = state.items[static_cast<std::size_t>(p)];
                                  for (int d = 0; d < dims; ++d) y[item * dims + d] = *from++;
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
    const std::int64_t n = X.rows;
    if (!detail::layout_open(n, valid, options, "umap", "umap", layout)) return layout;

    FuzzyGraphOptions fuzzy;
    fuzzy.n_neighbors = options.n_neighbors;
    fuzzy.local_connectivity = options.local_connectivity;
    fuzzy.set_op_mix_ratio = options.set_op_mix_ratio;
    fuzzy.num_threads = options.num_threads;
    CsrMatrix<float> weights = fuzzy_graph(graph, fuzzy);
    if (!options.labels.empty()) weights = pull_to_classes(weights, options.labels, options.target_weight);
    if (options.levels.rows() > 0) weights = pull_to_hierarchy(weights, options.levels, options.hierarchy_pull);
    if (graph.k() < options.n_neighbors - 1) {
        layout.run.warnings.push_back("umap: the graph has " + std::to_string(graph.k()) +
                                      " neighbours per item: n_neighbors = " + std::to_string(graph.k() + 1) +
                                      " instead of " + std::to_string(options.n_neighbors));
    }

    layout.coordinates = detail::layout_begin(
        X, graph.metric, valid, options, [&]() -> const CsrMatrix<float>& { return weights; }, layout.run);
    const int epochs = options.n_epochs.value_or(default_umap_epochs(n));
    umap_optimize(weights, layout.coordinates, 0, epochs, epochs, options, progress);
    // Items that are held keep the place that they were given.
    if (options.mobility.empty()) detail::layout_center(layout.coordinates, valid);
    if (options.init != LayoutInit::Given) detail::layout_fix_signs(layout.coordinates, valid);
    detail::layout_mark_invalid(layout.coordinates, valid);
    layout.run.iterations = epochs;
    layout.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return layout;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP
