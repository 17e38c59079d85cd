// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_RUN_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_RUN_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/umap_engine.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/local_radii.hpp"
#include "filmatlas/layout/pull.hpp"
#include "filmatlas/layout/umap.hpp"

namespace filmatlas {
namespace detail {

/// Radii of the full space over the edges that fire.
inline std::vector<double> umap_log_radii(const CsrMatrix<float>& weights, const KnnGraph& graph, int epochs) {
    float largest = 0;
    for (const float w : weights.values) largest = std::max(largest, w);
    return log_local_radii(weights, graph, largest / static_cast<float>(epochs));
}

/// Adds the time until its end to a count of seconds.
class UmapClock {
public:
    explicit UmapClock(double& seconds) : seconds_(seconds), started_(std::chrono::steady_clock::now()) {}
    ~UmapClock() {
        seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    }
    UmapClock(const UmapClock&) = delete;
    UmapClock& operator=(const UmapClock&) = delete;

private:
    double& seconds_;
    std::chrono::steady_clock::time_point started_;
};

}  // namespace detail

struct UmapRun::State {
    UmapOptions options;
    std::vector<char> valid;
    CsrMatrix<float> weights;
    Layout layout;  ///< with the coordinates as the rounds left them
    int total_epochs = 0;
    std::unique_ptr<detail::UmapEngine> engine;  ///< made when rounds are asked for

    int epoch() const noexcept { return engine ? engine->epoch() : 0; }
};

FILMATLAS_INLINE UmapRun::UmapRun(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options)
    : state_(std::make_unique<State>()) {
    validate(options);
    State& s = *state_;
    const detail::UmapClock clock(s.layout.run.seconds);
    s.valid = detail::layout_valid_rows(X, graph, "umap");
    const std::int64_t n = X.rows;
    if (!detail::layout_open(n, s.valid, options, "umap", "umap", s.layout)) return;
    if (!options.mobility.empty() && static_cast<std::int64_t>(options.mobility.size()) != n) {
        throw_shape("umap", "`mobility` has " + std::to_string(options.mobility.size()) + " values for " +
                                std::to_string(n) + " items");
    }

    FuzzyGraphOptions fuzzy;
    fuzzy.n_neighbors = options.n_neighbors;
    fuzzy.local_connectivity = options.local_connectivity;
    fuzzy.set_op_mix_ratio = options.set_op_mix_ratio;
    fuzzy.num_threads = options.num_threads;
    s.weights = fuzzy_graph(graph, fuzzy);
    if (!options.labels.empty()) s.weights = pull_to_classes(s.weights, options.labels, options.target_weight);
    if (options.levels.rows() > 0) s.weights = pull_to_hierarchy(s.weights, options.levels, options.hierarchy_pull);
    if (graph.k() < options.n_neighbors - 1) {
        s.layout.run.warnings.push_back("umap: the graph has " + std::to_string(graph.k()) +
                                        " neighbours per item: n_neighbors = " + std::to_string(graph.k() + 1) +
                                        " instead of " + std::to_string(options.n_neighbors));
    }
    s.layout.coordinates = detail::layout_begin(
        X, graph.metric, s.valid, options, [&]() -> const CsrMatrix<float>& { return s.weights; }, s.layout.run);

    s.options = options;
    // What the start was made of is of no use any more.
    s.options.given = {};
    s.options.levels = {};
    s.options.labels = {};
    // Densities come late, and take rounds that the neighbours have had before them.
    s.total_epochs = options.n_epochs.value_or(default_umap_epochs(n) + (options.densmap ? 200 : 0));
    if (options.densmap && s.total_epochs > 0) {
        s.options.log_radii = detail::umap_log_radii(s.weights, graph, s.total_epochs);
    }
}

FILMATLAS_INLINE UmapRun::~UmapRun() = default;
FILMATLAS_INLINE UmapRun::UmapRun(UmapRun&&) noexcept = default;
FILMATLAS_INLINE UmapRun& UmapRun::operator=(UmapRun&&) noexcept = default;

FILMATLAS_INLINE void UmapRun::run(int epochs, const Progress& progress) {
    if (epochs < 0) throw_invalid("umap", "epochs", "is " + std::to_string(epochs), "use 0 or more");
    State& s = *state_;
    epochs = std::min(epochs, s.total_epochs - s.epoch());
    if (epochs == 0) return;
    const detail::UmapClock clock(s.layout.run.seconds);
    if (!s.engine) {
        s.engine =
            std::make_unique<detail::UmapEngine>(s.weights, s.layout.coordinates, 0, s.total_epochs, s.options);
    }
    s.engine->run(epochs, progress);
}

FILMATLAS_INLINE int UmapRun::epoch() const noexcept { return state_->epoch(); }
FILMATLAS_INLINE int UmapRun::total_epochs() const noexcept { return state_->total_epochs; }
FILMATLAS_INLINE const Matrix<float>& UmapRun::coordinates() const noexcept { return state_->layout.coordinates; }

FILMATLAS_INLINE Layout UmapRun::layout() const {
    const State& s = *state_;
    Layout layout = s.layout;
    layout.run.iterations = s.epoch();
    if (layout.coordinates.rows() == 0) return layout;
    // Items that are held keep the place that they were given.
    if (s.options.mobility.empty()) detail::layout_center(layout.coordinates, s.valid);
    if (s.options.init != LayoutInit::Given) detail::layout_fix_signs(layout.coordinates, s.valid);
    detail::layout_mark_invalid(layout.coordinates, s.valid);
    return layout;
}

FILMATLAS_INLINE Layout umap(MatrixView<const float> X, const KnnGraph& graph, const UmapOptions& options,
                             const Progress& progress) {
    UmapRun run(X, graph, options);
    run.run(run.total_epochs(), progress);
    return run.layout();
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_RUN_IMPL_HPP
