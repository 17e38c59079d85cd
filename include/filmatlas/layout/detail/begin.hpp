// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_BEGIN_HPP
#define FILMATLAS_LAYOUT_DETAIL_BEGIN_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/start.hpp"

/// @file begin.hpp
/// @brief What every layout begins with: names, checks of a start brought along, coordinates to start from.

namespace filmatlas::detail {

/// Names the layout and checks the options' `given`; false where there are no items, whose layout is then complete.
template <class Options>
bool layout_open(std::int64_t n, const std::vector<char>& valid, const Options& options, std::string_view method,
                 std::string_view stage, Layout& layout) {
    layout.method = std::string(method);
    layout.init = std::string(to_string(options.init));
    if (options.init == LayoutInit::Given)
        check_given_start(options.given, n, options.n_components, valid, stage);
    if (n > 0) return true;
    layout.coordinates = Matrix<float>(0, options.n_components);
    return false;
}

/// The start that the options ask for; invalid items lie at 0. `weights()` is the graph of a spectral one.
template <class Options, class Weights>
Matrix<float> layout_begin(MatrixView<const float> X, Metric metric, const std::vector<char>& valid,
                           const Options& options, Weights&& weights, const Progress& progress, RunInfo& run) {
    if (options.init == LayoutInit::Given) {
        Matrix<float> given = options.given;
        for (std::int64_t i = 0; i < X.rows; ++i) {
            if (!valid[static_cast<std::size_t>(i)]) std::ranges::fill(given.row(i), 0.0F);
        }
        return given;
    }
    StartOptions start;
    start.n_components = options.n_components;
    start.seed = options.seed;
    start.num_threads = options.num_threads;
    Matrix<float> masked;
    const MatrixView<const float> vectors = layout_start_vectors(X, valid, masked);
    StartResult result = options.init == LayoutInit::Spectral    ? spectral_start(vectors, weights(), start, progress)
                         : options.init == LayoutInit::Landmarks ? landmark_start(vectors, metric, start, progress)
                                                                 : pca_start(vectors, start);
    for (std::string& warning : result.run.warnings) run.warnings.push_back(std::move(warning));
    return std::move(result.coordinates);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_BEGIN_HPP
