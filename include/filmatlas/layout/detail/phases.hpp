// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_PHASES_HPP
#define FILMATLAS_LAYOUT_DETAIL_PHASES_HPP

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"

/// @file phases.hpp
/// @brief Many short parallel steps one after the other, without starting threads for each.

namespace filmatlas::detail {

/// One step of an iteration: `blocks` bodies that may run at once.
struct LayoutPhase {
    std::int64_t blocks = 0;
    std::function<void(std::int64_t iteration, std::int64_t block)> body;
};

/// Runs the phases in order, `iterations` times; a phase starts when the one before it is complete.
///
/// All bodies of all iterations are the blocks of one parallel_blocks call. They are handed out in ascending
/// order, and a body waits only for lower ones, which are therefore finished or being worked on: there is
/// always one that can proceed, with any number of workers, even one, and even when the host's executor runs
/// them one after the other.
///
/// A cancel, or an exception of the progress callback, ends the iteration that is being worked on and goes out then:
/// what the bodies work on is as after `*completed` whole iterations, from which a later call can go on.
/// @param start  number of the first iteration, as the bodies are told it.
inline void run_layout_phases(std::int64_t iterations, const std::vector<LayoutPhase>& phases,
                              int num_threads, const Progress& progress, std::string_view stage,
                              std::int64_t* completed = nullptr, std::int64_t start = 0) {
    const std::size_t count = phases.size();
    std::vector<std::int64_t> first(count + 1, 0);
    for (std::size_t p = 0; p < count; ++p) first[p + 1] = first[p] + phases[p].blocks;
    const std::int64_t per_iteration = first[count];
    if (completed != nullptr) *completed = per_iteration == 0 ? std::max<std::int64_t>(iterations, 0) : 0;
    if (iterations <= 0 || per_iteration == 0) return;

    std::vector<std::atomic<std::int64_t>> arrived(count);  // bodies
    std::vector<std::atomic<std::int64_t>> done(count);     // iterations whose bodies are all there
    for (auto& counter : arrived) counter.store(0, std::memory_order_relaxed);
    for (auto& counter : done) counter.store(0, std::memory_order_relaxed);
    std::size_t final_phase = count - 1;
    while (phases[final_phase].blocks == 0) --final_phase;
    std::atomic<bool> failed{false};
    std::atomic<bool> cancelled{false};
    // Whether there is a next iteration is settled by the last body of the one before it, ahead of all who wait for it.
    std::atomic<std::int64_t> end{iterations};
    std::exception_ptr reason;

    const auto body = [&](std::int64_t block, int) {
        const std::int64_t iteration = block / per_iteration;
        const std::int64_t within = block % per_iteration;
        std::size_t phase = 0;
        while (within >= first[phase + 1]) ++phase;
        // The latest non-empty phase before this one; earlier ones were complete before it began.
        std::size_t before = phase;
        std::int64_t wanted = iteration + 1;
        do {
            if (before == 0) {
                before = count;
                --wanted;
            }
            --before;
        } while (phases[before].blocks == 0);
        const auto stopped = [&] {
            return failed.load(std::memory_order_relaxed) || iteration >= end.load(std::memory_order_acquire);
        };
        for (int spins = 0; done[before].load(std::memory_order_acquire) < wanted; ++spins) {
            if (stopped()) return;
            if (spins > 64) std::this_thread::yield();
        }
        if (stopped()) return;
        try {
            phases[phase].body(start + iteration, within - first[phase]);
        } catch (...) {
            failed.store(true, std::memory_order_relaxed);
            throw;
        }
        const std::int64_t there = arrived[phase].fetch_add(1, std::memory_order_acq_rel) + 1;
        if (there < (iteration + 1) * phases[phase].blocks) return;
        if (phase == final_phase && cancelled.load(std::memory_order_relaxed)) {
            end.store(iteration + 1, std::memory_order_release);
        }
        done[phase].store(iteration + 1, std::memory_order_release);
    };
    Progress watch;
    if (progress) {
        watch = Progress(
            [&](const Tick& tick) {
                if (reason) return end.load(std::memory_order_acquire) == iterations;  // else there is nothing left to do
                try {
                    progress(tick.stage, tick.done, tick.total);
                } catch (...) {
                    reason = std::current_exception();
                    cancelled.store(true, std::memory_order_relaxed);
                }
                return true;
            },
            std::chrono::milliseconds(0));
    }
    try {
        parallel_blocks(iterations * per_iteration, num_threads, body, watch, stage);
    } catch (...) {
        if (!reason || failed.load(std::memory_order_relaxed)) throw;
    }
    if (completed != nullptr) *completed = end.load(std::memory_order_relaxed);
    if (reason) std::rethrow_exception(reason);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_PHASES_HPP
