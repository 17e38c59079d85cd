// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_TIE_CERTIFICATE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_TIE_CERTIFICATE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "filmatlas/cluster/detail/condensed_tree_core.hpp"
#include "filmatlas/cluster/tie_certificate.hpp"

namespace filmatlas {
namespace detail {

/// What becomes of the items that fall out of a cluster.
enum class TieState : char {
    Open,     ///< no selected cluster holds it: noise
    Covered,  ///< a cluster that is selected in any order holds it
    Unsure,
};

/// Of each cluster, for excess of mass.
inline std::vector<TieState> tie_states_eom(const CondensedTree& tree, const TieDoubts& doubts) {
    constexpr double rounding = 1e-5;  // of sums in float32
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    const ClusterChildren children = cluster_children(tree.cluster_parent);
    std::vector<double> low(count);
    std::vector<double> high(count);
    std::vector<TieState> own(count, TieState::Unsure);  // of a cluster that nothing above covers
    for (std::size_t c = count; c-- > 0;) {
        double parts_low = 0;
        double parts_high = 0;
        bool all_last = true;
        for (const Index part : children.of(c)) {
            parts_low += low[static_cast<std::size_t>(part)];
            parts_high += high[static_cast<std::size_t>(part)];
            all_last = all_last && low[static_cast<std::size_t>(part)] > 0;
        }
        const double stability = tree.cluster_stability[c];
        const auto pieces = static_cast<double>(doubts.splits[c] + 1);
        low[c] = std::max(parts_low, stability / pieces);
        high[c] = std::max(parts_high, stability);
        // A cluster of several tied parts has stability 0: it is passed over where its parts have more.
        const bool parted = doubts.end[c] == 0 || all_last;
        // The root is no cluster, only what begins below it.
        const bool passed = c == 0 ? doubts.splits[c] == 0 || parts_low > doubts.after[c] * (1 + rounding)
                                   : parts_low > stability * (1 + rounding);
        if (parted && passed) {
            own[c] = TieState::Open;
        } else if (c > 0 && doubts.splits[c] == 0 && stability * (1 - rounding) >= parts_high) {
            own[c] = TieState::Covered;
        }
    }
    for (std::size_t c = 1; c < count; ++c) {
        const TieState above = own[static_cast<std::size_t>(tree.cluster_parent[c])];
        if (above != TieState::Open) own[c] = above;
    }
    return own;
}

/// Of each cluster, when the leaves are selected.
inline std::vector<TieState> tie_states_leaf(const CondensedTree& tree, const TieDoubts& doubts) {
    const auto count = static_cast<std::size_t>(tree.num_clusters());
    const ClusterChildren children = cluster_children(tree.cluster_parent);
    std::vector<TieState> own(count, TieState::Open);
    for (std::size_t c = 0; c < count; ++c) {
        if (!children.of(c).empty()) continue;
        const bool sure = doubts.splits[c] == 0 && doubts.end[c] == 0;
        own[c] = !sure ? TieState::Unsure : c == 0 ? TieState::Open : TieState::Covered;
    }
    return own;
}

}  // namespace detail

FILMATLAS_INLINE std::vector<char> tie_certificate(const SingleLinkageTree& linkage, const HdbscanCutOptions& options) {
    HdbscanOptions checked;
    checked.cut = options;
    validate(checked);
    detail::TieDoubts doubts;
    const CondensedTree tree = detail::TreeCondenser(linkage, options.min_cluster_size, &doubts).run();
    const std::size_t n = tree.point_cluster.size();
    const auto any = [](const auto& values) {
        return std::any_of(values.begin(), values.end(), [](auto value) { return value != 0; });
    };
    if (tree.cluster_size[0] < tree.min_cluster_size) return std::vector<char>(n, 1);
    const bool plain = options.epsilon == 0 && std::isinf(options.epsilon_max) && options.persistence == 0 &&
                       options.max_cluster_size == 0 && !options.allow_single_cluster;
    if (!plain) return std::vector<char>(n, any(doubts.splits) || any(doubts.end) || any(doubts.item) ? 0 : 1);
    const std::vector<detail::TieState> states = options.method == SelectionMethod::Eom
                                                     ? detail::tie_states_eom(tree, doubts)
                                                     : detail::tie_states_leaf(tree, doubts);
    std::vector<char> sure(n, 1);
    for (std::size_t i = 0; i < n; ++i) {
        if (tree.point_cluster[i] < 0) continue;
        const detail::TieState state = states[static_cast<std::size_t>(tree.point_cluster[i])];
        const bool noise = state == detail::TieState::Open && doubts.item[i] == 0;
        sure[i] = state == detail::TieState::Covered || noise ? 1 : 0;
    }
    return sure;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_TIE_CERTIFICATE_IMPL_HPP
