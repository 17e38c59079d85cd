// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_SPECTRAL_LEVELS_HPP
#define FILMATLAS_LINALG_DETAIL_SPECTRAL_LEVELS_HPP

// Coarser and coarser graphs for the spectral solver.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/csr.hpp"

namespace filmatlas::detail {

/// One graph of the hierarchy. Groups never cross components, so components keep their numbers.
struct SpectralLevel {
    CsrMatrix<double> weights;   ///< symmetric; coarse levels have a diagonal (the weight inside a group)
    std::vector<double> degree;  ///< row sums of the finest level, added up
    std::vector<Index> component;
    std::vector<Index> group;  ///< this level's vertex -> the next coarser level's; empty at the coarsest

    std::int64_t size() const { return weights.rows; }
};

/// Pairs each vertex with the free neighbour of largest weight / (degree * degree); leftovers join the group
/// of their best neighbour. Vertices are visited by rising number of neighbours, then id, so that hubs do not
/// starve leaves.
inline std::vector<Index> spectral_match(const SpectralLevel& level, Index& num_groups) {
    const auto n = static_cast<std::size_t>(level.size());
    std::vector<Index> order(n);
    std::iota(order.begin(), order.end(), 0);
    const auto neighbours = [&](Index i) {
        return level.weights.indptr[static_cast<std::size_t>(i) + 1] -
               level.weights.indptr[static_cast<std::size_t>(i)];
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](Index a, Index b) { return neighbours(a) < neighbours(b); });
    std::vector<Index> mate(n, -1);
    const auto best_of = [&](Index i, auto&& admits) {
        const auto cols = level.weights.row_indices(i);
        const auto values = level.weights.row_values(i);
        Index best = -1;
        double best_weight = 0;
        for (std::size_t e = 0; e < cols.size(); ++e) {
            if (cols[e] == i || !admits(cols[e])) continue;
            const double weight = values[e] / level.degree[static_cast<std::size_t>(cols[e])];
            if (weight > best_weight) {
                best_weight = weight;
                best = cols[e];
            }
        }
        return best;
    };
    for (const Index i : order) {
        if (mate[static_cast<std::size_t>(i)] >= 0) continue;
        const Index j = best_of(i, [&](Index v) { return mate[static_cast<std::size_t>(v)] < 0; });
        if (j < 0) continue;
        mate[static_cast<std::size_t>(i)] = j;
        mate[static_cast<std::size_t>(j)] = i;
    }
    std::vector<Index> group(n, -1);
    num_groups = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (mate[i] < 0 || group[i] >= 0) continue;
        group[i] = num_groups;
        group[static_cast<std::size_t>(mate[i])] = num_groups++;
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (group[i] >= 0) continue;
        const Index j =
            best_of(static_cast<Index>(i), [&](Index v) { return mate[static_cast<std::size_t>(v)] >= 0; });
        group[i] = j >= 0 ? group[static_cast<std::size_t>(j)] : num_groups++;
    }
    return group;
}

/// Galerkin product: weights between groups are the sums of those between their members.
inline SpectralLevel spectral_coarsen(const SpectralLevel& fine, Index num_groups) {
    SpectralLevel coarse;
    const auto m = static_cast<std::size_t>(num_groups);
    coarse.degree.assign(m, 0.0);
    coarse.component.assign(m, 0);
    std::vector<Index> first(m + 1, 0);  // members of each group, as offsets into `members`
    for (std::size_t i = 0; i < fine.group.size(); ++i) {
        const auto g = static_cast<std::size_t>(fine.group[i]);
        coarse.degree[g] += fine.degree[i];
        coarse.component[g] = fine.component[i];
        ++first[g + 1];
    }
    for (std::size_t g = 0; g < m; ++g) first[g + 1] += first[g];
    std::vector<Index> members(fine.group.size());
    std::vector<Index> next(first.begin(), first.end() - 1);
    for (std::size_t i = 0; i < fine.group.size(); ++i) {
        members[static_cast<std::size_t>(next[static_cast<std::size_t>(fine.group[i])]++)] =
            static_cast<Index>(i);
    }
    coarse.weights.rows = coarse.weights.cols = num_groups;
    coarse.weights.indptr.assign(1, 0);
    std::vector<double> sum(m, 0.0);
    std::vector<unsigned char> seen(m, 0);
    std::vector<Index> columns;
    for (std::size_t g = 0; g < m; ++g) {
        columns.clear();
        for (Index at = first[g]; at < first[g + 1]; ++at) {
            const Index i = members[static_cast<std::size_t>(at)];
            const auto cols = fine.weights.row_indices(i);
            const auto values = fine.weights.row_values(i);
            for (std::size_t e = 0; e < cols.size(); ++e) {
                const Index to = fine.group[static_cast<std::size_t>(cols[e])];
                if (!std::exchange(seen[static_cast<std::size_t>(to)], static_cast<unsigned char>(1))) {
                    columns.push_back(to);
                }
                sum[static_cast<std::size_t>(to)] += values[e];
            }
        }
        std::sort(columns.begin(), columns.end());
        for (const Index col : columns) {
            coarse.weights.indices.push_back(col);
            coarse.weights.values.push_back(std::exchange(sum[static_cast<std::size_t>(col)], 0.0));
            seen[static_cast<std::size_t>(col)] = 0;
        }
        coarse.weights.indptr.push_back(coarse.weights.nnz());
    }
    return coarse;
}

/// Levels from the finest to one of at most `coarsest` vertices (or where matching no longer helps).
inline std::vector<SpectralLevel> spectral_levels(SpectralLevel finest, std::int64_t coarsest) {
    std::vector<SpectralLevel> levels;
    levels.push_back(std::move(finest));
    while (levels.back().size() > coarsest) {
        Index groups = 0;
        std::vector<Index> group = spectral_match(levels.back(), groups);
        if (groups * 10 > levels.back().size() * 9) break;
        levels.back().group = std::move(group);
        levels.push_back(spectral_coarsen(levels.back(), groups));
    }
    return levels;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_SPECTRAL_LEVELS_HPP
