// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_RANKERS_HPP
#define FILMATLAS_KEYWORDS_RANKERS_HPP

#include <cstdint>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file rankers.hpp
/// @brief Rules that say which terms stand for a class, behind one interface.
///
/// For term t and class c: X_tc its count, n_tc the items of c that hold it, N_c the items of c; without c
/// the same over all classes; L_c the terms of c, L over all.

namespace filmatlas {

enum class KeywordRule {
    /// Words that are typical, shared, found together and told apart from class to class. Terms are scored
    /// by c-TF-IDF * r^2 * sqrt(n_tc / N_c), with r = p / (p + q), p the smoothed share of the class's items
    /// that hold the term and q that of the others. Then classes choose in turn, a term at a time: the one
    /// with the largest ln(score) + 5 * mean NPMI with the terms chosen so far, over items that hold both. A
    /// term that another class has chosen is chosen again only where that gains more than 1, and for at most
    /// 4.5 % of all places, so that topic diversity is 0.95 or more. Outliers (-1) don't compete. The rule
    /// was
    /// chosen by benchmarks/keywords.py.
    Balanced,
    ClassTfidf,  ///< the weights of class_tfidf()
    /// z of the log-odds ratio of the counts against all other classes, with the corpus as prior (Monroe,
    /// Colaresi & Quinn, 2008, "fighting words").
    LogOdds,
    Lift,  ///< ((n_tc + 0.5) / (N_c + 1)) / ((n_t - n_tc + 0.5) / (N - N_c + 1))
    Npmi,  ///< normalised pointwise mutual information of "holds t" and "is in c" over items
    /// Okapi BM25 with classes as documents: idf = ln(1 + (C - C_t + 0.5) / (C_t + 0.5)), k1 = 1.2, b = 0.75.
    Bm25,
    /// Soft c-TF-IDF for hard assignments: X_tc / L_c * ln(N / X_t), at least 0; see soft_class_weights().
    SoftClassTfidf,
};
/// "balanced", "c_tf_idf", "log_odds", "lift", "npmi", "bm25", "soft_c_tf_idf".
std::string_view to_string(KeywordRule rule) noexcept;

struct RankOptions {
    KeywordRule rule = KeywordRule::Balanced;
    int top_n = 10;  ///< at least 1
    /// A term must occur in this many items of its class, where the class has at least four.
    int min_items = 2;
    double prior = 1000;  ///< LogOdds: counts that the prior is worth, above 0
    /// Balanced: pass over forms of a chosen term (see near_duplicate()). Reads better, and costs coherence:
    /// "robot" and "robots" keep company.
    bool fold_forms = false;
    int num_threads = 0;  ///< never changes the result
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const RankOptions& options);

/// Best terms per class, at most `top_n`, score descending, then code point; scores are positive.
/// Terms that fail `min_items` (Balanced: or hold no letter) fill up the lists of classes that have too few
/// others, with scores scaled to below theirs.
/// @param terms  class_tfidf() of groups.
/// @param counts (items, terms) that the terms were made of, for the co-occurrence that Balanced asks for;
/// the
///               other rules don't look at them. nullptr: Balanced does without.
/// @throws Error (Shape), (InvalidArgument).
std::vector<std::vector<Keyword>> rank_keywords(const ClassTerms& terms, const RankOptions& options = {},
                                                const CsrMatrix<std::int32_t>* counts = nullptr);

/// The same per node: the nodes of each level are ranked as the classes of one partition.
/// @param terms class_tfidf() of the same hierarchy.
std::vector<std::vector<Keyword>> rank_keywords(const ClassTerms& terms, const Hierarchy& hierarchy,
                                                const RankOptions& options = {},
                                                const CsrMatrix<std::int32_t>* counts = nullptr);

/// Terms that tell one class from another: the largest z of the log-odds ratio of the shares of items that hold the
/// term (Monroe, Colaresi & Quinn, 2008; the prior is worth ten items), at most `top_n`, z descending, then code
/// point; only terms that are commoner in `row`.
/// @param row, other rows of the terms (nodes, for the terms of a hierarchy).
/// @throws Error (InvalidArgument) for a row that is not there or top_n < 1.
std::vector<Keyword> contrast_keywords(const ClassTerms& terms, std::int64_t row, std::int64_t other, int top_n = 10);
/// Soft c-TF-IDF: items belong to topics to a degree. W = memberships' * counts; weights are W_tc / sum_t
/// |W_tc|
/// * max(0, ln(items / sum_c |W_tc|)).
/// @param counts (n, terms). @param memberships (n, topics), finite. @return (topics, terms).
CsrMatrix<double> soft_class_weights(const CsrMatrix<std::int32_t>& counts,
                                     MatrixView<const double> memberships);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/rankers_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_RANKERS_HPP
