// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LABELS_DETAIL_LABEL_WORDS_HPP
#define FILMATLAS_LABELS_DETAIL_LABEL_WORDS_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/keywords/detail/log_odds.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/text/stop_words.hpp"
#include "filmatlas/text/tokenize.hpp"
#include "filmatlas/text/unicode.hpp"

/// @file label_words.hpp
/// @brief Words of labels and how strongly items hold them, inline.

namespace filmatlas::detail {

inline bool label_stop_word(std::string_view folded) {
    const auto words = stop_list("english");
    return std::binary_search(words.begin(), words.end(), folded);
}

/// Words of a text, folded, stop words and single letters of the Latin alphabet included.
inline std::vector<std::string> label_words(std::string_view text) {
    std::vector<std::string> words = tokenize(text, TokenizeOptions{.min_length = 1});
    for (std::string& word : words) word = fold(word);
    return words;
}

/// Smoothed ratio of the shares a / n and b / m.
inline double smoothed_lift(double a, double n, double b, double m) {
    return ((a + 0.5) / (n + 1)) / ((b + 0.5) / (m + 1));
}

inline bool row_holds(const CsrMatrix<std::int32_t>& matrix, std::int64_t row, Index column) {
    const auto columns = matrix.row_indices(row);
    return std::binary_search(columns.begin(), columns.end(), column);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LABELS_DETAIL_LABEL_WORDS_HPP
