// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/umap.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_UMAP_STAGE_HPP
#define FILMATLAS_LAYOUT_DETAIL_UMAP_STAGE_HPP

#include <memory>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/engine.hpp"
#include "filmatlas/layout/detail/finish.hpp"
#include "filmatlas/layout/detail/umap_engine.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file umap_stage.hpp
/// @brief UMAP as a stage of a layout.

namespace filmatlas::detail {

struct UmapStage {
    UmapOptions options;
    CsrMatrix<float> weights;  ///< until the engine has taken what it needs

    /// This and the coordinates must stay where they are as long as the stages live.
    void add_to(LayoutStages& stages, int epochs, Matrix<float>& coordinates) {
        stages.add(epochs, [this, epochs, &coordinates] {
            auto engine = std::make_unique<UmapEngine>(weights, coordinates, 0, epochs, options);
            if (!engine->reads_weights()) weights = {};
            return engine;
        });
    }

    /// Centred, axes' signs fixed. Items that are held keep the place that they were given.
    void finish(Matrix<float>& y, const std::vector<char>& valid) const {
        if (options.mobility.empty()) layout_center(y, valid);
        if (options.init != LayoutInit::Given) layout_fix_signs(y, valid);
    }
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_UMAP_STAGE_HPP
