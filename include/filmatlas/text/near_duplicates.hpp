// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_NEAR_DUPLICATES_HPP
#define FILMATLAS_TEXT_NEAR_DUPLICATES_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"

/// @file near_duplicates.hpp
/// @brief Texts that are nearly the same: reported, never removed.
///
/// Two texts are compared by the runs of words that they share. The search is exact, not a sketch: with its
/// runs from rare to common, a text that reaches the threshold shares one of its first few with the other
/// (prefix filter of Chaudhuri et al., 2006; Bayardo et al., 2007).

namespace filmatlas {

struct NearDuplicateOptions {
    double threshold = 0.8;  ///< least overlap that counts, in (0, 1]
    int run_length = 3;      ///< words per run, at least 1; shorter texts are one run
    int num_threads = 0;     ///< never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const NearDuplicateOptions& options);

struct NearDuplicate {
    Index a = 0;
    Index b = 0;         ///< > a
    double overlap = 0;  ///< runs in both / runs in either (Jaccard), 1 = the same words in the same order
    bool operator==(const NearDuplicate&) const = default;
};

/// The pairs that reach the threshold, ascending by (a, b). Texts with exactly the same runs are paired with
/// the first of them only, which speaks for all (a boilerplate text repeated n times gives n - 1 pairs).
/// Texts without words match nothing.
std::vector<NearDuplicate> near_duplicates(std::span<const std::string> texts,
                                           const NearDuplicateOptions& options = {},
                                           const Progress& progress = {});

/// Group of every text, shape (n,): texts joined by pairs share the smallest row among them.
std::vector<Index> duplicate_groups(std::span<const NearDuplicate> pairs, std::int64_t num_texts);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/near_duplicates_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_NEAR_DUPLICATES_HPP
