// SPDX-License-Identifier: MIT
// Linkage in rounds, which the public function uses for many items, on few and on many.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/detail/linkage_centroids.hpp"
#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/linkage_rounds.hpp"
#include "filmatlas/cluster/detail/linkage_triangle.hpp"
#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/core/error.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

constexpr LinkageMethod kReducible[] = {LinkageMethod::Single, LinkageMethod::Complete, LinkageMethod::Average,
                                        LinkageMethod::Weighted, LinkageMethod::Ward};

Matrix<double> points(std::int64_t n, std::int64_t d, std::uint64_t seed, int grid = 0) {
    Matrix<double> X(n, d);
    RandomStream random(seed, "test.rounds");
    for (double& value : X.values()) {
        value = grid > 0 ? static_cast<double>(random.below(static_cast<std::uint64_t>(grid))) : random.normal();
    }
    return X;
}

std::vector<double> distances(const Matrix<double>& X, Metric metric = Metric::Euclidean) {
    std::vector<double> out;
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        for (std::int64_t j = i + 1; j < X.rows(); ++j)
            out.push_back(detail::linkage_distance(X.row_data(i), X.row_data(j), X.cols(), metric));
    }
    return out;
}

/// Heights by merging the nearest pair of all, in O(n^3).
std::vector<double> greedy(std::vector<double> d, std::vector<double> sizes, LinkageMethod method) {
    const auto n = static_cast<std::int64_t>(sizes.size());
    std::vector<std::int64_t> alive(static_cast<std::size_t>(n));
    std::iota(alive.begin(), alive.end(), 0);
    std::vector<double> heights;
    while (alive.size() > 1) {
        std::int64_t x = alive[0];
        std::int64_t y = alive[1];
        for (const std::int64_t i : alive) {
            for (const std::int64_t j : alive) {
                if (i < j && d[detail::linkage_at(n, i, j)] < d[detail::linkage_at(n, x, y)]) {
                    x = i;
                    y = j;
                }
            }
        }
        const double height = d[detail::linkage_at(n, x, y)];
        heights.push_back(height);
        std::erase(alive, x);
        for (const std::int64_t i : alive) {
            if (i == y) continue;
            double& to_y = d[detail::linkage_at(n, i, y)];
            to_y = detail::linkage_update(method, d[detail::linkage_at(n, i, x)], to_y, height,
                                          sizes[static_cast<std::size_t>(x)], sizes[static_cast<std::size_t>(y)],
                                          sizes[static_cast<std::size_t>(i)]);
        }
        sizes[static_cast<std::size_t>(y)] += sizes[static_cast<std::size_t>(x)];
    }
    std::sort(heights.begin(), heights.end());
    return heights;
}

template <class T = double>
LinkageTree rounds(const std::vector<double>& d, std::int64_t n, LinkageMethod method, int threads = 1) {
    std::vector<T> work(d.begin(), d.end());
    detail::LinkageTriangle<T> space(work, std::vector<double>(static_cast<std::size_t>(n), 1.0), method, threads);
    return detail::LinkageRounds<detail::LinkageTriangle<T>>(n, space).run({});
}

LinkageTree centroids(Matrix<double> X, std::vector<double> weights, detail::LinkageForm form, int threads = 1) {
    const std::int64_t n = X.rows();
    detail::LinkageCentroids space(std::move(X), std::move(weights), form, threads, {});
    return detail::LinkageRounds<detail::LinkageCentroids>(n, space).run({});
}

void check_heights(const LinkageTree& tree, const std::vector<double>& expected, double tolerance) {
    validate(tree);
    REQUIRE(tree.merges.rows() == static_cast<std::int64_t>(expected.size()));
    const double largest = expected.empty() ? 1.0 : std::max(expected.back(), 1e-300);
    for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(std::abs(tree.merges(static_cast<std::int64_t>(i), 2) - expected[i]) <= tolerance * largest);
}

/// Every height is the definition's distance of the two clusters it joins, whatever ties decided.
void check_merges(const LinkageTree& tree, const std::vector<double>& d, LinkageMethod method) {
    validate(tree);
    const std::int64_t n = tree.num_items;
    std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) members[static_cast<std::size_t>(i)] = {i};
    for (std::int64_t m = 0; m < n - 1; ++m) {
        const auto left = members[static_cast<std::size_t>(tree.merges(m, 0))];
        const auto right = members[static_cast<std::size_t>(tree.merges(m, 1))];
        double least = std::numeric_limits<double>::infinity();
        double most = 0;
        double sum = 0;
        for (const std::int64_t i : left) {
            for (const std::int64_t j : right) {
                const double value = d[detail::linkage_at(n, i, j)];
                least = std::min(least, value);
                most = std::max(most, value);
                sum += value;
            }
        }
        double expected = sum / static_cast<double>(left.size() * right.size());
        if (method == LinkageMethod::Single) expected = least;
        if (method == LinkageMethod::Complete) expected = most;
        CHECK(tree.merges(m, 2) == doctest::Approx(expected).epsilon(1e-12));
        if (m > 0) CHECK(tree.merges(m, 2) >= tree.merges(m - 1, 2));
        auto both = left;
        both.insert(both.end(), right.begin(), right.end());
        members.push_back(std::move(both));
    }
}

}  // namespace

TEST_CASE("linkage rounds: the heights of an obvious O(n^3) reference, on thousands of small sets") {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        const auto n = static_cast<std::int64_t>(2 + seed % 13);
        const Matrix<double> X = points(n, 1 + static_cast<std::int64_t>(seed % 4), seed);
        const std::vector<double> d = distances(X);
        const std::vector<double> ones(static_cast<std::size_t>(n), 1.0);
        for (const LinkageMethod method : kReducible) {
            CAPTURE(seed);
            CAPTURE(to_string(method));
            check_heights(rounds(d, n, method), greedy(d, ones, method), 1e-13);
            check_heights(rounds<float>(d, n, method), greedy(d, ones, method), 1e-5);
        }
        check_heights(centroids(X, ones, detail::LinkageForm::Ward), greedy(d, ones, LinkageMethod::Ward), 1e-13);
        check_heights(centroids(X, ones, detail::LinkageForm::MeanSquared),
                      greedy(distances(X, Metric::SqEuclidean), ones, LinkageMethod::Average), 1e-13);
        Matrix<double> unit = X;
        for (std::int64_t i = 0; i < n; ++i) {
            double norm2 = 0;
            for (const double value : X.row(i)) norm2 += value * value;
            for (double& value : unit.row(i)) value /= std::sqrt(norm2);
        }
        check_heights(centroids(unit, ones, detail::LinkageForm::MeanCosine),
                      greedy(distances(unit, Metric::Cosine), ones, LinkageMethod::Average), 1e-12);
    }
}

TEST_CASE("linkage rounds: with ties everywhere every merge is still what it says") {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        const auto n = static_cast<std::int64_t>(2 + seed % 25);
        const Matrix<double> X = points(n, 1 + static_cast<std::int64_t>(seed % 3), seed, 2 + static_cast<int>(seed % 4));
        const std::vector<double> d = distances(X);
        for (const LinkageMethod method : {LinkageMethod::Single, LinkageMethod::Complete, LinkageMethod::Average})
            check_merges(rounds(d, n, method), d, method);
        check_heights(rounds(d, n, LinkageMethod::Single),
                      greedy(d, std::vector<double>(static_cast<std::size_t>(n), 1.0), LinkageMethod::Single), 0);
        validate(centroids(X, std::vector<double>(static_cast<std::size_t>(n), 1.0), detail::LinkageForm::Ward));
    }
}

TEST_CASE("linkage rounds: a cycle of equal distances and a star do not stop it") {
    const std::int64_t n = 40;
    const std::vector<double> equal(static_cast<std::size_t>(n * (n - 1) / 2), 1.0);
    for (const LinkageMethod method : {LinkageMethod::Single, LinkageMethod::Complete, LinkageMethod::Average}) {
        const LinkageTree tree = rounds(equal, n, method);
        validate(tree);
        CHECK(tree.merges(n - 2, 2) == 1.0);
    }
    // Item 0 is everybody's nearest, the others are far from each other.
    std::vector<double> star(equal.size(), 10.0);
    for (std::int64_t i = 1; i < n; ++i) star[detail::linkage_at(n, 0, i)] = 1.0 + static_cast<double>(i) / 100.0;
    for (const LinkageMethod method : {LinkageMethod::Single, LinkageMethod::Average, LinkageMethod::Weighted}) {
        check_heights(rounds(star, n, method),
                      greedy(star, std::vector<double>(static_cast<std::size_t>(n), 1.0), method), 1e-13);
    }
}

TEST_CASE("linkage by centroids: weights, scales, offsets and repeats") {
    for (const double scale : {1.0, 1e-30, 1e30}) {
        for (const double offset : {0.0, 1e4}) {
            CAPTURE(scale);
            CAPTURE(offset);
            Matrix<double> X = points(60, 3, 5);
            for (double& value : X.values()) value = (value + offset) * scale;
            for (std::int64_t j = 0; j < 3; ++j) X(7, j) = X(31, j);
            std::vector<double> weights(60);
            for (std::size_t i = 0; i < 60; ++i) weights[i] = 1.0 + static_cast<double>(i % 7);
            std::vector<double> d;
            for (std::int64_t i = 0; i < 60; ++i) {
                for (std::int64_t j = i + 1; j < 60; ++j) {
                    const double a = weights[static_cast<std::size_t>(i)];
                    const double b = weights[static_cast<std::size_t>(j)];
                    d.push_back(std::sqrt(2 * a * b / (a + b)) *
                                detail::linkage_distance(X.row_data(i), X.row_data(j), 3, Metric::Euclidean));
                }
            }
            const LinkageTree tree = centroids(X, weights, detail::LinkageForm::Ward);
            check_heights(tree, greedy(d, weights, LinkageMethod::Ward), offset > 0 ? 1e-9 : 1e-12);
            CHECK(tree.merges(0, 2) == 0.0);
        }
    }
    validate(centroids(Matrix<double>(100, 2), std::vector<double>(100, 1.0), detail::LinkageForm::Ward));
    validate(centroids(Matrix<double>(5, 0), std::vector<double>(5, 1.0), detail::LinkageForm::Ward));
}

TEST_CASE("linkage of many items: the same merges as one by one, for any threads and instruction set") {
    const std::int64_t n = 2300;  // beyond the 2,048 that go one by one
    const auto data = cluster_data::blobs(n, 6, 30, 0.8, 4);
    Matrix<double> wide(n, 6);
    for (std::size_t i = 0; i < wide.values().size(); ++i) wide.values()[i] = static_cast<double>(data.X.values()[i]);
    const std::vector<double> d = distances(wide);
    const std::vector<double> ones(static_cast<std::size_t>(n), 1.0);
    for (const LinkageMethod method : {LinkageMethod::Single, LinkageMethod::Complete, LinkageMethod::Average,
                                       LinkageMethod::Weighted, LinkageMethod::Ward, LinkageMethod::Centroid,
                                       LinkageMethod::Median}) {
        CAPTURE(to_string(method));
        std::vector<double> work = d;
        const LinkageTree one_by_one =
            method == LinkageMethod::Single
                ? detail::linkage_prim(
                      n, [&](std::int64_t i, std::int64_t j) { return d[detail::linkage_at(n, i, j)]; }, {})
                : detail::linkage_run(work, ones, method, {});
        const LinkageTree tree = linkage(data.X.view(), {.method = method, .num_threads = 1});
        validate(tree);
        for (std::int64_t i = 0; i < n - 1; ++i) {
            CHECK(tree.merges(i, 0) == one_by_one.merges(i, 0));
            CHECK(tree.merges(i, 1) == one_by_one.merges(i, 1));
            CHECK(tree.merges(i, 2) == doctest::Approx(one_by_one.merges(i, 2)).epsilon(1e-12));
            CHECK(tree.merges(i, 3) == one_by_one.merges(i, 3));
        }
        CHECK(linkage(wide.view(), {.method = method, .num_threads = 3}) == tree);
        const LinkageTree given = linkage_from_distances(d, {.method = method, .num_threads = 3});
        const LinkageTree rough = linkage(data.X.view(), {.method = method, .single_precision = true});
        validate(rough);
        for (std::int64_t i = 0; i < n - 1; ++i) {
            CHECK(given.merges(i, 2) == doctest::Approx(one_by_one.merges(i, 2)).epsilon(1e-12));
            CHECK(rough.merges(i, 2) == doctest::Approx(one_by_one.merges(i, 2)).epsilon(2e-3));
        }
        const ::testing::SimdLevelScope simd("baseline");
        CHECK(linkage(data.X.view(), {.method = method}) == tree);
    }
    for (const Metric metric : {Metric::Cosine, Metric::SqEuclidean, Metric::Manhattan}) {
        Matrix<double> rows = wide;
        if (metric == Metric::Cosine) rows = detail::linkage_rows(data.X.view(), metric);
        std::vector<double> work = distances(rows, metric);
        const LinkageTree one_by_one = detail::linkage_run(work, ones, LinkageMethod::Average, {});
        const LinkageTree tree = linkage(data.X.view(), {.method = LinkageMethod::Average, .metric = metric});
        for (std::int64_t i = 0; i < n - 1; ++i)
            CHECK(tree.merges(i, 2) == doctest::Approx(one_by_one.merges(i, 2)).epsilon(1e-11));
    }
    const LinkageTree plain = linkage(wide.view());
    CHECK(linkage_ward_weighted(wide.view(), ones) == plain);
    // A cancel is heard in the middle.
    for (const LinkageMethod method : {LinkageMethod::Ward, LinkageMethod::Complete}) {
        int calls = 0;
        const Progress stop([&](const Tick&) { return ++calls < 3; }, std::chrono::milliseconds(0));
        CHECK_THROWS_AS(linkage(data.X.view(), {.method = method}, stop), Error);
    }
}

TEST_CASE("linkage of many items: equal rows, and a line that merges one by one") {
    const Matrix<double> same(2500, 2, std::vector<double>(5000, 0.25));
    for (const LinkageMethod method : {LinkageMethod::Ward, LinkageMethod::Average, LinkageMethod::Single}) {
        const LinkageTree tree = linkage(same.view(), {.method = method});
        validate(tree);
        CHECK(tree.merges(2498, 2) == 0.0);
    }
    Matrix<double> line(2500, 1);
    for (std::int64_t i = 0; i < 2500; ++i) line(i, 0) = static_cast<double>(i * i);
    for (const LinkageMethod method : {LinkageMethod::Ward, LinkageMethod::Complete, LinkageMethod::Single}) {
        const LinkageTree tree = linkage(line.view(), {.method = method});
        validate(tree);
        CHECK(cut_linkage(tree, 1) == std::vector<Index>(2500, 0));
    }
}
