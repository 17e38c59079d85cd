// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_QUOTE_HPP
#define FILMATLAS_CORE_DETAIL_QUOTE_HPP

#include <cstddef>
#include <string>
#include <string_view>

#include "filmatlas/core/utf8.hpp"

/// @file quote.hpp
/// @brief Untrusted text inside messages.

namespace filmatlas::detail {

/// A short quotation of untrusted text for a message: valid UTF-8, no control characters, at most `limit`
/// bytes.
inline std::string excerpt(std::string_view text, std::size_t limit = 60) {
    const bool cut = text.size() > limit;
    std::string out = replace_invalid_utf8(text.substr(0, cut ? limit : text.size()));
    out.resize(utf8_prefix_length(out, limit));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
    return cut ? out + "..." : out;
}

/// Appends an item of a list, with ", " before all but the first.
inline void append_item(std::string& list, std::string_view item) {
    if (!list.empty()) list += ", ";
    list += item;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CORE_DETAIL_QUOTE_HPP
