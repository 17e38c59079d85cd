// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_PROGRESS_HPP
#define FILMATLAS_CORE_PROGRESS_HPP

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "filmatlas/core/error.hpp"

/// @file progress.hpp
/// @brief Progress reports and cancellation, on the calling thread only.

namespace filmatlas {

/// One report. `total == 0` means that the amount of work is unknown.
struct Tick {
    std::string_view stage;
    std::int64_t done = 0;
    std::int64_t total = 0;
};

/// Cheap value passed to every long function; empty = silent. The callback returns false to cancel.
///
/// It is called from the thread that called the library, at most once per `every` (and always when
/// `done == total`). An exception that it throws leaves the library function unchanged.
class Progress {
public:
    using Callback = std::function<bool(const Tick&)>;

    Progress() = default;
    explicit Progress(Callback callback, std::chrono::milliseconds every = std::chrono::milliseconds(100))
        : state_(std::make_shared<State>(State{std::move(callback), every, {}})) {}

    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// @throws Error (Cancelled) when the callback returned false.
    void operator()(std::string_view stage, std::int64_t done, std::int64_t total) const {
        if (!state_) return;
        const auto now = std::chrono::steady_clock::now();
        const bool last = total > 0 && done >= total;
        if (!last && now - state_->last_call < state_->every) return;
        state_->last_call = now;
        if (!state_->callback(Tick{stage, done, total})) {
            throw Error(ErrorCode::Cancelled, ErrorContext{std::string(stage), {}, -1, {}, -1}, "cancelled");
        }
    }

private:
    struct State {
        Callback callback;
        std::chrono::milliseconds every;
        std::chrono::steady_clock::time_point last_call;
    };
    std::shared_ptr<State> state_;
};

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_PROGRESS_HPP
