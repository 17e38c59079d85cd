// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_LAYERS_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_LAYERS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "filmatlas/cluster/density_layers.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::vector<SizePlateau> size_trace(const SingleLinkageTree& tree) {
    std::vector<double> sizes;
    const auto can_be_cluster = [&](Index part) { return !tree.is_item(part) || !tree.weight.empty(); };
    const auto joins = [&](std::size_t merge, Index part) {
        return !tree.is_item(part) && tree.ties == TieRule::Canonical &&
               tree.height[tree.merge_of(part)] == tree.height[merge];
    };
    std::vector<char> inner(tree.left.size(), 0);  // counts with the merge above
    std::vector<Index> stack;
    for (std::size_t m = tree.left.size(); m-- > 0;) {
        if (inner[m] != 0) continue;
        stack = {tree.left[m], tree.right[m]};
        double heaviest = 0;
        while (!stack.empty()) {
            const Index part = stack.back();
            stack.pop_back();
            if (joins(m, part)) {
                inner[tree.merge_of(part)] = 1;
                stack.push_back(tree.left[tree.merge_of(part)]);
                stack.push_back(tree.right[tree.merge_of(part)]);
                continue;
            }
            if (!can_be_cluster(part)) continue;
            // The heaviest so far waits; what is lighter is one of the others.
            const double weight = tree.weight_of(part);
            if (heaviest > 0) sizes.push_back(std::min(heaviest, weight));
            heaviest = std::max(heaviest, weight);
        }
    }
    for (std::size_t r = 1; r < tree.roots.size(); ++r) {
        if (can_be_cluster(tree.roots[r])) sizes.push_back(tree.weight_of(tree.roots[r]));
    }
    std::sort(sizes.begin(), sizes.end());
    std::vector<SizePlateau> trace;
    double low = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] == low) continue;
        trace.push_back({low, sizes[i], static_cast<std::int64_t>(sizes.size() - i) + 1});
        low = sizes[i];
    }
    return trace;
}

FILMATLAS_INLINE std::vector<DensityLayer> density_layers(const SingleLinkageTree& linkage,
                                                          const LayerOptions& options) {
    if (options.max_layers < 1) {
        throw_invalid("density_layers", "max_layers", "is " + std::to_string(options.max_layers),
                      "use at least 1");
    }
    std::vector<SizePlateau> plateaus;
    for (const SizePlateau& plateau : size_trace(linkage)) {
        if (plateau.high >= options.min_cluster_size && plateau.high >= 2 && plateau.num_clusters >= 2 &&
            std::max(plateau.low, 1.0) * options.min_persistence <= plateau.high) {
            plateaus.push_back(plateau);
        }
    }
    std::stable_sort(plateaus.begin(), plateaus.end(), [](const SizePlateau& a, const SizePlateau& b) {
        return a.high / std::max(a.low, 1.0) > b.high / std::max(b.low, 1.0);
    });
    if (plateaus.size() > static_cast<std::size_t>(options.max_layers)) {
        plateaus.resize(static_cast<std::size_t>(options.max_layers));
    }
    std::sort(plateaus.begin(), plateaus.end(),
              [](const SizePlateau& a, const SizePlateau& b) { return a.high < b.high; });
    std::vector<DensityLayer> layers;
    for (const SizePlateau& plateau : plateaus) {
        HdbscanCutOptions cut;
        cut.min_cluster_size = plateau.high;
        cut.method = SelectionMethod::Leaf;
        layers.push_back({plateau, cut_hdbscan(linkage, cut)});
    }
    return layers;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_LAYERS_IMPL_HPP
