// SPDX-License-Identifier: MIT
#include "zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas::detail {
namespace {

constexpr std::int64_t kMaxMembers = 65536;
constexpr std::int64_t kMaxDirectoryBytes = std::int64_t{1} << 26;
// DEFLATE cannot do better than 258 bytes for 2 bits, i.e. 1032:1.
constexpr std::int64_t kMaxRatio = 1032;
constexpr std::size_t kBuffer = std::size_t{1} << 18;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::uint32_t kEntrySignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;

[[noreturn]] void fail(const FileReader& file, std::int64_t offset, std::string what,
                       std::string remedy = {}) {
    ErrorContext where;
    where.stage = "read_npy";
    where.file = excerpt(file.path(), 4096);
    where.byte_offset = offset;
    throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
}

std::uint64_t little(std::string_view bytes, std::size_t at, int count) {
    std::uint64_t value = 0;
    for (int i = count - 1; i >= 0; --i) {
        value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    }
    return value;
}

std::string read_string(const FileReader& file, std::int64_t offset, std::int64_t count) {
    std::string bytes(static_cast<std::size_t>(count), '\0');
    file.read_at(offset, bytes.data(), bytes.size());
    return bytes;
}

struct Directory {
    std::int64_t entries = 0;
    std::int64_t size = 0;
    std::int64_t offset = 0;
};

/// Sizes of 64 bits must fit the file (and so a signed number).
std::int64_t bounded(const FileReader& file, std::uint64_t value, std::int64_t at, const char* what) {
    if (value > static_cast<std::uint64_t>(file.size())) {
        fail(file, at,
             std::string("bad zip: ") + what + " is " + std::to_string(value) + ", the file has " +
                 std::to_string(file.size()) + " bytes");
    }
    return static_cast<std::int64_t>(value);
}

Directory find_directory(const FileReader& file) {
    // The end record is 22 bytes and a comment of up to 65,535.
    const std::int64_t tail_size = std::min<std::int64_t>(file.size(), 22 + 65535);
    const std::int64_t tail_offset = file.size() - tail_size;
    const std::string tail = read_string(file, tail_offset, tail_size);
    for (std::int64_t i = tail_size - 22; i >= 0; --i) {
        const auto at = static_cast<std::size_t>(i);
        if (little(tail, at, 4) != kEndSignature) continue;
        if (static_cast<std::int64_t>(little(tail, at + 20, 2)) != tail_size - i - 22) continue;
        const std::int64_t offset = tail_offset + i;
        Directory directory;
        const std::uint64_t entries = little(tail, at + 10, 2);
        const std::uint64_t size = little(tail, at + 12, 4);
        const std::uint64_t start = little(tail, at + 16, 4);
        const bool is64 = entries == 0xFFFF || size == 0xFFFFFFFF || start == 0xFFFFFFFF;
        if (is64 && offset >= 20 && little(read_string(file, offset - 20, 20), 0, 4) == kLocator64Signature) {
            const std::string locator = read_string(file, offset - 20, 20);
            const std::int64_t end64 = bounded(file, little(locator, 8, 8), offset - 20, "the zip64 offset");
            if (file.size() - end64 < 56) fail(file, end64, "bad zip: truncated zip64 record");
            const std::string record = read_string(file, end64, 56);
            if (little(record, 0, 4) != kEnd64Signature) fail(file, end64, "bad zip: no zip64 record here");
            directory.entries = bounded(file, little(record, 32, 8), end64, "the number of members");
            directory.size = bounded(file, little(record, 40, 8), end64, "the directory's size");
            directory.offset = bounded(file, little(record, 48, 8), end64, "the directory's offset");
        } else {
            directory.entries = static_cast<std::int64_t>(entries);
            directory.size = bounded(file, size, offset, "the directory's size");
            directory.offset = bounded(file, start, offset, "the directory's offset");
        }
        if (directory.size > offset - directory.offset)
            fail(file, offset, "bad zip: the directory leaves the file");
        return directory;
    }
    fail(file, file.size(), "truncated .npz: no zip directory at its end",
         "write or download the file again");
}

class PlainSource final : public ByteSource {
public:
    explicit PlainSource(const FileReader& file) : file_(file) {}
    std::int64_t size() const override { return file_.size(); }
    std::int64_t file_offset() const override { return 0; }
    void read(void* buffer, std::size_t count) override {
        file_.read_at(position_, buffer, count);
        position_ += static_cast<std::int64_t>(count);
    }
    void finish() override {}

private:
    const FileReader& file_;
    std::int64_t position_ = 0;
};

class MemberSource final : public ByteSource {
public:
    MemberSource(const FileReader& file, ZipMember member, std::int64_t data_offset)
        : file_(file), member_(std::move(member)), data_offset_(data_offset), next_(data_offset) {
        checksum_ = ::crc32(0, nullptr, 0);
        if (member_.method == 8) {
            // Negative window: raw DEFLATE, as in zip files.
            if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) {
                throw Error(ErrorCode::Memory, ErrorContext{"read_npy", {}, -1, {}, -1},
                            "no memory to inflate");
            }
            input_.resize(kBuffer);
        }
    }
    ~MemberSource() override {
        if (member_.method == 8) ::inflateEnd(&stream_);
    }
    MemberSource(const MemberSource&) = delete;
    MemberSource& operator=(const MemberSource&) = delete;

    std::int64_t size() const override { return member_.size; }
    std::int64_t file_offset() const override { return member_.method == 0 ? data_offset_ : -1; }

    void read(void* buffer, std::size_t count) override {
        if (member_.method == 0) {
            file_.read_at(next_, buffer, count);
            next_ += static_cast<std::int64_t>(count);
        } else {
            inflate_into(static_cast<Bytef*>(buffer), count);
        }
        for (std::size_t done = 0; done < count;) {
            const std::size_t take = std::min<std::size_t>(count - done, std::size_t{1} << 30);
            checksum_ = ::crc32(checksum_, static_cast<const Bytef*>(buffer) + done, static_cast<uInt>(take));
            done += take;
        }
        position_ += static_cast<std::int64_t>(count);
    }

    void finish() override {
        std::array<char, 4096> rest{};
        while (position_ < member_.size) {
            read(rest.data(), static_cast<std::size_t>(
                                  std::min<std::int64_t>(member_.size - position_, std::ssize(rest))));
        }
        if (member_.method == 8 && !ended_) {
            Bytef extra = 0;
            stream_.next_out = &extra;
            stream_.avail_out = 1;
            while (!ended_ && stream_.avail_out == 1) step();
            if (stream_.avail_out == 0)
                damaged("inflates to more than the " + std::to_string(member_.size) +
                        " bytes that it promises");
        }
        if (static_cast<std::uint32_t>(checksum_) != member_.crc) damaged("has a wrong checksum (CRC-32)");
    }

private:
    [[noreturn]] void damaged(const std::string& what) const {
        fail(file_, data_offset_, "member '" + excerpt(member_.name) + "' " + what,
             "write or download the file again");
    }

    /// One call of inflate(), with input supplied; sets ended_.
    void step() {
        if (stream_.avail_in == 0) {
            const std::int64_t left = data_offset_ + member_.compressed - next_;
            const auto take = static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(input_)));
            if (take == 0) damaged("ends in the middle of its compressed data");
            file_.read_at(next_, input_.data(), take);
            next_ += static_cast<std::int64_t>(take);
            stream_.next_in = input_.data();
            stream_.avail_in = static_cast<uInt>(take);
        }
        const int status = ::inflate(&stream_, Z_NO_FLUSH);
        if (status == Z_STREAM_END) {
            ended_ = true;
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            damaged("is damaged: its compressed data are invalid");
        }
    }

    void inflate_into(Bytef* out, std::size_t count) {
        while (count > 0) {
            if (ended_) {
                damaged("inflates to less than the " + std::to_string(member_.size) +
                        " bytes that it promises");
            }
            const std::size_t want = std::min<std::size_t>(count, std::size_t{1} << 30);
            stream_.next_out = out;
            stream_.avail_out = static_cast<uInt>(want);
            step();
            const std::size_t got = want - stream_.avail_out;
            out += got;
            count -= got;
        }
    }

    const FileReader& file_;
    ZipMember member_;
    std::int64_t data_offset_;
    std::int64_t next_;          // file offset of the next compressed byte
    std::int64_t position_ = 0;  // in the uncompressed bytes
    uLong checksum_ = 0;
    bool ended_ = false;
    z_stream stream_{};
    std::vector<Bytef> input_;
};

}  // namespace

std::vector<ZipMember> zip_directory(const FileReader& file) {
    const Directory directory = find_directory(file);
    if (directory.entries > kMaxMembers || directory.size > kMaxDirectoryBytes) {
        fail(file, directory.offset,
             "the zip directory has " + std::to_string(directory.entries) + " members in " +
                 std::to_string(directory.size) + " bytes",
             "at most 65536 members are read");
    }
    const std::string bytes = read_string(file, directory.offset, directory.size);
    std::vector<ZipMember> members;
    std::size_t at = 0;
    for (std::int64_t i = 0; i < directory.entries; ++i) {
        const std::int64_t here = directory.offset + static_cast<std::int64_t>(at);
        if (bytes.size() - at < 46 || little(bytes, at, 4) != kEntrySignature) {
            fail(file, here, "bad zip: no directory entry here");
        }
        const auto name_size = static_cast<std::size_t>(little(bytes, at + 28, 2));
        const auto extra_size = static_cast<std::size_t>(little(bytes, at + 30, 2));
        const auto comment_size = static_cast<std::size_t>(little(bytes, at + 32, 2));
        if (bytes.size() - at - 46 < name_size + extra_size + comment_size) {
            fail(file, here, "bad zip: a directory entry leaves the directory");
        }
        ZipMember member;
        member.name = bytes.substr(at + 46, name_size);
        member.method = static_cast<int>(little(bytes, at + 10, 2));
        member.crc = static_cast<std::uint32_t>(little(bytes, at + 16, 4));
        std::uint64_t compressed = little(bytes, at + 20, 4);
        std::uint64_t size = little(bytes, at + 24, 4);
        std::uint64_t offset = little(bytes, at + 42, 4);
        // The zip64 extra field holds, in this order, those of the three that are all ones above.
        const std::size_t extra_end = at + 46 + name_size + extra_size;
        for (std::size_t e = at + 46 + name_size; extra_end - e >= 4;) {
            const std::uint64_t id = little(bytes, e, 2);
            const auto field = static_cast<std::size_t>(little(bytes, e + 2, 2));
            e += 4;
            if (extra_end - e < field) fail(file, here, "bad zip: an extra field leaves its entry");
            if (id == 1) {
                std::size_t v = e;
                for (std::uint64_t* value : {&size, &compressed, &offset}) {
                    if (*value != 0xFFFFFFFF) continue;
                    if (e + field - v < 8) fail(file, here, "bad zip: a zip64 field is too short");
                    *value = little(bytes, v, 8);
                    v += 8;
                }
            }
            e += field;
        }
        member.compressed = bounded(file, compressed, here, "a member's compressed size");
        member.header_offset = bounded(file, offset, here, "a member's offset");
        if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            fail(file, here, "bad zip: a member of " + std::to_string(size) + " bytes");
        }
        member.size = static_cast<std::int64_t>(size);
        // General purpose bit 0: encrypted. Marked by a method that open_member refuses.
        if ((little(bytes, at + 8, 2) & 1) != 0) member.method = -1;
        members.push_back(std::move(member));
        at += 46 + name_size + extra_size + comment_size;
    }
    return members;
}

std::unique_ptr<ByteSource> open_plain(const FileReader& file) { return std::make_unique<PlainSource>(file); }

std::unique_ptr<ByteSource> open_member(const FileReader& file, const ZipMember& member) {
    const std::string quoted = "member '" + excerpt(member.name) + "'";
    const std::int64_t at = member.header_offset;
    if (member.method == -1)
        fail(file, at, quoted + " is encrypted", "write the .npz again without a password");
    if (member.method != 0 && member.method != 8) {
        fail(file, at, quoted + " uses compression method " + std::to_string(member.method),
             "use numpy.savez or numpy.savez_compressed");
    }
    if (member.method == 0 && member.compressed != member.size) {
        fail(file, at,
             quoted + " is stored in " + std::to_string(member.compressed) + " bytes but promises " +
                 std::to_string(member.size));
    }
    if (member.method == 8 && member.size / kMaxRatio > member.compressed) {
        fail(file, at,
             quoted + " promises " + std::to_string(member.size) + " bytes from " +
                 std::to_string(member.compressed) + ", more than deflated data can hold");
    }
    if (file.size() - at < 30) fail(file, at, "truncated .npz: no header of " + quoted);
    const std::string header = read_string(file, at, 30);
    if (little(header, 0, 4) != kLocalSignature) fail(file, at, "bad zip: no header of " + quoted + " here");
    const auto skip = static_cast<std::int64_t>(30 + little(header, 26, 2) + little(header, 28, 2));
    if (file.size() - at - skip < member.compressed) {
        fail(file, at, "truncated .npz: " + quoted + " leaves the file", "write or download the file again");
    }
    return std::make_unique<MemberSource>(file, member, at + skip);
}

}  // namespace filmatlas::detail
