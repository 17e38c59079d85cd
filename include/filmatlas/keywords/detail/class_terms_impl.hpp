// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_CLASS_TERMS_IMPL_HPP
#define FILMATLAS_KEYWORDS_DETAIL_CLASS_TERMS_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/class_terms.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::vector<Keyword> ClassTerms::keywords(Index row, int top_n) const {
    if (row < 0 || row >= weights.rows) {
        throw_invalid("keywords", "row", "is " + std::to_string(row),
                      "there are " + std::to_string(weights.rows) + " classes, counted from 0");
    }
    if (top_n < 0) throw_invalid("keywords", "top_n", "is " + std::to_string(top_n), "use 0 or more");
    const auto columns = weights.row_indices(row);
    const auto scores = weights.row_values(row);
    std::vector<std::size_t> order;
    for (std::size_t e = 0; e < columns.size(); ++e) {
        if (scores[e] > 0) order.push_back(e);
    }
    const std::size_t count = std::min(order.size(), static_cast<std::size_t>(top_n));
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
        [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
    std::vector<Keyword> best;
    best.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        best.push_back({vocabulary[static_cast<std::size_t>(columns[order[i]])], scores[order[i]]});
    }
    return best;
}

}  // namespace filmatlas
#endif  // FILMATLAS_KEYWORDS_DETAIL_CLASS_TERMS_IMPL_HPP
