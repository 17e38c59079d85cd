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

/// Per node, `count` members that are central and unlike each other: maximal marginal relevance (see
/// diversity.hpp) with the centroid as the query, over the 20 * count members nearest to it. The first is
/// that of representatives().
/// @param diversity in [0, 1]: 0 = representatives().
std::vector<std::vector<Index>> diverse_representatives(const Hierarchy& hierarchy,
                                                        MatrixView<const float> vectors, int count = 5,
                                                        double diversity = 0.5, int num_threads = 0);

/// Per node, the `count` members that belong to it least clearly: smallest cosine to the node's own centroid
/// minus the largest to that of another node, smallest first, ties by id. The other nodes are those with the
/// same parent, where there are none those of the same level; a node alone on its level lists the members
/// farthest from its centroid. Members without a usable vector are left out. Exhaustive.
std::vector<std::vector<Index>> border_items(const Hierarchy& hierarchy, MatrixView<const float> vectors,
                                             int count = 5, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/representatives_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_REPRESENTATIVES_HPP
