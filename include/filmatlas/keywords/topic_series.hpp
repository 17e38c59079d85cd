// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_TOPIC_SERIES_HPP
#define FILMATLAS_KEYWORDS_TOPIC_SERIES_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file topic_series.hpp
/// @brief What classes talk about in each bin: years, decades, or any other grouping of the items.
///
/// The terms of class c in bin t are weighed by c-TF-IDF with the idf that was fitted on the whole, each row
/// divided by its sum of absolute weights where a tuning is on; then, as BERTopic documents it:
///   evolution: W_t <- (W_t + W_{t-1}) / 2 for classes present in the bin before, W_{t-1} as it was stored;
///   global:    W_t <- (G + W_t) / 2 with G the class's weights over all bins, divided in the same way.
/// Nothing given is changed. Cost: O(nnz of the counts + terms of the classes * bins).

namespace filmatlas {

struct SeriesOptions {
    bool evolution = false;  ///< bins remember the bin before
    bool global = false;     ///< bins lean on the whole
    /// Weight of the counts of the bins before and after, in [0, 1]; 0 = each bin by itself.
    double smoothing = 0;
    bool reduce_frequent_words = false;  ///< as the class weights were made
    int top_n = 5;                       ///< at least 1
    int num_threads = 0;                 ///< never changes the result
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SeriesOptions& options);

struct SeriesEntry {
    Index bin = 0;
    Index row = 0;           ///< row of the class in the terms
    std::int64_t items = 0;  ///< items of the class in the bin
    std::vector<Keyword> keywords;
    bool operator==(const SeriesEntry&) const = default;
};

/// One entry per bin and class that meet, by bin, then row.
/// @param terms  class_tfidf() of `groups`. @param idf (terms,) as fitted, e.g. class_idf().
/// @param counts (n, terms). @param groups (n,) values among terms.class_ids.
/// @param bins   (n,) ascending in time from 0; -1 = the item has none and is left out.
/// @throws Error (Shape), (InvalidArgument).
std::vector<SeriesEntry> topic_series(const ClassTerms& terms, std::span<const double> idf,
                                      const CsrMatrix<std::int32_t>& counts, std::span<const Index> groups,
                                      std::span<const Index> bins, const SeriesOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/topic_series_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_TOPIC_SERIES_HPP
