// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_COUNTS_HPP
#define FILMATLAS_TEXT_COUNTS_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file counts.hpp
/// @brief Terms per document: scikit-learn's CountVectorizer, in parallel and with a defined order of ties.
///
/// In: n texts, or a TokenStream made before. Out: a vocabulary and an (n, terms) matrix of counts.
/// Cost: O(tokens * ngram_max). Rare n-grams are pruned while they are built (a run occurs in no more
/// documents than its first and its last token), so memory follows what `min_df` leaves. Deterministic: the
/// same bytes for any `num_threads`.

namespace filmatlas {

struct CountOptions {
    TokenizeOptions tokens = {};
    /// Terms in fewer documents are left out. Unit: documents; at least 1.
    std::int64_t min_df = 1;
    /// Terms in more than this share of the documents are left out, in (0, 1].
    double max_df = 1.0;
    /// Keep this many terms with the largest total count, ties by code point; unset = all.
    std::optional<std::int64_t> max_features = std::nullopt;
    /// Workers; 0 = choose. Never changes the result.
    int num_threads = 0;
};

/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const CountOptions& options);

struct CountResult {
    std::vector<std::string> vocabulary;  ///< ascending by code point
    CsrMatrix<std::int32_t> counts;       ///< (n, terms)
    RunInfo run;                          ///< a warning when no term is left
};

CountResult count_terms(std::span<const std::string> texts, const CountOptions& options = {},
                        const Progress& progress = {});
CountResult count_terms(std::span<const std::string_view> texts, const CountOptions& options = {},
                        const Progress& progress = {});
/// The same from tokens; `options.tokens` gives the n-gram range only.
/// @throws Error (Memory) above 2^32 - 1 tokens or 2^31 - 1 terms.
CountResult count_terms(const TokenStream& stream, const CountOptions& options = {},
                        const Progress& progress = {});

/// Counts of a given vocabulary (ascending, see vocabulary.hpp); terms outside it are ignored. Shape (n,
/// terms). For the texts, options and vocabulary of count_terms() the counts are equal.
CsrMatrix<std::int32_t> count_with_vocabulary(std::span<const std::string> texts,
                                              std::span<const std::string> vocabulary,
                                              const TokenizeOptions& options = {}, int num_threads = 0,
                                              const Progress& progress = {});

CsrMatrix<std::int32_t> count_with_vocabulary(std::span<const std::string_view> texts,
                                              std::span<const std::string> vocabulary,
                                              const TokenizeOptions& options = {}, int num_threads = 0,
                                              const Progress& progress = {});
/// The same from tokens; `options` gives the n-gram range only.
CsrMatrix<std::int32_t> count_with_vocabulary(const TokenStream& stream,
                                              std::span<const std::string> vocabulary,
                                              const TokenizeOptions& options = {}, int num_threads = 0,
                                              const Progress& progress = {});

/// Documents per term, shape (terms,).
std::vector<std::int64_t> document_frequency(const CsrMatrix<std::int32_t>& counts);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/counts_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_COUNTS_HPP
