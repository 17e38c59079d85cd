// SPDX-License-Identifier: MIT
// progress.hpp, run_info.hpp, config.hpp
#include "filmatlas/core/progress.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/run_info.hpp"

using namespace filmatlas;

TEST_CASE("Progress: empty is silent; the last tick always arrives; others are rationed") {
    const Progress silent;
    CHECK_FALSE(static_cast<bool>(silent));
    silent("stage", 1, 2);

    std::vector<std::int64_t> seen;
    const Progress rare(
        [&](const Tick& tick) {
            CHECK(tick.stage == "stage");
            CHECK(tick.total == 1000);
            seen.push_back(tick.done);
            return true;
        },
        std::chrono::hours(1));
    for (std::int64_t i = 1; i <= 1000; ++i) rare("stage", i, 1000);
    CHECK(seen.size() <= 2);
    CHECK(seen.back() == 1000);
}

TEST_CASE("Progress: false cancels with the stage in the error; the callback's own exception passes unchanged") {
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    try {
        stop("clustering", 1, 10);
        FAIL("not cancelled");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Cancelled);
        CHECK(error.where().stage == "clustering");
    }
    const Progress broken([](const Tick&) -> bool { throw std::domain_error("mine"); }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(broken("stage", 1, 10), "mine", std::domain_error);
}

TEST_CASE("RunInfo: a run that says nothing converged without warnings") {
    const RunInfo info;
    CHECK(info.converged);
    CHECK(info.iterations == 0);
    CHECK(info.warnings.empty());
}
