// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_FILES_HPP
#define FILMATLAS_IO_FILES_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"

/// @file files.hpp
/// @brief Whole files in, atomic files out.
///
/// Only regular files are read or replaced: a directory, a FIFO or a device is refused at once, without
/// blocking. Every error names the path, the operating system's reason and what to do about it.

namespace filmatlas {

/// Read-only memory map of a regular file, closed by the destructor. Do not change the file meanwhile: where
/// another process may cut it short, use FileReader, which answers with an error instead of a signal.
class MappedFile {
public:
    /// @throws Error (Io): missing, a directory, no permission, not a regular file.
    explicit MappedFile(const std::string& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    std::string_view bytes() const noexcept { return {data_, size_}; }

private:
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Random reads from a regular file, in as many pieces as the caller likes.
class FileReader {
public:
    /// @throws Error (Io) as MappedFile.
    explicit FileReader(const std::string& path);
    ~FileReader();
    FileReader(const FileReader&) = delete;
    FileReader& operator=(const FileReader&) = delete;

    const std::string& path() const noexcept { return path_; }
    /// Size in bytes when the file was opened.
    std::int64_t size() const noexcept { return size_; }
    /// Fills `buffer` with exactly `count` bytes from `offset` on.
    /// @throws Error (Io) when the file has become shorter, or the read fails.
    void read_at(std::int64_t offset, void* buffer, std::size_t count) const;

private:
    std::string path_;
    int descriptor_ = -1;
    std::int64_t size_ = 0;
};

/// @throws Error (Io).
std::string read_file(const std::string& path);

/// A file that appears at its path only when it is complete.
///
/// Bytes go to a temporary in the same directory; commit() syncs it, renames it over `path` and syncs the
/// directory: after any crash the old or the new content is there. A symbolic link is followed; mode and
/// (where permitted) owner of an existing file are kept. Without commit() the destructor removes the
/// temporary. Temporaries that a killed process left behind are removed by the next writer in that directory
/// once they are a day old.
class AtomicFile {
public:
    /// @throws Error (Io): missing directory, a target that is not a regular file, no permission.
    explicit AtomicFile(const std::string& path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    /// @throws Error (Io) with the operating system's reason; when the disk is full also with the bytes left.
    void write(std::string_view bytes);
    /// Makes the content visible. Call it once. @throws Error (Io); the old file is then untouched, unless
    /// the message says that only the directory could not be synced.
    void commit();

private:
    std::string path_;       // as given, for messages
    std::string target_;     // links resolved
    std::string directory_;  // of target_
    std::string temporary_;
    int descriptor_ = -1;
};

/// AtomicFile with one write.
/// @throws Error (Io) with the operating system's reason; the old file is untouched.
void write_file_atomic(const std::string& path, std::string_view bytes);

/// Creates the directory and its parents if needed. @throws Error (Io).
void make_directory(const std::string& path);
bool is_directory(const std::string& path);

}  // namespace filmatlas
#endif  // FILMATLAS_IO_FILES_HPP
