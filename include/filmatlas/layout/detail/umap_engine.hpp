// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_ENGINE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_ENGINE_HPP

#include <algorithm>
#include <cstdint>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/detail/umap_density.hpp"
#include "filmatlas/layout/detail/umap_optimize.hpp"
#include "filmatlas/layout/umap.hpp"
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

/// Holds references: weights, coordinates and options must outlive it. After an exception that is no cancel it is of no more use.
class UmapEngine {
public:
    UmapEngine(const CsrMatrix<float>& weights, Matrix<float>& coordinates, int first_epoch, int total_epochs,
               const UmapOptions& options)
        : options_(options), coordinates_(coordinates), total_epochs_(total_epochs), epoch_(first_epoch) {
        if (coordinates.rows() < 2 || weights.nnz() == 0) return;
        const UmapCurve curve = fit_umap_curve(options.spread, options.min_dist);
        state_.y = &coordinates;
        state_.n = coordinates.rows();
        state_.a = static_cast<float>(curve.a);
        state_.b = static_cast<float>(curve.b);
        state_.repulsion = static_cast<float>(options.repulsion_strength);
        state_.negative_rate = options.negative_sample_rate;
        state_.seed = options.seed;
        state_.learning_rate = options.learning_rate;
        state_.total_epochs = total_epochs;
        umap_prepare(state_, weights, options.mobility, first_epoch);
        state_.moved.resize(state_.items.size() * static_cast<std::size_t>(coordinates.cols()));
        state_.draw = umap_drawer();
        moves_ = coordinates.cols() == 2   ? umap_moves<2>(state_)
                 : coordinates.cols() == 3 ? umap_moves<3>(state_)
                                           : umap_moves<0>(state_);
        dense_ = options.densmap && options.dens_lambda > 0 && options.dens_frac > 0 && !state_.active.empty();
        if (dense_) add_radii(weights);
        for (std::size_t g = 0; g < kUmapGroups; ++g) add_group(state_.group[g], state_.group[g + 1]);
    }
    UmapEngine(const UmapEngine&) = delete;
    UmapEngine& operator=(const UmapEngine&) = delete;

    int epoch() const noexcept { return epoch_; }

    /// A cancel goes out after a whole round: `epoch` says after which, and another call goes on from there.
    void run(int epochs, const Progress& progress) {
        std::int64_t completed = 0;
        try {
            run_layout_phases(epochs, phases_, options_.num_threads, progress, "umap", &completed);
        } catch (...) {
            epoch_ += static_cast<int>(completed);
            throw;
        }
        epoch_ += static_cast<int>(completed);
    }

private:
    int epoch_at(std::int64_t iteration) const noexcept { return epoch_ + static_cast<int>(iteration); }
    bool counts(int epoch) const noexcept {
        return dense_ && umap_density_counts(epoch, total_epochs_, options_.dens_frac);
    }

    void add_radii(const CsrMatrix<float>& weights) {
        density_.weights = &weights;
        density_.active = state_.active;
        density_.largest = static_cast<double>(*std::max_element(weights.values.begin(), weights.values.end()));
        density_.total_epochs = total_epochs_;
        density_.lambda = options_.dens_lambda;
        density_.var_shift = options_.dens_var_shift;
        density_.a = state_.a;
        density_.b = state_.b;
        density_.kernel = umap_kernel();
        umap_density_prepare(density_, options_.log_radii);
        state_.density = &density_;
        const auto active = static_cast<std::int64_t>(state_.active.size());
        phases_.push_back({(active + kUmapBlock - 1) / kUmapBlock,
                           [this, active](std::int64_t iteration, std::int64_t block) {
                               if (!counts(epoch_at(iteration))) return;
                               const std::int64_t first = block * kUmapBlock;
                               umap_map_radii(density_, coordinates_, first, std::min(active, first + kUmapBlock));
                           }});
        phases_.push_back({1, [this](std::int64_t iteration, std::int64_t) {
                               if (counts(epoch_at(iteration))) umap_density_pulls(density_);
                           }});
    }

    /// Items [begin, end) of the order move at once; then their new places are taken over.
    void add_group(std::int64_t begin, std::int64_t end) {
        phases_.push_back({(end - begin + kUmapBlock - 1) / kUmapBlock,
                           [this, begin, end](std::int64_t iteration, std::int64_t block) {
                               const std::int64_t first = begin + block * kUmapBlock;
                               const int epoch = epoch_at(iteration);
                               (counts(epoch) ? moves_.dense : moves_.plain)(state_, epoch, first,
                                                                             std::min(end, first + kUmapBlock));
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
    int total_epochs_;
    int epoch_;
    bool dense_ = false;
    UmapState state_;
    UmapDensity density_;
    UmapMoves moves_{};
    std::vector<LayoutPhase> phases_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_ENGINE_HPP
