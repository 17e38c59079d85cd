// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_VOCABULARY_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_VOCABULARY_IMPL_HPP

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/vocabulary.hpp"

namespace filmatlas {

FILMATLAS_INLINE Index find_term(std::span<const std::string> vocabulary, std::string_view term) noexcept {
    const auto at = std::lower_bound(vocabulary.begin(), vocabulary.end(), term,
                                     [](const std::string& a, std::string_view b) { return a < b; });
    return at != vocabulary.end() && *at == term ? static_cast<Index>(at - vocabulary.begin()) : -1;
}

FILMATLAS_INLINE void validate_vocabulary(std::span<const std::string> vocabulary) {
    for (std::size_t i = 0; i < vocabulary.size(); ++i) {
        std::string what;
        if (vocabulary[i].empty()) {
            what = "a term is empty";
        } else if (i > 0 && vocabulary[i - 1] == vocabulary[i]) {
            what.append(1, '"').append(vocabulary[i]).append("\" occurs twice");
        } else if (i > 0 && vocabulary[i] < vocabulary[i - 1]) {
            what.append(1, '"').append(vocabulary[i]).append("\" is out of order");
        } else {
            continue;
        }
        throw Error(ErrorCode::Format, ErrorContext{"vocabulary", {}, static_cast<std::int64_t>(i), {}, -1},
                    std::move(what), "give distinct terms in ascending order of their bytes");
    }
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_VOCABULARY_IMPL_HPP
