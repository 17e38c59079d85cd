// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_RUN_STATE_HPP
#define FILMATLAS_LAYOUT_DETAIL_RUN_STATE_HPP

#include <chrono>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/detail/engine.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file run_state.hpp
/// @brief What a layout that stops between rounds consists of.

namespace filmatlas::detail {

struct LayoutRunState {
    LayoutRunState() = default;
    virtual ~LayoutRunState() = default;
    LayoutRunState(const LayoutRunState&) = delete;  // the stages know where it lies
    LayoutRunState& operator=(const LayoutRunState&) = delete;

    /// Turns a copy of `layout` into what the caller gets.
    virtual void finish(Layout& map) const = 0;

    Layout layout;  ///< with the coordinates as the rounds left them
    std::vector<char> valid;
    LayoutStages stages;
};

/// Adds the time until its end to a count of seconds.
class LayoutClock {
public:
    explicit LayoutClock(double& seconds) : seconds_(seconds), started_(std::chrono::steady_clock::now()) {}
    ~LayoutClock() {
        seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    }
    LayoutClock(const LayoutClock&) = delete;
    LayoutClock& operator=(const LayoutClock&) = delete;

private:
    double& seconds_;
    std::chrono::steady_clock::time_point started_;
};

/// A layout in one go.
template <class Run, class Options>
Layout layout_in_one_run(MatrixView<const float> X, const KnnGraph& graph, const Options& options,
                         const Progress& progress) {
    Run run(X, graph, options, progress);
    run.run(run.total_epochs(), progress);
    return run.layout();
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_RUN_STATE_HPP
