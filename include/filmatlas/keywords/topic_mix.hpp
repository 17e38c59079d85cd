// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_TOPIC_MIX_HPP
#define FILMATLAS_KEYWORDS_TOPIC_MIX_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file topic_mix.hpp
/// @brief Items and classes in the space of the class terms: mixtures, nearest classes, best items.
///
/// All cosines are of c-TF-IDF rows: an item is weighed like a class, with the idf that was fitted.

namespace filmatlas {

struct MixOptions {
    int window = 4;                      ///< tokens per window, at least 1
    int stride = 1;                      ///< tokens from window to window, 1 .. window
    double min_similarity = 0.1;         ///< smaller cosines count as 0; in [0, 1]
    bool normalize = true;               ///< rows sum to 1; a row without any similarity stays zero
    bool padding = false;                ///< windows overhang both ends; false: whole windows only
    bool reduce_frequent_words = false;  ///< as the class weights were made
    int num_threads = 0;                 ///< never changes the result
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const MixOptions& options);

/// How much of each document speaks of which class: cosines of its windows of tokens with the classes,
/// summed. Shape (documents, classes); classes with id -1 are left out (their column stays empty).
/// @param documents tokens; words outside the vocabulary keep their places in the windows.
/// @param idf (terms,) as fitted. @throws Error (Shape), (InvalidArgument), (Cancelled).
CsrMatrix<double> topic_mix(const TokenStream& documents, const ClassTerms& terms,
                            std::span<const double> idf, const MixOptions& options = {},
                            const Progress& progress = {});

/// Cosines of items with classes, shape (items, classes). @param counts (items, terms).
Matrix<double> class_similarity(const CsrMatrix<std::int32_t>& counts, const ClassTerms& terms,
                                std::span<const double> idf, bool reduce_frequent_words = false,
                                int num_threads = 0);

/// Per class, the `count` items with the largest cosine to it, nearest first, ties by id. Every item of the
/// class is looked at. @param groups (n,) values among terms.class_ids.
std::vector<std::vector<Index>> term_representatives(const CsrMatrix<std::int32_t>& counts,
                                                     std::span<const Index> groups, const ClassTerms& terms,
                                                     std::span<const double> idf, int count = 5,
                                                     bool reduce_frequent_words = false, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/keywords/detail/topic_mix_impl.hpp"
#endif
#endif  // FILMATLAS_KEYWORDS_TOPIC_MIX_HPP
