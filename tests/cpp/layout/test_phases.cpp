// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/phases.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/layout/umap.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using detail::LayoutPhase;

namespace {

/// A chain in which every value depends on all of the last iteration: wrong order or half an iteration shows.
struct Chain {
    std::vector<std::uint64_t> now = std::vector<std::uint64_t>(40, 1);
    std::vector<std::uint64_t> next = std::vector<std::uint64_t>(40, 0);
    std::uint64_t sum = 0;

    std::vector<LayoutPhase> phases() {
        return {{1, [this](std::int64_t, std::int64_t) {
                     sum = 0;
                     for (const std::uint64_t v : now) sum += v;
                 }},
                {0, [](std::int64_t, std::int64_t) { FAIL("a phase without blocks was run"); }},
                {8, [this](std::int64_t, std::int64_t block) {
                     const auto first = static_cast<std::size_t>(block) * 5;
                     for (std::size_t i = first; i < first + 5; ++i) next[i] = now[i] * 3 + sum + i;
                 }},
                {8, [this](std::int64_t, std::int64_t block) {
                     const auto first = static_cast<std::size_t>(block) * 5;
                     for (std::size_t i = first; i < first + 5; ++i) now[i] = next[i];
                 }},
                {0, [](std::int64_t, std::int64_t) { FAIL("a phase without blocks was run"); }}};
    }
};

Progress stop_after(int ticks) {
    return Progress([left = ticks](const Tick&) mutable { return left-- > 0; }, std::chrono::milliseconds(0));
}

}  // namespace

TEST_CASE("phases: cancelled anywhere and gone on with, the same values as in one run") {
    Chain whole;
    detail::run_layout_phases(60, whole.phases(), 1, {}, "chain");
    for (const int threads : {1, 2, 5}) {
        for (const int ticks : {0, 1, 7, 100, 400}) {
            Chain parts;
            std::int64_t finished = 0;
            int cancels = 0;
            while (finished < 60) {
                std::int64_t completed = -1;
                try {
                    detail::run_layout_phases(60 - finished, parts.phases(), threads, stop_after(ticks), "chain",
                                              &completed);
                } catch (const Error& error) {
                    CHECK(error.code() == ErrorCode::Cancelled);
                    ++cancels;
                }
                CHECK(completed > 0);
                finished += completed;
            }
            CHECK(finished == 60);
            CHECK(parts.now == whole.now);
            if (threads == 1) CHECK(cancels > 0);
        }
    }
}

TEST_CASE("phases: what the callback throws goes out, after a whole iteration") {
    Chain parts;
    const Progress thrown([](const Tick&) -> bool { throw std::runtime_error("enough"); },
                          std::chrono::milliseconds(0));
    std::int64_t completed = -1;
    CHECK_THROWS_WITH_AS(detail::run_layout_phases(60, parts.phases(), 2, thrown, "chain", &completed), "enough",
                         std::runtime_error);
    Chain same;
    detail::run_layout_phases(completed, same.phases(), 1, {}, "chain");
    CHECK(parts.now == same.now);
}

TEST_CASE("umap: rounds in parts, and after a cancel, give the bytes of one run") {
    const Matrix<float> x = filmatlas::testing::blobs(500, 4, 3, 4.0);
    const CsrMatrix<float> weights = fuzzy_graph(filmatlas::testing::brute_graph(x, 14), {});
    const Matrix<float> start = pca_start(x.view()).coordinates;
    UmapOptions options;
    options.num_threads = 2;
    Matrix<float> whole = start;
    umap_optimize(weights, whole, 0, 40, 40, options);
    // A cancel ends its round: the coordinates are those of some number of whole ones.
    Matrix<float> parts = start;
    CHECK_THROWS_AS(umap_optimize(weights, parts, 0, 40, 40, options, stop_after(200)), Error);
    Matrix<float> until = start;
    int rounds = 0;
    while (rounds < 40 && !(until == parts)) {
        umap_optimize(weights, until, rounds, rounds + 1, 40, options);
        ++rounds;
    }
    CHECK(until == parts);
    REQUIRE(rounds > 0);
    umap_optimize(weights, parts, rounds, 40, 40, options);
    CHECK(parts == whole);
}
