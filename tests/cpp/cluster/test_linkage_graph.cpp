// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/linkage_graph.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/union_find.hpp"

using namespace filmatlas;

namespace {

CsrMatrix<float> graph_of(std::int64_t n, const std::set<std::pair<Index, Index>>& edges) {
    CsrMatrix<float> graph;
    graph.rows = graph.cols = n;
    graph.indptr.assign(static_cast<std::size_t>(n) + 1, 0);
    for (const auto& [i, j] : edges) {
        ++graph.indptr[static_cast<std::size_t>(i) + 1];
        graph.indices.push_back(j);
        graph.values.push_back(1.0F);
    }
    for (std::size_t i = 1; i < graph.indptr.size(); ++i) graph.indptr[i] += graph.indptr[i - 1];
    return graph;
}

struct Part {
    std::vector<std::int64_t> items;
    int id;
};

double part_distance(const Matrix<double>& X, const Part& a, const Part& b, LinkageMethod method) {
    double sum = 0;
    std::vector<double> mean_a(static_cast<std::size_t>(X.cols()), 0.0);
    std::vector<double> mean_b = mean_a;
    for (const std::int64_t i : a.items) {
        for (const std::int64_t j : b.items) {
            for (std::int64_t c = 0; c < X.cols(); ++c) sum += (X(i, c) - X(j, c)) * (X(i, c) - X(j, c));
        }
    }
    if (method == LinkageMethod::Average) return sum / static_cast<double>(a.items.size() * b.items.size());
    for (const std::int64_t i : a.items) {
        for (std::size_t c = 0; c < mean_a.size(); ++c)
            mean_a[c] += X(i, static_cast<std::int64_t>(c)) / static_cast<double>(a.items.size());
    }
    for (const std::int64_t i : b.items) {
        for (std::size_t c = 0; c < mean_b.size(); ++c)
            mean_b[c] += X(i, static_cast<std::int64_t>(c)) / static_cast<double>(b.items.size());
    }
    double square = 0;
    for (std::size_t c = 0; c < mean_a.size(); ++c) square += (mean_a[c] - mean_b[c]) * (mean_a[c] - mean_b[c]);
    const auto n_a = static_cast<double>(a.items.size());
    const auto n_b = static_cast<double>(b.items.size());
    return std::sqrt(2 * n_a * n_b / (n_a + n_b) * square);
}

/// By definition: the nearest pair with an edge, then, without edges, the nearest pair.
std::vector<double> defined_heights(const Matrix<double>& X, const std::set<std::pair<Index, Index>>& edges,
                                    LinkageMethod method) {
    std::vector<Part> parts;
    for (std::int64_t i = 0; i < X.rows(); ++i) parts.push_back({{i}, 0});
    std::vector<double> heights;
    while (parts.size() > 1) {
        for (const bool constrained : {true, false}) {
            double best = std::numeric_limits<double>::infinity();
            std::size_t x = 0;
            std::size_t y = 0;
            for (std::size_t i = 0; i < parts.size(); ++i) {
                for (std::size_t j = i + 1; j < parts.size(); ++j) {
                    bool joined = !constrained;
                    for (const std::int64_t p : parts[i].items) {
                        for (const std::int64_t q : parts[j].items) {
                            joined = joined || edges.count({static_cast<Index>(p), static_cast<Index>(q)}) > 0 ||
                                     edges.count({static_cast<Index>(q), static_cast<Index>(p)}) > 0;
                        }
                    }
                    if (!joined) continue;
                    const double distance = part_distance(X, parts[i], parts[j], method);
                    if (distance < best) {
                        best = distance;
                        x = i;
                        y = j;
                    }
                }
            }
            if (y == 0) continue;
            heights.push_back(best);
            parts[x].items.insert(parts[x].items.end(), parts[y].items.begin(), parts[y].items.end());
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(y));
            break;
        }
    }
    return heights;
}

Matrix<double> random_points(std::int64_t n, std::int64_t d, std::uint64_t seed) {
    Matrix<double> X(n, d);
    RandomStream random(seed, "test.graph");
    for (double& value : X.values()) value = random.normal();
    return X;
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

TEST_CASE("linkage_on_graph: every merge is the nearest pair with an edge, on hundreds of small graphs") {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        const auto n = static_cast<std::int64_t>(1 + seed % 12);
        const Matrix<double> X = random_points(n, 2, seed);
        RandomStream random(seed, "test.edges");
        std::set<std::pair<Index, Index>> edges;
        for (std::uint64_t e = 0; e < seed % 20; ++e) {
            edges.insert({static_cast<Index>(random.below(static_cast<std::uint64_t>(n))),
                          static_cast<Index>(random.below(static_cast<std::uint64_t>(n)))});
        }
        for (const LinkageMethod method : {LinkageMethod::Ward, LinkageMethod::Average}) {
            CAPTURE(seed);
            CAPTURE(to_string(method));
            GraphLinkageOptions options;
            options.method = method;
            options.metric = method == LinkageMethod::Ward ? Metric::Euclidean : Metric::SqEuclidean;
            const GraphLinkage found = linkage_on_graph(X.view(), graph_of(n, edges), options);
            validate(found.tree);
            const std::vector<double> expected = defined_heights(X, edges, method);
            for (std::size_t i = 0; i < expected.size(); ++i) {
                CHECK(found.tree.merges(static_cast<std::int64_t>(i), 2) == doctest::Approx(expected[i]).epsilon(1e-10));
            }
            UnionFind sets(n);
            for (const auto& [i, j] : edges) sets.unite(i, j);
            CHECK(found.components == sets.num_sets());
            CHECK(cut_linkage(found.tree, static_cast<int>(found.components)) == sets.labels());
        }
    }
}

TEST_CASE("linkage_on_graph: with all edges it is linkage; threads and float32 do not matter") {
    const auto data = cluster_data::blobs(200, 5, 6, 0.5, 2);
    const KnnGraph all = cluster_data::knn(data.X, 199, Metric::Euclidean);
    const GraphLinkage graph = linkage_on_graph(data.X.view(), all, {.num_threads = 1});
    const LinkageTree free = linkage(data.X.view());
    CHECK(graph.components == 1);
    for (std::int64_t i = 0; i < 199; ++i) {
        CHECK(graph.tree.merges(i, 0) == free.merges(i, 0));
        CHECK(graph.tree.merges(i, 1) == free.merges(i, 1));
        CHECK(graph.tree.merges(i, 2) == doctest::Approx(free.merges(i, 2)).epsilon(1e-12));
    }
    const KnnGraph few = cluster_data::knn(data.X, 4, Metric::Euclidean);
    const GraphLinkage sparse = linkage_on_graph(data.X.view(), few, {.num_threads = 1});
    CHECK(linkage_on_graph(data.X.view(), few, {.num_threads = 3}).tree == sparse.tree);
    const GraphLinkage cosine =
        linkage_on_graph(data.X.view(), few, {.method = LinkageMethod::Average, .metric = Metric::Cosine});
    validate(cosine.tree);
}

TEST_CASE("linkage_on_graph: no edges, equal rows, invalid slots, refusals") {
    const auto data = cluster_data::blobs(60, 3, 3, 0.5, 2);
    KnnGraph none = cluster_data::knn(data.X, 2, Metric::Euclidean);
    for (Index& id : none.indices.values()) id = -1;
    const GraphLinkage alone = linkage_on_graph(data.X.view(), none);
    CHECK(alone.components == 60);
    const LinkageTree free = linkage(data.X.view());
    for (std::int64_t i = 0; i < 59; ++i)
        CHECK(alone.tree.merges(i, 2) == doctest::Approx(free.merges(i, 2)).epsilon(1e-12));
    const Matrix<float> same(30, 2, std::vector<float>(60, 1.0F));
    validate(linkage_on_graph(same.view(), cluster_data::knn(same, 3, Metric::Euclidean)).tree);

    const KnnGraph graph = cluster_data::knn(data.X, 4, Metric::Euclidean);
    CHECK(error_text([&] { linkage_on_graph(Matrix<float>(3, 2).view(), graph); }).find("a graph of 60 items") !=
          std::string::npos);
    CHECK(error_text([&] { linkage_on_graph(data.X.view(), graph, {.method = LinkageMethod::Complete}); })
              .find("use ward or average") != std::string::npos);
    CHECK(error_text([&] { linkage_on_graph(data.X.view(), graph, {.method = LinkageMethod::Average}); })
              .find("use cosine or sqeuclidean") != std::string::npos);
    CHECK(error_text([&] { linkage_on_graph(data.X.view(), graph, {.memory_limit = 10}); }).find("the limit is 10") !=
          std::string::npos);
    Matrix<float> bad = data.X;
    bad(5, 1) = std::numeric_limits<float>::quiet_NaN();
    CHECK(error_text([&] { linkage_on_graph(bad.view(), graph); }).find("row 5 holds nan") != std::string::npos);
    CsrMatrix<float> wide = graph_of(60, {});
    wide.cols = 61;
    CHECK_THROWS_AS(linkage_on_graph(data.X.view(), wide), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(linkage_on_graph(data.X.view(), graph, {}, stop), Error);
}
