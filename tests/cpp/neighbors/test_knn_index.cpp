// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/detail/hnsw_build.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/neighbors/knn_index.hpp"
#include "neighbors/knn_data.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::all_metrics;
using testing::gaussian;
using testing::SimdLevelScope;
using testing::true_distance;

namespace {

constexpr float inf_value = std::numeric_limits<float>::infinity();

/// Points around centres: a neighbourhood structure that a graph can follow.
Matrix<float> clouds(std::int64_t n, std::int64_t d, std::int64_t centres, std::uint64_t seed) {
    const auto centre = gaussian(centres, d, 77);
    Matrix<float> m(n, d);
    RandomStream stream(seed, "knn clouds");
    for (std::int64_t i = 0; i < n; ++i) {
        const auto c = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(centres)));
        for (std::int64_t j = 0; j < d; ++j) m(i, j) = centre(c, j) + 0.6F * static_cast<float>(stream.normal());
    }
    return m;
}

bool same_result(const KnnIndex::Result& a, const KnnIndex::Result& b) {
    return a.indices == b.indices && a.distances == b.distances;
}

double share_found(const KnnIndex::Result& found, const KnnIndex::Result& truth) {
    std::int64_t hits = 0;
    for (std::int64_t i = 0; i < truth.indices.rows(); ++i) {
        for (const Index id : truth.indices.row(i)) {
            const auto ids = found.indices.row(i);
            hits += std::find(ids.begin(), ids.end(), id) != ids.end() ? 1 : 0;
        }
    }
    return static_cast<double>(hits) / static_cast<double>(truth.indices.values().size());
}

KnnIndexOptions hnsw(Metric metric = Metric::Cosine) {
    return {.metric = metric, .method = KnnIndexMethod::Hnsw};
}

}  // namespace

TEST_CASE("KnnIndex: new rows find what sorting finds; one by one equals the batch") {
    const auto x = gaussian(1300, 24, 12);
    const auto q = gaussian(150, 24, 13);
    for (const Metric metric : all_metrics) {
        CAPTURE(to_string(metric));
        const KnnIndex index(x.view(), metric);
        CHECK(index.size() == 1300);
        CHECK(index.dim() == 24);
        CHECK(index.metric() == metric);
        const auto result = index.query(q.view(), 9);
        int wrong = 0;
        for (std::int64_t i = 0; i < 150; ++i) {
            std::vector<std::pair<double, Index>> all;
            for (Index j = 0; j < 1300; ++j)
                all.emplace_back(true_distance(metric, q.row_data(i), x.row_data(j), 24), j);
            std::sort(all.begin(), all.end());
            for (std::size_t slot = 0; slot < 9; ++slot) {
                wrong += result.indices(i, static_cast<std::int64_t>(slot)) != all[slot].second;
                wrong += std::abs(static_cast<double>(result.distances(i, static_cast<std::int64_t>(slot))) -
                                  all[slot].first) > 1e-5 * std::max(1.0, std::abs(all[slot].first));
            }
        }
        CHECK(wrong == 0);
        for (const std::int64_t i : {0, 77, 149}) {
            const auto one = index.query(MatrixView<const float>(q.row_data(i), 1, 24), 9);
            for (std::int64_t slot = 0; slot < 9; ++slot) {
                CHECK(one.indices(0, slot) == result.indices(i, slot));
                CHECK(one.distances(0, slot) == result.distances(i, slot));
            }
        }
        for (const char* level : {"baseline", "avx2", "avx512", "avx512_bf16", "amx"}) {
            const SimdLevelScope scope(level);
            const auto again = index.query(q.view(), 9, 3);
            CHECK(again.indices == result.indices);
            CHECK(again.distances == result.distances);
        }
    }
}

TEST_CASE("KnnIndex: a fitted row finds itself and then its graph neighbours, at the same distances") {
    const auto x = gaussian(600, 12, 14);
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean}) {
        const auto g = knn_graph(x.view(), {.k = 7, .metric = metric});
        const auto r = KnnIndex(x.view(), metric).query(x.view(), 8);
        for (std::int64_t i = 0; i < 600; ++i) {
            REQUIRE(r.indices(i, 0) == i);
            REQUIRE(r.distances(i, 0) == 0);
            for (std::int64_t slot = 0; slot < 7; ++slot) {
                REQUIRE(r.indices(i, slot + 1) == g.indices(i, slot));
                REQUIRE(r.distances(i, slot + 1) == g.distances(i, slot));
            }
        }
    }
}

TEST_CASE("KnnIndex: bad queries, queries beyond the index's range, invalid rows, errors") {
    auto x = gaussian(100, 4, 15);
    x(10, 0) = std::nanf("");
    const KnnIndex index(x.view(), Metric::Euclidean);
    auto q = gaussian(20, 4, 16);
    q(3, 2) = inf_value;
    for (std::int64_t j = 0; j < 4; ++j) q(5, j) *= 1e30F;
    const auto r = index.query(q.view(), 120);
    for (const Index id : r.indices.row(3)) CHECK(id == -1);
    for (std::int64_t i = 0; i < 20; ++i) {
        if (i == 3) continue;
        std::set<Index> ids(r.indices.row(i).begin(), r.indices.row(i).begin() + 99);
        CHECK(ids.size() == 99);
        CHECK(ids.count(10) == 0);
        CHECK(ids.count(-1) == 0);
        CHECK(r.indices(i, 99) == -1);
        CHECK(r.distances(i, 99) == inf_value);
        CHECK(std::is_sorted(r.distances.row(i).begin(), r.distances.row(i).end()));
    }
    CHECK(r.distances(5, 0) > 1e29F);
    CHECK(index.query(Matrix<float>(0, 4).view(), 3).indices.rows() == 0);
    CHECK_THROWS_WITH_AS(index.query(gaussian(2, 5, 1).view(), 3),
                         doctest::Contains("5 columns, the index has 4"), Error);
    CHECK_THROWS_WITH_AS(index.query(q.view(), 0), doctest::Contains("k: is 0"), Error);
    CHECK_THROWS_AS(KnnIndex(Matrix<float>(0, 4).view()), Error);
    KnnIndex moved = KnnIndex(x.view(), Metric::Euclidean);
    CHECK(moved.query(q.view(), 120).indices == r.indices);
}

TEST_CASE("KnnIndex: typed queries give what their float32 copy gives; progress and cancelling") {
    const auto x = gaussian(700, 20, 3);
    const auto q = gaussian(90, 20, 4);
    const KnnIndex index(x.view(), Metric::Cosine);
    std::vector<double> wide(q.values().begin(), q.values().end());
    const auto want = index.query(q.view(), 5);
    CHECK(same_result(
        index.query(VectorRows(StridedArray::contiguous(wide.data(), ScalarType::Float64, 90, 20)), 5), want));
    int calls = 0;
    const Progress watch(
        [&](const Tick& tick) {
            CHECK(tick.done <= tick.total);
            ++calls;
            return true;
        },
        std::chrono::milliseconds(0));
    CHECK(same_result(index.query(q.view(), 5, 2, watch), want));
    CHECK(calls > 1);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(index.query(q.view(), 5, 2, stop), doctest::Contains("cancelled"), Error);
    CHECK_THROWS_WITH_AS(KnnIndex(x.view(), hnsw(), stop), doctest::Contains("cancelled"), Error);
}

TEST_CASE("KnnIndex hnsw: finds the promised share of what exact search finds, at the same distances") {
    const auto x = clouds(6000, 48, 60, 1);
    const auto q = clouds(400, 48, 60, 2);
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean}) {
        CAPTURE(to_string(metric));
        const KnnIndex exact(x.view(), metric);
        const KnnIndex index(x.view(), hnsw(metric));
        CHECK(index.method() == KnnIndexMethod::Hnsw);
        CHECK(index.quality().recall >= 0.97);
        CHECK(index.quality().low >= 0.97);
        CHECK(index.quality().low <= index.quality().recall);
        CHECK(index.quality().recall <= index.quality().high);
        CHECK(index.quality().k == 15);
        CHECK(index.quality().rows == 1000);
        const auto truth = exact.query(q.view(), 15);
        const auto found = index.query(q.view(), 15);
        CHECK(share_found(found, truth) >= 0.96);
        for (std::int64_t i = 0; i < 400; ++i) {
            for (std::int64_t slot = 0; slot < 15; ++slot) {
                const auto ids = truth.indices.row(i);
                const auto at = std::find(ids.begin(), ids.end(), found.indices(i, slot));
                if (at != ids.end()) REQUIRE(found.distances(i, slot) == truth.distances(i, at - ids.begin()));
                if (slot > 0) {
                    REQUIRE(std::pair(found.distances(i, slot - 1), found.indices(i, slot - 1)) <
                            std::pair(found.distances(i, slot), found.indices(i, slot)));
                }
            }
        }
        // More candidates find more; all of them find all.
        CHECK(share_found(index.query(q.view(), 15, 0, {}, 400), truth) >= 0.995);
        CHECK(same_result(index.query(MatrixView<const float>(q.data(), 20, 48), 15, 0, {}, 6000),
                          exact.query(MatrixView<const float>(q.data(), 20, 48), 15)));
    }
}

TEST_CASE("KnnIndex hnsw: the same bytes for any threads and instruction set, one by one as in a batch") {
    const auto x = clouds(3000, 33, 20, 5);
    const auto q = clouds(70, 33, 20, 6);
    const KnnIndex index(x.view(), hnsw());
    const auto want = index.query(q.view(), 10);
    for (const char* level : {"baseline", "avx2", "avx512"}) {
        const SimdLevelScope scope(level);
        KnnIndexOptions options = hnsw();
        options.num_threads = 3;
        const KnnIndex again(x.view(), options);
        CHECK(again.state().neighbors == index.state().neighbors);
        CHECK(again.quality().ef == index.quality().ef);
        CHECK(again.quality().recall == index.quality().recall);
        CHECK(same_result(again.query(q.view(), 10, 1), want));
        CHECK(same_result(index.query(q.view(), 10, 3), want));
    }
    for (const std::int64_t i : {0, 31, 69}) {
        const auto one = index.query(MatrixView<const float>(q.row_data(i), 1, 33), 10);
        CHECK(std::equal(one.indices.row(0).begin(), one.indices.row(0).end(), want.indices.row(i).begin()));
    }
}

TEST_CASE("KnnIndex hnsw: equal rows are one node and all found, lower ids first") {
    Matrix<float> x = clouds(900, 8, 6, 7);
    for (std::int64_t i = 300; i < 900; ++i) std::copy_n(x.row_data(i % 5), 8, x.row_data(i));
    const KnnIndex exact(x.view(), Metric::Euclidean);
    const KnnIndex index(x.view(), hnsw(Metric::Euclidean));
    CHECK(index.state().neighbors.rows() == 300);
    const auto truth = exact.query(x.view(), 200);
    const auto found = index.query(x.view(), 200);
    CHECK(found.indices(0, 0) == 0);
    CHECK(found.indices(0, 1) == 300);
    CHECK(found.distances(0, 120) == 0);
    CHECK(share_found(found, truth) > 0.99);
    Matrix<float> equal(50, 4);
    for (float& value : equal.values()) value = 2;
    const auto ids = KnnIndex(equal.view(), hnsw()).query(equal.view(), 3);
    CHECK(ids.indices(49, 0) == 0);
    CHECK(ids.indices(49, 2) == 2);
    CHECK(ids.distances(49, 2) == 0);
}

TEST_CASE("KnnIndex hnsw: invalid rows are never found, queries beyond the codes' range are answered exactly") {
    auto x = clouds(500, 6, 4, 8);
    x(10, 2) = std::nanf("");
    for (float& value : x.row(11)) value = inf_value;
    const KnnIndex index(x.view(), hnsw(Metric::Euclidean));
    auto q = gaussian(4, 6, 9);
    for (float& value : q.row(1)) value *= 1e30F;
    q(2, 0) = inf_value;
    const auto found = index.query(q.view(), 498);
    const auto truth = KnnIndex(x.view(), Metric::Euclidean).query(q.view(), 498);
    CHECK(same_result(found, truth));
    CHECK(found.indices(2, 0) == -1);
    for (const Index id : found.indices.values()) CHECK((id != 10 && id != 11));
    CHECK(found.indices(0, 497) >= 0);
    Matrix<float> nothing(3, 2);
    const KnnIndex empty(nothing.view(), hnsw());  // zero rows
    CHECK(empty.query(nothing.view(), 2).indices(0, 0) == -1);
    Matrix<float> one(1, 2, {1, 2});
    CHECK(KnnIndex(one.view(), hnsw()).query(one.view(), 2).indices.values() == std::vector<Index>{0, -1});
    for (const std::int64_t n : {2, 3, 16, 50}) {
        const auto small = gaussian(n, 3, 4);
        CHECK(same_result(KnnIndex(small.view(), hnsw()).query(small.view(), 60),
                          KnnIndex(small.view(), Metric::Cosine).query(small.view(), 60)));
    }
}

TEST_CASE("KnnIndex hnsw: every row can be reached, across clusters without a common neighbour") {
    // 40 tight clusters far apart: no neighbour list leaves its own.
    const std::int64_t n = 4000;
    Matrix<float> x(n, 16);
    const auto noise = gaussian(n, 16, 21);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < 16; ++j) x(i, j) = 0.01F * noise(i, j);
        x(i, (i % 40) % 16) += static_cast<float>(100 * (1 + i % 40));
    }
    const KnnIndex index(x.view(), hnsw(Metric::Euclidean));
    CHECK(index.quality().low >= 0.97);
    CHECK(index.state().full_precision);  // one step of an 8-bit number is wider than a cluster
    const auto found = index.query(x.view(), 1, 0, {}, 64);
    int missed = 0;
    for (std::int64_t i = 0; i < n; ++i) missed += found.indices(i, 0) != i;
    CHECK(missed == 0);
}

TEST_CASE("HnswJoiner: one-way links become a layer where every place reaches every other") {
    const std::int64_t n = 60;
    const auto x = gaussian(n, 4, 2);
    const auto space = detail::knn_make_space("test", x.view(), Metric::Euclidean, 1);
    const auto groups = detail::knn_find_repeats(space, 1);
    const detail::HnswRows rows(space, groups, false, 1, {});
    detail::HnswLayer layer;  // three one-way chains
    for (std::uint32_t i = 0; i < n; ++i) {
        const std::uint32_t third = i + 3;
        layer.links.append({&third, third < n ? 1U : 0U});
    }
    Matrix<Index> neighbours(n, 1);
    for (std::int64_t i = 0; i < n; ++i) neighbours(i, 0) = i >= 3 ? static_cast<Index>(i - 3) : -1;
    CHECK(detail::HnswJoiner(layer, rows, neighbours.view(), {}).join() > 0);
    for (std::uint32_t start = 0; start < n; ++start) {
        std::set<std::uint32_t> seen = {start};
        std::vector<std::uint32_t> open = {start};
        while (!open.empty()) {
            const std::uint32_t place = open.back();
            open.pop_back();
            for (const std::uint32_t next : layer.links.of(place)) {
                if (seen.insert(next).second) open.push_back(next);
            }
        }
        REQUIRE(seen.size() == static_cast<std::size_t>(n));
    }
    CHECK(detail::HnswJoiner(layer, rows, neighbours.view(), {}).join() == 0);
}

TEST_CASE("KnnIndex: an index made from another's state answers alike; false states are refused") {
    const auto x = clouds(1200, 10, 9, 3);
    const auto q = clouds(50, 10, 9, 4);
    for (const KnnIndexMethod method : {KnnIndexMethod::Exact, KnnIndexMethod::Hnsw}) {
        const KnnIndex index(x.view(), KnnIndexOptions{.method = method});
        const KnnIndex again(KnnIndexState(index.state()));
        CHECK(same_result(again.query(q.view(), 7), index.query(q.view(), 7)));
        CHECK(again.quality().ef == index.quality().ef);
        CHECK(again.method() == method);
    }
    const KnnIndex index(x.view(), hnsw());
    const auto refuse = [&](const char* words, auto&& spoil) {
        KnnIndexState state = index.state();
        spoil(state);
        CHECK_THROWS_WITH_AS(KnnIndex(std::move(state)), doctest::Contains(words), Error);
    };
    refuse("outside [0, 1200)", [](KnnIndexState& s) { s.neighbors(3, 5) = 1200; });
    refuse("outside [0, 1200)", [](KnnIndexState& s) { s.neighbors(3, 5) = -1; });
    refuse("its own neighbour", [](KnnIndexState& s) { s.neighbors(3, 5) = 3; });
    refuse("twice", [](KnnIndexState& s) { s.neighbors(3, 5) = s.neighbors(3, 6); });
    refuse("of 1199 rows are kept", [](KnnIndexState& s) { s.neighbors = Matrix<Index>(1199, 48); });
    refuse("recall contradicts", [](KnnIndexState& s) { s.quality.low = 2; });
    refuse("recall contradicts", [](KnnIndexState& s) { s.quality.recall = std::nan(""); });
    refuse("not resolved", [](KnnIndexState& s) { s.options.method = KnnIndexMethod::Auto; });
    refuse("links", [](KnnIndexState& s) { s.options.links = 1000; });
}

TEST_CASE("KnnIndex: options and their errors") {
    const auto x = gaussian(60, 5, 1);
    const KnnIndex automatic(x.view());
    CHECK(automatic.method() == KnnIndexMethod::Exact);
    CHECK(automatic.reason().find("60 rows of 5 dimensions") != std::string::npos);
    CHECK(automatic.quality().ef == 0);
    for (const KnnIndexMethod method : {KnnIndexMethod::Auto, KnnIndexMethod::Exact, KnnIndexMethod::Hnsw}) {
        CHECK(knn_index_method_from_string(to_string(method)) == method);
    }
    CHECK_THROWS_WITH_AS(knn_index_method_from_string("tree"), doctest::Contains("auto, exact, hnsw"), Error);
    const auto refuse = [&](const char* words, const KnnIndexOptions& options) {
        CHECK_THROWS_WITH_AS(KnnIndex(x.view(), options), doctest::Contains(words), Error);
    };
    for (const Metric metric : {Metric::InnerProduct, Metric::Manhattan}) refuse("hnsw does not know", hnsw(metric));
    refuse("links: is 3", {.links = 3});
    refuse("target_recall: is 1", {.target_recall = 1});
    refuse("target_k: is 0", {.target_k = 0});
    refuse("ef: is 0", {.ef = 0});
    refuse("memory_limit: is 0", {.memory_limit = 0});
    refuse("bytes, the limit is 1000", {.memory_limit = 1000});
    refuse("num_threads: is -1", {.num_threads = -1});
    KnnIndexOptions fixed = hnsw();
    fixed.ef = 33;
    CHECK(KnnIndex(x.view(), fixed).quality().ef == 33);
    CHECK_THROWS_WITH_AS(automatic.query(x.view(), 3, 0, {}, -1), doctest::Contains("ef: is -1"), Error);
}
