// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UPDATE_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_UPDATE_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/tsne_optimize.hpp"
#include "filmatlas/layout/detail/tsne_scale.hpp"
#include "filmatlas/layout/place.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/update.hpp"

namespace filmatlas {
namespace detail {

/// Rounds in which items without a placed neighbour wait for one.
inline constexpr int kUpdateWaves = 4;

/// Longest side of the box around the rows marked.
inline double update_side(const Matrix<float>& y, const std::vector<char>& marked) {
    double side = 0;
    for (std::int64_t d = 0; d < y.cols(); ++d) {
        const auto [low, high] = layout_span(y, marked, d);
        if (low <= high) side = std::max(side, static_cast<double>(high) - static_cast<double>(low));
    }
    return side;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const UpdateOptions& options) {
    const auto bad = [](std::string_view field, const std::string& value, const char* remedy) {
        throw_invalid("update_map", field, "is " + value, remedy);
    };
    if (!(options.max_drift >= 0) || !std::isfinite(options.max_drift)) {
        bad("max_drift", to_text(options.max_drift), "use 0 or more");
    }
    if (options.n_iter < 0) bad("n_iter", std::to_string(options.n_iter), "use 0 or more");
    if (!(options.exaggeration > 0) || !std::isfinite(options.exaggeration)) {
        bad("exaggeration", to_text(options.exaggeration), "use a positive number");
    }
    if (!(options.perplexity > 1) || !std::isfinite(options.perplexity)) {
        bad("perplexity", to_text(options.perplexity), "use a number above 1");
    }
    if (options.num_threads < 0) bad("num_threads", std::to_string(options.num_threads), "use 0 or more");
}

FILMATLAS_INLINE MapUpdate update_map(MatrixView<const float> X, const KnnGraph& graph, const Matrix<float>& known,
                                      const UpdateOptions& options, const Progress& progress) {
    validate(options);
    const auto started = std::chrono::steady_clock::now();
    const std::vector<char> valid = detail::layout_valid_rows(X, graph, "update_map");
    const std::int64_t n = X.rows;
    const std::int64_t c = known.cols();
    if (known.rows() != n || (c != 2 && c != 3)) {
        throw_shape("update_map", "`known` is (" + std::to_string(known.rows()) + ", " + std::to_string(c) +
                                      "), wanted (" + std::to_string(n) + ", 2 or 3)");
    }
    std::vector<char> there(static_cast<std::size_t>(n), 0);
    std::vector<double> mean(static_cast<std::size_t>(c), 0);
    MapUpdate result;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto row = known.row(i);
        const bool finite = std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); });
        if (!finite || !valid[static_cast<std::size_t>(i)]) continue;
        there[static_cast<std::size_t>(i)] = 1;
        ++result.num_known;
        for (std::int64_t d = 0; d < c; ++d) mean[static_cast<std::size_t>(d)] += static_cast<double>(row[static_cast<std::size_t>(d)]);
    }
    if (result.num_known == 0) {
        throw_invalid("update_map", "known", "has no row with a position", "lay the items out with atlas_map");
    }
    const std::vector<char> old = there;
    const double side = detail::update_side(known, old);

    // New items among the neighbours that have a place; what has none waits for the next wave.
    Matrix<float> y(n, c);
    for (std::int64_t i = 0; i < n; ++i) {
        if (there[static_cast<std::size_t>(i)]) std::copy(known.row(i).begin(), known.row(i).end(), y.row(i).begin());
    }
    for (int wave = 0; wave < detail::kUpdateWaves; ++wave) {
        std::vector<Index> waiting;
        for (std::int64_t i = 0; i < n; ++i) {
            if (valid[static_cast<std::size_t>(i)] && !there[static_cast<std::size_t>(i)])
                waiting.push_back(static_cast<Index>(i));
        }
        if (waiting.empty()) break;
        Matrix<Index> ids(static_cast<std::int64_t>(waiting.size()), graph.k());
        std::fill(ids.values().begin(), ids.values().end(), Index{-1});
        Matrix<float> distances(static_cast<std::int64_t>(waiting.size()), graph.k());
        for (std::int64_t w = 0; w < ids.rows(); ++w) {
            const Index item = waiting[static_cast<std::size_t>(w)];
            for (std::int64_t s = 0; s < graph.k(); ++s) {
                const Index id = graph.indices(item, s);
                if (id < 0 || !there[static_cast<std::size_t>(id)]) continue;
                ids(w, s) = id;
                distances(w, s) = std::max(graph.distances(item, s), 0.0F);
            }
        }
        Matrix<float> masked = y;
        for (std::int64_t i = 0; i < n; ++i) {
            if (!there[static_cast<std::size_t>(i)]) masked(i, 0) = std::numeric_limits<float>::quiet_NaN();
        }
        const Matrix<float> placed = place_on_map(masked, ids, distances, options.num_threads);
        const bool last = wave + 1 == detail::kUpdateWaves;
        for (std::int64_t w = 0; w < ids.rows(); ++w) {
            const Index item = waiting[static_cast<std::size_t>(w)];
            const bool found = std::isfinite(placed(w, 0));
            if (!found && !last) continue;
            there[static_cast<std::size_t>(item)] = 1;
            for (std::int64_t d = 0; d < c; ++d) {
                y(item, d) = found ? placed(w, d)
                                   : static_cast<float>(mean[static_cast<std::size_t>(d)] /
                                                        static_cast<double>(result.num_known));
            }
        }
    }

    if (options.n_iter > 0 && n > 1) {
        const CsrMatrix<float> affinities = tsne_affinities(graph, options.perplexity, options.num_threads);
        const double scale = detail::tsne_scale(affinities, y, options.exaggeration, options.num_threads);
        for (float& value : y.values()) value = static_cast<float>(static_cast<double>(value) * scale);
        detail::TsneRounds run;
        run.stage = "update";
        run.count = options.n_iter;
        run.exaggeration = options.exaggeration;
        run.learning_rate = std::max(static_cast<double>(n) / options.exaggeration, 50.0);
        run.num_threads = options.num_threads;
        run.leash.assign(static_cast<std::size_t>(n), std::numeric_limits<float>::infinity());
        for (std::size_t i = 0; i < old.size(); ++i) {
            if (old[i]) run.leash[i] = static_cast<float>(options.max_drift * side * scale);
        }
        detail::tsne_engine(affinities, y, run)->run(run.count, progress);
        for (float& value : y.values()) value = static_cast<float>(static_cast<double>(value) / scale);
    }
    std::vector<double> drifts;
    for (std::int64_t i = 0; i < n; ++i) {
        if (!old[static_cast<std::size_t>(i)]) continue;
        if (options.max_drift == 0) std::copy(known.row(i).begin(), known.row(i).end(), y.row(i).begin());
        double r2 = 0;
        for (std::int64_t d = 0; d < c; ++d) {
            const double gap = static_cast<double>(y(i, d)) - static_cast<double>(known(i, d));
            r2 += gap * gap;
        }
        drifts.push_back(side > 0 ? std::sqrt(r2) / side : 0.0);
    }
    std::sort(drifts.begin(), drifts.end());
    result.median_drift = drifts[drifts.size() / 2];
    result.largest_drift = drifts.back();
    detail::layout_mark_invalid(y, valid);
    result.layout.coordinates = std::move(y);
    result.layout.method = "update";
    result.layout.init = "given";
    result.layout.run.iterations = options.n_iter;
    result.layout.run.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_UPDATE_IMPL_HPP
