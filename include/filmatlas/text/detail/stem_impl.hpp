// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_STEM_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_STEM_IMPL_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/text/detail/stemmer.hpp"
#include "filmatlas/text/stem.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::vector<std::string_view> stemmer_names() { return detail::known_stemmers(); }

FILMATLAS_INLINE std::string stem(std::string_view word, std::string_view stemmer) {
    return detail::Stemmer(stemmer)(word);
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_STEM_IMPL_HPP
