// SPDX-License-Identifier: MIT
// files.hpp
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/io/files.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::error_of;
using filmatlas_test::message_of;
using filmatlas_test::TempDir;
using filmatlas_test::throws_error;

TEST_CASE("files: what is written is read back, by all three readers") {
    const TempDir dir;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{1000003}}) {
        std::string bytes(size, '\0');
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 131 >> 3);
        write_file_atomic(dir / "f", bytes);
        CHECK(read_file(dir / "f") == bytes);
        CHECK(MappedFile(dir / "f").bytes() == bytes);
        const FileReader reader(dir / "f");
        CHECK(reader.size() == static_cast<std::int64_t>(size));
        std::string half(size / 2, '\0');
        reader.read_at(static_cast<std::int64_t>(size - size / 2), half.data(), half.size());
        CHECK(half == bytes.substr(size - size / 2));
    }
    CHECK(dir.count() == 1);
}

TEST_CASE("files: reading refuses what is not a regular file, without hanging") {
    const TempDir dir;
    ::mkfifo((dir / "fifo").c_str(), 0600);
    std::filesystem::create_symlink("nowhere", dir / "dangling");
    CHECK(throws_error(
        ErrorCode::Io, [&] { read_file(dir / "absent"); }, "No such file", "absent", "check the path"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file(dir.path()); }, "is a directory"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file(dir / "fifo"); }, "is a FIFO"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file("/dev/zero"); }, "is a device"));
    CHECK(throws_error(ErrorCode::Io, [&] { MappedFile file(dir / "dangling"); }, "No such file"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file(""); }, "empty"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file(std::string("a\0b", 3)); }, "NUL"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file(dir / std::string(5000, 'x')); }, "too long"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_file(dir / "\xFF\xFE"); }, "\xEF\xBF\xBD"));
}

TEST_CASE("files: a file that shrinks while it is read is an error, not a signal") {
    const TempDir dir;
    write_file_atomic(dir / "f", std::string(100000, 'x'));
    const FileReader reader(dir / "f");
    std::filesystem::resize_file(dir / "f", 10);
    std::string buffer(100000, '\0');
    CHECK(throws_error(
        ErrorCode::Io, [&] { reader.read_at(0, buffer.data(), buffer.size()); }, "ends at byte 10"));
}

TEST_CASE("files: a write that fails leaves the old file and no temporary") {
    const TempDir dir;
    SUBCASE("missing directory") {
        CHECK(throws_error(ErrorCode::Io, [&] { write_file_atomic(dir / "no/file", "x"); }, "No such file"));
        CHECK(dir.count() == 0);
    }
    SUBCASE("a directory as target") {
        make_directory(dir / "sub");
        CHECK(throws_error(ErrorCode::Io, [&] { write_file_atomic(dir / "sub", "x"); }, "directory"));
        CHECK(throws_error(ErrorCode::Io, [&] { write_file_atomic(dir / "sub/", "x"); }, "directory"));
        CHECK(dir.count() == 1);
    }
    SUBCASE("a device as target, directly and through a link") {
        std::filesystem::create_symlink("/dev/full", dir / "full");
        for (const std::string& path : {std::string("/dev/full"), dir / "full"}) {
            CHECK(throws_error(ErrorCode::Io, [&] { write_file_atomic(path, "x"); }, "is a device"));
        }
        CHECK(std::filesystem::is_symlink(dir / "full"));
    }
    SUBCASE("a part of the path is a file") {
        write_file_atomic(dir / "f", "old");
        CHECK(throws_error(ErrorCode::Io, [&] { write_file_atomic(dir / "f/g", "x"); }, "Not a directory"));
        CHECK(read_file(dir / "f") == "old");
    }
    SUBCASE("the system refuses in the middle of the data") {
        write_file_atomic(dir / "f", "old");
        // SIGXFSZ ignored, writes beyond the limit come short and then fail with EFBIG.
        const auto handler = std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        ::getrlimit(RLIMIT_FSIZE, &before);
        for (const rlim_t limit : {rlim_t{0}, rlim_t{1}, rlim_t{5000}}) {
            const rlimit tight{limit, before.rlim_max};
            ::setrlimit(RLIMIT_FSIZE, &tight);
            const auto error = error_of([&] { write_file_atomic(dir / "f", std::string(10000, 'n')); });
            ::setrlimit(RLIMIT_FSIZE, &before);
            REQUIRE(error);
            CHECK(error->code() == ErrorCode::Io);
            CHECK(std::string(error->what()).find("File too large") != std::string::npos);
            CHECK_FALSE(error->remedy().empty());
            CHECK(read_file(dir / "f") == "old");
            CHECK(dir.count() == 1);
        }
        std::signal(SIGXFSZ, handler);
    }
    SUBCASE("the writer gives up before commit") {
        write_file_atomic(dir / "f", "old");
        {
            AtomicFile file(dir / "f");
            file.write("half of the new");
        }
        CHECK(read_file(dir / "f") == "old");
        CHECK(dir.count() == 1);
    }
}

TEST_CASE("files: replacing keeps the mode and follows links") {
    const TempDir dir;
    write_file_atomic(dir / "f", "old");
    ::chmod((dir / "f").c_str(), 0640);
    write_file_atomic(dir / "f", "new");
    struct stat info {};
    REQUIRE(::stat((dir / "f").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0640);

    make_directory(dir / "sub");
    std::filesystem::create_symlink("../f", dir / "sub/link");
    std::filesystem::create_symlink("made", dir / "dangling");
    std::filesystem::create_symlink("loop", dir / "loop");
    write_file_atomic(dir / "sub/link", "newer");
    CHECK(std::filesystem::is_symlink(dir / "sub/link"));
    CHECK(read_file(dir / "f") == "newer");
    write_file_atomic(dir / "dangling", "made");
    CHECK(read_file(dir / "made") == "made");
    CHECK(throws_error(ErrorCode::Io, [&] { write_file_atomic(dir / "loop", "x"); }, "symbolic links"));
}

TEST_CASE("files: a reader keeps the old content while the file is replaced") {
    const TempDir dir;
    write_file_atomic(dir / "f", std::string(100000, 'a'));
    const MappedFile map(dir / "f");
    const FileReader reader(dir / "f");
    write_file_atomic(dir / "f", "b");
    CHECK(map.bytes() == std::string(100000, 'a'));
    char last = 0;
    reader.read_at(99999, &last, 1);
    CHECK(last == 'a');
}

TEST_CASE("files: writers side by side leave one of their contents") {
    const TempDir dir;
    parallel_blocks(40, 4, [&](std::int64_t block, int) {
        write_file_atomic(dir / "f", std::string(50000, static_cast<char>('a' + block % 26)));
    });
    const std::string bytes = read_file(dir / "f");
    CHECK(bytes == std::string(50000, bytes[0]));
    CHECK(dir.count() == 1);
}

TEST_CASE("files: temporaries of killed writers go when they are old, others stay") {
    const TempDir dir;
    const auto put = [&](const std::string& name, std::time_t age) {
        std::ofstream(dir / name) << "x";
        const timespec times[2] = {{std::time(nullptr) - age, 0}, {std::time(nullptr) - age, 0}};
        ::utimensat(AT_FDCWD, (dir / name).c_str(), times, 0);
    };
    put(".filmatlas-12-3.tmp", 2 * 86400);
    put(".filmatlas-12-4.tmp", 60);
    put(".filmatlas-notes.tmp", 2 * 86400);
    put("old.txt", 2 * 86400);
    write_file_atomic(dir / "f", "x");
    CHECK_FALSE(std::filesystem::exists(dir / ".filmatlas-12-3.tmp"));
    CHECK(std::filesystem::exists(dir / ".filmatlas-12-4.tmp"));
    CHECK(std::filesystem::exists(dir / ".filmatlas-notes.tmp"));
    CHECK(std::filesystem::exists(dir / "old.txt"));
}

TEST_CASE("files: make_directory makes parents, and is content with what is there") {
    const TempDir dir;
    make_directory(dir / "a/b/c");
    make_directory(dir / "a//b/c/");
    CHECK(is_directory(dir / "a/b/c"));
    write_file_atomic(dir / "file", "x");
    CHECK_FALSE(is_directory(dir / "file"));
    CHECK(throws_error(
        ErrorCode::Io, [&] { make_directory(dir / "file/sub"); }, "cannot create the directory"));
    CHECK(throws_error(ErrorCode::Io, [&] { make_directory(""); }, "empty"));
}
