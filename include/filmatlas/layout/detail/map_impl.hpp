// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_MAP_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_MAP_IMPL_HPP

#include <cmath>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/large_map.hpp"
#include "filmatlas/layout/detail/map_run_state.hpp"
#include "filmatlas/layout/map.hpp"

namespace filmatlas {
FILMATLAS_INLINE int default_map_rounds(std::int64_t n) noexcept {
    return n <= detail::kLargeMap ? 250 : 600;
}

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
    if (options.n_iter && *options.n_iter < 0) bad("n_iter", std::to_string(*options.n_iter), "use 0 or more");
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

FILMATLAS_INLINE MapRun::MapRun(MatrixView<const float> X, const KnnGraph& graph, const MapOptions& options,
                                const Progress& progress)
    : LayoutRun(detail::map_run_state(X, graph, options, progress)) {}

FILMATLAS_INLINE Layout atlas_map(MatrixView<const float> X, const KnnGraph& graph, const MapOptions& options,
                                  const Progress& progress) {
    return detail::layout_in_one_run<MapRun>(X, graph, options, progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_MAP_IMPL_HPP
