// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/validate/checks.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

const Finding* find(const Report& report, const std::string& code) {
    for (const Finding& finding : report.findings) {
        if (finding.code == code) return &finding;
    }
    return nullptr;
}

Severity severity(const Report& report, const std::string& code) {
    const Finding* finding = find(report, code);
    REQUIRE_MESSAGE(finding != nullptr, code);
    CHECK_FALSE(finding->message.empty());
    return finding->severity;
}

/// Six items: nodes {a: 0 1 2, b: 3 4 5}, each with two children.
Hierarchy tree() {
    Hierarchy h;
    h.level_names = {"macro", "microcluster"};
    h.order = {0, 1, 2, 3, 4, 5};
    h.nodes = {{0, 3, 0, -1}, {3, 6, 0, -1}, {0, 2, 1, 0}, {2, 3, 1, 0}, {3, 4, 1, 1}, {4, 6, 1, 1}};
    h.level_begin = {0, 2, 6};
    return h;
}

Labels names() {
    Labels labels(6);
    const char* texts[] = {"a", "b", "x", "y", "x", "z"};
    for (std::size_t i = 0; i < 6; ++i) labels[i].text = texts[i];
    return labels;
}

}  // namespace

TEST_CASE("check_hierarchy: a sound tree passes, each broken promise is found") {
    CheckOptions options;
    options.max_share = 0.5;
    const Report sound = check_hierarchy(tree(), options);
    CHECK(sound.ok());
    CHECK(sound.count(Severity::Warning) == 0);
    CHECK(find(sound, "hierarchy.largest_share")->value == 0.5);
    CHECK(severity(check_hierarchy(tree()), "hierarchy.largest_share") == Severity::Warning);

    const auto broken = [](const char* code, auto&& change) {
        Hierarchy h = tree();
        change(h);
        const Report report = check_hierarchy(h);
        CHECK_FALSE(report.ok());
        CHECK(severity(report, code) == Severity::Error);
        return report;
    };
    broken("hierarchy.structure", [](Hierarchy& h) { h.level_begin.pop_back(); });
    broken("hierarchy.structure", [](Hierarchy& h) { h.level_begin = {0, 7, 6}; });
    broken("hierarchy.structure", [](Hierarchy& h) { h.nodes[3].level = 0; });
    broken("hierarchy.structure", [](Hierarchy& h) { h.nodes[3].end = 9; });
    broken("hierarchy.contiguity", [](Hierarchy& h) { h.order[2] = 1; });
    broken("hierarchy.contiguity", [](Hierarchy& h) { h.order[2] = 17; });
    const Report gap = broken("hierarchy.path", [](Hierarchy& h) { h.nodes[3].begin = 3; });
    CHECK(find(gap, "hierarchy.path")->items == std::vector<Index>{2});
    CHECK(severity(gap, "hierarchy.empty_nodes") == Severity::Error);
    broken("hierarchy.path", [](Hierarchy& h) { h.nodes[2].end = 3; });
    broken("hierarchy.parents", [](Hierarchy& h) { h.nodes[4].parent = -1; });
    broken("hierarchy.parents", [](Hierarchy& h) { h.nodes[0].parent = 1; });
    broken("hierarchy.nesting", [](Hierarchy& h) { h.nodes[4].parent = 0; });

    Hierarchy none;
    none.level_begin = {0};
    CHECK(check_hierarchy(none).ok());
}

TEST_CASE("check_labels: empty, repeated and missing labels") {
    CHECK(check_labels(tree(), names()).count(Severity::Info) == 4);
    Labels labels = names();
    labels.pop_back();
    CHECK(severity(check_labels(tree(), labels), "labels.count") == Severity::Error);
    labels = names();
    labels[3].text = "  ";
    CHECK(find(check_labels(tree(), labels), "labels.empty")->items == std::vector<Index>{3});
    labels = names();
    labels[3].text = "x";
    const Report siblings = check_labels(tree(), labels);
    CHECK(severity(siblings, "labels.repeated_siblings") == Severity::Warning);
    CHECK(severity(siblings, "labels.unique_paths") == Severity::Error);
    labels = names();
    labels[1].text = "a";  // a/x twice now
    CHECK(find(check_labels(tree(), labels), "labels.unique_paths")->items == std::vector<Index>{1, 4});
    Hierarchy loop = tree();
    loop.nodes[2].parent = 5;
    loop.nodes[5].parent = 2;
    check_labels(loop, names());  // ends
}

TEST_CASE("check_graph: a sound graph passes, each broken promise is found") {
    Matrix<float> x = blobs(30, 3, 1, 0);
    x(4, 0) = std::numeric_limits<float>::quiet_NaN();
    const KnnGraph graph = brute_graph(x, 5);
    const Report sound = check_graph(graph, 30);
    CHECK(sound.ok());
    CHECK(sound.count(Severity::Warning) == 0);
    CHECK(severity(check_graph(graph, 31), "graph.size") == Severity::Error);
    const auto broken = [&](const char* code, auto&& change) {
        KnnGraph copy = graph;
        change(copy);
        CHECK(severity(check_graph(copy, 30), code) == Severity::Error);
    };
    broken("graph.ids", [](KnnGraph& g) { g.indices(2, 1) = 30; });
    broken("graph.ids", [](KnnGraph& g) { g.indices(2, 1) = 4; });
    broken("graph.ids", [](KnnGraph& g) { g.invalid_rows.push_back(99); });
    broken("graph.self", [](KnnGraph& g) { g.indices(2, 1) = 2; });
    broken("graph.duplicates", [](KnnGraph& g) { g.indices(2, 1) = g.indices(2, 0); });
    broken("graph.order", [](KnnGraph& g) { std::swap(g.distances(2, 0), g.distances(2, 4)); });
    broken("graph.finite", [](KnnGraph& g) { g.distances(2, 4) = std::numeric_limits<float>::infinity(); });
    broken("graph.padding", [](KnnGraph& g) { g.indices(2, 1) = -1; });
    broken("graph.padding", [](KnnGraph& g) { g.distances(4, 0) = 1; });
    KnnGraph approximate = graph;
    approximate.method = "descent";
    approximate.recall = 0.8;
    CHECK(severity(check_graph(approximate, 30), "graph.recall") == Severity::Warning);
    KnnGraph lonely = graph;
    lonely.invalid_rows.clear();
    CheckOptions options;
    options.max_isolated_share = 0;
    CHECK(severity(check_graph(lonely, 30, options), "graph.isolated") == Severity::Warning);
}

TEST_CASE("check_layout: shape, infinities, missing rows, a collapsed map, its quality") {
    Layout layout;
    layout.coordinates = blobs(40, 2, 1, 0);
    CHECK(check_layout(layout, 40).ok());
    CHECK(severity(check_layout(layout, 41), "layout.size") == Severity::Error);
    layout.coordinates(3, 0) = std::numeric_limits<float>::infinity();
    layout.coordinates(4, 0) = std::numeric_limits<float>::quiet_NaN();
    CHECK(find(check_layout(layout, 40), "layout.finite")->items == std::vector<Index>{3, 4});
    layout.coordinates = blobs(40, 2, 1, 0);
    for (std::int64_t i = 0; i < 3; ++i) {
        layout.coordinates(i, 0) = layout.coordinates(i, 1) = std::numeric_limits<float>::quiet_NaN();
    }
    CHECK(severity(check_layout(layout, 40), "layout.missing") == Severity::Warning);
    CHECK(severity(check_layout(layout, 40), "layout.finite") == Severity::Info);
    layout.coordinates = Matrix<float>(40, 2);
    CHECK(severity(check_layout(layout, 40), "layout.collapsed") == Severity::Warning);
    layout.quality.k = 15;
    layout.quality.kept_neighbors = 0.01;
    CHECK(severity(check_layout(layout, 40), "layout.quality") == Severity::Warning);
    layout.quality.kept_neighbors = 0.2;
    CHECK(severity(check_layout(layout, 40), "layout.quality") == Severity::Info);
}

TEST_CASE("check_embedding: norms, finite values, bad rows and parts") {
    Embedding embedding;
    embedding.vectors = Matrix<float>(3, 2, {1, 0, 0.6F, 0.8F, 0, 0});
    embedding.normalized = true;
    embedding.parts = {{"text", 0, 2, 1}};
    embedding.bad_rows = {{2, BadRowReason::Zero}};
    CheckOptions options;
    options.max_bad_rows_share = 0.5;
    const Report sound = check_embedding(embedding, 3, options);
    CHECK(sound.ok());
    CHECK(sound.count(Severity::Warning) == 0);
    CHECK(severity(check_embedding(embedding, 3), "embedding.bad_rows") == Severity::Warning);
    CHECK(severity(check_embedding(embedding, 4), "embedding.size") == Severity::Error);
    const auto broken = [&](const char* code, auto&& change) {
        Embedding copy = embedding;
        change(copy);
        CHECK(severity(check_embedding(copy, 3), code) == Severity::Error);
    };
    broken("embedding.finite",
           [](Embedding& e) { e.vectors(0, 0) = std::numeric_limits<float>::quiet_NaN(); });
    broken("embedding.norms", [](Embedding& e) { e.vectors(0, 0) = 2; });
    broken("embedding.norms", [](Embedding& e) { e.vectors(0, 0) = 0.5F; });
    broken("embedding.bad_row_list", [](Embedding& e) { e.bad_rows.clear(); });
    broken("embedding.bad_row_list", [](Embedding& e) { e.bad_rows[0].row = 1; });
    broken("embedding.bad_row_list", [](Embedding& e) { e.bad_rows[0].row = 7; });
    broken("embedding.parts", [](Embedding& e) { e.parts.clear(); });
    broken("embedding.parts", [](Embedding& e) { e.parts[0].end = 1; });
    broken("embedding.parts", [](Embedding& e) { e.parts[0].weight = 0.4; });
    broken("embedding.parts", [](Embedding& e) { e.parts[0].begin = 1; });
}
