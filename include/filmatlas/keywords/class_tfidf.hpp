// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_CLASS_TFIDF_HPP
#define FILMATLAS_KEYWORDS_CLASS_TFIDF_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file class_tfidf.hpp
/// @brief c-TF-IDF: which terms are typical of a class of items, by BERTopic's definition.
///
/// With X the counts (classes x terms), f_t = sum over classes of X_ct and A = int(mean over classes of the
/// class totals), truncated:
///   tf_ct = X_ct / sum_t X_ct             (its square root with `reduce_frequent_words`)
///   idf_t = ln(A / f_t + 1)               or, `bm25_weighting`, ln(1 + (A - f_t + 0.5) / (f_t + 0.5))
///   W_ct  = tf_ct * idf_t * (seed_multiplier if t is a seed word)
/// in float64. Rows are not normalised. A term that occurs nowhere has idf 0 (BERTopic: infinity). The BM25
/// idf is negative for terms with f_t > A + 0.5; such terms are never keywords. Source: Grootendorst (2022),
/// arXiv 2203.05794. Cost: O(nnz * levels).

namespace filmatlas {

struct ClassTfidfOptions {
    bool bm25_weighting = false;
    bool reduce_frequent_words = false;
    std::vector<std::string> seed_words = {};  ///< exact terms; unknown ones are ignored
    double seed_multiplier = 2.0;              ///< finite, > 0
    int num_threads = 0;                       ///< never changes the result
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const ClassTfidfOptions& options);

/// One class per distinct value of `groups`, ascending; -1 (outliers) is a class like all others.
/// @param counts     (n, terms) from count_terms().
/// @param vocabulary (terms,).
/// @param groups     (n,) values >= -1.
/// @throws Error (Shape), (InvalidArgument) naming the first group below -1.
ClassTerms class_tfidf(const CsrMatrix<std::int32_t>& counts, std::span<const std::string> vocabulary,
                       std::span<const Index> groups, const ClassTfidfOptions& options = {});

/// One class per node, every level in one pass over the counts: row = node id. Each level is weighted on its
/// own, as if its nodes were the groups: f_t is the same at every level (its nodes partition the items), A is
/// the mean over that level's nodes. So level l's rows equal class_tfidf(counts, vocabulary,
/// hierarchy.labels(l)).
ClassTerms class_tfidf(const CsrMatrix<std::int32_t>& counts, std::span<const std::string> vocabulary,
                       const Hierarchy& hierarchy, const ClassTfidfOptions& options = {});

/// Weights of new class counts with the idf of old ones, e.g. for topics over time or merged classes.
/// @param counts (classes, terms). @param idf (terms,).
CsrMatrix<double> class_weights(const CsrMatrix<std::int64_t>& counts, std::span<const double> idf,
                                bool reduce_frequent_words = false);

/// idf of the terms of class counts (see above), shape (terms,).
std::vector<double> class_idf(const CsrMatrix<std::int64_t>& counts, std::span<const std::string> vocabulary,
                              const ClassTfidfOptions& options = {});

/// The same classes with weights by given idf: topics that are merged, split or deleted keep the idf of the
/// whole, so that the other topics don't move. @param idf (terms,). @throws Error (Shape).
ClassTerms with_idf(ClassTerms terms, std::span<const double> idf, bool reduce_frequent_words = false);

/// Counts without the terms that an item's own name accounts for: entry (i, t) is dropped when a word of t
/// is, in some form (see same_word()), a word of `names[i]`. So the names of films can't become the keywords
/// of their groups, while the same words in other items' texts still count.
/// @param names (n,) e.g. titles. @throws Error (Shape).
CsrMatrix<std::int32_t> drop_name_terms(const CsrMatrix<std::int32_t>& counts,
                                        std::span<const std::string> vocabulary,
                                        std::span<const std::string> names, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/class_tfidf_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_CLASS_TFIDF_HPP
