// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_EXACT_ROWS_HPP
#define FILMATLAS_NEIGHBORS_EXACT_ROWS_HPP

#include <span>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/vector_rows.hpp"
#include "filmatlas/neighbors/knn.hpp"

/// @file exact_rows.hpp
/// @brief The exact neighbours of some rows: the truth that an approximate graph is measured against.

namespace filmatlas {

/// Neighbours of chosen rows, one row of the matrices each.
struct ExactRows {
    Matrix<Index> indices;    ///< (m, k), nearest first, ties by the lower id; -1 where there is none
    Matrix<float> distances;  ///< (m, k), of the metric; +inf where there is none
};

/// The k nearest of all rows of `vectors` for each of `rows`, itself excluded: to the bit what exact
/// `knn_graph` gives for those rows. Rows may repeat; a row without a valid vector has no neighbours.
///
/// Of the options, `k`, `metric` and `num_threads` count. Cost: m n d products; memory: the m rows and a few
/// blocks, whatever n is. Faster than the whole graph up to about m = n / 2.
/// @throws Error as `knn_graph`; (InvalidArgument) naming a row out of range.
ExactRows exact_rows(const VectorRows& vectors, std::span<const Index> rows, const KnnOptions& options = {},
                     const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/exact_rows_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_EXACT_ROWS_HPP
