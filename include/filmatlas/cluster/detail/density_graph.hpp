// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_DENSITY_GRAPH_HPP
#define FILMATLAS_CLUSTER_DETAIL_DENSITY_GRAPH_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/cluster/detail/density_lists.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/csr.hpp"

namespace filmatlas::detail {

/// Finite distances of some pairs, each in the lists of both its items, ascending in the other's id; of a pair that is
/// given several times the smallest counts.
class DensityGraph {
public:
    /// @throws Error (InvalidArgument) naming the first bad row, (Cancelled).
    DensityGraph(const CsrMatrix<double>& given, const char* stage, int num_threads, const Progress& progress)
        : begin_(static_cast<std::size_t>(given.rows) + 1, 0), end_(static_cast<std::size_t>(given.rows)) {
        const std::int64_t n = given.rows;
        const auto for_pairs = [&](std::int64_t done, auto&& body) {
            for (Index i = 0; i < static_cast<Index>(n); ++i) {
                progress("spanning_tree: pairs", done + i, 2 * n);
                const auto ids = given.row_indices(i);
                const auto values = given.row_values(i);
                for (std::size_t s = 0; s < ids.size(); ++s) body(i, ids[s], values[s]);
            }
        };
        const auto joins = [](Index i, Index j, double distance) {
            return i != j && distance < std::numeric_limits<double>::infinity();
        };
        for_pairs(0, [&](Index i, Index j, double distance) {
            if (j < 0 || j >= n || !(distance >= 0)) {
                throw Error(ErrorCode::InvalidArgument, ErrorContext{stage, {}, i, {}, -1},
                            "an entry has a column out of range or a distance that is not 0 or more");
            }
            if (!joins(i, j, distance)) return;
            ++begin_[at(i) + 1];
            ++begin_[at(j) + 1];
        });
        for (std::size_t i = 0; i < end_.size(); ++i) {
            begin_[i + 1] += begin_[i];
            end_[i] = begin_[i];
        }
        pairs_.resize(begin_.back());
        for_pairs(n, [&](Index i, Index j, double distance) {
            if (!joins(i, j, distance)) return;
            pairs_[end_[at(i)]++] = {distance, j};
            pairs_[end_[at(j)]++] = {distance, i};
        });
        parallel_for(
            n, 256, num_threads,
            [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) keep_smallest(at(i));
            },
            progress, "spanning_tree: sort");
    }

    std::span<const DensityNeighbor> of(std::int64_t i) const {
        return std::span(pairs_).subspan(begin_[at(i)], end_[at(i)] - begin_[at(i)]);
    }

private:
    static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

    void keep_smallest(std::size_t i) {
        const auto list = std::span(pairs_).subspan(begin_[i], end_[i] - begin_[i]);
        std::sort(list.begin(), list.end(), [](const DensityNeighbor& x, const DensityNeighbor& y) {
            return x.id != y.id ? x.id < y.id : x.reduced < y.reduced;
        });
        const auto last = std::unique(list.begin(), list.end(), [](const DensityNeighbor& x, const DensityNeighbor& y) {
            return x.id == y.id;
        });
        end_[i] = begin_[i] + static_cast<std::size_t>(last - list.begin());
    }

    std::vector<std::size_t> begin_;  ///< (n + 1,) where each item's list begins
    std::vector<std::size_t> end_;    ///< (n,) and ends
    std::vector<DensityNeighbor> pairs_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_DENSITY_GRAPH_HPP
