// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/linkage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "cluster/scipy_values.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

constexpr LinkageMethod kAllMethods[] = {
    LinkageMethod::Single, LinkageMethod::Complete, LinkageMethod::Average, LinkageMethod::Weighted,
    LinkageMethod::Ward,   LinkageMethod::Centroid, LinkageMethod::Median};

Matrix<double> random_points(std::int64_t n, std::int64_t d, std::uint64_t seed) {
    Matrix<double> X(n, d);
    RandomStream random(seed, "test.linkage");
    for (double& value : X.values()) value = random.normal();
    return X;
}

double squared(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

/// A cluster as its definition has it: its items, its point (mean or midpoint), and the two parts it was made
/// of.
struct Part {
    std::vector<std::int64_t> items;
    std::vector<double> point;
    int left = -1;
    int right = -1;
};

double defined_distance(const Matrix<double>& X, const std::vector<Part>& parts, int a, int b,
                        LinkageMethod method) {
    const Part& p = parts[static_cast<std::size_t>(a)];
    const Part& q = parts[static_cast<std::size_t>(b)];
    switch (method) {
        case LinkageMethod::Centroid:
        case LinkageMethod::Median: return std::sqrt(squared(p.point, q.point));
        case LinkageMethod::Ward: {
            const auto n_p = static_cast<double>(p.items.size());
            const auto n_q = static_cast<double>(q.items.size());
            return std::sqrt(2 * n_p * n_q / (n_p + n_q) * squared(p.point, q.point));
        }
        case LinkageMethod::Weighted:
            // The younger cluster is the one whose distance follows from its parts.
            if (std::max(a, b) < X.rows()) return std::sqrt(squared(X.row(a), X.row(b)));
            if (a < b) std::swap(a, b);
            return 0.5 * (defined_distance(X, parts, parts[static_cast<std::size_t>(a)].left, b, method) +
                          defined_distance(X, parts, parts[static_cast<std::size_t>(a)].right, b, method));
        default: break;
    }
    double smallest = std::numeric_limits<double>::infinity();
    double largest = 0;
    double sum = 0;
    for (const std::int64_t i : p.items) {
        for (const std::int64_t j : q.items) {
            const double distance = std::sqrt(squared(X.row(i), X.row(j)));
            smallest = std::min(smallest, distance);
            largest = std::max(largest, distance);
            sum += distance;
        }
    }
    if (method == LinkageMethod::Single) return smallest;
    if (method == LinkageMethod::Complete) return largest;
    return sum / static_cast<double>(p.items.size() * q.items.size());
}

/// Heights by always merging the nearest pair by definition.
std::vector<double> defined_heights(const Matrix<double>& X, LinkageMethod method) {
    std::vector<Part> parts;
    std::vector<int> alive;
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        parts.push_back({{i}, std::vector<double>(X.row(i).begin(), X.row(i).end())});
        alive.push_back(static_cast<int>(i));
    }
    std::vector<double> heights;
    while (alive.size() > 1) {
        double best = std::numeric_limits<double>::infinity();
        std::size_t x = 0;
        std::size_t y = 1;
        for (std::size_t i = 0; i < alive.size(); ++i) {
            for (std::size_t j = i + 1; j < alive.size(); ++j) {
                const double distance = defined_distance(X, parts, alive[i], alive[j], method);
                if (distance < best) {
                    best = distance;
                    x = i;
                    y = j;
                }
            }
        }
        Part merged;
        merged.left = alive[x];
        merged.right = alive[y];
        const Part& p = parts[static_cast<std::size_t>(alive[x])];
        const Part& q = parts[static_cast<std::size_t>(alive[y])];
        merged.items = p.items;
        merged.items.insert(merged.items.end(), q.items.begin(), q.items.end());
        const double share = method == LinkageMethod::Median ? 0.5
                                                             : static_cast<double>(p.items.size()) /
                                                                   static_cast<double>(merged.items.size());
        for (std::size_t j = 0; j < p.point.size(); ++j) {
            merged.point.push_back(share * p.point[j] + (1 - share) * q.point[j]);
        }
        heights.push_back(best);
        alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(y));
        alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(x));
        alive.push_back(static_cast<int>(parts.size()));
        parts.push_back(std::move(merged));
    }
    return heights;
}

std::string error_text(auto&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("linkage: equal to SciPy, merge by merge") {
    const MatrixView<const double> X(scipy_points.data(), 11, 3);
    for (const ScipyCase& expected : scipy_cases) {
        CAPTURE(expected.method);
        CAPTURE(expected.metric);
        LinkageOptions options;
        options.method = linkage_method_from_string(expected.method);
        for (const Metric metric :
             {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean, Metric::Manhattan}) {
            if (std::string(expected.metric) == to_string(metric)) options.metric = metric;
        }
        const LinkageTree tree = linkage(X, options);
        validate(tree);
        REQUIRE(tree.merges.rows() == 10);
        for (std::int64_t i = 0; i < 10; ++i) {
            const double* row = expected.merges.data() + 4 * i;
            CHECK(tree.merges(i, 0) == row[0]);
            CHECK(tree.merges(i, 1) == row[1]);
            CHECK(std::abs(tree.merges(i, 2) - row[2]) <= 1e-12 * std::max(1.0, row[2]));
            CHECK(tree.merges(i, 3) == row[3]);
        }
    }
}

TEST_CASE("linkage: every height is the definition's, over methods, sizes and seeds") {
    for (const LinkageMethod method : kAllMethods) {
        for (const std::int64_t n : {2, 3, 9, 24}) {
            for (const std::uint64_t seed : {1U, 2U, 3U}) {
                CAPTURE(to_string(method));
                CAPTURE(n);
                CAPTURE(seed);
                const Matrix<double> X = random_points(n, 4, seed);
                const LinkageTree tree = linkage(X.view(), {.method = method});
                validate(tree);
                const std::vector<double> expected = defined_heights(X, method);
                for (std::int64_t i = 0; i < n - 1; ++i) {
                    const double height = expected[static_cast<std::size_t>(i)];
                    CHECK(std::abs(tree.merges(i, 2) - height) <= 1e-11 * height);
                }
            }
        }
    }
}

TEST_CASE("linkage: float32, float64 and condensed distances agree; threads do not matter") {
    const auto data = cluster_data::blobs(60, 5, 4, 0.5, 3);
    Matrix<double> wide(60, 5);
    for (std::size_t i = 0; i < wide.values().size(); ++i)
        wide.values()[i] = static_cast<double>(data.X.values()[i]);
    std::vector<double> condensed;
    for (std::int64_t i = 0; i < 60; ++i) {
        for (std::int64_t j = i + 1; j < 60; ++j)
            condensed.push_back(std::sqrt(squared(wide.row(i), wide.row(j))));
    }
    for (const LinkageMethod method : kAllMethods) {
        const LinkageTree tree = linkage(data.X.view(), {.method = method, .num_threads = 1});
        CHECK(linkage(data.X.view(), {.method = method, .num_threads = 3}) == tree);
        CHECK(linkage(wide.view(), {.method = method}) == tree);
        const LinkageTree given = linkage_from_distances(condensed, {.method = method});
        for (std::int64_t i = 0; i < 59; ++i) {
            CHECK(std::abs(given.merges(i, 2) - tree.merges(i, 2)) <= 1e-12);
        }
    }
}

TEST_CASE("linkage: centroid linkage may invert, and cuts by height respect the highest merge inside") {
    // Three corners of a nearly equilateral triangle: the last merge is below the first.
    const Matrix<double> X(3, 2, {0, 0, 1, 0, 0.5, 0.9});
    const LinkageTree tree = linkage(X.view(), {.method = LinkageMethod::Centroid});
    validate(tree);
    CHECK(tree.merges(0, 2) == doctest::Approx(1.0));
    CHECK(tree.merges(1, 2) == doctest::Approx(0.9));
    CHECK(cut_linkage_height(tree, 0.95) == std::vector<Index>{0, 1, 2});
    CHECK(cut_linkage_height(tree, 1.0) == std::vector<Index>{0, 0, 0});
}

TEST_CASE("cut_linkage: as SciPy cuts, and nested over all counts") {
    const MatrixView<const double> X(scipy_points.data(), 11, 3);
    const LinkageTree tree = linkage(X, {.method = LinkageMethod::Average});
    CHECK(cut_linkage_height(tree, scipy_cut_height) == scipy_cut_labels);
    CHECK(cut_linkage(tree, 4) == scipy_cut_four);
    const std::vector<int> counts = {1, 2, 5, 11};
    const auto cuts = cut_linkage(tree, counts);
    for (std::size_t c = 0; c < counts.size(); ++c) {
        CHECK(*std::max_element(cuts[c].begin(), cuts[c].end()) == counts[c] - 1);
        CHECK(cuts[c] == cluster_data::canonical(cuts[c]));
        if (c == 0) continue;
        for (std::size_t i = 0; i < cuts[c].size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (cuts[c][i] == cuts[c][j]) CHECK(cuts[c - 1][i] == cuts[c - 1][j]);
            }
        }
    }
    CHECK_THROWS_AS(cut_linkage(tree, 0), Error);
    CHECK_THROWS_AS(cut_linkage(tree, 12), Error);
}

TEST_CASE("linkage_ward_weighted: unit weights are Ward, and a weight stands for that many equal points") {
    const Matrix<double> X = random_points(20, 3, 5);
    const LinkageTree plain = linkage(X.view());
    const LinkageTree unit = linkage_ward_weighted(X.view(), std::vector<double>(20, 1.0));
    for (std::int64_t i = 0; i < 19; ++i) {
        CHECK(unit.merges(i, 0) == plain.merges(i, 0));
        CHECK(unit.merges(i, 1) == plain.merges(i, 1));
        CHECK(std::abs(unit.merges(i, 2) - plain.merges(i, 2)) <= 1e-12 * plain.merges(i, 2));
    }
    std::vector<double> sizes;
    std::vector<double> repeated;
    for (std::int64_t i = 0; i < 20; ++i) {
        sizes.push_back(static_cast<double>(1 + i % 3));
        for (int copy = 0; copy <= i % 3; ++copy)
            repeated.insert(repeated.end(), X.row(i).begin(), X.row(i).end());
    }
    const auto n = static_cast<std::int64_t>(repeated.size()) / 3;
    const LinkageTree weighted = linkage_ward_weighted(X.view(), sizes);
    const LinkageTree full = linkage(MatrixView<const double>(repeated.data(), n, 3));
    for (std::int64_t i = 0; i < 19; ++i) {
        CHECK(std::abs(weighted.merges(i, 2) - full.merges(n - 20 + i, 2)) <=
              1e-10 * full.merges(n - 20 + i, 2));
    }
    CHECK_THROWS_AS(linkage_ward_weighted(X.view(), std::vector<double>(19, 1.0)), Error);
    CHECK_THROWS_AS(linkage_ward_weighted(X.view(), std::vector<double>(20, 0.0)), Error);
}

TEST_CASE("linkage: one item, identical items, and a long line without recursion") {
    const Matrix<double> one(1, 2, {1, 2});
    const LinkageTree single = linkage(one.view());
    validate(single);
    CHECK(single.merges.rows() == 0);
    CHECK(cut_linkage(single, 1) == std::vector<Index>{0});
    CHECK(cut_linkage_height(single, 0) == std::vector<Index>{0});
    CHECK(linkage_from_distances({}).num_items == 1);
    const Matrix<double> same(12, 2, std::vector<double>(24, 0.25));
    for (const LinkageMethod method : kAllMethods) {
        const LinkageTree tree = linkage(same.view(), {.method = method});
        validate(tree);
        for (std::int64_t i = 0; i < 11; ++i) CHECK(tree.merges(i, 2) == 0.0);
    }
    Matrix<double> line(3000, 1);
    for (std::int64_t i = 0; i < 3000; ++i) line(i, 0) = static_cast<double>(i) * static_cast<double>(i);
    const LinkageTree chain = linkage(line.view(), {.method = LinkageMethod::Single});
    validate(chain);
    CHECK(chain.merges(2998, 2) == 2999.0 * 2999.0 - 2998.0 * 2998.0);
    CHECK(cut_linkage(chain, 1) == std::vector<Index>(3000, 0));
}

TEST_CASE("linkage: refusals name the field, the figure and the way out") {
    const Matrix<double> X = random_points(100, 2, 1);
    const auto text = error_text([&] { linkage(X.view(), {.memory_limit = 1000}); });
    CHECK(text.find("ward linkage of 100 items needs") != std::string::npos);
    CHECK(text.find("the limit is 1000") != std::string::npos);
    CHECK(text.find("raise memory_limit") != std::string::npos);
    CHECK(linkage_memory(100, 2) >= 4 * 100 * 99);
    // Many items: Ward needs rows only, complete linkage all distances, half of them in single precision.
    CHECK(linkage_memory(100'000, 384) < 1'500'000'000);
    CHECK(linkage_memory(100'000, 384, {.method = LinkageMethod::Complete}) > 40'000'000'000);
    CHECK(linkage_memory(100'000, 384, {.method = LinkageMethod::Complete, .single_precision = true}) < 21'000'000'000);
    CHECK(linkage_memory(100'000, 384, {.method = LinkageMethod::Average, .metric = Metric::Cosine}) < 1'500'000'000);
    // 20,000 bytes hold the O(n) of single linkage.
    validate(linkage(X.view(), {.method = LinkageMethod::Single, .memory_limit = 20000}));
    CHECK(linkage_memory(4'000'000'000, 2, {.method = LinkageMethod::Complete}) > 0);
    CHECK(error_text([&] { linkage(X.view(), {.metric = Metric::Cosine}); }).find("metric: ward") !=
          std::string::npos);
    CHECK(error_text([&] {
              linkage(X.view(), {.method = LinkageMethod::Average, .metric = Metric::InnerProduct});
          }).find("not a distance") != std::string::npos);
    CHECK(error_text([] { linkage_method_from_string("wards"); }).find("is 'wards'; use single") !=
          std::string::npos);
    Matrix<double> bad = X;
    bad(3, 1) = std::nan("");
    CHECK(error_text([&] { linkage(bad.view()); }).find("row 3 holds nan") != std::string::npos);
    Matrix<double> zero = X;
    zero(5, 0) = zero(5, 1) = 0;
    CHECK(error_text([&] {
              linkage(zero.view(), {.method = LinkageMethod::Average, .metric = Metric::Cosine});
          }).find("row 5 is zero") != std::string::npos);
    CHECK_THROWS_AS(linkage(Matrix<double>(0, 3).view()), Error);
    CHECK_THROWS_AS(linkage_from_distances(std::vector<double>{1, 2}), Error);
    CHECK_THROWS_AS(linkage_from_distances(std::vector<double>{-1}), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(linkage(X.view(), {}, stop), Error);
}

TEST_CASE("linkage: validate finds each broken merge") {
    const LinkageTree good = linkage(random_points(6, 2, 9).view());
    validate(good);
    const auto broken = [&](std::int64_t row, std::int64_t column, double value) {
        LinkageTree tree = good;
        tree.merges(row, column) = value;
        return error_text([&] { validate(tree); });
    };
    CHECK(broken(0, 1, 9).find("does not exist yet") != std::string::npos);
    CHECK(broken(0, 0, -1).find("does not exist yet") != std::string::npos);
    CHECK(broken(0, 0, 0.5).find("does not exist yet") != std::string::npos);
    CHECK(broken(1, 0, good.merges(0, 0)).find("was merged before") != std::string::npos);
    CHECK(broken(2, 2, std::nan("")).find("height is nan") != std::string::npos);
    CHECK(broken(2, 3, 7).find("says 7 items") != std::string::npos);
    LinkageTree swapped = good;
    std::swap(swapped.merges(0, 0), swapped.merges(0, 1));
    CHECK_THROWS_AS(validate(swapped), Error);
    swapped.num_items = 5;
    CHECK_THROWS_AS(validate(swapped), Error);
}
