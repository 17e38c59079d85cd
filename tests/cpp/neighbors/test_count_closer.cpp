// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/count_closer.hpp"
#include "filmatlas/neighbors/detail/knn_space_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "neighbors/knn_data.hpp"

using namespace filmatlas;
using testing::all_metrics;
using testing::gaussian;

namespace {

CloserOptions by(Metric metric, int num_threads = 0) { return {metric, num_threads}; }

/// m others of every row, drawn; some missing.
Matrix<Index> drawn_others(std::int64_t n, std::int64_t m, std::uint64_t seed) {
    Matrix<Index> others(n, m);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(seed, "closer test", static_cast<std::uint64_t>(i));
        for (Index& id : others.row(i)) {
            id = static_cast<Index>(stream.below(static_cast<std::uint64_t>(n)));
            if (id == i || stream.below(20) == 0) id = -1;
        }
    }
    return others;
}

/// By the definition: all distances of a row, as the library measures them.
Matrix<Index> counted_one_by_one(const Matrix<float>& x, const Matrix<Index>& others, Metric metric) {
    const auto space = detail::knn_make_space("test", x.view(), metric, 1);
    const Kernels& kernel = kernels();
    std::vector<Index> position(static_cast<std::size_t>(x.rows()), -1);
    for (std::size_t p = 0; p < space.valid.size(); ++p)
        position[static_cast<std::size_t>(space.valid[p])] = static_cast<Index>(p);
    Matrix<Index> counts(others.rows(), others.cols());
    std::fill(counts.values().begin(), counts.values().end(), -1);
    for (std::int64_t p = 0; p < space.size(); ++p) {
        const Index i = space.valid[static_cast<std::size_t>(p)];
        std::vector<std::pair<float, Index>> order;
        for (std::int64_t q = 0; q < space.size(); ++q) {
            order.emplace_back(space.distance(kernel, space.direct_row(p), space.factor_of(p), space.direct_row(q),
                                              space.factor_of(q)),
                               static_cast<Index>(q));
        }
        for (std::int64_t slot = 0; slot < others.cols(); ++slot) {
            const Index id = others(i, slot);
            if (id < 0 || position[static_cast<std::size_t>(id)] < 0) continue;
            const auto own = order[static_cast<std::size_t>(position[static_cast<std::size_t>(id)])];
            Index closer = 0;
            for (std::int64_t q = 0; q < space.size(); ++q) closer += q != p && order[static_cast<std::size_t>(q)] < own;
            counts(i, slot) = closer;
        }
    }
    return counts;
}

}  // namespace

TEST_CASE("count_closer: a line by hand, ties by id") {
    Matrix<float> x(5, 1, {0, 1, 3, -1, 1});
    // From item 0: 1 at 1, 3 at 1, 4 at 1, 2 at 3; from item 2: 1 and 4 at 2, 0 at 3, 3 at 4.
    Matrix<Index> others(5, 3, {4, 1, 3, -1, -1, -1, 3, 4, 0, -1, -1, -1, 2, 1, 1});
    const auto counts = count_closer(std::as_const(x).view(), std::as_const(others).view(), by(Metric::Euclidean));
    CHECK(counts.values() == std::vector<Index>{2, 0, 1, -1, -1, -1, 3, 1, 2, -1, -1, -1, 2, 0, 0});
}

TEST_CASE("count_closer: what the definition counts, for every metric, size, level and number of threads") {
    for (const std::int64_t n : {2, 17, 200, 900}) {
        for (const std::int64_t d : {1, 3, 40}) {
            auto x = gaussian(n, d, static_cast<std::uint64_t>(n + d));
            // Repeats, near repeats and a row without a vector.
            for (std::int64_t i = 3; i + 1 < n; i += 7) std::copy_n(x.row_data(i - 3), d, x.row_data(i));
            for (std::int64_t i = 5; i + 1 < n; i += 11) x(i, 0) = std::nextafter(x(i, 0), 10.0F);
            if (n > 20) x(9, 0) = std::numeric_limits<float>::quiet_NaN();
            const auto others = drawn_others(n, n < 20 ? 3 : 12, 4);
            for (const Metric metric : all_metrics) {
                CAPTURE(n);
                CAPTURE(d);
                CAPTURE(to_string(metric));
                const auto expected = counted_one_by_one(x, others, metric);
                const auto found = count_closer(std::as_const(x).view(), others.view(), by(metric, 1));
                CHECK(found == expected);
                CHECK(count_closer(std::as_const(x).view(), others.view(), by(metric, 3)) == expected);
                for (const char* level : testing::simd_words) {
                    const testing::SimdLevelScope scope(level);
                    CHECK(count_closer(std::as_const(x).view(), others.view(), by(metric, 2)) == expected);
                }
            }
        }
    }
}

TEST_CASE("count_closer: the neighbours of the exact graph are counted 0, 1, 2, ...") {
    auto x = gaussian(1500, 24, 3);
    for (std::int64_t i = 100; i < 400; ++i) std::copy_n(x.row_data(i % 10), 24, x.row_data(i));  // ties at 0
    for (const Metric metric : all_metrics) {
        KnnOptions options;
        options.k = 20;
        options.metric = metric;
        options.method = KnnMethod::Exact;
        const auto graph = knn_graph(std::as_const(x).view(), options);
        const auto counts = count_closer(std::as_const(x).view(), graph.indices.view(), by(metric));
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < counts.rows(); ++i) {
            for (std::int64_t s = 0; s < counts.cols(); ++s) wrong += counts(i, s) != s;
        }
        CHECK(wrong == 0);
    }
}

TEST_CASE("count_closer: extreme scales are counted as they are measured") {
    for (const float scale : {1e-30F, 1e-18F, 1e15F}) {
        auto x = gaussian(150, 6, 12);
        for (float& value : x.values()) value *= scale;
        x(7, 2) *= 1e3F;
        const auto others = drawn_others(150, 5, 1);
        for (const Metric metric : {Metric::Euclidean, Metric::SqEuclidean, Metric::Manhattan, Metric::Cosine}) {
            CAPTURE(scale);
            CAPTURE(to_string(metric));
            CHECK(count_closer(std::as_const(x).view(), others.view(), by(metric)) ==
                  counted_one_by_one(x, others, metric));
        }
    }
}

TEST_CASE("count_closer: hard data is counted as it is measured, at every level") {
    struct Kind {
        const char* name;
        void (*make)(Matrix<float>&);
    };
    const Kind kinds[] = {
        {"far off", [](Matrix<float>& x) { for (float& value : x.values()) value += 1e4F; }},
        {"one wild row", [](Matrix<float>& x) { for (float& value : x.row(130)) value *= 1e5F; }},
        {"some wild rows", [](Matrix<float>& x) {
             for (std::int64_t i = 0; i < x.rows(); i += 60) {
                 for (float& value : x.row(i)) value *= 1e3F * static_cast<float>(i + 1);
             }
         }},
        {"one wild column", [](Matrix<float>& x) { for (std::int64_t i = 0; i < x.rows(); ++i) x(i, 0) *= 3e4F; }},
        {"equal rows", [](Matrix<float>& x) {
             for (std::int64_t i = 1; i < x.rows(); ++i) std::copy_n(x.row_data(i % 3), x.cols(), x.row_data(i));
         }},
        {"tight clusters far apart", [](Matrix<float>& x) {
             for (std::int64_t i = 0; i < x.rows(); ++i) {
                 for (float& value : x.row(i)) value = value * 1e-3F + static_cast<float>(i % 2 * 100);
             }
         }},
        {"multiples of few", [](Matrix<float>& x) {  // each row of its own; one of zeros
             for (std::int64_t i = 0; i < x.rows(); ++i) {
                 const float unit = 1 / (3.1F + static_cast<float>(i));
                 for (float& value : x.row(i)) value = std::clamp(std::round(value * 40), -127.0F, 127.0F) * unit;
             }
             for (float& value : x.row(77)) value = 0;
         }},
        {"multiples of few but for one row", [](Matrix<float>& x) {
             for (std::int64_t i = 0; i < x.rows(); ++i) {
                 for (float& value : x.row(i)) value = i == 200 ? value : std::round(value * 9);
             }
         }},
        {"all sizes", [](Matrix<float>& x) {
             for (std::int64_t i = 0; i < x.rows(); ++i) {
                 for (float& value : x.row(i)) value = std::ldexp(value, static_cast<int>(i % 80) - 40);
             }
         }},
    };
    for (const std::int64_t d : {1, 64, 131}) {
        for (const Kind& kind : kinds) {
            auto x = gaussian(330, d, static_cast<std::uint64_t>(d));
            kind.make(x);
            const auto others = drawn_others(x.rows(), 9, 2);
            for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::InnerProduct}) {
                const auto expected = counted_one_by_one(x, others, metric);
                for (const char* level : testing::simd_words) {
                    CAPTURE(d);
                    CAPTURE(kind.name);
                    CAPTURE(to_string(metric));
                    CAPTURE(level);
                    const testing::SimdLevelScope scope(level);
                    CHECK(count_closer(std::as_const(x).view(), others.view(), by(metric, 2)) == expected);
                }
            }
        }
    }
}

TEST_CASE("count_closer: many blocks, and rows that all others are closer than") {
    auto x = gaussian(2900, 4, 8);
    for (std::int64_t i = 0; i < x.rows(); i += 500) x(i, 1) = 40;  // the farthest of all
    auto others = drawn_others(x.rows(), 3, 6);
    for (std::int64_t i = 1; i < x.rows(); ++i) others(i, 0) = i % 500 == 0 ? static_cast<Index>(i - 1) : 500;
    const auto expected = counted_one_by_one(x, others, Metric::Euclidean);
    for (const int threads : {1, 3})
        CHECK(count_closer(std::as_const(x).view(), others.view(), by(Metric::Euclidean, threads)) == expected);
}

TEST_CASE("count_closer: nothing to count, and what is wrong is named") {
    const auto x = gaussian(6, 3, 1);
    CHECK(count_closer(x.view(), Matrix<Index>(6, 0).view(), by(Metric::Cosine)).rows() == 6);
    Matrix<Index> none(6, 2);
    std::fill(none.values().begin(), none.values().end(), -1);
    CHECK(count_closer(x.view(), std::as_const(none).view()) == none);
    Matrix<Index> only(1, 1, {-1});
    CHECK(count_closer(gaussian(1, 3, 1).view(), std::as_const(only).view()) == only);
    const auto refused = [&](Index id) {
        Matrix<Index> others = none;
        others(4, 1) = id;
        try {
            count_closer(x.view(), std::as_const(others).view());
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refused(6).find("others[4, 1]") != std::string::npos);
    CHECK(refused(-2).find("others[4, 1]") != std::string::npos);
    CHECK(refused(4).find("the item itself") != std::string::npos);
    CHECK_THROWS_AS(count_closer(x.view(), Matrix<Index>(5, 2).view()), Error);
    CHECK_THROWS_AS(count_closer(x.view(), std::as_const(none).view(), by(Metric::Cosine, -1)), Error);
    bool told = false;
    const auto cancel = Progress([&](const Tick&) { return told = true, false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(count_closer(gaussian(3000, 8, 1).view(), drawn_others(3000, 3, 1).view(), by(Metric::Cosine, 2), cancel),
                    Error);
    CHECK(told);
}
