// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_TREE_CORE_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_TREE_CORE_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/density_checks.hpp"
#include "filmatlas/cluster/linkage_tree.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas::detail {

/// Places every tree's items in one range, the heavier part first; parents have higher ids than their parts.
inline void linkage_tree_place(SingleLinkageTree& tree) {
    std::vector<Index> item_at(static_cast<std::size_t>(tree.num_items), -1);
    Index next = 0;
    const auto place = [&](Index node, Index at) {
        if (tree.is_item(node)) {
            item_at[static_cast<std::size_t>(at)] = node;
        } else {
            tree.begin[tree.merge_of(node)] = at;
        }
    };
    const auto items_of = [&](Index node) {
        return tree.is_item(node) ? Index{1} : tree.size[tree.merge_of(node)];
    };
    for (const Index root : tree.roots) {
        place(root, next);
        next += items_of(root);
    }
    for (std::size_t m = tree.left.size(); m-- > 0;) {
        place(tree.left[m], tree.begin[m]);
        place(tree.right[m], tree.begin[m] + items_of(tree.left[m]));
    }
    item_at.resize(static_cast<std::size_t>(next));
    tree.order = std::move(item_at);
}

/// Heavier first, then lower rank.
inline bool linkage_tree_before(const SingleLinkageTree& tree, Index a, Index b) {
    const double wa = tree.weight_of(a);
    const double wb = tree.weight_of(b);
    if (wa != wb) return wa > wb;
    return tree.first_rank_of(a) < tree.first_rank_of(b);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_TREE_CORE_HPP
