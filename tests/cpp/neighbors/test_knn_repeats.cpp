// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "filmatlas/neighbors/detail/knn_repeats_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/neighbors/knn_index.hpp"
#include "neighbors/knn_data.hpp"

using namespace filmatlas;
using testing::all_metrics;
using testing::gaussian;

namespace {

/// Groups in the order of their first positions, from the rows as distances see them.
std::vector<std::vector<Index>> groups_by_values(const detail::KnnSpace& space) {
    std::map<std::vector<float>, std::size_t> known;
    std::vector<std::vector<Index>> groups;
    std::vector<float> row(static_cast<std::size_t>(space.dim()));
    for (std::int64_t i = 0; i < space.size(); ++i) {
        detail::knn_seen_row(space, i, row);
        const auto [at, fresh] = known.emplace(row, groups.size());
        if (fresh) groups.emplace_back();
        groups[at->second].push_back(static_cast<Index>(i));
    }
    return groups;
}

std::vector<std::vector<Index>> listed(const detail::KnnRepeats& repeats) {
    std::vector<std::vector<Index>> groups;
    for (std::int64_t g = 0; g < repeats.size(); ++g) {
        const auto members = repeats.group(g);
        CHECK(repeats.first(g) == members.front());
        groups.emplace_back(members.begin(), members.end());
    }
    return groups;
}

}  // namespace

TEST_CASE("repeats: groups by their first positions, for any number of threads") {
    for (const std::int64_t n : {1, 2, 7, 64, 3000}) {
        for (const std::int64_t d : {1, 2, 5, 16}) {
            // Few values, so that rows repeat in low dimensions; with both zeros.
            auto x = gaussian(n, d, static_cast<std::uint64_t>(n + d));
            for (float& value : x.values()) {
                value = static_cast<float>(static_cast<int>(2 * value));
                if (value == 0 && n % 2 == 0) value = -value;
            }
            for (const Metric metric : all_metrics) {
                const auto space = detail::knn_make_space("test", std::as_const(x).view(), metric, 1);
                const auto expected = groups_by_values(space);
                const auto one = detail::knn_find_repeats(space, 1);
                CHECK(listed(one) == expected);
                CHECK(one.none() == (expected.size() == static_cast<std::size_t>(space.size())));
                CHECK(listed(detail::knn_find_repeats(space, 3)) == expected);
            }
        }
    }
}

TEST_CASE("repeats: under cosine a multiple is a repeat where scaling gives the same row, else not") {
    Matrix<float> x(4, 3, {1, 2, 3, 4, 8, 12, 1, 2, 3.0000002F, 1, 2, 3});
    const auto cosine = detail::knn_make_space("test", std::as_const(x).view(), Metric::Cosine, 1);
    CHECK(listed(detail::knn_find_repeats(cosine, 1)) == std::vector<std::vector<Index>>{{0, 1, 3}, {2}});
    const auto plain = detail::knn_make_space("test", std::as_const(x).view(), Metric::Euclidean, 1);
    CHECK(listed(detail::knn_find_repeats(plain, 1)) == std::vector<std::vector<Index>>{{0, 3}, {1}, {2}});
}

TEST_CASE("repeats: members of a group have the same distances to everything, and so one node in a graph search") {
    // 3 copies of every row, doubled and quadrupled: the same directions.
    const std::int64_t n = 900;
    const auto base = gaussian(n / 3, 24, 8);
    Matrix<float> x(n, 24);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t k = 0; k < 24; ++k) x(i, k) = base(i / 3, k) * static_cast<float>(1 << (i % 3));
    }
    const auto space = detail::knn_make_space("test", std::as_const(x).view(), Metric::Cosine, 1);
    CHECK(detail::knn_find_repeats(space, 1).size() == n / 3);
    for (std::int64_t i = 0; i < n; i += 3) {
        for (const std::int64_t j : {std::int64_t{0}, n / 2, n - 1}) {
            const auto to = [&](std::int64_t from) {
                return space.distance(kernels(), space.direct_row(from), space.factor_of(from), space.direct_row(j),
                                      space.factor_of(j));
            };
            CHECK(to(i) == to(i + 1));
            CHECK(to(i) == to(i + 2));
        }
    }
    KnnIndexOptions options;
    options.method = KnnIndexMethod::Hnsw;
    const KnnIndex index(std::as_const(x).view(), options);
    CHECK(index.state().neighbors.rows() == n / 3);
    const auto queries = gaussian(50, 24, 9);
    const auto found = index.query(queries.view(), 9, 0, {}, 300);
    const auto truth = KnnIndex(std::as_const(x).view(), Metric::Cosine).query(queries.view(), 9);
    CHECK(found.indices == truth.indices);
    CHECK(found.distances == truth.distances);
}
