// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_LANGUAGE_HPP
#define FILMATLAS_TEXT_LANGUAGE_HPP

#include <string_view>

#include "filmatlas/core/config.hpp"

/// @file language.hpp
/// @brief A hint at the language of a text: enough to choose a stop list and to see what a catalogue mixes.

namespace filmatlas {

struct LanguageHint {
    std::string_view code;  ///< ISO 639-1; "" = cannot be told
    /// Of scripts that one language uses: the share of the letters that they make up. Else how far the
    /// function words (see stop_list()) of the best language outnumber those of the next, in (0, 1].
    double confidence = 0;
};

/// Knows the languages that have a stop list, and Hebrew. Latin and Cyrillic texts need at least three
/// function words: titles and lists of tags usually have none. Cost: linear.
LanguageHint language_hint(std::string_view text);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/language_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_LANGUAGE_HPP
