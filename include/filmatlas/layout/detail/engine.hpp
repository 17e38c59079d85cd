// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_ENGINE_HPP
#define FILMATLAS_LAYOUT_DETAIL_ENGINE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/detail/phases.hpp"

/// @file engine.hpp
/// @brief Rounds that can be stopped between any two and gone on with, and stages of such rounds one after the other.

namespace filmatlas::detail {

/// Moves a map round by round. After an exception that is no cancel it is of no more use.
class LayoutEngine {
public:
    /// @param first_round  the bodies of `phases_` are given rounds from here on.
    LayoutEngine(int first_round, int num_threads, std::string_view stage)
        : round_(first_round), num_threads_(num_threads), stage_(stage) {}
    virtual ~LayoutEngine() = default;
    LayoutEngine(const LayoutEngine&) = delete;
    LayoutEngine& operator=(const LayoutEngine&) = delete;

    /// The next round.
    int round() const noexcept { return round_; }

    /// A cancel goes out after a whole round: `round` says which would be next, and another call goes on from there.
    void run(int rounds, const Progress& progress) {
        std::int64_t completed = 0;
        const auto stop = [&] {
            round_ += static_cast<int>(completed);
            show();
        };
        try {
            run_layout_phases(rounds, phases_, num_threads_, progress, stage_, &completed, round_);
        } catch (...) {
            stop();
            throw;
        }
        stop();
    }

protected:
    /// Brings the coordinates up to `round()`, where they are not kept so.
    virtual void show() {}

    std::vector<LayoutPhase> phases_;

private:
    int round_;
    int num_threads_;
    std::string_view stage_;
};

/// Stages one after the other. A stage's engine is made for its first round and freed after its last.
class LayoutStages {
public:
    using Begin = std::function<std::unique_ptr<LayoutEngine>()>;

    void add(int rounds, Begin begin) {
        if (rounds == 0) return;
        stages_.push_back({rounds, std::move(begin)});
        total_ += rounds;
    }

    int total() const noexcept { return total_; }
    int done() const noexcept { return before_ + (engine_ ? engine_->round() : 0); }

    /// The next rounds, at most those that are left; a cancel as in LayoutEngine.
    void run(int rounds, const Progress& progress) {
        for (int left = std::min(rounds, total_ - done()); left > 0;) {
            const Stage& stage = stages_[present_];
            if (!engine_) engine_ = stage.begin();
            const int step = std::min(left, stage.rounds - engine_->round());
            engine_->run(step, progress);
            left -= step;
            if (engine_->round() < stage.rounds) continue;
            before_ += stage.rounds;
            engine_.reset();
            ++present_;
        }
    }

private:
    struct Stage {
        int rounds;
        Begin begin;
    };
    std::vector<Stage> stages_;
    std::size_t present_ = 0;
    std::unique_ptr<LayoutEngine> engine_;  ///< of the present stage, from its first round on
    int before_ = 0;                        ///< rounds of the stages that are complete
    int total_ = 0;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_ENGINE_HPP
