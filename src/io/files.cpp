// SPDX-License-Identifier: MIT
#include "filmatlas/io/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace {

// Linux transfers at most 2^31 - 4096 bytes a call; smaller pieces also bound the time in one system call.
constexpr std::size_t kMaxTransfer = std::size_t{1} << 26;
constexpr std::string_view kTemporaryPrefix = ".filmatlas-";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::time_t kStaleSeconds = 24 * 60 * 60;

std::string reason(int error) { return std::generic_category().message(error); }

std::string remedy(int error) {
    switch (error) {
        case ENOENT: return "check the path; parent directories must exist";
        case ENOTDIR: return "a part of the path is a file, not a directory";
        case EACCES:
        case EPERM: return "check the permissions of the file and its directory";
        case EISDIR: return "name a file inside the directory";
        case EROFS: return "write to a directory on a writable file system";
        case ENOSPC:
        case EDQUOT: return "free space or write elsewhere";
        case EFBIG: return "raise the limit on file sizes (ulimit -f) or write elsewhere";
        case ENAMETOOLONG: return "use a shorter path";
        case ELOOP: return "the path has a cycle of symbolic links";
        case EMFILE:
        case ENFILE: return "close files or raise the limit on open files (ulimit -n)";
        case EIO: return "the device reports a fault: check the disk";
        default: return {};
    }
}

[[noreturn]] void fail(std::string_view stage, const std::string& path, std::string what, int error,
                       std::string how = {}) {
    ErrorContext where;
    where.stage = std::string(stage);
    where.file = detail::excerpt(path, 4096);
    if (error != 0) {
        what += ": " + reason(error);
        if (how.empty()) how = remedy(error);
    }
    throw Error(ErrorCode::Io, std::move(where), std::move(what), std::move(how));
}

void check_path(std::string_view stage, const std::string& path) {
    if (path.empty()) fail(stage, path, "the path is empty", 0, "name a file");
    if (path.find('\0') != std::string::npos) fail(stage, path, "the path has a NUL byte", 0, "name a file");
}

const char* type_name(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "not a regular file";
}

/// Opens a regular file for reading; `size` becomes its size.
int open_regular(std::string_view stage, const std::string& path, std::int64_t& size) {
    check_path(stage, path);
    int descriptor = -1;
    do {
        // O_NONBLOCK: opening a FIFO without a writer must not hang; regular files ignore it.
        descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) fail(stage, path, "cannot open for reading", errno);
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) {
        const int error = errno;
        ::close(descriptor);
        fail(stage, path, "cannot inspect", error);
    }
    if (!S_ISREG(info.st_mode)) {
        ::close(descriptor);
        fail(stage, path, std::string("is ") + type_name(info.st_mode), 0, "name a regular file");
    }
    size = static_cast<std::int64_t>(info.st_size);
    return descriptor;
}

/// Follows symbolic links of the last component, so that a dangling link's target can be created.
std::string resolve_links(const std::string& path) {
    std::string target = path;
    for (int hops = 0; hops < 40; ++hops) {
        struct stat info {};
        if (::lstat(target.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return target;
        std::string link(4096, '\0');
        const ssize_t length = ::readlink(target.c_str(), link.data(), link.size());
        if (length < 0) fail("write_file", path, "cannot read the symbolic link", errno);
        link.resize(static_cast<std::size_t>(length));
        const std::size_t slash = target.rfind('/');
        target =
            link.starts_with('/') || slash == std::string::npos ? link : target.substr(0, slash + 1) + link;
    }
    fail("write_file", path, "cannot open for writing", ELOOP);
}

/// True for names that AtomicFile makes: prefix, digits, '-', digits, suffix.
bool is_temporary_name(std::string_view name) {
    if (!name.starts_with(kTemporaryPrefix) || !name.ends_with(kTemporarySuffix)) return false;
    name.remove_prefix(kTemporaryPrefix.size());
    if (name.size() < kTemporarySuffix.size()) return false;
    name.remove_suffix(kTemporarySuffix.size());
    return name.find('-') != std::string_view::npos &&
           std::all_of(name.begin(), name.end(), [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

/// Best effort: what cannot be removed stays.
void remove_stale_temporaries(const std::string& directory) {
    DIR* handle = ::opendir(directory.c_str());
    if (handle == nullptr) return;
    const std::time_t now = std::time(nullptr);
    while (const dirent* entry = ::readdir(handle)) {
        if (!is_temporary_name(entry->d_name)) continue;
        struct stat info {};
        if (::fstatat(::dirfd(handle), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && now - info.st_mtime > kStaleSeconds) {
            ::unlinkat(::dirfd(handle), entry->d_name, 0);
        }
    }
    ::closedir(handle);
}

std::string space_left(const std::string& directory) {
    struct statvfs info {};
    if (::statvfs(directory.c_str(), &info) != 0) return {};
    return " (" + std::to_string(static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize) +
           " bytes are free)";
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
    std::int64_t size = 0;
    const int descriptor = open_regular("read_file", path, size);
    if (size > 0) {
        void* address =
            ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_PRIVATE, descriptor, 0);
        const int error = errno;
        if (address == MAP_FAILED) {
            ::close(descriptor);
            fail("read_file", path, "cannot map " + std::to_string(size) + " bytes", error);
        }
        data_ = static_cast<const char*>(address);
        size_ = static_cast<std::size_t>(size);
    }
    ::close(descriptor);
}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

FileReader::FileReader(const std::string& path) : path_(path) {
    descriptor_ = open_regular("read_file", path, size_);
}

FileReader::~FileReader() { ::close(descriptor_); }

void FileReader::read_at(std::int64_t offset, void* buffer, std::size_t count) const {
    auto* out = static_cast<char*>(buffer);
    while (count > 0) {
        const ssize_t got =
            ::pread(descriptor_, out, std::min(count, kMaxTransfer), static_cast<off_t>(offset));
        if (got < 0) {
            if (errno == EINTR) continue;
            fail("read_file", path_, "cannot read", errno);
        }
        if (got == 0) {
            fail("read_file", path_,
                 "the file ends at byte " + std::to_string(offset) + ", it had " + std::to_string(size_) +
                     " bytes when it was opened",
                 0, "do not change the file while it is read");
        }
        out += got;
        offset += got;
        count -= static_cast<std::size_t>(got);
    }
}

std::string read_file(const std::string& path) {
    const FileReader reader(path);
    std::string bytes(static_cast<std::size_t>(reader.size()), '\0');
    reader.read_at(0, bytes.data(), bytes.size());
    return bytes;
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
    check_path("write_file", path);
    target_ = resolve_links(path);
    const std::size_t slash = target_.rfind('/');
    directory_ = slash == std::string::npos ? "." : slash == 0 ? "/" : target_.substr(0, slash);

    struct stat old {};
    const bool replaces = ::stat(target_.c_str(), &old) == 0;
    if (!replaces && errno != ENOENT) fail("write_file", path_, "cannot open for writing", errno);
    if (replaces && S_ISDIR(old.st_mode)) fail("write_file", path_, "cannot open for writing", EISDIR);
    if (replaces && !S_ISREG(old.st_mode)) {
        fail("write_file", path_, std::string("is ") + type_name(old.st_mode), 0, "name a regular file");
    }
    if (target_.ends_with('/')) fail("write_file", path_, "cannot open for writing", EISDIR);

    remove_stale_temporaries(directory_);
    static std::atomic<std::uint64_t> counter{0};
    for (int attempt = 0; descriptor_ < 0; ++attempt) {
        temporary_ = directory_ + "/" + std::string(kTemporaryPrefix) + std::to_string(::getpid()) + "-" +
                     std::to_string(counter.fetch_add(1)) + std::string(kTemporarySuffix);
        descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        // EEXIST: left by an earlier process of the same id; the next number is free.
        if (descriptor_ < 0 && errno != EINTR && (errno != EEXIST || attempt > 10000)) {
            fail("write_file", path_,
                 "cannot create a temporary file in " + detail::excerpt(directory_, 4096), errno);
        }
    }
    if (replaces) {
        // The owner first: changing it may clear mode bits. Only a privileged process may give files away.
        if (old.st_uid != ::geteuid() || old.st_gid != ::getegid()) {
            [[maybe_unused]] const int kept = ::fchown(descriptor_, old.st_uid, old.st_gid);
        }
        ::fchmod(descriptor_, old.st_mode & 07777);
    }
}

AtomicFile::~AtomicFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
    if (descriptor_ < 0) fail("write_file", path_, "write() after commit()", 0);
    while (!bytes.empty()) {
        const ssize_t done = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMaxTransfer));
        if (done < 0) {
            const int error = errno;
            if (error == EINTR) continue;
            fail("write_file", path_,
                 "cannot write " + std::to_string(bytes.size()) + " bytes" +
                     (error == ENOSPC || error == EDQUOT ? space_left(directory_) : std::string()),
                 error);
        }
        bytes.remove_prefix(static_cast<std::size_t>(done));
    }
}

void AtomicFile::commit() {
    if (descriptor_ < 0) fail("write_file", path_, "commit() twice", 0);
    int status = 0;
    do {
        status = ::fsync(descriptor_);
    } while (status != 0 && errno == EINTR);
    if (status != 0) fail("write_file", path_, "cannot sync", errno);
    // After close() the descriptor is gone even when it reports an error.
    if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
        fail("write_file", path_, "cannot close", errno);
    }
    if (::rename(temporary_.c_str(), target_.c_str()) != 0)
        fail("write_file", path_, "cannot replace the file", errno);
    temporary_.clear();

    const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;  // a directory that may be written but not read: nothing more can be done
    do {
        status = ::fsync(directory);
    } while (status != 0 && errno == EINTR);
    const int error = errno;
    ::close(directory);
    // Some file systems have no sync of directories.
    if (status != 0 && error != EINVAL && error != ENOTSUP) {
        fail("write_file", path_, "the new file is in place, but its directory could not be synced", error);
    }
}

void write_file_atomic(const std::string& path, std::string_view bytes) {
    AtomicFile file(path);
    file.write(bytes);
    file.commit();
}

void make_directory(const std::string& path) {
    check_path("make_directory", path);
    for (std::size_t end = 1; end <= path.size(); ++end) {
        if (end < path.size() && path[end] != '/') continue;
        const std::string part = path.substr(0, end);
        if (is_directory(part)) continue;
        if (::mkdir(part.c_str(), 0777) != 0 && !(errno == EEXIST && is_directory(part))) {
            fail("make_directory", part, "cannot create the directory", errno);
        }
    }
}

bool is_directory(const std::string& path) {
    struct stat info {};
    return !path.empty() && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace filmatlas
