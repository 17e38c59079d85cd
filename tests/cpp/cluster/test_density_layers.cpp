// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/density_layers.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("density_layers: the trace says how many leaves every size gives") {
    for (const std::uint64_t seed : {1, 2, 3}) {
        const auto blobs = cluster_data::blobs(400, 2, 6, 0.5, seed);
        for (const TieRule ties : {TieRule::Canonical, TieRule::Hdbscan}) {
            SpanningTreeOptions options;
            options.min_samples = 3;
            const SingleLinkageTree tree = single_linkage_tree(spanning_tree(blobs.X.view(), options), ties);
            std::int64_t last = 400;
            for (const SizePlateau& plateau : size_trace(tree)) {
                CHECK(plateau.low < plateau.high);
                CHECK(plateau.num_clusters < last);
                last = plateau.num_clusters;
                if (plateau.high < 2) continue;
                HdbscanCutOptions cut;
                cut.method = SelectionMethod::Leaf;
                for (const double size : {plateau.high, std::max(2.0, plateau.low + 1)}) {
                    cut.min_cluster_size = size;
                    const auto found = cut_hdbscan(tree, cut).selection.clusters.size();
                    CHECK(static_cast<std::int64_t>(found) == plateau.num_clusters);
                }
            }
        }
    }
}

TEST_CASE("density_layers: plateaus as cuts, fine to coarse, nested") {
    const auto blobs = cluster_data::blobs(600, 2, 5, 0.2, 4);
    const HdbscanResult fit = hdbscan(blobs.X.view());
    const auto layers = density_layers(fit.linkage);
    REQUIRE(!layers.empty());
    CHECK(layers.size() <= 10);
    for (std::size_t l = 0; l < layers.size(); ++l) {
        CHECK(static_cast<std::int64_t>(layers[l].cut.selection.clusters.size()) ==
              layers[l].plateau.num_clusters);
        if (l == 0) continue;
        const auto& fine = layers[l - 1].cut.selection.labels;
        const auto& coarse = layers[l].cut.selection.labels;
        CHECK(layers[l - 1].plateau.num_clusters > layers[l].plateau.num_clusters);
        std::vector<Index> parent(layers[l - 1].cut.selection.clusters.size(), -2);
        for (std::size_t i = 0; i < fine.size(); ++i) {
            if (fine[i] < 0 || coarse[i] < 0) continue;
            Index& known = parent[static_cast<std::size_t>(fine[i])];
            if (known == -2) known = coarse[i];
            CHECK(known == coarse[i]);
        }
    }
    LayerOptions options;
    options.max_layers = 1;
    CHECK(density_layers(fit.linkage, options).size() == 1);
    options.max_layers = 0;
    CHECK_THROWS_AS(density_layers(fit.linkage, options), Error);
    CHECK(density_layers(SingleLinkageTree{}).empty());
}
