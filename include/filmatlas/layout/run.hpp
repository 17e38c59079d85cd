// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_RUN_HPP
#define FILMATLAS_LAYOUT_RUN_HPP

#include <memory>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"

/// @file run.hpp
/// @brief Layouts that stop between rounds: what `UmapRun`, `TsneRun` and `MapRun` have in common.

namespace filmatlas {
namespace detail {
struct LayoutRunState;
}

/// A layout that stops between rounds: to be watched, drawn as an animation, cancelled and gone on with. However the
/// rounds are divided, the map is that of one run, byte for byte.
///
///     UmapRun run(vectors, graph, options);  // or TsneRun, MapRun
///     while (run.epoch() < run.total_epochs()) {
///         run.run(10);
///         draw_frame(run.coordinates());  // the state itself, nothing is copied
///     }
///     const Layout map = run.layout();
class LayoutRun {
public:
    ~LayoutRun();
    LayoutRun(LayoutRun&&) noexcept;
    LayoutRun& operator=(LayoutRun&&) noexcept;

    /// The next rounds, at most those that are left.
    ///
    /// @throws Error (InvalidArgument) for negative `epochs`; (Cancelled) after a whole round: `epoch()` says which, and
    ///         another call goes on from there.
    void run(int epochs, const Progress& progress = {});

    int epoch() const noexcept;         ///< rounds done
    int total_epochs() const noexcept;  ///< rounds of the whole run
    /// (n, n_components) as the rounds left them: neither centred nor turned, invalid items somewhere. The reference
    /// stays valid, and shows the present state, as long as this object lives.
    const Matrix<float>& coordinates() const noexcept;
    /// The map of the rounds done, as the function of the same layout gives it.
    Layout layout() const;

protected:
    explicit LayoutRun(std::unique_ptr<detail::LayoutRunState> state);

private:
    std::unique_ptr<detail::LayoutRunState> state_;
};

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/run_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_RUN_HPP
