// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_CLEAN_HPP
#define FILMATLAS_PROFILE_CLEAN_HPP

#include <string>

#include "filmatlas/core/config.hpp"

/// @file clean.hpp
/// @brief Repairs of text that every ingest needs: broken UTF-8, doubly-encoded UTF-8, HTML escapes, white
/// space.

namespace filmatlas {

/// What clean_text() did.
struct TextRepairs {
    bool invalid_utf8 = false;    ///< bytes that are not UTF-8 became U+FFFD
    bool html_entities = false;   ///< "&amp;", "&#233;" and their like became characters
    bool double_encoded = false;  ///< UTF-8 that had been read as Windows-1252 and encoded again was undone
    bool white_space = false;  ///< runs of white space and control characters became one space; ends trimmed
};

/// Cleans `text` in place. Afterwards it is valid UTF-8 without control characters, every run of white space
/// is one space, and there is none at either end. Idempotent. Linear time; text that is clean already costs
/// one look.
///
/// Character references of HTML 4, by name or number and closed by a semicolon, become what they stand for,
/// also when escaped more than once.
///
/// Double encoding is undone where the whole text can be written in Windows-1252, its bytes are then valid
/// UTF-8, all characters so gained belong to scripts and symbols in common use, and the sequences found are
/// typical of the damage (they start with U+00C2, U+00C3 or U+00E2, or there are at least two). All layers
/// are undone. The three characters that a curly quote or dash turns into (U+00E2 U+20AC and a third) are
/// repaired in any text.
TextRepairs clean_text(std::string& text);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/profile/detail/clean_impl.hpp"
#endif
#endif  // FILMATLAS_PROFILE_CLEAN_HPP
