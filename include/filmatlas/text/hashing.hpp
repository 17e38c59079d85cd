// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_HASHING_HPP
#define FILMATLAS_TEXT_HASHING_HPP

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/text/tokenize.hpp"

/// @file hashing.hpp
/// @brief Counts of terms without a vocabulary: a term's column is a hash of it (scikit-learn's
/// HashingVectorizer).

namespace filmatlas {

struct HashOptions {
    TokenizeOptions tokens = {};
    std::int64_t num_features = std::int64_t{1} << 20;  ///< columns, in [1, 2^31 - 1]
    bool alternate_sign = true;  ///< half of the terms count -1, so that collisions cancel rather than add
    int num_threads = 0;         ///< never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const HashOptions& options);

/// MurmurHash3_x86_32 (A. Appleby, public domain) of any bytes.
std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed = 0) noexcept;

/// (n, num_features) sums of signs per column; needs no fit, so any part of a collection can be counted
/// anywhere.
CsrMatrix<std::int32_t> hash_terms(std::span<const std::string> texts, const HashOptions& options = {},
                                   const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/hashing_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_HASHING_HPP
