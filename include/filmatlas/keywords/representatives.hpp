// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_REPRESENTATIVES_HPP
#define FILMATLAS_KEYWORDS_REPRESENTATIVES_HPP

#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file representatives.hpp
/// @brief The members that stand for a node.

namespace filmatlas {

/// Per node, the `count` members with the largest cosine to the node's centroid (the mean of the members'
/// unit vectors), nearest first, ties by id. Exhaustive: every member is looked at, in float64. Members
/// without a usable vector (zero or not finite) come last, by id. Nodes with fewer members list all of them.
/// @param vectors (n, d). @param count >= 0.
/// @throws Error (Shape) when vectors.rows differs from the hierarchy's items; (InvalidArgument).
std::vector<std::vector<Index>> representatives(const Hierarchy& hierarchy, MatrixView<const float> vectors,
                                                int count = 5, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/representatives_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_REPRESENTATIVES_HPP
