// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_CLASS_TERMS_HPP
#define FILMATLAS_KEYWORDS_CLASS_TERMS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file class_terms.hpp
/// @brief Counts and weights of terms per class or per node of a hierarchy.

namespace filmatlas {

struct Keyword {
    std::string term;
    double score = 0;
    bool operator==(const Keyword&) const = default;
};

/// Rows are classes, or the nodes of a Hierarchy (then a parent's counts are the sum of its children's).
struct ClassTerms {
    std::vector<std::string> vocabulary;    ///< ascending by code point
    CsrMatrix<std::int64_t> counts;         ///< (classes, vocabulary), additive
    CsrMatrix<double> weights;              ///< same structure, c-TF-IDF
    std::vector<std::int64_t> class_sizes;  ///< items per class
    /// Items of the class that hold the term, and the largest count in one of them; both aligned with
    /// `counts.values`.
    std::vector<Index> item_frequency;
    std::vector<std::int32_t> largest_count;
    /// Label of each row: the group's value, ascending (-1 first), or the node id.
    std::vector<Index> class_ids;

    /// Best `top_n` terms of a class: score descending, then code point. Fewer when the class has fewer with
    /// score > 0.
    /// @throws Error (InvalidArgument) for a row outside [0, classes) or a negative `top_n`.
    std::vector<Keyword> keywords(Index row, int top_n = 10) const;
    bool operator==(const ClassTerms&) const = default;
};

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/class_terms_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_CLASS_TERMS_HPP
