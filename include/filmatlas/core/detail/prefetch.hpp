// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_PREFETCH_HPP
#define FILMATLAS_CORE_DETAIL_PREFETCH_HPP

#include <algorithm>
#include <cstdint>

namespace filmatlas::detail {

/// Asks for the start of `count` values before they are needed: rows of candidates lie anywhere in memory. The rest of
/// a long one follows by itself. `Locality` 3 is the first level of the caches, 2 the second.
template <int Locality = 3, class T>
inline void prefetch_values(const T* values, std::int64_t count) {
    constexpr std::int64_t line = std::max<std::int64_t>(64 / sizeof(T), 1);
    for (std::int64_t k = 0; k < std::min(count, 32 * line); k += line) __builtin_prefetch(values + k, 0, Locality);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CORE_DETAIL_PREFETCH_HPP
