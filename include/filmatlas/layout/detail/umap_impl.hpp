// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/large_map.hpp"
#include "filmatlas/layout/detail/umap_engine.hpp"
#include "filmatlas/layout/detail/umap_run_impl.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
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
    return n <= 5000 ? 500 : n <= detail::kLargeMap ? 300 : 150;
}
FILMATLAS_INLINE double default_umap_learning_rate(std::int64_t n) noexcept {
    return n <= detail::kLargeMap ? 0.07 : 0.5;
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
    if (options.learning_rate && (!(*options.learning_rate > 0) || !std::isfinite(*options.learning_rate))) {
        bad("learning_rate", to_text(*options.learning_rate), "use a positive number");
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
    if (!(options.dens_lambda >= 0) || !std::isfinite(options.dens_lambda))
        bad("dens_lambda", to_text(options.dens_lambda), "use 0 or more");
    if (!(options.dens_frac >= 0 && options.dens_frac <= 1))
        bad("dens_frac", to_text(options.dens_frac), "use a value from 0 to 1");
    if (!(options.dens_var_shift >= 0) || !std::isfinite(options.dens_var_shift))
        bad("dens_var_shift", to_text(options.dens_var_shift), "use 0 or more");
    FuzzyGraphOptions fuzzy;
    fuzzy.local_connectivity = options.local_connectivity;
    fuzzy.set_op_mix_ratio = options.set_op_mix_ratio;
    fuzzy.disconnection_distance = options.disconnection_distance;
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
    const bool dense = options.densmap && options.dens_lambda > 0 && options.dens_frac > 0;
    if (dense && static_cast<std::int64_t>(options.log_radii.size()) != n) {
        throw_shape("umap", "`log_radii` has " + std::to_string(options.log_radii.size()) + " values for " +
                                std::to_string(n) + " items");
    }
    if (first_epoch < 0 || last_epoch < first_epoch || total_epochs < last_epoch) {
        throw_invalid("umap", "first_epoch",
                      "the epochs " + std::to_string(first_epoch) + " to " + std::to_string(last_epoch) +
                          " of " + std::to_string(total_epochs) + " are no range",
                      "use 0 <= first_epoch <= last_epoch <= total_epochs");
    }
    if (first_epoch == last_epoch) return;
    detail::UmapEngine engine(weights, coordinates, first_epoch, total_epochs, options);
    engine.run(last_epoch - first_epoch, progress);
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_IMPL_HPP
