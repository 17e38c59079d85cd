// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_LABEL_AGREEMENT_HPP
#define FILMATLAS_VALIDATE_LABEL_AGREEMENT_HPP

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file label_agreement.hpp
/// @brief Whether neighbours are of one class: label kNN accuracy, of a map or of the full space.

namespace filmatlas {

/// @brief What neighbours say of the items' classes.
struct LabelAgreement {
    std::int64_t items = 0;  ///< with a class and a neighbour that has one; the means are over them
    double accuracy = std::numeric_limits<double>::quiet_NaN();  ///< share for whose own class the neighbours vote
    double agreement = std::numeric_limits<double>::quiet_NaN();  ///< mean share of the neighbours of the own class
    std::vector<Index> vote;  ///< (n,) class of most neighbours, the smallest of several; -1 without one
    std::vector<float> agreement_per_item;  ///< (n,) share of the neighbours of the own class; NaN for items not counted
};

/// Leave-one-out classification by a vote of each item's nearest, as scikit-learn's KNeighborsClassifier with equal
/// weights; with a level of a hierarchy for classes, how pure the map is there.
///
/// @param neighbors  (n, m) ids, nearest first, without the item itself: of `map_neighbors()` or a `KnnGraph`; -1 = none.
/// @param labels     (n,) classes >= 0; -1 = unknown: such items are not counted and have no vote.
/// @param k          neighbours that vote, at most m; 0 = all.
/// @throws Error (Shape) when the sizes differ; (InvalidArgument) for an id or a label out of range, naming it, or for k.
/// Cost: O(n k log k).
LabelAgreement label_agreement(MatrixView<const Index> neighbors, std::span<const Index> labels, int k = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/label_agreement_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_LABEL_AGREEMENT_HPP
