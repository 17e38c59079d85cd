// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_COMPONENTS_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_COMPONENTS_IMPL_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/components.hpp"
#include "filmatlas/linalg/union_find.hpp"

namespace filmatlas {

FILMATLAS_INLINE Components connected_components(const CsrMatrix<float>& graph) {
    if (graph.rows != graph.cols) {
        throw_shape("connected_components",
                    "the matrix has " + std::to_string(graph.rows) + " rows and " +
                        std::to_string(graph.cols) + " columns",
                    "give a square matrix");
    }
    UnionFind sets(graph.rows);
    for (std::int64_t i = 0; i < graph.rows; ++i) {
        const auto cols = graph.row_indices(i);
        const auto values = graph.row_values(i);
        for (std::size_t e = 0; e < cols.size(); ++e) {
            if (values[e] != 0.0F) sets.unite(static_cast<Index>(i), cols[e]);
        }
    }
    Components out;
    out.ids = sets.labels();
    out.sizes.assign(static_cast<std::size_t>(sets.num_sets()), 0);
    for (const Index id : out.ids) ++out.sizes[static_cast<std::size_t>(id)];
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_COMPONENTS_IMPL_HPP
