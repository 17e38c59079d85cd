// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/hdbscan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "cluster/density_reference.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;
using cluster_data::blobs;

namespace {

HdbscanOptions with(double size, int samples) {
    HdbscanOptions options;
    options.cut.min_cluster_size = size;
    options.min_samples = samples;
    return options;
}

/// Number of mismatches with the reference over tiny cases [first, first + count).
std::int64_t mismatches(std::uint64_t first, std::uint64_t count) {
    std::int64_t wrong = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const Matrix<double> X = density_reference::tiny_case(seed);
        RandomStream random(seed, "test.options");
        const auto size = static_cast<int>(2 + random.below(4));
        const auto samples = static_cast<int>(1 + random.below(5));
        const bool leaf = random.below(3) == 0;
        const bool single = random.below(3) == 0;
        HdbscanOptions options = with(size, samples);
        options.cut.method = leaf ? SelectionMethod::Leaf : SelectionMethod::Eom;
        options.cut.allow_single_cluster = single;
        options.num_threads = 1;
        const HdbscanResult got = hdbscan(X.view(), options);
        if (X.rows() == 0) {
            wrong += got.cut.selection.labels.empty() ? 0 : 1;
            continue;
        }
        const density_reference::Hdbscan truth(density_reference::distances(X), samples, size, leaf, single);
        bool same = density_reference::same_partition(got.cut.selection.labels, truth.result.labels);
        for (std::size_t i = 0; i < got.cut.selection.labels.size(); ++i) {
            same = same &&
                   std::abs(got.cut.selection.probabilities[i] - truth.result.probabilities[i]) < 1e-12 &&
                   std::abs(got.cut.outlier_scores[i] - truth.result.outlier[i]) < 1e-12;
        }
        if (!same)
            MESSAGE("tiny case " << seed << ": n = " << X.rows() << ", size " << size << ", samples "
                                 << samples);
        wrong += same ? 0 : 1;
    }
    return wrong;
}

}  // namespace

TEST_CASE("hdbscan: tiny cases equal the definition, written down in sets") {
    // FILMATLAS_TINY_CASES=100000 runs the full count.
    const char* text = std::getenv("FILMATLAS_TINY_CASES");
    CHECK(mismatches(0, text == nullptr ? 20000 : static_cast<std::uint64_t>(std::atoll(text))) == 0);
}

TEST_CASE(
    "hdbscan: the ties of the reference give a tree of pairs, canonical ones do not depend on the rows' "
    "order") {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        RandomStream random(seed, "test.grid");
        const std::int64_t n = 240;
        const std::int64_t d = 1 + static_cast<std::int64_t>(seed % 3);
        Matrix<float> X(n, d);
        for (float& v : X.values()) v = static_cast<float>(random.below(12));
        HdbscanOptions options = with(5, 3);
        options.num_threads = 1;
        const HdbscanResult base = hdbscan(X.view(), options);
        for (std::uint64_t shuffle = 0; shuffle < 10; ++shuffle) {
            const std::vector<Index> order = cluster_data::permutation(n, shuffle);
            options.num_threads = static_cast<int>(1 + shuffle % 4);
            const HdbscanResult moved = hdbscan(cluster_data::permuted(X, order).view(), options);
            for (std::size_t r = 0; r < order.size(); ++r) {
                const auto i = static_cast<std::size_t>(order[r]);
                CHECK(moved.cut.selection.labels[r] == base.cut.selection.labels[i]);
                CHECK(moved.cut.selection.probabilities[r] == base.cut.selection.probabilities[i]);
                CHECK(moved.cut.outlier_scores[r] == base.cut.outlier_scores[i]);
            }
            CHECK(moved.cut.selection.persistence == base.cut.selection.persistence);
        }
        options.ties = TieRule::Hdbscan;
        const CondensedTree pairs = hdbscan(X.view(), options).cut.tree;
        std::vector<int> parts(static_cast<std::size_t>(pairs.num_clusters()), 0);
        for (std::size_t c = 1; c < parts.size(); ++c)
            ++parts[static_cast<std::size_t>(pairs.cluster_parent[c])];
        for (const int count : parts) CHECK((count == 0 || count == 2));
    }
}

TEST_CASE("hdbscan: moving, turning and scaling by two change no label") {
    const auto data = blobs(300, 2, 4, 0.4, 9);
    const HdbscanResult base = hdbscan(data.X.view(), with(8, 5));
    Matrix<float> scaled = data.X;
    for (float& v : scaled.values()) v *= 4;
    CHECK(hdbscan(scaled.view(), with(8, 5)).cut.selection.labels == base.cut.selection.labels);
    Matrix<float> turned = data.X;
    for (std::int64_t i = 0; i < 300; ++i) {
        turned(i, 0) = data.X(i, 1);
        turned(i, 1) = -data.X(i, 0);
    }
    CHECK(density_reference::same_partition(hdbscan(turned.view(), with(8, 5)).cut.selection.labels,
                                            base.cut.selection.labels));
}

TEST_CASE("hdbscan: a cut equals a fresh fit") {
    const auto data = blobs(500, 3, 6, 0.6, 2);
    const HdbscanResult fit = hdbscan(data.X.view(), with(5, 7));
    for (const double size : {3.0, 10.0, 40.0, 1000.0}) {
        for (const SelectionMethod method : {SelectionMethod::Eom, SelectionMethod::Leaf}) {
            for (const double epsilon : {0.0, 0.3}) {
                for (const double persistence : {0.0, 0.5}) {
                    HdbscanOptions options = with(size, 7);
                    options.cut.method = method;
                    options.cut.epsilon = epsilon;
                    options.cut.persistence = persistence;
                    const HdbscanCut cut = cut_hdbscan(fit.linkage, options.cut);
                    const HdbscanResult fresh = hdbscan(data.X.view(), options);
                    CHECK(cut.tree == fresh.cut.tree);
                    CHECK(cut.selection.labels == fresh.cut.selection.labels);
                    CHECK(cut.selection.probabilities == fresh.cut.selection.probabilities);
                    CHECK(cut.selection.persistence == fresh.cut.selection.persistence);
                    CHECK(cut.outlier_scores == fresh.cut.outlier_scores);
                }
            }
        }
    }
}

TEST_CASE("hdbscan: the number of clusters that was asked for") {
    const auto data = blobs(600, 2, 6, 0.15, 7);
    const HdbscanResult fit = hdbscan(data.X.view(), with(10, 5));
    for (const std::int64_t k : {1, 2, 6}) {
        const FlatCut flat = cut_to_clusters(fit.linkage, k, with(10, 5).cut);
        CAPTURE(k);
        CHECK(flat.found);
        CHECK(static_cast<std::int64_t>(flat.cut.selection.clusters.size()) == k);
        CHECK(cut_hdbscan(fit.linkage, flat.options).selection.labels == flat.cut.selection.labels);
    }
    CHECK_FALSE(cut_to_clusters(fit.linkage, 599, with(10, 5).cut).found);
    CHECK_THROWS_AS(cut_to_clusters(fit.linkage, 0), Error);
}

TEST_CASE("hdbscan: large and deep inputs need no recursion") {
    const auto all_noise = [](const HdbscanResult& fit) {
        return std::all_of(fit.cut.selection.labels.begin(), fit.cut.selection.labels.end(),
                           [](Index label) { return label == -1; });
    };
    const std::int64_t n = 200000;
    CHECK(all_noise(hdbscan(Matrix<float>(n, 2).view())));
    Matrix<double> deep(n, 1);  // every gap is wider than the last: the tree is a chain
    for (std::int64_t i = 1; i < n; ++i) deep(i, 0) = deep(i - 1, 0) + 1 + 1e-6 * static_cast<double>(i);
    HdbscanOptions options = with(5, 1);
    const HdbscanResult chain = hdbscan(deep.view(), options);
    CHECK(chain.linkage.num_merges() == n - 1);
    options.ties = TieRule::Hdbscan;
    CHECK(hdbscan(deep.view(), options).cut.tree.num_clusters() >= 1);
    for (const std::int64_t few : {0, 1, 2}) CHECK(all_noise(hdbscan(Matrix<double>(few, 3).view())));
    options = with(50, 1);
    options.cut.allow_single_cluster = true;
    CHECK(all_noise(hdbscan(Matrix<double>(10, 1).view(), options)));  // fewer items than a cluster needs
}

TEST_CASE("hdbscan: what it refuses, and why") {
    const Matrix<double> X(10, 2);
    CHECK_THROWS_WITH_AS(hdbscan(X.view(), with(1, 1)), doctest::Contains("min_cluster_size"), Error);
    CHECK_THROWS_WITH_AS(hdbscan(X.view(), with(5, 0)), doctest::Contains("min_samples"), Error);
    HdbscanOptions options = with(5, 1);
    options.cut.epsilon = -1;
    CHECK_THROWS_WITH_AS(hdbscan(X.view(), options), doctest::Contains("epsilon"), Error);
    options = with(5, 1);
    options.cut.persistence = -1;
    CHECK_THROWS_WITH_AS(hdbscan(X.view(), options), doctest::Contains("persistence"), Error);
}
