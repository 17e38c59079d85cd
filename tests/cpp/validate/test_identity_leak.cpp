// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/validate/identity_leak.hpp"

using namespace filmatlas;

namespace {

/// Items of `groups` groups, linked at random within their group.
KnnGraph group_links(const std::vector<std::uint64_t>& group, int k, std::uint64_t seed) {
    const auto n = static_cast<std::int64_t>(group.size());
    KnnGraph graph;
    graph.indices = Matrix<Index>(n, k);
    graph.distances = Matrix<float>(n, k);
    graph.method = "given";
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(seed, "leak links", static_cast<std::uint64_t>(i));
        std::vector<Index> chosen;
        while (static_cast<int>(chosen.size()) < k) {
            const auto j = static_cast<Index>(stream.below(static_cast<std::uint64_t>(n)));
            if (j == i || group[static_cast<std::size_t>(j)] != group[static_cast<std::size_t>(i)]) continue;
            if (std::find(chosen.begin(), chosen.end(), j) == chosen.end()) chosen.push_back(j);
        }
        for (int slot = 0; slot < k; ++slot) graph.indices(i, slot) = chosen[static_cast<std::size_t>(slot)];
    }
    return graph;
}

struct Corpus {
    std::vector<std::uint64_t> topic;  ///< what the items are about
    std::vector<std::uint64_t> name;   ///< which word their titles share
    std::vector<std::string> titles;
};

Corpus corpus(std::size_t n, std::uint64_t seed) {
    Corpus out;
    for (std::size_t i = 0; i < n; ++i) {
        RandomStream stream(seed, "leak corpus", i);
        out.topic.push_back(stream.below(8));
        out.name.push_back(stream.below(30));
        out.titles.push_back("The word" + std::to_string(out.name.back()) + " x" + std::to_string(i));
    }
    return out;
}

LeakReport leak_of(const Corpus& items, const KnnGraph& graph, const LeakOptions& options = {}) {
    CountOptions counting;
    counting.tokens.stop_words = "english";
    const CountResult counted = count_terms(items.titles, counting);
    return identity_leak(counted.counts, counted.vocabulary, graph, options);
}

}  // namespace

TEST_CASE("identity_leak: neighbours by title are found far beyond chance, a clean graph is not") {
    const Corpus items = corpus(1200, 1);
    const LeakReport planted = leak_of(items, group_links(items.name, 10, 2));
    CHECK(planted.overlap.z > 10);
    CHECK(planted.rare_links.z > 10);
    CHECK(planted.auc > 0.95);
    CHECK(planted.suspicious);
    CHECK(planted.items == 1200);
    REQUIRE(planted.tokens.size() == 20);
    CHECK(planted.tokens[0].token.starts_with("word"));
    CHECK(planted.tokens[0].lift > 10);
    for (std::uint64_t seed = 3; seed < 9; ++seed) {
        const LeakReport clean = leak_of(items, group_links(items.topic, 10, seed));
        CHECK(clean.overlap.z < 3);
        CHECK(clean.rare_links.z < 3.5);
        CHECK(clean.auc == doctest::Approx(0.5).epsilon(0.05));
        CHECK_FALSE(clean.suspicious);
    }
}

TEST_CASE("identity_leak: figures by hand") {
    // Four items, two names; everybody's neighbour is the namesake.
    const std::vector<std::string> titles{"owl one", "owl two", "bee three", "bee four"};
    const CountResult counted = count_terms(titles);
    KnnGraph graph;
    graph.indices = Matrix<Index>(4, 1, {1, 0, 3, 2});
    graph.distances = Matrix<float>(4, 1);
    const LeakReport report =
        identity_leak(counted.counts, counted.vocabulary, graph, {.permutations = 3000});
    CHECK(report.overlap.observed == 1);
    CHECK(report.rare_links.observed == 1);
    CHECK(report.overlap.chance ==
          doctest::Approx(1.0 / 3).epsilon(0.1));  // one of three others is the namesake
    CHECK(report.k == 1);
    REQUIRE(report.tokens.size() == 2);
    CHECK(report.tokens[0].token == "bee");
    CHECK(report.tokens[0].links == 2);
    CHECK(report.tokens[0].lift == doctest::Approx(3));
}

TEST_CASE("identity_leak: the same for any number of threads; degenerate input; arguments") {
    const Corpus items = corpus(300, 5);
    const KnnGraph graph = group_links(items.topic, 5, 6);
    const LeakReport one = leak_of(items, graph, {.num_threads = 1});
    const LeakReport three = leak_of(items, graph, {.num_threads = 3});
    CHECK(one.overlap.z == three.overlap.z);
    CHECK(one.rare_links.chance == three.rare_links.chance);
    CHECK(one.auc == three.auc);

    KnnGraph empty;
    CHECK(identity_leak(CsrMatrix<std::int32_t>{}, {}, empty).items == 0);
    const CountResult counted = count_terms(std::vector<std::string>{"a title", ""});
    KnnGraph pair;
    pair.indices = Matrix<Index>(2, 1, {1, 0});
    pair.distances = Matrix<float>(2, 1);
    const LeakReport alone = identity_leak(counted.counts, counted.vocabulary, pair);
    CHECK(alone.overlap.z == 0);
    CHECK(alone.auc == 0.5);
    CHECK_THROWS_WITH_AS(identity_leak(counted.counts, counted.vocabulary, graph),
                         doctest::Contains("2 names for a graph of 300"), Error);
    CHECK_THROWS_WITH_AS(identity_leak(counted.counts, {}, pair), doctest::Contains("0 tokens"), Error);
    CHECK_THROWS_WITH_AS(leak_of(items, graph, {.permutations = 1}), doctest::Contains("permutations: is 1"),
                         Error);
}
