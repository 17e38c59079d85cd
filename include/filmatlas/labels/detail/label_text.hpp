// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_LABEL_TEXT_HPP
#define FILMATLAS_LABELS_DETAIL_LABEL_TEXT_HPP

namespace filmatlas::detail {

/// Controls, marks that change the direction or the joining of what follows without being seen, and U+FFFD.
inline bool label_hidden(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c == 0xFFFD;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_LABEL_TEXT_HPP
