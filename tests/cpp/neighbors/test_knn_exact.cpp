// SPDX-License-Identifier: MIT
// Exact search at every level: whatever screens the pairs, the answer is that of measuring all of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/detail/knn_blocks_impl.hpp"
#include "filmatlas/neighbors/detail/knn_exact_impl.hpp"
#include "filmatlas/neighbors/detail/knn_query_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::simd_words;
using testing::SimdLevelScope;

namespace {

struct Data {
    std::string name;
    Matrix<float> rows;
};

float normal(RandomStream& stream) { return static_cast<float>(stream.normal()); }

/// Rows around `centres` random points, `spread` wide.
Matrix<float> clustered(std::int64_t n, std::int64_t d, std::int64_t centres, float spread, std::uint64_t seed) {
    Matrix<float> x(n, d);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream centre(seed, "exact centre", static_cast<std::uint64_t>(i % centres));
        RandomStream noise(seed, "exact noise", static_cast<std::uint64_t>(i));
        for (float& value : x.row(i)) value = normal(centre) + spread * normal(noise);
    }
    return x;
}

/// What tries a screen: rounding at its worst, rows nearer to each other than bfloat16 can tell, equal rows,
/// norms of all sizes, every width of the last words.
std::vector<Data> trying_data() {
    std::vector<Data> out;
    for (const std::int64_t d : {1, 7, 33, 384}) {
        out.push_back({"random, d = " + std::to_string(d), clustered(420, d, 420, 1.0F, 1)});
    }
    out.push_back({"clustered", clustered(800, 48, 12, 0.3F, 2)});
    out.push_back({"long", clustered(100, 4096, 10, 0.5F, 3)});
    out.push_back({"nearly equal", clustered(500, 40, 5, 1e-4F, 4)});
    out.push_back({"far from the origin", clustered(400, 24, 400, 1e-3F, 5)});
    for (float& value : out.back().rows.values()) value += 50;
    out.push_back({"repeats", clustered(900, 20, 350, 0.0F, 6)});
    out.push_back({"one row 1,050 times", clustered(1200, 16, 1200, 1.0F, 7)});
    for (std::int64_t i = 0; i < 1050; ++i)
        std::copy_n(out.back().rows.row_data(3), 16, out.back().rows.row_data(i * 8 / 7));
    out.push_back({"constant", Matrix<float>(900, 9)});
    for (float& value : out.back().rows.values()) value = 0.7F;
    out.push_back({"half-way between two bfloat16", Matrix<float>(500, 70)});
    RandomStream stream(8, "exact ties");
    for (float& value : out.back().rows.values()) {
        // Even mantissas and a half: all rounded towards zero, so that the errors of a product add up.
        const float sign = stream.below(8) != 0 ? 1.0F : -1.0F;
        value = sign * (128.5F + static_cast<float>(2 * stream.below(3))) / 128;
    }
    out.push_back({"small integers", Matrix<float>(700, 5)});
    for (float& value : out.back().rows.values()) value = static_cast<float>(stream.below(4)) + 1;
    for (const double scale : {1e-30, 1e-17, 1e12}) {
        out.push_back({"scaled by " + std::to_string(scale), clustered(300, 30, 30, 0.4F, 9)});
        for (float& value : out.back().rows.values())
            value = static_cast<float>(static_cast<double>(value) * scale);
    }
    out.push_back({"norms of all sizes", clustered(400, 12, 400, 1.0F, 10)});
    for (std::int64_t i = 0; i < 400; ++i) {
        for (float& value : out.back().rows.row(i)) value = std::ldexp(value, static_cast<int>(i % 100) - 50);
    }
    return out;
}

constexpr Metric screened_metrics[] = {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean,
                                       Metric::InnerProduct};

detail::KnnSpace make_space(const Matrix<float>& x, Metric metric) {
    return detail::knn_make_space("test", VectorRows(x.view()), metric, 1);
}

/// All pairs measured and sorted.
std::vector<std::vector<std::pair<float, Index>>> by_sorting(const detail::KnnSpace& space, std::int64_t k) {
    const Kernels& kernel = kernels();
    std::vector<std::vector<std::pair<float, Index>>> out;
    for (std::int64_t i = 0; i < space.size(); ++i) {
        std::vector<std::pair<float, Index>> all;
        for (std::int64_t j = 0; j < space.size(); ++j) {
            if (j == i) continue;
            all.emplace_back(space.distance(kernel, space.direct_row(i), space.factor_of(i), space.direct_row(j),
                                            space.factor_of(j)) +
                                 0.0F,
                             static_cast<Index>(j));
        }
        const auto kept = std::min<std::ptrdiff_t>(k, static_cast<std::ptrdiff_t>(all.size()));
        std::partial_sort(all.begin(), all.begin() + kept, all.end());
        all.resize(static_cast<std::size_t>(kept));
        out.push_back(std::move(all));
    }
    return out;
}

double exact_distance(Metric metric, std::span<const float> a, std::span<const float> b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    double squared = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        const double x = static_cast<double>(a[k]);
        const double y = static_cast<double>(b[k]);
        dot += x * y;
        aa += x * x;
        bb += y * y;
        squared += (x - y) * (x - y);
    }
    if (metric == Metric::Cosine) return 1 - dot / std::sqrt(aa * bb);
    if (metric == Metric::InnerProduct) return -dot;
    return metric == Metric::Euclidean ? std::sqrt(squared) : squared;
}

}  // namespace

TEST_CASE("knn_strip: the strips are the upper triangle of blocks, each pair once, the diagonal first") {
    for (const std::int64_t blocks : {1, 2, 3, 8, 9, 10, 41}) {
        std::set<std::pair<std::int64_t, std::int64_t>> seen;
        std::int64_t pairs = 0;
        for (std::int64_t t = 0; t < detail::knn_strips(blocks); ++t) {
            const auto strip = detail::knn_strip(t, blocks);
            CHECK(strip.first_col < strip.last_col);
            CHECK(strip.last_col <= blocks);
            if (t < blocks) CHECK((strip.row_block == t && strip.first_col == t && strip.last_col == t + 1));
            for (std::int64_t col = strip.first_col; col < strip.last_col; ++col, ++pairs) {
                CHECK(strip.row_block <= col);
                seen.emplace(strip.row_block, col);
            }
        }
        CHECK(pairs == blocks * (blocks + 1) / 2);
        CHECK(static_cast<std::int64_t>(seen.size()) == pairs);
    }
}

TEST_CASE("KnnScreen: a key never exceeds its distance, and the spreads bound it from above, at every level") {
    for (const Data& data : trying_data()) {
        for (const Metric metric : screened_metrics) {
            const auto space = make_space(data.rows, metric);
            const std::int64_t n = std::min<std::int64_t>(space.size(), 96);
            for (const char* level : simd_words) {
                const SimdLevelScope scope(level);
                const Kernels& kernel = kernels();
                CAPTURE(data.name);
                CAPTURE(to_string(metric));
                CAPTURE(kernel.name);
                const detail::KnnScreen screen(space, 2, {});
                const auto words = static_cast<std::size_t>(screen.words());
                const std::vector<float> gaps(96, -std::numeric_limits<float>::infinity());
                const void* left = screen.panel(0);
                std::vector<std::uint32_t> arranged(96 * words);
                if (kernel.screen_left != nullptr) {
                    kernel.screen_left(left, words, 6, arranged.data());
                    left = arranged.data();
                }
                const ScreenRows a{left, 6, screen.add().data(), gaps.data()};
                const ScreenRows b{screen.panel(0), 6, screen.add().data(), gaps.data()};
                std::vector<ScreenHit> hits(96 * 96);
                REQUIRE(screen.panels() >= 6);
                hits.resize(kernel.screen_block(a, b, words, hits.data()));
                int wrong = 0;
                for (const ScreenHit& hit : hits) {
                    if (hit.row >= n || hit.col >= n || hit.row == hit.col) continue;
                    const auto i = static_cast<std::size_t>(hit.row);
                    const auto j = static_cast<std::size_t>(hit.col);
                    const float distance =
                        space.distance(kernel, space.direct_row(hit.row), space.factor_of(hit.row),
                                       space.direct_row(hit.col), space.factor_of(hit.col));
                    wrong += !(hit.key <= screen.limit_of(distance));
                    const double bound = static_cast<double>(hit.key) + static_cast<double>(screen.spread()[i]) +
                                         static_cast<double>(screen.spread()[j]);
                    // Nothing nearer than this pair may have a greater key than the limit that the bound gives.
                    wrong += !(screen.limit_of(distance) <= screen.limit_of_bound(bound) * (1 + 0x1.0p-18F) ||
                               distance < FLT_MIN || screen.limit_of_bound(bound) >= 0.98F * screen.limit_of(distance));
                }
                CHECK(wrong == 0);
            }
        }
    }
}

TEST_CASE("knn_graph: every level's screen gives the bytes of measuring all pairs, for any number of threads") {
    for (const Data& data : trying_data()) {
        for (const Metric metric : screened_metrics) {
            CAPTURE(data.name);
            CAPTURE(to_string(metric));
            const auto space = make_space(data.rows, metric);
            const std::int64_t k = metric == Metric::Euclidean ? 40 : 7;
            const auto want = by_sorting(space, k);
            for (const char* level : simd_words) {
                const SimdLevelScope scope(level);
                CAPTURE(level);
                for (const int threads : {3}) {
                    const auto graph = knn_graph(
                        data.rows.view(),
                        {.k = static_cast<int>(k), .metric = metric, .method = KnnMethod::Exact, .num_threads = threads});
                    std::int64_t wrong = 0;
                    for (std::int64_t p = 0; p < space.size(); ++p) {
                        const Index row = space.valid[static_cast<std::size_t>(p)];
                        const auto& neighbors = want[static_cast<std::size_t>(p)];
                        for (std::size_t slot = 0; slot < neighbors.size(); ++slot) {
                            const auto at = static_cast<std::int64_t>(slot);
                            const Index id = space.valid[static_cast<std::size_t>(neighbors[slot].second)];
                            const float distance = graph.distances(row, at);
                            wrong += graph.indices(row, at) != id ||
                                     std::memcmp(&distance, &neighbors[slot].first, sizeof(float)) != 0;
                        }
                    }
                    REQUIRE(wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("knn_graph: manhattan gives the bytes of measuring pair by pair, at every level, for any number of threads") {
    auto data = trying_data();
    data.push_back({"several blocks", clustered(1100, 37, 60, 0.5F, 13)});
    data.push_back({"sums beyond float32", clustered(200, 9, 20, 0.1F, 14)});
    for (float& value : data.back().rows.values()) value *= 5e37F;
    data.push_back({"rows without a vector", clustered(300, 21, 30, 0.5F, 15)});
    for (const std::int64_t bad : {0, 17, 18, 150, 299})
        data.back().rows(bad, bad % 21) = std::numeric_limits<float>::quiet_NaN();
    for (const Data& one : data) {
        CAPTURE(one.name);
        const auto space = make_space(one.rows, Metric::Manhattan);
        const auto want = by_sorting(space, 9);
        for (const char* level : simd_words) {
            const SimdLevelScope scope(level);
            CAPTURE(level);
            for (const int threads : {1, 3}) {
                const auto graph = knn_graph(one.rows.view(), {.k = 9,
                                                               .metric = Metric::Manhattan,
                                                               .method = KnnMethod::Exact,
                                                               .num_threads = threads});
                std::int64_t wrong = 0;
                for (std::int64_t p = 0; p < space.size(); ++p) {
                    const Index row = space.valid[static_cast<std::size_t>(p)];
                    const auto& neighbors = want[static_cast<std::size_t>(p)];
                    for (std::size_t slot = 0; slot < neighbors.size(); ++slot) {
                        const auto at = static_cast<std::int64_t>(slot);
                        const float distance = graph.distances(row, at);
                        wrong += graph.indices(row, at) != space.valid[static_cast<std::size_t>(neighbors[slot].second)] ||
                                 std::memcmp(&distance, &neighbors[slot].first, sizeof(float)) != 0;
                    }
                }
                REQUIRE(wrong == 0);
            }
        }
    }
}

TEST_CASE("knn_graph: the order of float64 at every level, but where two distances are the same to 1e-5") {
    for (const Metric metric : screened_metrics) {
        const auto x = clustered(400, 96, 20, 0.4F, 11);
        std::vector<std::vector<double>> want(400);
        for (std::int64_t i = 0; i < 400; ++i) {
            auto& all = want[static_cast<std::size_t>(i)];
            for (std::int64_t j = 0; j < 400; ++j) {
                if (j != i) all.push_back(exact_distance(metric, x.row(i), x.row(j)));
            }
            std::sort(all.begin(), all.end());
        }
        for (const char* level : simd_words) {
            const SimdLevelScope scope(level);
            const auto graph =
                knn_graph(x.view(), {.k = 10, .metric = metric, .method = KnnMethod::Exact, .num_threads = 2});
            int wrong = 0;
            for (std::int64_t i = 0; i < 400; ++i) {
                for (std::int64_t slot = 0; slot < 10; ++slot) {
                    const double have = exact_distance(metric, x.row(i), x.row(graph.indices(i, slot)));
                    const double best = want[static_cast<std::size_t>(i)][static_cast<std::size_t>(slot)];
                    wrong += std::abs(have - best) > 1e-5 * std::abs(best);
                }
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("knn_graph: the same bytes for 1, 2, 3 and 8 threads and several blocks, with 1,332 repeats") {
    auto x = clustered(5000, 64, 300, 0.6F, 12);
    for (std::int64_t i = 0; i < 1332; ++i) std::copy_n(x.row_data(17), 64, x.row_data(i * 3 + 500));
    const auto graph = knn_graph(x.view(), {.k = 15, .num_threads = 1});
    CHECK(graph.distances(500, 14) == 0);
    CHECK(graph.indices(500, 0) == 17);
    CHECK(graph.indices(17, 0) == 500);
    CHECK(graph.indices(17, 14) == 542);
    for (const char* level : simd_words) {
        const SimdLevelScope scope(level);
        for (const int threads : {1, 2, 3, 8}) {
            const auto again = knn_graph(x.view(), {.k = 15, .num_threads = threads});
            CHECK(again.indices == graph.indices);
            CHECK(again.distances.values() == graph.distances.values());
        }
    }
}

TEST_CASE("knn_graph: the size of the blocks does not show, at any level, with repeats") {
    auto x = clustered(1500, 48, 90, 0.5F, 16);
    for (std::int64_t i = 0; i < 133; ++i) std::copy_n(x.row_data(17), 48, x.row_data(i * 3 + 500));
    for (const Metric metric : screened_metrics) {
        CAPTURE(to_string(metric));
        const auto space = make_space(x, metric);
        const auto graph = knn_graph(x.view(), {.k = 12, .metric = metric, .method = KnnMethod::Exact, .num_threads = 1});
        for (const char* level : simd_words) {
            const SimdLevelScope scope(level);
            CAPTURE(level);
            for (const std::int64_t block_panels : {2, 6, 16, 32, 200}) {
                CAPTURE(block_panels);
                Matrix<Index> indices(1500, 12);
                Matrix<float> distances(1500, 12);
                filmatlas::detail::knn_exact(space, 12, indices, distances, 2, {}, block_panels);
                CHECK(indices == graph.indices);
                CHECK(distances.values() == graph.distances.values());
            }
        }
    }
}

TEST_CASE("knn_query_exact: equals measuring every pair, for any metric, level and size of batch") {
    for (const Data& data : trying_data()) {
        for (const Metric metric : screened_metrics) {
            const auto space = make_space(data.rows, metric);
            Matrix<float> queries(45, data.rows.cols());
            for (std::int64_t q = 0; q < 45; ++q)
                std::copy_n(data.rows.row_data(2 * q), data.rows.cols(), queries.row_data(q));
            std::vector<std::vector<std::uint64_t>> want;
            for (std::int64_t q = 0; q < 45; ++q) {
                float factor = 1;
                REQUIRE(detail::knn_query_factor(space, queries.row_data(q), factor));
                auto& all = want.emplace_back();
                for (std::int64_t j = 0; j < space.size(); ++j) {
                    const float distance = space.distance(kernels(), queries.row_data(q), factor,
                                                          space.direct_row(j), space.factor_of(j));
                    all.push_back(detail::knn_key(distance, static_cast<Index>(j)));
                }
                std::partial_sort(all.begin(), all.begin() + 6, all.end());
            }
            for (const char* level : simd_words) {
                const SimdLevelScope scope(level);
                CAPTURE(data.name);
                CAPTURE(to_string(metric));
                CAPTURE(level);
                const detail::KnnScreen screen(space, 1, {});
                Matrix<Index> ids(45, 6);
                Matrix<float> distances(45, 6);
                detail::knn_query_exact("test", space, screen, VectorRows(std::as_const(queries).view()), ids, distances,
                                        3, {});
                int wrong = 0;
                for (std::int64_t q = 0; q < 45; ++q) {
                    for (std::int64_t slot = 0; slot < 6; ++slot) {
                        const std::uint64_t key = want[static_cast<std::size_t>(q)][static_cast<std::size_t>(slot)];
                        wrong += ids(q, slot) != space.valid[static_cast<std::size_t>(detail::knn_key_id(key))] ||
                                 distances(q, slot) != detail::knn_key_distance(key);
                    }
                }
                CHECK(wrong == 0);
            }
        }
    }
}
