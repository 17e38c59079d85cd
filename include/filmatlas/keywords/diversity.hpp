// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DIVERSITY_HPP
#define FILMATLAS_KEYWORDS_DIVERSITY_HPP

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/keywords/class_terms.hpp"

/// @file diversity.hpp
/// @brief Lists of terms that say different things.

namespace filmatlas {

/// Maximal marginal relevance over cosines (Carbonell & Goldstein, 1998): first the candidate nearest
/// `query`, then again and again the one with the largest (1 - diversity) * sim(c, query) - diversity * max
/// sim(c, chosen); the lowest index on ties. Zero vectors have cosine 0 with everything.
/// @param query      (d,). @param candidates (m, d).
/// @param top_n      how many to choose; fewer when there are fewer candidates.
/// @param diversity  in [0, 1]: 0 = by similarity alone.
/// @return indices of candidates in the order chosen. @throws Error (Shape), (InvalidArgument).
std::vector<Index> maximal_marginal_relevance(std::span<const float> query,
                                              MatrixView<const float> candidates, int top_n,
                                              double diversity = 0.1);

/// Max-sum diversity as KeyBERT defines it: of the `pool` candidates nearest to `query`, the `top_n` whose pairwise
/// cosines have the smallest sum. All subsets are looked at; the first one wins, in lexicographic order of the
/// candidates by similarity. Cost: C(pool, top_n) sums, grown one candidate at a time.
/// @return indices of candidates, nearest first. @throws Error (Shape), (InvalidArgument), also above ten million
///         subsets.
std::vector<Index> max_sum_diverse(std::span<const float> query, MatrixView<const float> candidates, int top_n,
                                   int pool = 20);

/// Whether two words are forms of one ("robot", "robots"; "murder", "murdered", "murdering"; "city",
/// "cities"; "café", "cafe"): equal after fold(), or by a small set of English endings on a common stem of at
/// least 3 characters. Symmetric.
bool same_word(std::string_view a, std::string_view b);

/// Whether one term adds nothing to the other: every word of the shorter is a form of a word of the longer,
/// e.g. "serial killer" and "killers". Symmetric.
bool near_duplicate(std::string_view a, std::string_view b);

/// Keywords without near-duplicates of better ones; order kept.
std::vector<Keyword> fold_near_duplicates(std::span<const Keyword> keywords);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/diversity_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_DIVERSITY_HPP
