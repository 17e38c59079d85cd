// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/dendrogram.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "cluster/scipy_values.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

std::size_t at(std::int64_t n, std::int64_t i, std::int64_t j) {
    if (i > j) std::swap(i, j);
    return static_cast<std::size_t>(i * (2 * n - i - 1) / 2 + (j - i - 1));
}

std::vector<double> distances(MatrixView<const double> X) {
    std::vector<double> out;
    for (std::int64_t i = 0; i < X.rows; ++i) {
        for (std::int64_t j = i + 1; j < X.rows; ++j) {
            double sum = 0;
            for (std::int64_t c = 0; c < X.cols; ++c) sum += (X(i, c) - X(j, c)) * (X(i, c) - X(j, c));
            out.push_back(std::sqrt(sum));
        }
    }
    return out;
}

double length(const std::vector<Index>& order, const std::vector<double>& d) {
    double sum = 0;
    for (std::size_t i = 1; i < order.size(); ++i)
        sum += d[at(static_cast<std::int64_t>(order.size()), order[i - 1], order[i])];
    return sum;
}

/// All orders that a tree allows: each merge's parts either way round.
double shortest(const LinkageTree& tree, const std::vector<double>& d) {
    const std::int64_t n = tree.num_items;
    double best = std::numeric_limits<double>::infinity();
    for (std::uint32_t turns = 0; turns < 1U << (n - 1); ++turns) {
        std::vector<std::vector<Index>> parts;
        for (Index i = 0; i < n; ++i) parts.push_back({i});
        for (std::int64_t m = 0; m < n - 1; ++m) {
            auto left = parts[static_cast<std::size_t>(tree.merges(m, 0))];
            auto right = parts[static_cast<std::size_t>(tree.merges(m, 1))];
            if ((turns >> m & 1U) != 0) std::swap(left, right);
            left.insert(left.end(), right.begin(), right.end());
            parts.push_back(std::move(left));
        }
        best = std::min(best, length(parts.back(), d));
    }
    return best;
}

}  // namespace

TEST_CASE("dendrogram: equal to SciPy") {
    const MatrixView<const double> X(scipy_points.data(), 11, 3);
    const LinkageTree tree = linkage(X, {.method = LinkageMethod::Average});
    const Matrix<double> three = inconsistency(tree, 3);
    for (std::size_t i = 0; i < scipy_inconsistent.size(); ++i)
        CHECK(three.values()[i] == doctest::Approx(scipy_inconsistent[i]).epsilon(1e-10));
    const Matrix<double> two = inconsistency(tree);
    for (std::int64_t i = 0; i < 10; ++i)
        CHECK(two(i, 3) == doctest::Approx(scipy_inconsistent_two[static_cast<std::size_t>(i)]).epsilon(1e-10));
    const std::vector<Index> cut = cut_linkage_inconsistency(tree, 0.75);
    CHECK(cut == cluster_data::canonical(std::vector<Index>(scipy_cut_inconsistent.begin(), scipy_cut_inconsistent.end())));
    const std::vector<double> met = cophenetic_distances(tree);
    REQUIRE(met.size() == scipy_cophenetic.size());
    for (std::size_t i = 0; i < met.size(); ++i) CHECK(met[i] == doctest::Approx(scipy_cophenetic[i]).epsilon(1e-12));
    const std::vector<double> d = distances(X);
    CHECK(cophenetic_correlation(tree, d) == doctest::Approx(scipy_cophenetic_correlation).epsilon(1e-12));
    CHECK(leaf_order(tree) == std::vector<Index>(scipy_leaves.begin(), scipy_leaves.end()));
    // SciPy's own order is not the shortest one here.
    CHECK(length(optimal_leaf_order(tree, d), d) == doctest::Approx(shortest(tree, d)).epsilon(1e-12));
    CHECK(shortest(tree, d) <= scipy_optimal_length);
}

TEST_CASE("optimal_leaf_order: the best of all orders that the tree allows; threads do not matter") {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const auto n = static_cast<std::int64_t>(1 + seed % 11);
        Matrix<double> X(n, 2);
        RandomStream random(seed, "test.order");
        for (double& value : X.values()) value = seed % 5 == 0 ? static_cast<double>(random.below(3)) : random.normal();
        const std::vector<double> d = distances(X.view());
        const LinkageTree tree = linkage(X.view(), {.method = seed % 2 == 0 ? LinkageMethod::Single : LinkageMethod::Ward});
        const std::vector<Index> order = optimal_leaf_order(tree, d);
        CHECK(length(order, d) == doctest::Approx(shortest(tree, d)).epsilon(1e-12));
        // Every cluster's items are side by side.
        std::vector<std::vector<Index>> members;
        for (Index i = 0; i < n; ++i) members.push_back({i});
        for (std::int64_t m = 0; m < n - 1; ++m) {
            auto both = members[static_cast<std::size_t>(tree.merges(m, 0))];
            const auto& right = members[static_cast<std::size_t>(tree.merges(m, 1))];
            both.insert(both.end(), right.begin(), right.end());
            std::vector<std::ptrdiff_t> place;
            for (const Index i : both) place.push_back(std::find(order.begin(), order.end(), i) - order.begin());
            const auto [low, high] = std::minmax_element(place.begin(), place.end());
            CHECK(*high - *low == static_cast<std::ptrdiff_t>(both.size()) - 1);
            members.push_back(std::move(both));
        }
    }
    const auto data = cluster_data::blobs(300, 4, 8, 0.7, 1);
    Matrix<double> wide(300, 4);
    for (std::size_t i = 0; i < wide.values().size(); ++i) wide.values()[i] = static_cast<double>(data.X.values()[i]);
    const std::vector<double> d = distances(wide.view());
    const LinkageTree tree = linkage(wide.view());
    const std::vector<Index> order = optimal_leaf_order(tree, d, 1);
    CHECK(optimal_leaf_order(tree, d, 3) == order);
    CHECK(length(order, d) <= length(leaf_order(tree), d));
}

TEST_CASE("dendrogram: one item, a deep chain without recursion, refusals") {
    const LinkageTree one{Matrix<double>(0, 4), 1};
    CHECK(inconsistency(one).rows() == 0);
    CHECK(cut_linkage_inconsistency(one, 1.0) == std::vector<Index>{0});
    CHECK(cophenetic_distances(one).empty());
    CHECK(leaf_order(one) == std::vector<Index>{0});
    CHECK(optimal_leaf_order(one, {}) == std::vector<Index>{0});
    CHECK(cophenetic_correlation(one, {}) == 0.0);

    const std::int64_t n = 200'000;
    LinkageTree chain{Matrix<double>(n - 1, 4), n};
    for (std::int64_t m = 0; m < n - 1; ++m) {
        chain.merges(m, 0) = m == 0 ? 0.0 : static_cast<double>(m + 1);
        chain.merges(m, 1) = m == 0 ? 1.0 : static_cast<double>(n + m - 1);
        chain.merges(m, 2) = static_cast<double>(m);
        chain.merges(m, 3) = static_cast<double>(m + 2);
    }
    CHECK(leaf_order(chain).front() == n - 1);
    CHECK(inconsistency(chain).rows() == n - 1);
    CHECK_THROWS_AS(cophenetic_distances(chain), Error);
    CHECK_THROWS_AS(optimal_leaf_order(chain, {}), Error);
    const LinkageTree two{Matrix<double>(1, 4, {0, 1, 3, 2}), 2};
    CHECK(cophenetic_distances(two) == std::vector<double>{3});
    CHECK_THROWS_AS(cophenetic_distances(two, 1), Error);
    CHECK_THROWS_AS(cophenetic_correlation(two, std::vector<double>{1, 2}), Error);
    CHECK_THROWS_AS(inconsistency(two, 0), Error);
    CHECK_THROWS_AS(optimal_leaf_order(two, std::vector<double>{-1}), Error);
}
