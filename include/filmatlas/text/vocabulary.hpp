// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_VOCABULARY_HPP
#define FILMATLAS_TEXT_VOCABULARY_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file vocabulary.hpp
/// @brief A vocabulary is a list of distinct terms in ascending order of their bytes, which is that of code
/// points.

namespace filmatlas {

/// Id of `term`, or -1. Cost: O(log n) comparisons.
Index find_term(std::span<const std::string> vocabulary, std::string_view term) noexcept;

/// @throws Error (Format) naming the first term that is empty, repeated or out of order.
void validate_vocabulary(std::span<const std::string> vocabulary);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/vocabulary_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_VOCABULARY_HPP
