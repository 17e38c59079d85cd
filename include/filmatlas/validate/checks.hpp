// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_CHECKS_HPP
#define FILMATLAS_VALIDATE_CHECKS_HPP

#include <cstdint>

#include "filmatlas/core/config.hpp"
#include "filmatlas/embedding/embedding.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/labels/labels.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"
#include "filmatlas/validate/report.hpp"

/// @file checks.hpp
/// @brief Audits of the values that flow: every promise of a type, checked without trusting who made it.
///
/// A check never throws for bad content: each broken promise becomes a finding with its code, the figure, the
/// bar and up to 20 items. Passed checks are findings of severity Info with the figure, so that a report
/// shows what was looked at.

namespace filmatlas {

/// @brief Bars of the checks that are a matter of degree.
struct CheckOptions {
    double max_share = 0.30;   ///< largest share of the items in one node of the coarsest level (warning)
    double min_recall = 0.95;  ///< neighbours found, for graphs that are not exact (warning)
    double max_isolated_share = 0.05;  ///< items without neighbours (warning)
    double min_kept_neighbors = 0.05;  ///< of the map (warning)
    double max_bad_rows_share = 0.05;  ///< items without a usable vector (warning)
};

/// hierarchy.structure, .path (every item exactly one node per level), .parents, .nesting, .empty_nodes,
/// .contiguity, .largest_share.
Report check_hierarchy(const Hierarchy& hierarchy, const CheckOptions& options = {});

/// labels.count, .empty, .unique_paths, .repeated_siblings.
Report check_labels(const Hierarchy& hierarchy, const Labels& labels);

/// graph.size, .ids, .self, .duplicates, .order, .finite, .padding, .recall, .isolated.
Report check_graph(const KnnGraph& graph, std::int64_t n, const CheckOptions& options = {});

/// layout.size, .finite, .missing, .collapsed (identical positions), .quality.
Report check_layout(const Layout& layout, std::int64_t n, const CheckOptions& options = {});

/// embedding.size, .finite, .norms, .bad_row_list, .bad_rows, .parts.
Report check_embedding(const Embedding& embedding, std::int64_t n, const CheckOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/checks_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_CHECKS_HPP
