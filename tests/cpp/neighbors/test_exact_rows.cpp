// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/exact_rows.hpp"
#include "filmatlas/neighbors/knn.hpp"

using namespace filmatlas;

namespace {

Matrix<float> some_rows(std::int64_t n, std::int64_t d, int values, std::uint64_t seed) {
    Matrix<float> m(n, d);
    RandomStream stream(seed, "exact rows test");
    for (float& x : m.values()) {
        x = values > 0 ? static_cast<float>(stream.below(static_cast<std::uint64_t>(values))) + 1
                       : static_cast<float>(stream.normal());
    }
    return m;
}

}  // namespace

TEST_CASE("exact_rows: to the bit the rows of the exact graph, ties and equal rows included") {
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean, Metric::InnerProduct,
                                Metric::Manhattan}) {
        for (const int values : {0, 3}) {
            for (const std::int64_t n : {2, 40, 700}) {
                CAPTURE(to_string(metric));
                CAPTURE(values);
                CAPTURE(n);
                auto x = some_rows(n, 19, values, static_cast<std::uint64_t>(n));
                if (n > 10) x(4, 3) = std::numeric_limits<float>::quiet_NaN();
                const KnnOptions options{.k = 7, .metric = metric, .method = KnnMethod::Exact, .num_threads = 2};
                const auto graph = knn_graph(x.view(), options);
                std::vector<Index> rows;
                for (std::int64_t i = 0; i < n; i += 3) rows.push_back(static_cast<Index>(n - 1 - i));
                rows.push_back(rows.front());
                if (n > 10) rows.push_back(4);
                const auto found = exact_rows(x.view(), rows, options);
                REQUIRE(found.indices.rows() == static_cast<std::int64_t>(rows.size()));
                for (std::size_t i = 0; i < rows.size(); ++i) {
                    for (std::int64_t slot = 0; slot < 7; ++slot) {
                        const auto at = static_cast<std::int64_t>(i);
                        REQUIRE(found.indices(at, slot) == graph.indices(rows[i], slot));
                        const float a = found.distances(at, slot);
                        const float b = graph.distances(rows[i], slot);
                        REQUIRE(std::memcmp(&a, &b, sizeof a) == 0);
                    }
                }
            }
        }
    }
}

TEST_CASE("exact_rows: no rows, rows out of range, cancelling") {
    const auto x = some_rows(50, 4, 0, 1);
    CHECK(exact_rows(x.view(), {}).indices.rows() == 0);
    for (const Index bad : {-1, 50}) {
        const Index rows[] = {3, bad};
        CHECK_THROWS_WITH_AS(exact_rows(x.view(), rows), doctest::Contains("rows[1]"), Error);
    }
    const Index rows[] = {3};
    CHECK_THROWS_WITH_AS(exact_rows(x.view(), rows, {.k = 0}), doctest::Contains("k: is 0"), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(exact_rows(x.view(), rows, {}, stop), doctest::Contains("cancelled"), Error);
}
