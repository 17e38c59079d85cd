// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/layout/detail/begin.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/graph_rows.hpp"
#include "filmatlas/layout/detail/run_state.hpp"
#include "filmatlas/layout/detail/tsne_optimize.hpp"
#include "filmatlas/layout/tsne.hpp"

namespace filmatlas {
FILMATLAS_INLINE std::string_view to_string(TsneRepulsion repulsion) noexcept {
    switch (repulsion) {
        case TsneRepulsion::Auto: return "auto";
        case TsneRepulsion::Tree: return "tree";
        case TsneRepulsion::Grid: return "grid";
    }
    return "unknown";
}

FILMATLAS_INLINE TsneRepulsion tsne_repulsion_from_string(std::string_view name) {
    for (const TsneRepulsion repulsion : {TsneRepulsion::Auto, TsneRepulsion::Tree, TsneRepulsion::Grid}) {
        if (to_string(repulsion) == name) return repulsion;
    }
    throw_invalid("tsne", "repulsion", "is '" + std::string(name) + "'", "use auto, tree or grid");
}

FILMATLAS_INLINE void validate(const TsneOptions& options) {
    const auto bad = [](std::string_view field, const std::string& value, const char* remedy) {
        throw_invalid("tsne", field, "is " + value, remedy);
    };
    if (!(options.perplexity > 1) || !std::isfinite(options.perplexity)) {
        bad("perplexity", to_text(options.perplexity), "use a number above 1");
    }
    if (options.n_components != 2 && options.n_components != 3) {
        bad("n_components", std::to_string(options.n_components), "use 2 or 3");
    }
    if (options.n_iter < 0) bad("n_iter", std::to_string(options.n_iter), "use 0 or more");
    if (options.early_exaggeration_iter && *options.early_exaggeration_iter < 0) {
        bad("early_exaggeration_iter", std::to_string(*options.early_exaggeration_iter), "use 0 or more");
    }
    if (!(options.early_exaggeration >= 1) || !std::isfinite(options.early_exaggeration)) {
        bad("early_exaggeration", to_text(options.early_exaggeration), "use 1 or more");
    }
    if (!(options.exaggeration > 0) || !std::isfinite(options.exaggeration)) {
        bad("exaggeration", to_text(options.exaggeration), "use a positive number");
    }
    if (options.learning_rate && (!(*options.learning_rate > 0) || !std::isfinite(*options.learning_rate))) {
        bad("learning_rate", to_text(*options.learning_rate), "use a positive number");
    }
    if (!(options.theta >= 0 && options.theta <= 1))
        bad("theta", to_text(options.theta), "use a value in [0, 1]");
    if (options.repulsion == TsneRepulsion::Grid && options.n_components != 2) {
        bad("repulsion", "grid in " + std::to_string(options.n_components) + " dimensions", "use auto or tree");
    }
    if (options.num_threads < 0) bad("num_threads", std::to_string(options.num_threads), "use 0 or more");
}

FILMATLAS_INLINE CsrMatrix<float> tsne_affinities(const KnnGraph& graph, double perplexity, int num_threads,
                                                  double* perplexity_used) {
    if (!(perplexity > 1) || !std::isfinite(perplexity)) {
        throw_invalid("tsne", "perplexity", "is " + to_text(perplexity), "use a number above 1");
    }
    detail::check_layout_graph(graph, "tsne");
    const std::int64_t n = graph.size();
    const auto wanted = static_cast<std::int64_t>(std::ceil(std::min(perplexity * 3, 1e9)));
    const std::int64_t columns = std::min(graph.k(), wanted);
    const double used = detail::tsne_perplexity(perplexity, columns);
    if (perplexity_used != nullptr) *perplexity_used = used;
    std::vector<float> weights(static_cast<std::size_t>(n * columns), 0);
    const double too_far = detail::disconnection_distance(graph.metric);
    std::int64_t rows = 0;
    for (std::int64_t i = 0; i < n && columns > 0; ++i) rows += graph.indices(i, 0) >= 0 ? 1 : 0;
    parallel_for(n, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> d;
        std::vector<double> p;
        for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t m = detail::fuzzy_row(graph, i, columns, d, too_far);
            if (m == 0) continue;
            if (graph.metric == Metric::Euclidean || graph.metric == Metric::Manhattan) {
                for (double& x : d) x *= x;
            }
            detail::tsne_row(d, std::min(used, detail::tsne_perplexity(perplexity, m)), p);
            std::transform(p.begin(), p.end(), weights.begin() + i * columns,
                           [](double similarity) { return static_cast<float>(similarity); });
        }
    });
    // Tiny similarities are kept as the smallest float, so that the graph's links stay.
    const double scale = rows > 0 ? 0.5 / static_cast<double>(rows) : 0.0;
    return detail::symmetric_from_directed(
        graph.indices, columns, weights, num_threads, [scale](double a, double b) {
            return std::max((a + b) * scale, static_cast<double>(std::numeric_limits<float>::min()));
        });
}

FILMATLAS_INLINE double tsne_repulsion(const Matrix<float>& coordinates, double theta, Matrix<float>& forces,
                                       int num_threads, TsneRepulsion repulsion) {
    if (!(theta >= 0 && theta <= 1))
        throw_invalid("tsne", "theta", "is " + to_text(theta), "use a value in [0, 1]");
    if (coordinates.cols() != 2 && coordinates.cols() != 3) {
        throw_shape("tsne", "the coordinates have " + std::to_string(coordinates.cols()) + " columns",
                    "use 2 or 3");
    }
    forces = Matrix<float>(coordinates.rows(), coordinates.cols());
    return coordinates.cols() == 2
               ? detail::tsne_repulsion_of<2>(coordinates, theta, repulsion, forces, num_threads)
               : detail::tsne_repulsion_of<3>(coordinates, theta, repulsion, forces, num_threads);
}

namespace detail {

struct TsneRunState final : LayoutRunState {
    CsrMatrix<float> affinities;
    bool given = false;

    /// `rounds` with a learning rate that suits their exaggeration where none is asked for.
    void add_stage(TsneRounds rounds, std::optional<double> learning_rate) {
        const auto n = static_cast<double>(layout.coordinates.rows());
        rounds.learning_rate = learning_rate.value_or(std::max(n / rounds.exaggeration, 50.0));
        stages.add(rounds.count, [this, rounds] { return tsne_engine(affinities, layout.coordinates, rounds); });
    }
    void finish(Layout& map) const override {
        layout_center(map.coordinates, valid);
        if (!given) layout_fix_signs(map.coordinates, valid);
        layout_mark_invalid(map.coordinates, valid);
    }
};

/// A small start lets the early rounds sort the whole before anything is far away.
inline void tsne_shrink(Matrix<float>& y, const std::vector<char>& valid) {
    double sum2 = 0;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        const auto v = static_cast<double>(y(i, 0));
        sum2 += v * v;
    }
    const double deviation = std::sqrt(sum2 / static_cast<double>(std::max<std::int64_t>(1, layout_count(valid))));
    const auto scale = static_cast<float>(deviation > 0 ? 1e-4 / deviation : 1.0);
    for (float& value : y.values()) value *= scale;
}

inline std::unique_ptr<LayoutRunState> tsne_run_state(MatrixView<const float> X, const KnnGraph& graph,
                                                      const TsneOptions& options, const Progress& progress) {
    validate(options);
    auto state = std::make_unique<TsneRunState>();
    TsneRunState& s = *state;
    const LayoutClock clock(s.layout.run.seconds);
    s.valid = layout_valid_rows(X, graph, "tsne");
    s.given = options.init == LayoutInit::Given;
    if (!layout_open(X.rows, s.valid, options, "tsne", "tsne", s.layout)) return state;
    double used = options.perplexity;
    s.affinities = tsne_affinities(graph, options.perplexity, options.num_threads, &used);
    if (static_cast<double>(graph.k()) < std::floor(3 * options.perplexity)) {
        s.layout.run.warnings.push_back("tsne: the graph has " + std::to_string(graph.k()) +
                                        " neighbours per item, perplexity " + to_text(options.perplexity) +
                                        " wants three times as many: similarities are flatter (perplexity " +
                                        to_text(used) + ")");
    }
    s.layout.coordinates = layout_begin(
        X, graph.metric, s.valid, options, [&]() -> const CsrMatrix<float>& { return s.affinities; },
        progress, s.layout.run);
    if (!s.given) tsne_shrink(s.layout.coordinates, s.valid);

    TsneRounds rounds;
    rounds.theta = options.theta;
    rounds.repulsion = options.repulsion;
    rounds.num_threads = options.num_threads;
    rounds.stage = "tsne (early)";
    rounds.count = options.early_exaggeration_iter.value_or(s.given ? 0 : 250);
    rounds.exaggeration = options.early_exaggeration;
    s.add_stage(rounds, options.learning_rate);
    rounds.stage = "tsne";
    rounds.count = options.n_iter;
    rounds.exaggeration = options.exaggeration;
    s.add_stage(rounds, options.learning_rate);
    return state;
}

}  // namespace detail

FILMATLAS_INLINE TsneRun::TsneRun(MatrixView<const float> X, const KnnGraph& graph, const TsneOptions& options,
                                  const Progress& progress)
    : LayoutRun(detail::tsne_run_state(X, graph, options, progress)) {}

FILMATLAS_INLINE Layout tsne(MatrixView<const float> X, const KnnGraph& graph, const TsneOptions& options,
                             const Progress& progress) {
    return detail::layout_in_one_run<TsneRun>(X, graph, options, progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_IMPL_HPP
