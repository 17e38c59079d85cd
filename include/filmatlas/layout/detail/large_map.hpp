// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_LARGE_MAP_HPP
#define FILMATLAS_LAYOUT_DETAIL_LARGE_MAP_HPP

#include <cstdint>

/// @file large_map.hpp
/// @brief From where on a map is large.

namespace filmatlas::detail {

/// Items of a map of more than so many have farther to go: default rounds and steps differ.
inline constexpr std::int64_t kLargeMap = 50'000;

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_LARGE_MAP_HPP
