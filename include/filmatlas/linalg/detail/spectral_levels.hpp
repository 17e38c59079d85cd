// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_SPECTRAL_LEVELS_HPP
#define FILMATLAS_LINALG_DETAIL_SPECTRAL_LEVELS_HPP

// Coarser and coarser graphs for the spectral solver.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/csr.hpp"

namespace filmatlas::detail {

/// One graph of the hierarchy. Groups never cross components, so components keep their numbers.
struct SpectralLevel {
    const CsrMatrix<float>* given = nullptr;  ///< the finest level's graph, of which no copy is made; its diagonal and
                                              ///< entries of zero are passed over
    CsrMatrix<double> weights;                ///< of a coarse level; the diagonal is the weight inside a group
    std::vector<double> degree;               ///< row sums of the finest level, added up
    std::vector<Index> component;
    std::vector<Index> group;  ///< this level's vertex -> the next coarser level's; empty at the coarsest

    std::int64_t size() const { return static_cast<std::int64_t>(degree.size()); }

    /// Calls visit(column, weight) for the edges of a vertex, columns ascending.
    template <class Visit>
    void each_edge(std::int64_t i, Visit&& visit) const {
        if (given == nullptr) {
            const auto cols = weights.row_indices(i);
            const auto values = weights.row_values(i);
            for (std::size_t e = 0; e < cols.size(); ++e) visit(cols[e], values[e]);
            return;
        }
        const auto cols = given->row_indices(i);
        const auto values = given->row_values(i);
        for (std::size_t e = 0; e < cols.size(); ++e) {
            if (cols[e] != i && values[e] != 0.0F) visit(cols[e], static_cast<double>(values[e]));
        }
    }
    std::int64_t num_entries() const { return given != nullptr ? given->nnz() : weights.nnz(); }
    std::int64_t num_edges(std::int64_t i) const {
        std::int64_t count = 0;
        each_edge(i, [&](Index, double) { ++count; });
        return count;
    }
};

/// Pairs each vertex with the free neighbour of largest weight / (degree * degree); leftovers join the group
/// of their best neighbour. Vertices are visited by rising number of neighbours, then id, so that hubs do not
/// starve leaves.
inline std::vector<Index> spectral_match(const SpectralLevel& level, Index& num_groups) {
    const auto n = static_cast<std::size_t>(level.size());
    std::vector<std::uint64_t> order(n);  // number of neighbours, id
    for (std::size_t i = 0; i < n; ++i) {
        order[i] = static_cast<std::uint64_t>(level.num_edges(static_cast<std::int64_t>(i))) << 32U | i;
    }
    std::sort(order.begin(), order.end());
    std::vector<Index> mate(n, -1);
    const auto best_of = [&](std::size_t i, auto&& admits) {
        Index best = -1;
        double best_weight = 0;
        level.each_edge(static_cast<std::int64_t>(i), [&](Index j, double w) {
            if (static_cast<std::size_t>(j) == i || !admits(j)) return;
            const double weight = w / level.degree[static_cast<std::size_t>(j)];
            if (weight > best_weight) {
                best_weight = weight;
                best = j;
            }
        });
        return best;
    };
    for (const std::uint64_t key : order) {
        const auto i = static_cast<std::size_t>(key & 0xFFFFFFFFU);
        if (mate[i] >= 0) continue;
        const Index j = best_of(i, [&](Index v) { return mate[static_cast<std::size_t>(v)] < 0; });
        if (j < 0) continue;
        mate[i] = j;
        mate[static_cast<std::size_t>(j)] = static_cast<Index>(i);
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
        const Index j = best_of(i, [&](Index v) { return mate[static_cast<std::size_t>(v)] >= 0; });
        group[i] = j >= 0 ? group[static_cast<std::size_t>(j)] : num_groups++;
    }
    return group;
}

/// Which vertices make up each group.
struct SpectralMembers {
    std::vector<Index> first;  ///< groups + 1 offsets into `vertices`
    std::vector<Index> vertices;

    SpectralMembers(const std::vector<Index>& group, Index num_groups)
        : first(static_cast<std::size_t>(num_groups) + 1, 0), vertices(group.size()) {
        for (const Index g : group) ++first[static_cast<std::size_t>(g) + 1];
        for (std::size_t g = 0; g + 1 < first.size(); ++g) first[g + 1] += first[g];
        std::vector<Index> next(first.begin(), first.end() - 1);
        for (std::size_t i = 0; i < group.size(); ++i) {
            vertices[static_cast<std::size_t>(next[static_cast<std::size_t>(group[i])]++)] = static_cast<Index>(i);
        }
    }
    std::span<const Index> of(std::int64_t g) const {
        const auto begin = static_cast<std::size_t>(first[static_cast<std::size_t>(g)]);
        return {vertices.data() + begin, static_cast<std::size_t>(first[static_cast<std::size_t>(g) + 1]) - begin};
    }
};

/// One row of the coarse graph: edges of the members, gathered by the group that they lead to.
class SpectralRow {
public:
    void gather(const SpectralLevel& fine, std::span<const Index> members) {
        weights_.clear();
        keys_.clear();
        for (const Index i : members) {
            fine.each_edge(i, [&](Index j, double w) {
                const auto to = static_cast<std::uint64_t>(fine.group[static_cast<std::size_t>(j)]);
                keys_.push_back(to << 32U | weights_.size());
                weights_.push_back(w);
            });
        }
        std::sort(keys_.begin(), keys_.end());  // groups ascending, each one's edges in the order of the members
    }
    /// Calls visit(group, weight) by ascending group.
    template <class Visit>
    void each(Visit&& visit) const {
        for (std::size_t k = 0; k < keys_.size();) {
            const std::uint64_t to = keys_[k] >> 32U;
            double sum = 0;
            for (; k < keys_.size() && keys_[k] >> 32U == to; ++k) sum += weights_[keys_[k] & 0xFFFFFFFFU];
            visit(static_cast<Index>(to), sum);
        }
    }

private:
    std::vector<std::uint64_t> keys_;
    std::vector<double> weights_;
};

/// Galerkin product: weights between groups are the sums of those between their members. Rows are counted, then
/// written where they belong: nothing is held twice.
inline SpectralLevel spectral_coarsen(const SpectralLevel& fine, Index num_groups, int num_threads) {
    SpectralLevel coarse;
    const auto m = static_cast<std::size_t>(num_groups);
    coarse.degree.assign(m, 0.0);
    coarse.component.assign(m, 0);
    for (std::size_t i = 0; i < fine.group.size(); ++i) {
        const auto g = static_cast<std::size_t>(fine.group[i]);
        coarse.degree[g] += fine.degree[i];
        coarse.component[g] = fine.component[i];
    }
    const SpectralMembers members(fine.group, num_groups);
    const auto each_row = [&](auto&& body) {
        parallel_for(num_groups, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
            SpectralRow row;
            for (std::int64_t g = begin; g < end; ++g) {
                row.gather(fine, members.of(g));
                body(static_cast<std::size_t>(g), row);
            }
        });
    };
    CsrMatrix<double>& weights = coarse.weights;
    weights.rows = weights.cols = num_groups;
    weights.indptr.assign(m + 1, 0);
    each_row([&](std::size_t g, const SpectralRow& row) {
        row.each([&](Index, double) { ++weights.indptr[g + 1]; });
    });
    for (std::size_t g = 0; g < m; ++g) weights.indptr[g + 1] += weights.indptr[g];
    weights.indices.resize(static_cast<std::size_t>(weights.indptr.back()));
    weights.values.resize(static_cast<std::size_t>(weights.indptr.back()));
    each_row([&](std::size_t g, const SpectralRow& row) {
        auto at = static_cast<std::size_t>(weights.indptr[g]);
        row.each([&](Index to, double weight) {
            weights.indices[at] = to;
            weights.values[at++] = weight;
        });
    });
    return coarse;
}

/// Sets the level's groups: of four vertices, by two matchings, because with groups of two the coarse graphs take more
/// memory than all else and more time than they save. The graph between the two serves the second matching alone.
/// @return their number; 0 where matching does not help.
inline Index spectral_group(SpectralLevel& level, std::int64_t coarsest, int num_threads) {
    const auto helps = [](std::int64_t groups, std::int64_t size) { return groups * 10 <= size * 9; };
    Index pairs = 0;
    level.group = spectral_match(level, pairs);
    if (!helps(pairs, level.size())) {
        level.group.clear();
        return 0;
    }
    if (pairs <= coarsest) return pairs;
    Index fours = 0;
    const std::vector<Index> second = spectral_match(spectral_coarsen(level, pairs, num_threads), fours);
    if (!helps(fours, pairs)) return pairs;
    for (Index& g : level.group) g = second[static_cast<std::size_t>(g)];
    return fours;
}

/// Levels from the finest to one of at most `coarsest` vertices (or where matching no longer helps). `look()` is called
/// between them.
template <class Look>
std::vector<SpectralLevel> spectral_levels(SpectralLevel finest, std::int64_t coarsest, int num_threads, Look&& look) {
    std::vector<SpectralLevel> levels;
    levels.push_back(std::move(finest));
    while (levels.back().size() > coarsest) {
        const Index groups = spectral_group(levels.back(), coarsest, num_threads);
        if (groups == 0) break;
        look();
        levels.push_back(spectral_coarsen(levels.back(), groups, num_threads));
    }
    return levels;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_SPECTRAL_LEVELS_HPP
