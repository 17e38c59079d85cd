// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_PARALLEL_HPP
#define FILMATLAS_CORE_PARALLEL_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/progress.hpp"

/// @file parallel.hpp
/// @brief Fork-join over fixed blocks of work, with threads per call.
///
/// Blocks are cut by the amount of work alone, never by the number of threads, so that a result which depends
/// on its block's content only is the same for every `num_threads`. Threads are started per call and
/// joined before it returns: nothing is left running, and a forked child can use the library. With glibc they start on other
/// processors than the caller's, since some kernels let new threads wait behind it for milliseconds; then all are free to move.

namespace filmatlas {

/// Resolves `num_threads`: a positive value is taken as given; 0 means FILMATLAS_NUM_THREADS, else
/// OMP_NUM_THREADS (so that joblib's limits work), else the processors this process may run on.
/// @throws Error (InvalidArgument) when negative.
int resolve_num_threads(int num_threads);

/// Runs `body(worker)` for worker = 0 .. n-1, at once, and returns when all are done.
using Executor = std::function<void(int n, const std::function<void(int)>& body)>;

/// Replaces the thread start-up (a host's pool, a GPU runtime's); an empty function restores our own.
/// Not to be called while the library runs.
void set_executor(Executor executor);

/// Runs `body(block, worker)` for every block in [0, num_blocks), blocks handed out in ascending order.
///
/// Block exceptions: the one of the lowest block is rethrown after all workers have stopped. A nested call (from inside
/// a body) runs serially. `progress` is told (stage, blocks done, num_blocks) on the calling thread between its blocks.
/// @throws whatever a body or the progress callback threw.
void parallel_blocks(std::int64_t num_blocks, int num_threads,
                     const std::function<void(std::int64_t block, int worker)>& body, const Progress& progress = {},
                     std::string_view stage = {});

/// Cuts [0, n) into ranges of `grain` items and runs `body(begin, end)` on each.
template <class Body>
void parallel_for(std::int64_t n, std::int64_t grain, int num_threads, Body&& body, const Progress& progress = {},
                  std::string_view stage = {}) {
    if (n <= 0) return;
    grain = std::max<std::int64_t>(grain, 1);
    parallel_blocks(
        (n + grain - 1) / grain, num_threads,
        [&](std::int64_t block, int) { body(block * grain, std::min(n, (block + 1) * grain)); }, progress, stage);
}

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/core/detail/parallel_impl.hpp"
#endif
#endif  // FILMATLAS_CORE_PARALLEL_HPP
