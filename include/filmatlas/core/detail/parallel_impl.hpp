// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_PARALLEL_IMPL_HPP
#define FILMATLAS_CORE_DETAIL_PARALLEL_IMPL_HPP

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

#include "filmatlas/core/detail/worker_threads.hpp"
#include "filmatlas/core/parallel.hpp"

namespace filmatlas {
namespace detail {

inline Executor& host_executor() {
    static Executor executor;
    return executor;
}

inline bool& inside_parallel() {
    thread_local bool inside = false;
    return inside;
}

/// 0 when the variable is absent or not a positive number.
inline int threads_from_environment(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) return 0;
    int value = 0;
    const auto result = std::from_chars(text, text + std::strlen(text), value);
    return result.ec == std::errc() && value > 0 ? value : 0;
}

inline int available_processors() {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

inline void run_on_threads(int n, const std::function<void(int)>& body) {
    if (host_executor()) {
        host_executor()(n, body);
        return;
    }
    std::list<WorkerThread> threads;  // joined at their ends
    for (int worker = 1; worker < n; ++worker) {
        try {
            threads.emplace_back(body, worker);
        } catch (const std::system_error&) {
            break;  // the machine gives no more threads: the started ones take over all blocks
        }
    }
    body(0);
}

}  // namespace detail

FILMATLAS_INLINE int resolve_num_threads(int num_threads) {
    if (num_threads < 0) {
        throw_invalid("threads", "num_threads", "is " + std::to_string(num_threads),
                      "use 0 (choose for me) or a positive number");
    }
    if (num_threads > 0) return std::min(num_threads, 1024);
    for (const char* name : {"FILMATLAS_NUM_THREADS", "OMP_NUM_THREADS"}) {
        if (const int n = detail::threads_from_environment(name); n > 0) return std::min(n, 1024);
    }
    return detail::available_processors();
}

FILMATLAS_INLINE void set_executor(Executor executor) { detail::host_executor() = std::move(executor); }

FILMATLAS_INLINE void parallel_blocks(std::int64_t num_blocks, int num_threads,
                                      const std::function<void(std::int64_t, int)>& body, const Progress& progress,
                                      std::string_view stage) {
    if (num_blocks <= 0) return;
    const std::int64_t wanted = resolve_num_threads(num_threads);
    const int workers = detail::inside_parallel() ? 1 : static_cast<int>(std::min(wanted, num_blocks));

    std::atomic<std::int64_t> next{0};
    std::atomic<std::int64_t> done{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::exception_ptr error;
    std::int64_t error_block = std::numeric_limits<std::int64_t>::max();

    // The progress callback's own exception counts as later than any block's.
    const auto keep_error = [&](std::int64_t block) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!error || block < error_block) {
            error = std::current_exception();
            error_block = block;
        }
        stop.store(true, std::memory_order_relaxed);
    };
    const auto work = [&](int worker) {
        const bool was_inside = std::exchange(detail::inside_parallel(), true);
        while (!stop.load(std::memory_order_relaxed)) {
            const std::int64_t block = next.fetch_add(1, std::memory_order_relaxed);
            if (block >= num_blocks) break;
            try {
                body(block, worker);
            } catch (...) {
                keep_error(block);
                break;
            }
            const std::int64_t finished = done.fetch_add(1, std::memory_order_relaxed) + 1;
            if (worker == 0 && progress && finished < num_blocks) {
                try {
                    progress(stage, finished, num_blocks);
                } catch (...) {
                    keep_error(num_blocks);
                    break;
                }
            }
        }
        detail::inside_parallel() = was_inside;
    };
    if (workers == 1) {
        work(0);
    } else {
        detail::run_on_threads(workers, work);
    }
    if (error) std::rethrow_exception(error);
    if (progress) progress(stage, num_blocks, num_blocks);
}

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_DETAIL_PARALLEL_IMPL_HPP
