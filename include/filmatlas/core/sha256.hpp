// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_SHA256_HPP
#define FILMATLAS_CORE_SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"

/// @file sha256.hpp
/// @brief SHA-256 (FIPS 180-4): checksums of files, hashes of inputs, the content policy of the site.

namespace filmatlas {

/// Incremental hash: update any number of times, then digest() or hex() once.
class Sha256 {
public:
    void update(const void* data, std::size_t size);
    void update(std::string_view text) { update(text.data(), text.size()); }
    std::array<std::uint8_t, 32> digest();
    /// The digest as 64 lower-case hexadecimal digits.
    std::string hex();

private:
    void block(const std::uint8_t* bytes);

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> buffer_{};
    std::size_t buffered_ = 0;
    std::uint64_t total_ = 0;
};

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
/// 44 characters, as content security policies and subresource integrity want it.
std::string sha256_base64(std::string_view bytes);
/// Standard base64 with padding.
std::string base64(const void* data, std::size_t size);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/core/detail/sha256_impl.hpp"
#endif
#endif  // FILMATLAS_CORE_SHA256_HPP
