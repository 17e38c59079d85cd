// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_CODE_POINT_HPP
#define FILMATLAS_TEXT_CODE_POINT_HPP

/// @file code_point.hpp
/// @brief One decoded unit of UTF-8.

namespace filmatlas {

/// A code point, or an ill-formed sequence that stands for U+FFFD.
struct CodePoint {
    char32_t value = U'\uFFFD';
    int length = 1;      ///< bytes taken, 1..4
    bool valid = false;  ///< false: ill-formed, `value` is U+FFFD
};

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_CODE_POINT_HPP
