// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_NODE_COUNTS_HPP
#define FILMATLAS_KEYWORDS_DETAIL_NODE_COUNTS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file node_counts.hpp
/// @brief Sums of sparse rows per class, inline; shared by terms and tags.

namespace filmatlas::detail {

/// The terms of one class: columns ascend.
struct ClassRow {
    std::vector<Index> columns;
    std::vector<std::int64_t> counts;
    std::vector<Index> items;           ///< items that hold the term
    std::vector<std::int32_t> largest;  ///< largest count in one item
};

/// Dense accumulators of one worker, cleared by what was touched.
class ClassAccumulator {
public:
    void add(std::size_t cols, Index column, std::int64_t count, Index items, std::int32_t largest) {
        if (sums_.size() < cols) sums_.resize(cols);
        Sum& sum = sums_[static_cast<std::size_t>(column)];
        if (sum.items == 0) touched_.push_back(column);
        sum.count += count;
        sum.items += items;
        sum.largest = std::max(sum.largest, largest);
    }
    ClassRow take() {
        std::sort(touched_.begin(), touched_.end());
        ClassRow row;
        row.columns.reserve(touched_.size());
        row.counts.reserve(touched_.size());
        row.items.reserve(touched_.size());
        row.largest.reserve(touched_.size());
        for (const Index column : touched_) {
            Sum& sum = sums_[static_cast<std::size_t>(column)];
            row.columns.push_back(column);
            row.counts.push_back(sum.count);
            row.items.push_back(sum.items);
            row.largest.push_back(sum.largest);
            sum = {};
        }
        touched_.clear();
        return row;
    }

private:
    struct Sum {
        std::int64_t count = 0;
        Index items = 0;
        std::int32_t largest = 0;
    };
    std::vector<Sum> sums_;
    std::vector<Index> touched_;
};

inline void check_counts_shape(std::string_view stage, const CsrMatrix<std::int32_t>& counts,
                               std::int64_t items, std::string_view what) {
    if (counts.rows == items) return;
    std::string message = "the counts have " + std::to_string(counts.rows) + " rows, ";
    throw_shape(stage, message.append(what).append(" has ").append(std::to_string(items)).append(" items"));
}

/// One row per class from its items; `members(c)` is a range of item ids.
template <class Members>
std::vector<ClassRow> class_rows(const CsrMatrix<std::int32_t>& counts, std::int64_t classes, int num_threads,
                                 Members&& members) {
    std::vector<ClassRow> rows(static_cast<std::size_t>(classes));
    std::vector<ClassAccumulator> workers(static_cast<std::size_t>(resolve_num_threads(num_threads)));
    parallel_blocks(classes, num_threads, [&](std::int64_t c, int worker) {
        ClassAccumulator& sums = workers[static_cast<std::size_t>(worker)];
        for (const Index item : members(c)) {
            const auto columns = counts.row_indices(item);
            const auto values = counts.row_values(item);
            for (std::size_t e = 0; e < columns.size(); ++e) {
                if (values[e] <= 0) continue;
                sums.add(static_cast<std::size_t>(counts.cols), columns[e], values[e], 1, values[e]);
            }
        }
        rows[static_cast<std::size_t>(c)] = sums.take();
    });
    return rows;
}

/// One row per node: the finest from the items, every other from its children.
inline std::vector<ClassRow> node_rows(const CsrMatrix<std::int32_t>& counts, const Hierarchy& hierarchy,
                                       int num_threads) {
    std::vector<ClassRow> rows(hierarchy.nodes.size());
    const int levels = hierarchy.num_levels();
    if (levels == 0) return rows;
    const auto first_of = [&](int level) { return hierarchy.level_begin[static_cast<std::size_t>(level)]; };
    std::vector<ClassRow> finest = class_rows(
        counts, hierarchy.num_nodes(levels - 1), num_threads,
        [&](std::int64_t c) { return hierarchy.items(first_of(levels - 1) + static_cast<Index>(c)); });
    std::move(finest.begin(), finest.end(), rows.begin() + first_of(levels - 1));
    std::vector<ClassAccumulator> workers(static_cast<std::size_t>(resolve_num_threads(num_threads)));
    for (int level = levels - 2; level >= 0; --level) {
        std::vector<std::vector<Index>> children(static_cast<std::size_t>(hierarchy.num_nodes(level)));
        for (Index node = first_of(level + 1); node < first_of(level + 2); ++node) {
            children[static_cast<std::size_t>(hierarchy.nodes[static_cast<std::size_t>(node)].parent -
                                              first_of(level))]
                .push_back(node);
        }
        parallel_blocks(hierarchy.num_nodes(level), num_threads, [&](std::int64_t c, int worker) {
            ClassAccumulator& sums = workers[static_cast<std::size_t>(worker)];
            for (const Index child : children[static_cast<std::size_t>(c)]) {
                const ClassRow& row = rows[static_cast<std::size_t>(child)];
                for (std::size_t e = 0; e < row.columns.size(); ++e) {
                    sums.add(static_cast<std::size_t>(counts.cols), row.columns[e], row.counts[e],
                             row.items[e], row.largest[e]);
                }
            }
            rows[static_cast<std::size_t>(first_of(level)) + static_cast<std::size_t>(c)] = sums.take();
        });
    }
    return rows;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_KEYWORDS_DETAIL_NODE_COUNTS_HPP
