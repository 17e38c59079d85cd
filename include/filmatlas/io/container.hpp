// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_CONTAINER_HPP
#define FILMATLAS_IO_CONTAINER_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/io/json.hpp"

/// @file container.hpp
/// @brief The `.fatlas` container: magic, version, JSON header, contiguous typed sections, checksums.
///
/// Layout (little-endian): 8 bytes magic "FATLAS\r\n", u32 format version, u32 reserved 0, u64 header size,
/// JSON header (<= 64 MiB), sections back to back, each at a multiple of 64 bytes and followed by zeros up to
/// the next, trailer: 32 bytes SHA-256 of everything before it. The header is {"format": "filmatlas", "meta":
/// the caller's metadata, "sections": [{name, dtype, shape, offset, size, sha256}]}; offsets count from the
/// first section. No holes, no overlaps, nothing after the trailer.

namespace filmatlas {

/// One named array; `bytes` are little-endian, C order.
struct Section {
    std::string name;
    std::string dtype;  ///< "u8", "i32", "i64", "f32", "f64"; u8 also holds text and JSON
    std::vector<std::int64_t> shape;
    std::string bytes;
};

struct Container {
    JsonValue meta;  ///< the caller's metadata, any JSON object
    std::vector<Section> sections;

    /// @throws Error (Format) naming the missing section.
    const Section& section(std::string_view name) const;
    const Section* find(std::string_view name) const noexcept;
};

/// Bytes of the container; the same for the same input.
/// @throws Error (InvalidArgument): a section whose name, dtype or shape is wrong, or metadata that could not
///         be read back (no object, a key twice, nested deeper than kMaxJsonDepth - 1).
std::string pack_container(const Container& container);
/// Sizes are held against `bytes` before any allocation; then structure and checksums are verified, whatever
/// the order of the damage: no changed bit and no truncation passes. Cost: two SHA-256 passes, side by side.
/// @param path Named in errors only.
/// @throws Error (Format) that says what is damaged and where.
Container unpack_container(std::string_view bytes, const std::string& path = {});

/// pack + atomic write.
void write_container(const std::string& path, const Container& container);
/// read + unpack.
Container read_container(const std::string& path);

}  // namespace filmatlas
#endif  // FILMATLAS_IO_CONTAINER_HPP
