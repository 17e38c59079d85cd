// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_STOP_WORDS_HPP
#define FILMATLAS_TEXT_STOP_WORDS_HPP

#include <span>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"

/// @file stop_words.hpp
/// @brief Lists of words that carry no topic.

namespace filmatlas {

/// Names that stop_list() knows, without "".
std::vector<std::string_view> stop_list_names();

/// Words of a list, ascending, lower case. "english": the 318 words that scikit-learn uses, of the Glasgow
/// Information Retrieval Group; 22 further languages: short lists of function words, by name ("german") or
/// code ("de"); those of Chinese and Japanese hold what WordRule::Unicode makes of them. "": none.
/// @throws Error (InvalidArgument) naming the lists that exist.
std::span<const std::string_view> stop_list(std::string_view name);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/stop_words_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_STOP_WORDS_HPP
