// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/umap.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_ENGINE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_ENGINE_HPP

#include <algorithm>
#include <cstdint>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/engine.hpp"
#include "filmatlas/layout/detail/umap_density.hpp"
#include "filmatlas/layout/detail/umap_optimize.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_engine.hpp
/// @brief The rounds of UMAP as steps that wait for one another: radii where densities count, then group by group.

namespace filmatlas::detail {

struct UmapMoves {
    void (*plain)(UmapState&, int epoch, std::int64_t first, std::int64_t last);
    void (*dense)(UmapState&, int epoch, std::int64_t first, std::int64_t last);
};

template <int D>
UmapMoves umap_moves(UmapState& state) {
    state.apply = umap_applier<D, false>();
    state.apply_dense = umap_applier<D, true>();
    return {&umap_move_items<D, false>, &umap_move_items<D, true>};
}

/// Holds references: coordinates, options and, where it reads them, weights must outlive it.
class UmapEngine final : public LayoutEngine {
public:
    UmapEngine(const CsrMatrix<float>& weights, Matrix<float>& coordinates, int first_epoch, int total_epochs,
               const UmapOptions& options)
        : LayoutEngine(first_epoch, options.num_threads, "umap"), options_(options), coordinates_(coordinates) {
        if (coordinates.rows() < 2 || weights.nnz() == 0) return;
        const UmapCurve curve = fit_umap_curve(options.spread, options.min_dist);
        state_.y = &coordinates;
        state_.n = coordinates.rows();
        state_.a = static_cast<float>(curve.a);
        state_.b = static_cast<float>(curve.b);
        state_.repulsion = static_cast<float>(options.repulsion_strength);
        state_.negative_rate = options.negative_sample_rate;
        state_.seed = options.seed;
        state_.learning_rate = options.learning_rate.value_or(default_umap_learning_rate(state_.n));
        state_.fires = UmapFiring(weights, total_epochs);
        umap_prepare(state_, weights, options.mobility, first_epoch);
        state_.moved.resize(state_.items.size() * static_cast<std::size_t>(coordinates.cols()));
        state_.draw = umap_drawer();
        state_.find_due = umap_due_finder();
        moves_ = coordinates.cols() == 2   ? umap_moves<2>(state_)
                 : coordinates.cols() == 3 ? umap_moves<3>(state_)
                                           : umap_moves<0>(state_);
        dense_ = options.densmap && options.dens_lambda > 0 && options.dens_frac > 0 && !state_.active.empty();
        if (dense_) add_radii(weights);
        for (std::size_t g = 0; g < kUmapGroups; ++g) add_group(state_.group[g], state_.group[g + 1]);
    }

    /// Whether the weights are still needed: its schedule has what else there is to know of them.
    bool reads_weights() const noexcept { return dense_; }

private:
    bool counts(std::int64_t epoch) const noexcept {
        return dense_ && umap_density_counts(static_cast<int>(epoch), state_.fires.total_epochs, options_.dens_frac);
    }

    void add_radii(const CsrMatrix<float>& weights) {
        density_.weights = &weights;
        density_.active = state_.active;
        density_.fires = state_.fires;
        density_.lambda = options_.dens_lambda;
        density_.var_shift = options_.dens_var_shift;
        density_.a = state_.a;
        density_.b = state_.b;
        density_.kernel = umap_kernel();
        umap_density_prepare(density_, options_.log_radii);
        state_.density = &density_;
        const auto active = static_cast<std::int64_t>(state_.active.size());
        phases_.push_back({(active + kUmapBlock - 1) / kUmapBlock,
                           [this, active](std::int64_t epoch, std::int64_t block) {
                               if (!counts(epoch)) return;
                               const std::int64_t first = block * kUmapBlock;
                               umap_map_radii(density_, coordinates_, first, std::min(active, first + kUmapBlock));
                           }});
        phases_.push_back({1, [this](std::int64_t epoch, std::int64_t) {
                               if (counts(epoch)) umap_density_pulls(density_);
                           }});
    }

    /// Items [begin, end) of the order move at once; then their new places are taken over.
    void add_group(std::int64_t begin, std::int64_t end) {
        phases_.push_back({(end - begin + kUmapBlock - 1) / kUmapBlock,
                           [this, begin, end](std::int64_t epoch, std::int64_t block) {
                               const std::int64_t first = begin + block * kUmapBlock;
                               const auto move = counts(epoch) ? moves_.dense : moves_.plain;
                               move(state_, static_cast<int>(epoch), first, std::min(end, first + kUmapBlock));
                           }});
        phases_.push_back({end > begin ? 1 : 0, [this, begin, end](std::int64_t, std::int64_t) {
                               const std::int64_t dims = coordinates_.cols();
                               const float* from = state_.moved.data() + begin * dims;
                               for (std::int64_t p = begin; p < end; ++p) {
                                   float* to = coordinates_.row_data(state_.items[static_cast<std::size_t>(p)]);
                                   for (std::int64_t d = 0; d < dims; ++d) to[d] = *from++;
                               }
                           }});
    }

    const UmapOptions& options_;
    Matrix<float>& coordinates_;
    bool dense_ = false;
    UmapState state_;
    UmapDensity density_;
    UmapMoves moves_{};
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_ENGINE_HPP
