// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_MASK_NAMES_HPP
#define FILMATLAS_TEXT_MASK_NAMES_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"

/// @file mask_names.hpp
/// @brief Takes the names of things out of texts: an item's title, its people, its characters.
///
/// A text that names its item is found near others that name alike, not near those that are alike. Words are
/// compared without case, diacritics, English endings and possessives (fold() and stem()), so that "Dragons'"
/// is masked for "The Dragon".

namespace filmatlas {

struct MaskOptions {
    /// Also the single words of a name, wherever they stand in the item's text; false: only the name as a
    /// whole, word after word.
    bool single_words = true;
    /// Single words that are left alone: shorter than this, in code points, ...
    int min_word_length = 3;
    /// ... or in this stop list ("" = none).
    std::string stop_words = "english";
    /// Names that are masked in every item's text, as a whole.
    std::vector<std::string> everywhere = {};
    /// What stands for a masked word.
    std::string replacement = {};
    int num_threads = 0;  ///< never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const MaskOptions& options);

struct MaskedTexts {
    std::vector<std::string> texts;          ///< (n,) with gaps closed to one blank
    std::vector<std::int64_t> masked_words;  ///< (n,)
};

/// @param names (n,) the names of each item, e.g. {title, original title, actors ...}.
/// @throws Error (Shape) when there are not as many lists of names as texts.
MaskedTexts mask_names(std::span<const std::string> texts, std::span<const std::vector<std::string>> names,
                       const MaskOptions& options = {});

struct NameOptions {
    /// Least share of a word's occurrences inside sentences that start with a capital, in (0, 1].
    double min_share = 0.9;
    std::int64_t min_occurrences = 1;  ///< inside sentences, at least 1
};

/// Words that are written like names: with a capital wherever they stand inside a sentence. Lower case,
/// ascending. For texts in languages that capitalise names only (not German).
/// @throws Error (InvalidArgument) naming the first bad field.
std::vector<std::string> name_words(std::span<const std::string> texts, const NameOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/mask_names_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_MASK_NAMES_HPP
