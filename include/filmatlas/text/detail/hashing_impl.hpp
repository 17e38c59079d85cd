// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_HASHING_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_HASHING_IMPL_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/text/hashing.hpp"

namespace filmatlas {

FILMATLAS_INLINE void validate(const HashOptions& options) {
    validate(options.tokens);
    if (options.num_features < 1 || options.num_features > std::numeric_limits<Index>::max()) {
        throw_invalid("hash_terms", "num_features", "is " + std::to_string(options.num_features),
                      "use a number in [1, 2^31 - 1]");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed) noexcept {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
    };
    const auto scramble = [](std::uint32_t k) { return std::rotl(k * 0xCC9E2D51U, 15) * 0x1B873593U; };
    std::uint32_t h = seed;
    std::size_t i = 0;
    for (; i + 4 <= bytes.size(); i += 4) {
        h ^= scramble(byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
        h = std::rotl(h, 13) * 5 + 0xE6546B64U;
    }
    std::uint32_t tail = 0;
    for (std::size_t j = bytes.size(); j-- > i;) tail = tail << 8 | byte(j);
    if (i < bytes.size()) h ^= scramble(tail);
    h ^= static_cast<std::uint32_t>(bytes.size());
    h = (h ^ h >> 16) * 0x85EBCA6BU;
    h = (h ^ h >> 13) * 0xC2B2AE35U;
    return h ^ h >> 16;
}

FILMATLAS_INLINE CsrMatrix<std::int32_t> hash_terms(std::span<const std::string> texts,
                                                    const HashOptions& options, const Progress& progress) {
    validate(options);
    constexpr std::int64_t kRows = 256;
    const auto n = static_cast<std::int64_t>(texts.size());
    using Entry = std::pair<Index, std::int32_t>;
    std::vector<std::vector<Entry>> parts(static_cast<std::size_t>((n + kRows - 1) / kRows));
    CsrMatrix<std::int32_t> out;
    out.rows = n;
    out.cols = options.num_features;
    out.indptr.assign(texts.size() + 1, 0);
    parallel_blocks(
        static_cast<std::int64_t>(parts.size()), options.num_threads,
        [&](std::int64_t block, int) {
            std::vector<Entry>& part = parts[static_cast<std::size_t>(block)];
            std::vector<Entry> row;
            for (std::int64_t i = block * kRows; i < std::min(n, (block + 1) * kRows); ++i) {
                row.clear();
                for (const std::string& term : tokenize(texts[static_cast<std::size_t>(i)], options.tokens)) {
                    const auto hash = static_cast<std::int64_t>(static_cast<std::int32_t>(murmur3(term)));
                    row.emplace_back(static_cast<Index>((hash < 0 ? -hash : hash) % options.num_features),
                                     hash < 0 && options.alternate_sign ? -1 : 1);
                }
                std::sort(row.begin(), row.end());
                const std::size_t before = part.size();
                for (std::size_t e = 0; e < row.size();) {
                    Entry sum{row[e].first, 0};
                    for (; e < row.size() && row[e].first == sum.first; ++e) sum.second += row[e].second;
                    if (sum.second != 0) part.push_back(sum);
                }
                out.indptr[static_cast<std::size_t>(i) + 1] = static_cast<std::int64_t>(part.size() - before);
            }
        },
        progress, "hash_terms");
    for (std::size_t i = 0; i < texts.size(); ++i) out.indptr[i + 1] += out.indptr[i];
    for (const auto& part : parts) {
        for (const auto& [column, value] : part) {
            out.indices.push_back(column);
            out.values.push_back(value);
        }
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_HASHING_IMPL_HPP
