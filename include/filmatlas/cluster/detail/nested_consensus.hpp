// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/nested.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_CONSENSUS_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_CONSENSUS_HPP

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/nested_fine.hpp"
#include "filmatlas/cluster/detail/nested_levels.hpp"
#include "filmatlas/cluster/detail/nested_points.hpp"
#include "filmatlas/cluster/detail/nested_views.hpp"
#include "filmatlas/core/parallel.hpp"

/// @file nested_consensus.hpp
/// @brief The levels above the finest: what many linkages, after many amounts of smoothing, agree on.
///
/// Which linkage suits a level can hardly be told without labels, and the best of them differ from set to set; what most
/// of them keep together is as good as the best of them, mostly.

namespace filmatlas::detail {

/// The finest nodes and what the levels above are made of.
struct NestedBase {
    NestedParts parts;
    std::vector<NestedView> views;  ///< by rising steps; the first is that of the nodes as they are
    std::vector<NestedPair> pairs;  ///< of the finest nodes, to their held-out neighbours
    double leaving = 0;             ///< share of the neighbour edges that lead to another of the finest nodes
};

/// A way to group the nodes of a level, and what came of it.
struct NestedWay {
    NestedParts groups;
    NestedTrial trial;
};

/// Groups of the finest nodes by every linkage after every worthwhile number of steps, free of the level above. A walk
/// makes leaving / 2 moves a step; where it made more than half as many as a group has nodes, groups would melt together.
inline std::vector<NestedWay> nested_ways(const NestedBase& base, int count, double cap, bool unit, int num_threads,
                                          const Progress& progress) {
    const NestedParts& parts = base.parts;
    const double nodes_each = static_cast<double>(parts.count()) / count;
    constexpr std::size_t links = std::size(kNestedLinks);
    std::vector<NestedWay> ways;
    for (const NestedView& view : base.views) {
        if (view.steps * base.leaving > nodes_each) break;
        const CondensedDistances square = nested_square(view.means, num_threads);
        const std::size_t first = ways.size();
        ways.resize(first + links);
        const auto group = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t l = begin; l < end; ++l) {
                NestedWay& way = ways[first + static_cast<std::size_t>(l)];
                const NestedLink link = kNestedLinks[l];
                NestedMerger merger(nested_copy(square, parts.count()), parts.weight, link);
                const std::vector<NestedMerge> merges = merger.merge_to(count, cap);
                NestedParts groups = nested_parts(nested_apply(parts.count(), merges, merges.size()), parts.weight);
                NestedGroups(view.means, parts.weight, cap, unit, groups.label, groups.count()).keep_cap();
                way.groups = nested_parts(groups.label, parts.weight);
                way.trial.steps = view.steps;
                way.trial.method = nested_link_name(link);
                way.trial.foresight =
                    nested_foresight(nested_group_pairs(base.pairs, way.groups.label), way.groups.count());
            }
        };
        parallel_for(static_cast<std::int64_t>(links), 1, num_threads, group, progress, kNestedStage);
    }
    return ways;
}

/// The share of the ways that part two nodes.
inline CondensedDistances nested_parted(const std::vector<NestedWay>& ways, std::int64_t nodes, int num_threads,
                                        const Progress& progress) {
    if (nodes < 2) return {};
    const std::size_t votes = ways.size();
    std::vector<Index> of(static_cast<std::size_t>(nodes) * votes);
    for (std::size_t w = 0; w < votes; ++w) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(nodes); ++i) of[i * votes + w] = ways[w].groups.label[i];
    }
    return linkage_condensed(nodes, num_threads, progress, [&](std::int64_t i, std::int64_t j) {
        const Index* a = of.data() + static_cast<std::size_t>(i) * votes;
        const Index* b = of.data() + static_cast<std::size_t>(j) * votes;
        int parted = 0;
        for (std::size_t w = 0; w < votes; ++w) parted += a[w] != b[w] ? 1 : 0;
        return static_cast<double>(parted) / static_cast<double>(votes);
    });
}

/// Groups that the ways agree on, inside the nodes of the level above: linkage of the shares that part nodes (evidence
/// accumulation, Fred & Jain 2005).
inline NestedParts nested_agreed_groups(const NestedBase& base, const std::vector<Index>& parents, int level, int count,
                                        double cap, bool unit, const Progress& progress, NestedResult& result) {
    const int num_threads = result.options.num_threads;
    const NestedParts& parts = base.parts;
    std::vector<NestedWay> ways = nested_ways(base, count, cap, unit, num_threads, progress);
    NestedMerger merger(nested_parted(ways, parts.count(), num_threads, progress), parts.weight, NestedLink::WardThree,
                        parents);
    const std::vector<NestedMerge> merges = merger.merge_to(count, cap);
    NestedParts groups = nested_parts(nested_apply(parts.count(), merges, merges.size()), parts.weight);
    NestedGroups(base.views.front().means, parts.weight, cap, unit, groups.label, groups.count(), parents).keep_cap();
    groups = nested_parts(groups.label, parts.weight);
    NestedTrial agreed;
    agreed.steps = ways.back().trial.steps;
    agreed.method = "consensus";
    agreed.foresight = nested_foresight(nested_group_pairs(base.pairs, groups.label), groups.count());
    agreed.chosen = true;
    agreed.level = level;
    for (NestedWay& way : ways) {
        way.trial.level = level;
        result.trials.push_back(std::move(way.trial));
    }
    result.trials.push_back(std::move(agreed));
    return groups;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_CONSENSUS_HPP
