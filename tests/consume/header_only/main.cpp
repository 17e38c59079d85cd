// SPDX-License-Identifier: MIT
// The algorithms without linking anything: neighbours, strict tree, map.
#include <cstdio>
#include <filmatlas/algorithms.hpp>

int count_words();  // other.cpp

int main() {
    filmatlas::Matrix<float> vectors(60, 8);
    filmatlas::RandomStream random(7, "consumer");
    for (std::int64_t i = 0; i < 60; ++i) {
        for (std::int64_t j = 0; j < 8; ++j) {
            vectors(i, j) = static_cast<float>((j == i % 3 ? 3.0 : 0.0) + 0.3 * random.normal());
        }
    }
    filmatlas::KnnOptions knn;
    knn.k = 5;
    const filmatlas::KnnGraph graph = filmatlas::knn_graph(vectors.view(), knn);
    filmatlas::NestedOptions nested;
    nested.level_names = {"coarse", "fine"};
    nested.n_clusters = {{3, 6}};
    const filmatlas::NestedResult tree = filmatlas::nested_clusters(vectors.view(), graph, nested);
    const filmatlas::Layout map = filmatlas::atlas_map(vectors.view(), graph);
    bool ok = filmatlas::build_info().header_only && map.coordinates.rows() == 60 && count_words() == 3;
    const auto labels = tree.hierarchy.labels(0);
    for (std::size_t i = 0; i < 60; ++i) ok = ok && labels[i] == labels[i % 3];
    std::printf("header-only: %s\n", ok ? "ok" : "wrong");
    return ok ? 0 : 1;
}
