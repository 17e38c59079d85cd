// SPDX-License-Identifier: MIT
#include "filmatlas/core/parallel.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

using namespace filmatlas;

TEST_CASE("parallel_for: every index once, for any number of threads and grain") {
    for (const int threads : {1, 2, 3, 8}) {
        for (const std::int64_t grain : {1, 7, 1000}) {
            std::vector<int> hits(137, 0);
            parallel_for(137, grain, threads, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) ++hits[static_cast<std::size_t>(i)];
            });
            CHECK(std::all_of(hits.begin(), hits.end(), [](int h) { return h == 1; }));
        }
    }
    bool called = false;
    parallel_for(0, 4, 2, [&](std::int64_t, std::int64_t) { called = true; });
    CHECK_FALSE(called);
}

#if defined(__linux__)
TEST_CASE("parallel_blocks: wherever threads start, they may use the caller's processors, and the caller keeps its own") {
    const auto allowed = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
        return set;
    };
    const cpu_set_t before = allowed();
    for (const int threads : {2, 3, 16}) {
        std::vector<cpu_set_t> seen(static_cast<std::size_t>(threads));
        std::atomic<int> waiting{threads};
        parallel_blocks(threads, threads, [&](std::int64_t block, int) {
            seen[static_cast<std::size_t>(block)] = allowed();
            // Every thread takes one block, unless the machine gives fewer threads.
            --waiting;
            for (int turn = 0; waiting > 0 && turn < 10'000; ++turn) std::this_thread::yield();
        });
        CHECK(std::all_of(seen.begin(), seen.end(), [&](const cpu_set_t& set) { return CPU_EQUAL(&set, &before) != 0; }));
    }
    const cpu_set_t after = allowed();
    CHECK(CPU_EQUAL(&after, &before) != 0);
}
#endif

TEST_CASE("parallel_blocks: an exception stops the run and is rethrown on the caller") {
    // So many blocks that none but a stopped run ends soon, however slow the throw is.
    constexpr std::int64_t kEndless = 1'000'000'000;
    std::atomic<std::int64_t> ran{0};
    CHECK_THROWS_WITH_AS(parallel_blocks(kEndless, 2,
                                         [&](std::int64_t block, int) {
                                             ++ran;
                                             if (block == 3) throw std::runtime_error("block 3");
                                         }),
                         "block 3", std::runtime_error);
    CHECK(ran.load() < kEndless);
}

TEST_CASE("parallel_blocks: progress on the calling thread only, and false cancels") {
    const auto caller = std::this_thread::get_id();
    std::int64_t last = 0;
    bool same_thread = true;
    const Progress watch(
        [&](const Tick& tick) {
            same_thread = same_thread && std::this_thread::get_id() == caller;
            last = tick.done;
            return true;
        },
        std::chrono::milliseconds(0));
    parallel_blocks(64, 3, [](std::int64_t, int) {}, watch, "stage");
    CHECK(same_thread);
    CHECK(last == 64);

    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    constexpr std::int64_t kEndless = 1'000'000'000;
    std::atomic<std::int64_t> ran{0};
    try {
        parallel_blocks(kEndless, 2, [&](std::int64_t, int) { ++ran; }, stop, "stage");
        FAIL("not cancelled");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Cancelled);
    }
    CHECK(ran.load() < kEndless);
}

TEST_CASE("parallel_blocks: nested calls run, serially, and a host's executor replaces the threads") {
    std::atomic<int> ran{0};
    parallel_blocks(4, 2, [&](std::int64_t, int) {
        parallel_blocks(5, 2, [&](std::int64_t, int worker) {
            CHECK(worker == 0);
            ++ran;
        });
    });
    CHECK(ran.load() == 20);

    int calls = 0;
    set_executor([&](int n, const std::function<void(int)>& body) {
        ++calls;
        for (int worker = 0; worker < n; ++worker) body(worker);
    });
    ran = 0;
    parallel_blocks(10, 4, [&](std::int64_t, int) { ++ran; });
    set_executor({});
    CHECK(calls == 1);
    CHECK(ran.load() == 10);
}

TEST_CASE("resolve_num_threads: given, by environment, and refused") {
    CHECK(resolve_num_threads(3) == 3);
    setenv("FILMATLAS_NUM_THREADS", "5", 1);
    CHECK(resolve_num_threads(0) == 5);
    setenv("FILMATLAS_NUM_THREADS", "nonsense", 1);
    CHECK(resolve_num_threads(0) >= 1);
    unsetenv("FILMATLAS_NUM_THREADS");
    CHECK_THROWS_WITH_AS(resolve_num_threads(-1),
                         "threads: num_threads: is -1; use 0 (choose for me) or a positive number", Error);
}
