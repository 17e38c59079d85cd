// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_ZIP_HPP
#define FILMATLAS_IO_ZIP_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "filmatlas/io/files.hpp"

/// @file zip.hpp
/// @brief The part of the ZIP format that .npz files use: a directory of stored and deflated members.

namespace filmatlas::detail {

struct ZipMember {
    std::string name;
    int method = 0;  ///< 0 stored, 8 deflated
    std::uint32_t crc = 0;
    std::int64_t compressed = 0;
    std::int64_t size = 0;
    std::int64_t header_offset = 0;
};

/// Reads and checks the central directory. Names are only ever compared, never used as paths.
/// @throws Error (Format) with the byte offset.
std::vector<ZipMember> zip_directory(const FileReader& file);

/// Sequential bytes, exactly `size()` of them.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    virtual std::int64_t size() const = 0;
    /// Offset into the file that stands for position 0, for messages; -1 when there is none (compressed
    /// data).
    virtual std::int64_t file_offset() const = 0;
    /// Next `count` bytes. @throws Error when there are fewer.
    virtual void read(void* buffer, std::size_t count) = 0;
    /// To be called after the last byte: verifies the checksum, where there is one.
    virtual void finish() = 0;
};

std::unique_ptr<ByteSource> open_plain(const FileReader& file);
/// @throws Error (Format) when the member is encrypted, its sizes are impossible or its local header is
/// wrong.
std::unique_ptr<ByteSource> open_member(const FileReader& file, const ZipMember& member);

}  // namespace filmatlas::detail
#endif  // FILMATLAS_IO_ZIP_HPP
