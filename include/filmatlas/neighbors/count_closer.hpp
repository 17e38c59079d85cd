// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_COUNT_CLOSER_HPP
#define FILMATLAS_NEIGHBORS_COUNT_CLOSER_HPP

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file count_closer.hpp
/// @brief How many items are closer than given ones: exact ranks in the full space, without sorting it.

namespace filmatlas {

/// Options of `count_closer()`.
struct CloserOptions {
    Metric metric = Metric::Cosine;
    int num_threads = 0;  ///< workers; 0 = choose for me. Never changes the result.
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const CloserOptions& options);

/// For every item i and each item j = others(i, slot) the number of items that come before j in the order of
/// (distance to i, id), i itself not counted: 0 says that j is i's nearest neighbour.
///
/// Distances are those of `knn_graph`, to the bit, so that the count of `knn_graph`'s neighbour in slot s is s. Slots of
/// -1, and items without a valid vector on either side, give -1; such items are not counted.
/// @param vectors  (n, d), n >= 1.
/// @param others   (n, m) ids in any order; may repeat.
/// @return (n, m) counts. The same bytes for any number of threads and every instruction set.
/// @throws Error (Shape) when the rows differ; (InvalidArgument) naming an id that is no row, or the item's own;
///         otherwise as `knn_graph`.
/// Cost: each pair once for both of its rows: d operations (in float32, or 16-bit fixed point where the processor has tiles
/// of 8-bit integers) and some of the 2 m comparisons, those with the thresholds that pairs near it reach; what bounds leave
/// open is measured. O(n m) memory beside one packed copy of the vectors.
Matrix<Index> count_closer(const VectorRows& vectors, MatrixView<const Index> others, const CloserOptions& options = {},
                           const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/count_closer_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_COUNT_CLOSER_HPP
