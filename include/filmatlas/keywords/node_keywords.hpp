// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_NODE_KEYWORDS_HPP
#define FILMATLAS_KEYWORDS_NODE_KEYWORDS_HPP

#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_terms.hpp"

/// @file node_keywords.hpp
/// @brief The default keywords of an atlas: terms typical of a node, shared by its items, and rarer next
/// door.

namespace filmatlas {

struct KeywordOptions {
    int top_n = 10;  ///< at least 1
    /// Exponent of the contrast with the siblings, >= 0; 0 = c-TF-IDF alone.
    double contrast = 2.0;
    /// Exponent of the share of the node's items that hold the term, >= 0; favours what most items share.
    double coverage = 0.5;
    /// A term must occur in this many items, in nodes of at least `small_node` items.
    int min_items = 2;
    int small_node = 4;
    /// A term is passed over when one item makes more than this share of its count, in (0, 1]. Same nodes.
    double max_item_share = 0.5;
    /// Drop near-duplicates (see near_duplicate()). A phrase that accounts for half of the count of a better
    /// word takes the word's place and score.
    bool fold_duplicates = true;
    int num_threads = 0;  ///< never changes the result
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const KeywordOptions& options);

/// Best terms per node, at most `top_n` each, score descending, then code point.
///
/// score = W * r^contrast * p^coverage with W the c-TF-IDF weight at the node's level, p the share of its
/// items that hold the term and r = p' / (p' + q') in (0, 1), where p' = (items with the term + 0.5) / (items
/// + 1) inside the node and q' the same for its siblings together; at level 0 the siblings are the other
/// nodes of level 0, and an only child is compared as its nearest ancestor that has siblings. So r is 1/2 for
/// a term as common next door, near 1 for one that occurs here only. Terms that fail `min_items` or
/// `max_item_share`, or that hold no letter ("00"), are taken only when a node has no other: a node is
/// without keywords only if its items hold no term at all.
/// @param terms class_tfidf() of the same hierarchy: one row per node. @throws Error (Shape),
/// (InvalidArgument).
std::vector<std::vector<Keyword>> node_keywords(const ClassTerms& terms, const Hierarchy& hierarchy,
                                                const KeywordOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/node_keywords_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_NODE_KEYWORDS_HPP
