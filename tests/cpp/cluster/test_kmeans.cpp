// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/kmeans.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

double squared(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
        const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
        sum += difference * difference;
    }
    return sum;
}

/// What every result must hold, whatever the data.
void check_result(const Matrix<float>& X, const KMeansResult& result,
                  const std::vector<double>& weights = {}) {
    const std::int64_t k = result.centroids.rows();
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(k), 0);
    double inertia = 0;
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        REQUIRE(result.labels[at] >= 0);
        REQUIRE(result.labels[at] < k);
        ++sizes[static_cast<std::size_t>(result.labels[at])];
        const double own = squared(X.row(i), result.centroids.row(result.labels[at]));
        inertia += (weights.empty() ? 1.0 : weights[at]) * own;
        double nearest = std::numeric_limits<double>::infinity();
        for (std::int64_t c = 0; c < k; ++c)
            nearest = std::min(nearest, squared(X.row(i), result.centroids.row(c)));
        double square = 0;
        for (const float value : X.row(i)) square += static_cast<double>(value) * static_cast<double>(value);
        CHECK(own <= nearest + 1e-5 * (nearest + square));
    }
    CHECK(sizes == result.sizes);
    CHECK(result.inertia == doctest::Approx(inertia).epsilon(1e-9));
    CHECK(result.labels == assign_to_centroids(X.view(), result.centroids.view()));
}

/// Centroids are the (weighted) means of their items: with nearest labels, a fixed point of Lloyd's rounds.
void check_means(const Matrix<float>& X, const KMeansResult& result,
                 const std::vector<double>& weights = {}) {
    Matrix<double> mean(result.centroids.rows(), X.cols());
    std::vector<double> total(static_cast<std::size_t>(result.centroids.rows()), 0.0);
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        const Index c = result.labels[static_cast<std::size_t>(i)];
        const double weight = weights.empty() ? 1.0 : weights[static_cast<std::size_t>(i)];
        total[static_cast<std::size_t>(c)] += weight;
        for (std::int64_t j = 0; j < X.cols(); ++j) mean(c, j) += weight * static_cast<double>(X(i, j));
    }
    double worst = 0;
    for (std::int64_t c = 0; c < mean.rows(); ++c) {
        if (!(total[static_cast<std::size_t>(c)] > 0)) continue;
        for (std::int64_t j = 0; j < X.cols(); ++j) {
            worst = std::max(worst, std::abs(mean(c, j) / total[static_cast<std::size_t>(c)] -
                                             static_cast<double>(result.centroids(c, j))));
        }
    }
    CHECK(worst < 1e-5);
}

}  // namespace

TEST_CASE("kmeans: a fixed point of Lloyd's rounds with nearest labels, over sizes, counts and seeds") {
    for (const std::int64_t n : {1, 2, 7, 100, 1300}) {
        for (const std::int64_t d : {1, 3, 20}) {
            for (const int k : {1, 2, 7, 40}) {
                if (k > n) continue;
                for (const std::uint64_t seed : {1U, 42U}) {
                    CAPTURE(n);
                    CAPTURE(d);
                    CAPTURE(k);
                    const auto data = cluster_data::blobs(n, d, 6, 0.7, seed);
                    const KMeansResult result =
                        kmeans(data.X.view(), k, {.max_iterations = 500, .tolerance = 0, .seed = seed});
                    CHECK(result.run.converged);
                    check_result(data.X, result);
                    check_means(data.X, result);
                    CHECK(*std::min_element(result.sizes.begin(), result.sizes.end()) >= 1);
                }
            }
        }
    }
}

TEST_CASE("kmeans: round by round what a full search gives, to the last bit") {
    for (const std::int64_t d : {2, 40, 200}) {
        for (const int k : {3, 20, 150}) {
            CAPTURE(d);
            CAPTURE(k);
            const auto data = cluster_data::blobs(1500, d, 25, 1.5, 11);
            Matrix<float> centroids(k, d);
            for (std::int64_t c = 0; c < k; ++c) std::copy_n(data.X.row_data(c * 10), d, centroids.row_data(c));
            for (const int rounds : {1, 2, 5, 30}) {
                // Lloyd's algorithm as it is written down.
                Matrix<float> plain = centroids;
                for (int round = 0; round < rounds; ++round) {
                    const std::vector<Index> labels = assign_to_centroids(data.X.view(), plain.view());
                    Matrix<double> sum(k, d);
                    std::vector<double> count(static_cast<std::size_t>(k), 0.0);
                    for (std::int64_t i = 0; i < 1500; ++i) {
                        const Index c = labels[static_cast<std::size_t>(i)];
                        count[static_cast<std::size_t>(c)] += 1;
                        for (std::int64_t j = 0; j < d; ++j) sum(c, j) += static_cast<double>(data.X(i, j));
                    }
                    for (std::int64_t c = 0; c < k; ++c) {
                        REQUIRE(count[static_cast<std::size_t>(c)] > 0);
                        for (std::int64_t j = 0; j < d; ++j)
                            plain(c, j) = static_cast<float>(sum(c, j) / count[static_cast<std::size_t>(c)]);
                    }
                }
                const KMeansResult result = kmeans(
                    data.X.view(), k, {.max_iterations = rounds, .tolerance = 0, .initial = centroids.view()});
                // The same centroids in an order of its own.
                std::vector<std::vector<float>> expected;
                std::vector<std::vector<float>> found;
                for (std::int64_t c = 0; c < k; ++c) {
                    expected.emplace_back(plain.row(c).begin(), plain.row(c).end());
                    found.emplace_back(result.centroids.row(c).begin(), result.centroids.row(c).end());
                }
                std::sort(expected.begin(), expected.end());
                std::sort(found.begin(), found.end());
                CHECK(found == expected);
            }
        }
    }
}

TEST_CASE("kmeans: starts by parts without draws, evenly drawn and given ones; mini-batches come near") {
    const auto data = cluster_data::blobs(4000, 16, 12, 0.5, 8);
    const KMeansResult full = kmeans(data.X.view(), 12, {.n_init = 3});
    for (const KMeansStart start : {KMeansStart::Parts, KMeansStart::Random, KMeansStart::PlusPlus}) {
        CAPTURE(to_string(start));
        CHECK(kmeans_start_from_string(to_string(start)) == start);
        KMeansOptions options;
        options.start = start;
        const KMeansResult result = kmeans(data.X.view(), 12, options);
        check_result(data.X, result);
        CHECK(result.inertia < 1.6 * full.inertia);
        options.seed = 7;
        options.num_threads = 3;
        const KMeansResult other = kmeans(data.X.view(), 12, options);
        if (start == KMeansStart::Parts) CHECK(other.centroids == result.centroids);
    }
    const KMeansResult again = kmeans(data.X.view(), 12, {.initial = full.centroids.view()});
    CHECK(again.inertia <= full.inertia);
    CHECK(again.run.iterations <= 2);
    for (const std::int64_t batch : {50, 500, 100'000}) {
        KMeansOptions options;
        options.batch_size = batch;
        const KMeansResult result = kmeans(data.X.view(), 12, options);
        check_result(data.X, result);
        CHECK(result.inertia < 1.6 * full.inertia);
        CHECK(*std::min_element(result.sizes.begin(), result.sizes.end()) >= 1);
        options.num_threads = 3;
        CHECK(kmeans(data.X.view(), 12, options).centroids == result.centroids);
    }
    // Repeated rows: parts that cannot be cut leave clusters for the repair.
    Matrix<float> few(40, 2);
    for (std::int64_t i = 0; i < 40; ++i) few(i, 0) = static_cast<float>(i % 3);
    const KMeansResult parts = kmeans(few.view(), 5, {.start = KMeansStart::Parts});
    CHECK(parts.inertia == 0.0);
    CHECK(parts.run.warnings.size() == 1);
    // Far from the origin, where the rows are moved, given centroids are moved along.
    Matrix<float> far = data.X;
    for (float& value : far.values()) value += 50.0F;
    Matrix<float> far_start = full.centroids;
    for (float& value : far_start.values()) value += 50.0F;
    CHECK(adjusted_rand_index(kmeans(far.view(), 12, {.initial = far_start.view()}).labels, full.labels) > 0.99);
    CHECK_THROWS_AS(kmeans(data.X.view(), 11, {.initial = full.centroids.view()}), Error);
    Matrix<float> broken = full.centroids;
    broken(4, 1) = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(kmeans(data.X.view(), 12, {.initial = broken.view()}), Error);
    CHECK_THROWS_AS(kmeans(data.X.view(), 12, {.batch_size = -1}), Error);
    CHECK_THROWS_AS(kmeans_start_from_string("kmeans++"), Error);
}

TEST_CASE("kmeans: few rows give the same clusters in any order") {
    const auto data = cluster_data::blobs(500, 6, 9, 1.0, 12);
    std::vector<Index> order(500);
    for (std::size_t i = 0; i < 500; ++i) order[i] = static_cast<Index>(i * 211 % 500);
    Matrix<float> shuffled(500, 6);
    for (std::int64_t i = 0; i < 500; ++i)
        std::copy_n(data.X.row_data(order[static_cast<std::size_t>(i)]), 6, shuffled.row_data(i));
    const KMeansResult plain = kmeans(data.X.view(), 12, {.tolerance = 0});
    const KMeansResult other = kmeans(shuffled.view(), 12, {.tolerance = 0});
    for (std::size_t i = 0; i < 500; ++i)
        CHECK(other.labels[i] == plain.labels[static_cast<std::size_t>(order[i])]);
}

TEST_CASE("kmeans: weights over many orders of magnitude") {
    const auto data = cluster_data::blobs(200, 6, 4, 0.3, 9);
    std::vector<double> weights(200);
    for (std::size_t i = 0; i < 200; ++i) weights[i] = i % 4 == 0 ? 1e-13 : 1.0;  // one blob weighs next to nothing
    const KMeansResult result = kmeans(data.X.view(), 4, {.tolerance = 0, .n_init = 5, .initial = {}}, weights);
    check_result(data.X, result, weights);
    check_means(data.X, result, weights);
}

TEST_CASE("kmeans: finds well separated clusters, many of them, and few per panel") {
    for (const int centers : {2, 9, 30, 130}) {
        const auto data = cluster_data::blobs(centers * 20, 24, centers, 0.15, 5);
        const KMeansResult result = kmeans(data.X.view(), centers, {.n_init = 4});
        CHECK(adjusted_rand_index(result.labels, data.labels) > (centers > 100 ? 0.98 : 0.9999));
    }
}

TEST_CASE("kmeans: one cluster is the mean, n clusters are the rows") {
    const auto data = cluster_data::blobs(50, 4, 5, 0.5, 2);
    const KMeansResult one = kmeans(data.X.view(), 1, {.tolerance = 0});
    check_means(data.X, one);
    CHECK(one.sizes == std::vector<std::int64_t>{50});
    const KMeansResult all = kmeans(data.X.view(), 50);
    CHECK(all.inertia == doctest::Approx(0.0));
    CHECK(all.sizes == std::vector<std::int64_t>(50, 1));
}

TEST_CASE("kmeans: the same bytes for any number of threads and any instruction set") {
    const auto data = cluster_data::blobs(3000, 12, 40, 0.6, 3);
    const KMeansResult one = kmeans(data.X.view(), 60, {.num_threads = 1});
    const auto same = [&](const KMeansResult& other) {
        CHECK(other.centroids == one.centroids);
        CHECK(other.labels == one.labels);
        CHECK(other.inertia == one.inertia);
        CHECK(other.run.iterations == one.run.iterations);
    };
    same(kmeans(data.X.view(), 60, {.num_threads = 2}));
    same(kmeans(data.X.view(), 60, {.num_threads = 3}));
    for (const char* level : ::testing::simd_words) {
        const ::testing::SimdLevelScope simd(level);
        same(kmeans(data.X.view(), 60));
    }
}

TEST_CASE("kmeans: far from the origin as near it") {
    auto data = cluster_data::blobs(400, 6, 8, 0.15, 7);
    const KMeansResult near = kmeans(data.X.view(), 8);
    for (float& value : data.X.values()) value += 4096.0F;
    const KMeansResult far = kmeans(data.X.view(), 8, {.tolerance = 0});
    CHECK(adjusted_rand_index(far.labels, near.labels) > 0.999);
    check_result(data.X, far);
    CHECK(far.inertia == doctest::Approx(near.inertia).epsilon(0.02));
}

TEST_CASE("kmeans: weights count as repeated rows") {
    const auto data = cluster_data::blobs(200, 5, 4, 0.2, 9);
    std::vector<double> weights;
    Matrix<float> repeated(0, 5);
    std::vector<float> rows;
    for (std::int64_t i = 0; i < 200; ++i) {
        weights.push_back(static_cast<double>(1 + i % 4));
        for (std::int64_t copy = 0; copy <= i % 4; ++copy)
            rows.insert(rows.end(), data.X.row(i).begin(), data.X.row(i).end());
    }
    const KMeansResult weighted = kmeans(data.X.view(), 4, {.tolerance = 0}, weights);
    check_result(data.X, weighted, weights);
    check_means(data.X, weighted, weights);
    repeated = Matrix<float>(static_cast<std::int64_t>(rows.size()) / 5, 5, rows);
    const KMeansResult full = kmeans(repeated.view(), 4, {.tolerance = 0});
    CHECK(weighted.inertia == doctest::Approx(full.inertia).epsilon(1e-6));
}

TEST_CASE("kmeans: fewer distinct rows than clusters leaves the last ones empty, with a warning") {
    Matrix<float> X(90, 3);
    for (std::int64_t i = 0; i < 90; ++i) {
        for (std::int64_t j = 0; j < 3; ++j) X(i, j) = static_cast<float>((i % 5) * (j + 1)) * 0.37F;
    }
    const KMeansResult result = kmeans(X.view(), 8);
    check_result(X, result);
    CHECK(result.inertia == doctest::Approx(0.0));
    for (std::size_t c = 0; c < 8; ++c) CHECK((result.sizes[c] == 0) == (c >= 5));
    REQUIRE(result.run.warnings.size() == 1);
    CHECK(result.run.warnings[0] == "only 5 distinct rows for 8 clusters: the last 3 are empty");
    const KMeansResult same = kmeans(Matrix<float>(6, 2, std::vector<float>(12, 0.1F)).view(), 3);
    CHECK(same.sizes == std::vector<std::int64_t>{6, 0, 0});
}

TEST_CASE("kmeans: every cluster gets an item when there are enough distinct rows") {
    // A heap of copies and few rows besides: seeds drawn from a sample miss the latter.
    Matrix<float> X(9000, 2);
    for (std::int64_t i = 0; i < 12; ++i) {
        X(i * 700, 0) = 1.0F + static_cast<float>(i);
        X(i * 700, 1) = static_cast<float>(i * i) * 0.5F;
    }
    const KMeansResult result = kmeans(X.view(), 13, {.max_iterations = 200, .tolerance = 0});
    check_result(X, result);
    CHECK(std::count(result.sizes.begin(), result.sizes.end(), 0) == 0);
    CHECK(result.inertia == doctest::Approx(0.0));
}

TEST_CASE("kmeans: spherical centroids have unit length; more starts never do worse") {
    auto data = cluster_data::blobs(500, 8, 12, 0.5, 13);
    for (std::int64_t i = 0; i < 500; ++i) {
        double norm2 = 0;
        for (const float value : data.X.row(i))
            norm2 += static_cast<double>(value) * static_cast<double>(value);
        for (float& value : data.X.row(i))
            value = static_cast<float>(static_cast<double>(value) / std::sqrt(norm2));
    }
    const KMeansResult result = kmeans(data.X.view(), 12, {.spherical = true});
    check_result(data.X, result);
    for (std::int64_t c = 0; c < 12; ++c) {
        double norm2 = 0;
        for (const float value : result.centroids.row(c))
            norm2 += static_cast<double>(value) * static_cast<double>(value);
        CHECK(norm2 == doctest::Approx(1.0).epsilon(1e-6));
    }
    const double one = kmeans(data.X.view(), 12, {.tolerance = 0, .n_init = 1}).inertia;
    const double five = kmeans(data.X.view(), 12, {.tolerance = 0, .n_init = 5}).inertia;
    CHECK(five <= one);
}

TEST_CASE("kmeans: stopping early is a status") {
    const auto data = cluster_data::blobs(2000, 10, 30, 1.0, 17);
    const KMeansResult result = kmeans(data.X.view(), 50, {.max_iterations = 2, .tolerance = 0});
    CHECK_FALSE(result.run.converged);
    CHECK(result.run.iterations == 2);
    REQUIRE_FALSE(result.run.warnings.empty());
    CHECK(result.run.warnings.back().find("stopped after 2 rounds") != std::string::npos);
    check_result(data.X, result);
}

TEST_CASE("kmeans: refusals name the field; a callback can cancel") {
    const auto data = cluster_data::blobs(10, 3, 2, 0.5, 1);
    const auto X = data.X.view();
    CHECK_THROWS_WITH_AS(kmeans(X, 11), "kmeans: k: is 11 for 10 rows; use 1 .. the number of rows", Error);
    CHECK_THROWS_AS(kmeans(X, 0), Error);
    CHECK_THROWS_AS(kmeans(Matrix<float>(0, 3).view(), 1), Error);
    CHECK_THROWS_WITH_AS(kmeans(X, 2, {.max_iterations = 0}), "kmeans: max_iterations: is 0; use 1 or more",
                         Error);
    CHECK_THROWS_AS(kmeans(X, 2, {.tolerance = -1}), Error);
    CHECK_THROWS_AS(kmeans(X, 2, {.tolerance = std::nan("")}), Error);
    CHECK_THROWS_AS(kmeans(X, 2, {.n_init = 0}), Error);
    CHECK_THROWS_AS(kmeans(X, 2, {.num_threads = -1}), Error);
    CHECK_THROWS_AS(kmeans(X, 2, {}, std::vector<double>(9, 1.0)), Error);
    CHECK_THROWS_AS(kmeans(X, 2, {}, std::vector<double>(10, 0.0)), Error);
    Matrix<float> bad = data.X;
    bad(6, 2) = std::numeric_limits<float>::infinity();
    bad(8, 0) = std::nanf("");
    CHECK_THROWS_WITH_AS(kmeans(bad.view(), 2),
                         "kmeans: X: row 6 holds inf; remove or repair rows without a valid vector first",
                         Error);
    CHECK_THROWS_AS(assign_to_centroids(X, Matrix<float>(0, 3).view()), Error);
    CHECK_THROWS_AS(assign_to_centroids(X, Matrix<float>(2, 4).view()), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    try {
        kmeans(X, 2, {}, {}, stop);
        FAIL("not cancelled");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Cancelled);
    }
}
