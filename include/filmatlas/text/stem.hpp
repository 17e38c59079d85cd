// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_STEM_HPP
#define FILMATLAS_TEXT_STEM_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"

/// @file stem.hpp
/// @brief Words reduced to what their forms share, so that "robot" and "robots" count as one term.

namespace filmatlas {

/// Names that stem() knows, without "".
std::vector<std::string_view> stemmer_names();

/// Stem of a lower-case word. "english": Porter's second algorithm (M. F. Porter, 2001-2002), the same as
/// Snowball's English stemmer; words with other letters than a-z and the apostrophe stay as they are. "":
/// none.
/// @throws Error (InvalidArgument) naming the stemmers that exist.
std::string stem(std::string_view word, std::string_view stemmer = "english");

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/stem_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_STEM_HPP
