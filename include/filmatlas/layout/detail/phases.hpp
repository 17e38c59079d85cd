// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_PHASES_HPP
#define FILMATLAS_LAYOUT_DETAIL_PHASES_HPP

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "filmatlas/core/parallel.hpp"

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
inline void run_layout_phases(std::int64_t iterations, const std::vector<LayoutPhase>& phases,
                              int num_threads, const Progress& progress, std::string_view stage) {
    const std::size_t count = phases.size();
    std::vector<std::int64_t> first(count + 1, 0);
    for (std::size_t p = 0; p < count; ++p) first[p + 1] = first[p] + phases[p].blocks;
    const std::int64_t per_iteration = first[count];
    if (iterations <= 0 || per_iteration == 0) return;

    std::vector<std::atomic<std::int64_t>> done(count);
    for (auto& counter : done) counter.store(0, std::memory_order_relaxed);
    std::atomic<bool> failed{false};

    const auto body = [&](std::int64_t block, int) {
        const std::int64_t iteration = block / per_iteration;
        const std::int64_t within = block % per_iteration;
        std::size_t phase = 0;
        while (within >= first[phase + 1]) ++phase;
        // The latest non-empty phase before this one; earlier ones were complete before it began.
        std::size_t before = phase;
        std::int64_t target = iteration;
        do {
            if (before == 0) {
                before = count;
                --target;
            }
            --before;
        } while (phases[before].blocks == 0);
        const std::int64_t wanted = (target + 1) * phases[before].blocks;
        for (int spins = 0; done[before].load(std::memory_order_acquire) < wanted; ++spins) {
            if (failed.load(std::memory_order_relaxed)) return;
            if (spins > 64) std::this_thread::yield();
        }
        try {
            phases[phase].body(iteration, within - first[phase]);
        } catch (...) {
            failed.store(true, std::memory_order_relaxed);
            throw;
        }
        done[phase].fetch_add(1, std::memory_order_release);
    };
    parallel_blocks(iterations * per_iteration, num_threads, body, progress, stage);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_PHASES_HPP
