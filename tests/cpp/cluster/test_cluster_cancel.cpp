// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/choose_k.hpp"
#include "filmatlas/cluster/dendrogram.hpp"
#include "filmatlas/cluster/density_validity.hpp"
#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/cluster/hierarchy_update.hpp"
#include "filmatlas/cluster/kmeans.hpp"
#include "filmatlas/cluster/linkage.hpp"
#include "filmatlas/cluster/linkage_graph.hpp"
#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/cluster/node_figures.hpp"
#include "filmatlas/cluster/smooth.hpp"
#include "filmatlas/cluster/spanning_tree.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

using Run = std::function<void(const Progress&)>;

bool cancelled(const Run& run, const Progress& progress) {
    try {
        run(progress);
    } catch (const Error& error) {
        return error.code() == ErrorCode::Cancelled;
    }
    return false;
}

/// Stops the run at its first, middle and last reports, and at the first of every stage; nothing may go on after that.
void check_cancel(const std::string& name, const Run& run) {
    CAPTURE(name);
    std::vector<std::string> stages;
    run(Progress([&](const Tick& tick) { return stages.emplace_back(tick.stage), true; }, std::chrono::milliseconds(0)));
    REQUIRE(stages.size() >= 3);
    std::set<std::size_t> stops{0, stages.size() / 2, stages.size() - 1};
    for (std::size_t i = 1; i < stages.size(); ++i) {
        if (stages[i] != stages[i - 1] && stops.size() < 20) stops.insert(i);
    }
    for (const std::size_t stop : stops) {
        CAPTURE(stop);
        std::size_t reports = 0;
        const Progress progress([&](const Tick&) { return reports++ < stop; }, std::chrono::milliseconds(0));
        CHECK(cancelled(run, progress));
        CHECK(reports == stop + 1);
    }
}

Matrix<float> points(std::int64_t n, std::int64_t d) { return cluster_data::blobs(n, d, 6, 0.4, 11).X; }

Matrix<double> wide(const Matrix<float>& X) {
    Matrix<double> out(X.rows(), X.cols());
    std::copy(X.values().begin(), X.values().end(), out.values().begin());
    return out;
}

}  // namespace

TEST_CASE("cluster: density can be cancelled at any report") {
    const Matrix<float> flat = points(3000, 2);
    const Matrix<float> deep = points(1200, 40);
    for (const SpanningTreeMethod method :
         {SpanningTreeMethod::KdTree, SpanningTreeMethod::Blocked, SpanningTreeMethod::Approximate}) {
        SpanningTreeOptions options;
        options.method = method;
        options.num_threads = 1;  // then reports come in the same number every time
        const Matrix<float>& X = method == SpanningTreeMethod::KdTree ? flat : deep;
        check_cancel("spanning_tree, " + std::string(to_string(method)),
                     [&](const Progress& progress) { spanning_tree(X.view(), options, {}, progress); });
    }
    SpanningTreeOptions given;
    given.num_threads = 1;
    Matrix<double> distances(300, 300);
    for (std::int64_t i = 0; i < 300; ++i) {
        for (std::int64_t j = 0; j < 300; ++j)
            distances(i, j) = std::abs(static_cast<double>(flat(i, 0)) - static_cast<double>(flat(j, 0)));
    }
    check_cancel("spanning_tree_from_distances", [&](const Progress& progress) {
        spanning_tree_from_distances(distances.view(), given, {}, progress);
    });
    const KnnGraph near = cluster_data::knn(flat, 8);
    check_cancel("spanning_tree_from_knn",
                 [&](const Progress& progress) { spanning_tree_from_knn(near, given, {}, progress); });
    CsrMatrix<double> some;
    some.rows = some.cols = near.size();
    for (std::int64_t i = 0; i < near.size(); ++i) {
        std::vector<Index> ids(near.indices.row(i).begin(), near.indices.row(i).end());
        std::sort(ids.begin(), ids.end());
        for (const Index j : ids) {
            some.indices.push_back(j);
            some.values.push_back(std::abs(static_cast<double>(flat(i, 0)) - static_cast<double>(flat(j, 0))));
        }
        some.indptr.push_back(some.nnz());
    }
    check_cancel("spanning_tree_from_graph",
                 [&](const Progress& progress) { spanning_tree_from_graph(some, given, {}, progress); });
    HdbscanOptions options;
    options.num_threads = 1;
    check_cancel("hdbscan", [&](const Progress& progress) { hdbscan(flat.view(), options, {}, progress); });
    const Matrix<double> X = wide(flat);
    const std::vector<Index> labels = cluster_data::blobs(3000, 2, 6, 0.4, 11).labels;
    check_cancel("density_validity", [&](const Progress& progress) {
        density_validity(X.view(), labels, Metric::Euclidean, 1, progress);
    });
}

TEST_CASE("cluster: linkage can be cancelled at any report, by every algorithm") {
    const Matrix<float> few = points(300, 5);
    const Matrix<float> many = points(2100, 5);
    for (const LinkageMethod method : {LinkageMethod::Single, LinkageMethod::Average, LinkageMethod::Ward,
                                       LinkageMethod::Centroid}) {
        for (const Matrix<float>* X : {&few, &many}) {
            LinkageOptions options;
            options.method = method;
            options.num_threads = 1;
            check_cancel("linkage, " + std::string(to_string(method)) + " of " + std::to_string(X->rows()),
                         [&](const Progress& progress) { linkage(X->view(), options, progress); });
        }
    }
    LinkageOptions one;
    one.num_threads = 1;
    std::vector<double> distances;
    for (std::int64_t i = 0; i < few.rows(); ++i) {
        for (std::int64_t j = i + 1; j < few.rows(); ++j)
            distances.push_back(std::abs(static_cast<double>(few(i, 0)) - static_cast<double>(few(j, 0))));
    }
    check_cancel("linkage_from_distances",
                 [&](const Progress& progress) { linkage_from_distances(distances, one, progress); });
    const Matrix<double> X = wide(few);
    const std::vector<double> sizes(300, 2.0);
    check_cancel("linkage_ward_weighted",
                 [&](const Progress& progress) { linkage_ward_weighted(X.view(), sizes, one, progress); });
    const KnnGraph graph = cluster_data::knn(few, 6);
    GraphLinkageOptions along;
    along.num_threads = 1;
    check_cancel("linkage_on_graph",
                 [&](const Progress& progress) { linkage_on_graph(few.view(), graph, along, progress); });
    const LinkageTree tree = linkage(few.view(), one);
    check_cancel("optimal_leaf_order",
                 [&](const Progress& progress) { optimal_leaf_order(tree, distances, 1, progress); });
}

TEST_CASE("cluster: k-means and nested clusters can be cancelled at any report") {
    const Matrix<float> X = points(1500, 16);
    KMeansOptions options;
    options.num_threads = 1;
    check_cancel("kmeans", [&](const Progress& progress) { kmeans(X.view(), 20, options, {}, progress); });
    ChooseKOptions choose;
    choose.kmeans.num_threads = 1;
    const std::array<int, 3> counts{3, 6, 9};
    check_cancel("choose_k", [&](const Progress& progress) { choose_k(X.view(), counts, choose, progress); });

    const KnnGraph graph = cluster_data::knn(X, 15);
    SmoothOptions smooth;
    smooth.num_threads = 1;
    check_cancel("smooth_embedding",
                 [&](const Progress& progress) { smooth_embedding(X.view(), graph, smooth, progress); });
    NestedOptions nested;
    nested.num_threads = 1;
    check_cancel("nested_clusters",
                 [&](const Progress& progress) { nested_clusters(X.view(), graph, nested, progress); });
    const Hierarchy tree = nested_clusters(X.view(), graph, nested).hierarchy;
    check_cancel("node_figures", [&](const Progress& progress) {
        node_figures(tree, X.view(), Metric::Cosine, 1, progress);
    });
    StabilityOptions stability;
    stability.replicates = 2;
    check_cancel("node_stability", [&](const Progress& progress) {
        node_stability(tree, X.view(), graph, nested, stability, progress);
    });
    const Matrix<float> added = cluster_data::blobs(1200, 16, 6, 0.4, 12).X;
    TreeUpdateOptions update;
    update.num_threads = 1;
    check_cancel("update_hierarchy", [&](const Progress& progress) {
        update_hierarchy(tree, X.view(), added.view(), update, progress);
    });
}

TEST_CASE("cluster: a cancelled run leaves the next one as it would be, on several threads too") {
    const Matrix<float> X = points(2100, 8);
    LinkageOptions options;
    options.num_threads = 3;
    const LinkageTree before = linkage(X.view(), options);
    int reports = 0;
    const Progress stop([&](const Tick&) { return ++reports < 8; }, std::chrono::milliseconds(0));
    CHECK(cancelled([&](const Progress& progress) { linkage(X.view(), options, progress); }, stop));
    const LinkageTree after = linkage(X.view(), options);
    CHECK(std::equal(before.merges.values().begin(), before.merges.values().end(), after.merges.values().begin()));
}
