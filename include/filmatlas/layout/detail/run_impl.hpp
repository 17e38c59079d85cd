// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_RUN_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_RUN_IMPL_HPP

#include <memory>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/run_state.hpp"
#include "filmatlas/layout/run.hpp"

namespace filmatlas {

FILMATLAS_INLINE LayoutRun::LayoutRun(std::unique_ptr<detail::LayoutRunState> state) : state_(std::move(state)) {}
FILMATLAS_INLINE LayoutRun::~LayoutRun() = default;
FILMATLAS_INLINE LayoutRun::LayoutRun(LayoutRun&&) noexcept = default;
FILMATLAS_INLINE LayoutRun& LayoutRun::operator=(LayoutRun&&) noexcept = default;

FILMATLAS_INLINE void LayoutRun::run(int epochs, const Progress& progress) {
    if (epochs < 0) throw_invalid("layout", "epochs", "is " + std::to_string(epochs), "use 0 or more");
    const detail::LayoutClock clock(state_->layout.run.seconds);
    state_->stages.run(epochs, progress);
}

FILMATLAS_INLINE int LayoutRun::epoch() const noexcept { return state_->stages.done(); }
FILMATLAS_INLINE int LayoutRun::total_epochs() const noexcept { return state_->stages.total(); }
FILMATLAS_INLINE const Matrix<float>& LayoutRun::coordinates() const noexcept { return state_->layout.coordinates; }

FILMATLAS_INLINE Layout LayoutRun::layout() const {
    Layout map = state_->layout;
    map.run.iterations = epoch();
    if (map.coordinates.rows() > 0) {
        const detail::LayoutClock clock(map.run.seconds);
        state_->finish(map);
    }
    return map;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_RUN_IMPL_HPP
