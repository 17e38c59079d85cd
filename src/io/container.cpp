// SPDX-License-Identifier: MIT
#include "filmatlas/io/container.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/io/files.hpp"

namespace filmatlas {
namespace {

constexpr std::string_view kMagic("FATLAS\r\n", 8);
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFixed = 24;  // magic, version, reserved, header size
constexpr std::size_t kTrailer = 32;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxHeader = std::size_t{1} << 26;

std::size_t aligned(std::size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

std::optional<std::int64_t> item_size(std::string_view dtype) {
    if (dtype == "u8") return 1;
    if (dtype == "i32" || dtype == "f32") return 4;
    if (dtype == "i64" || dtype == "f64") return 8;
    return std::nullopt;
}

/// Bytes of an array, or nothing when a size is negative or the product leaves 64 bits.
std::optional<std::int64_t> array_bytes(const std::vector<std::int64_t>& shape, std::int64_t item) {
    std::int64_t bytes = item;
    for (const std::int64_t size : shape) {
        if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
    }
    return bytes;
}

void append_little(std::string& out, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) out += static_cast<char>(value >> (8 * i) & 255);
}

std::uint64_t little(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

// --- writing ---

[[noreturn]] void refuse(const std::string& what, std::string remedy = {}) {
    throw_invalid("pack_container", "", what, std::move(remedy));
}

void check_sections(const Container& container) {
    if (!container.meta.is_object() && !container.meta.is_null()) refuse("meta is not a JSON object");
    std::set<std::string_view> names;
    for (const Section& section : container.sections) {
        const std::string quoted = "section '" + detail::excerpt(section.name) + "'";
        if (section.name.empty() || !is_valid_utf8(section.name)) {
            refuse(quoted + ": a name is UTF-8 text and not empty");
        }
        if (!names.insert(section.name).second) refuse(quoted + " occurs twice");
        const auto item = item_size(section.dtype);
        if (!item)
            refuse(quoted + ": dtype '" + detail::excerpt(section.dtype) + "'",
                   "use u8, i32, i64, f32 or f64");
        const auto bytes = array_bytes(section.shape, *item);
        if (!bytes || static_cast<std::uint64_t>(*bytes) != section.bytes.size()) {
            refuse(quoted + ": its shape says " + (bytes ? std::to_string(*bytes) : "more than 2^63") +
                   " bytes, it has " + std::to_string(section.bytes.size()));
        }
    }
}

std::vector<std::string> section_hashes(const Container& container) {
    std::vector<std::string> hashes(container.sections.size());
    parallel_blocks(static_cast<std::int64_t>(hashes.size()), 0, [&](std::int64_t i, int) {
        const auto at = static_cast<std::size_t>(i);
        hashes[at] = sha256_hex(container.sections[at].bytes);
    });
    return hashes;
}

JsonValue section_table(const Container& container, std::size_t first) {
    const std::vector<std::string> hashes = section_hashes(container);
    JsonValue table = JsonValue::make_array();
    std::size_t offset = first;
    for (std::size_t i = 0; i < container.sections.size(); ++i) {
        const Section& section = container.sections[i];
        JsonValue shape = JsonValue::make_array();
        for (const std::int64_t size : section.shape) shape.push(size);
        JsonValue entry = JsonValue::make_object();
        entry.set("name", section.name);
        entry.set("dtype", section.dtype);
        entry.set("shape", std::move(shape));
        // Offsets count from the first section, so that the header's own length does not appear in the
        // header.
        entry.set("offset", static_cast<std::int64_t>(offset));
        entry.set("size", static_cast<std::int64_t>(section.bytes.size()));
        entry.set("sha256", hashes[i]);
        table.push(std::move(entry));
        offset = aligned(offset + section.bytes.size());
    }
    return table;
}

// --- reading ---

struct Reader {
    std::string_view bytes;
    std::string path;

    [[noreturn]] void fail(std::int64_t offset, std::string what, std::string remedy = {}) const {
        ErrorContext where;
        where.stage = "read_container";
        where.file = detail::excerpt(path, 4096);
        where.byte_offset = offset;
        throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
    }
};

const char* const kDamaged = "restore the file from a copy, or build the atlas again";

/// Size of the JSON header, once everything before it is as it must be.
std::size_t check_prefix(const Reader& reader) {
    const std::string_view bytes = reader.bytes;
    if (bytes.size() < kFixed + kTrailer) {
        const bool ours = !bytes.empty() && kMagic.starts_with(bytes.substr(0, kMagic.size()));
        reader.fail(0,
                    ours ? "truncated atlas: " + std::to_string(bytes.size()) + " bytes, at least " +
                               std::to_string(kFixed + kTrailer) + " are needed"
                         : "not an atlas file",
                    kDamaged);
    }
    if (!bytes.starts_with(kMagic)) {
        if (bytes.starts_with("FATLAS\n")) {
            reader.fail(6, "line ends were converted: the file went through a text-mode transfer",
                        "transfer it in binary mode");
        }
        reader.fail(0, "not an atlas file: its first bytes are not FATLAS",
                    "name a file that Atlas.save wrote");
    }
    const std::uint64_t version = little(bytes, 8, 4);
    if (version != kVersion) {
        reader.fail(8,
                    "format version " + std::to_string(version) + ", this library reads version " +
                        std::to_string(kVersion),
                    version > kVersion ? "upgrade filmatlas, if the file is not damaged" : kDamaged);
    }
    if (little(bytes, 12, 4) != 0) reader.fail(12, "reserved bytes are not zero", kDamaged);
    const std::uint64_t header = little(bytes, 16, 8);
    const std::size_t room = bytes.size() - kFixed - kTrailer;
    if (header > kMaxHeader || header > room) {
        reader.fail(16,
                    "the header claims " + std::to_string(header) + " bytes, at most " +
                        std::to_string(std::min(kMaxHeader, room)) + " are possible",
                    kDamaged);
    }
    return static_cast<std::size_t>(header);
}

struct Entry {
    Section section;         // without its bytes
    std::size_t offset = 0;  // in the file
    std::size_t size = 0;
    std::string hash;
};

std::int64_t whole_number(const Reader& reader, const JsonValue& object, const char* key) {
    const JsonValue* value = object.find(key);
    if (value == nullptr || value->kind != JsonValue::Kind::Integer || value->integer < 0) {
        reader.fail(kFixed, std::string("bad header: '") + key + "' of a section is not a whole number",
                    kDamaged);
    }
    return value->integer;
}

std::string text_field(const Reader& reader, const JsonValue& object, const char* key) {
    const JsonValue* value = object.find(key);
    if (value == nullptr || !value->is_string()) {
        reader.fail(kFixed, std::string("bad header: '") + key + "' of a section is not a text", kDamaged);
    }
    return value->text;
}

/// Sections must lie one behind the other, in the order of the table, with the least padding, up to the
/// trailer.
std::vector<Entry> check_table(const Reader& reader, const JsonValue& header, std::size_t first) {
    const JsonValue* table = header.find("sections");
    if (table == nullptr || !table->is_array())
        reader.fail(kFixed, "bad header: no table of sections", kDamaged);
    std::vector<Entry> entries;
    std::set<std::string> names;
    const std::size_t end = reader.bytes.size() - kTrailer;
    std::size_t expected = first;
    for (const JsonValue& item : table->array) {
        if (!item.is_object() || item.object.size() != 6)
            reader.fail(kFixed, "bad header: a malformed section", kDamaged);
        Entry entry;
        entry.section.name = text_field(reader, item, "name");
        entry.section.dtype = text_field(reader, item, "dtype");
        entry.hash = text_field(reader, item, "sha256");
        const std::string quoted = "section '" + detail::excerpt(entry.section.name) + "'";
        if (entry.section.name.empty() || !names.insert(entry.section.name).second) {
            reader.fail(kFixed, "bad header: " + quoted + " has no name of its own", kDamaged);
        }
        const auto element = item_size(entry.section.dtype);
        if (!element) reader.fail(kFixed, "bad header: " + quoted + " has an unknown dtype", kDamaged);
        const JsonValue* shape = item.find("shape");
        if (shape == nullptr || !shape->is_array())
            reader.fail(kFixed, "bad header: " + quoted + " has no shape", kDamaged);
        for (const JsonValue& size : shape->array) {
            if (size.kind != JsonValue::Kind::Integer)
                reader.fail(kFixed, "bad header: " + quoted + " has a bad shape", kDamaged);
            entry.section.shape.push_back(size.integer);
        }
        const std::int64_t size = whole_number(reader, item, "size");
        const std::int64_t offset = whole_number(reader, item, "offset");
        const auto wanted = array_bytes(entry.section.shape, *element);
        if (!wanted || *wanted != size) {
            reader.fail(kFixed, "bad header: shape and size of " + quoted + " disagree", kDamaged);
        }
        // expected <= end + alignment, so the sums below cannot overflow.
        if (static_cast<std::uint64_t>(offset) != expected - first || expected > end ||
            static_cast<std::uint64_t>(size) > end - expected) {
            reader.fail(kFixed, "bad header: " + quoted + " leaves a hole, overlaps or passes the end",
                        kDamaged);
        }
        entry.offset = expected;
        entry.size = static_cast<std::size_t>(size);
        const std::size_t next = aligned(expected + entry.size);
        for (std::size_t i = expected + entry.size; i < std::min(next, end); ++i) {
            if (reader.bytes[i] != '\0')
                reader.fail(static_cast<std::int64_t>(i), "padding is not zero", kDamaged);
        }
        expected = next;
        entries.push_back(std::move(entry));
    }
    if (expected != end) {
        reader.fail(static_cast<std::int64_t>(std::min(expected, end)),
                    "the file has " + std::to_string(reader.bytes.size()) + " bytes, its header describes " +
                        std::to_string(expected + kTrailer),
                    kDamaged);
    }
    return entries;
}

}  // namespace

const Section* Container::find(std::string_view name) const noexcept {
    for (const Section& section : sections) {
        if (section.name == name) return &section;
    }
    return nullptr;
}

const Section& Container::section(std::string_view name) const {
    if (const Section* found = find(name)) return *found;
    std::string present;
    for (const Section& section : sections) detail::append_item(present, detail::excerpt(section.name));
    ErrorContext where;
    where.stage = "container";
    throw Error(ErrorCode::Format, std::move(where), "no section is called '" + detail::excerpt(name) + "'",
                "sections are: " + present);
}

std::string pack_container(const Container& container) {
    check_sections(container);
    JsonValue header = JsonValue::make_object();
    header.set("format", "filmatlas");
    header.set("meta", container.meta.is_null() ? JsonValue::make_object() : container.meta);
    header.set("sections", section_table(container, 0));
    const std::string text = write_json(header);
    if (text.size() > kMaxHeader)
        refuse("the header needs more than 64 MiB", "move large metadata to a section");
    try {
        parse_json(text);  // what cannot be read again must not be written: too deep, or a key twice
    } catch (const Error& error) {
        refuse("meta cannot be stored: " + error.what_happened());
    }

    std::size_t total = aligned(kFixed + text.size());
    for (const Section& section : container.sections) total = aligned(total + section.bytes.size());
    std::string out;
    out.reserve(total + kTrailer);
    out += kMagic;
    append_little(out, kVersion, 4);
    append_little(out, 0, 4);
    append_little(out, text.size(), 8);
    out += text;
    out.resize(aligned(out.size()), '\0');
    for (const Section& section : container.sections) {
        out += section.bytes;
        out.resize(aligned(out.size()), '\0');
    }
    Sha256 hash;
    hash.update(out);
    for (const std::uint8_t byte : hash.digest()) out += static_cast<char>(byte);
    return out;
}

Container unpack_container(std::string_view bytes, const std::string& path) {
    const Reader reader{bytes, path};
    const std::size_t header_size = check_prefix(reader);
    const std::size_t first = aligned(kFixed + header_size);
    const std::string_view body = bytes.substr(0, bytes.size() - kTrailer);
    if (first > body.size())
        reader.fail(kFixed, "truncated atlas: the header leaves no room for its padding", kDamaged);

    // The whole file's hash and those of the sections cover the same bytes and are taken side by side. The
    // table is read first, from bytes not yet trusted: it only chooses ranges, each checked to lie inside the
    // file.
    JsonValue header;
    std::vector<Entry> entries;
    std::optional<Error> malformed;
    try {
        header = parse_json(bytes.substr(kFixed, header_size));
        const JsonValue* format = header.find("format");
        const JsonValue* meta = header.find("meta");
        if (!header.is_object() || header.object.size() != 3 || format == nullptr || !format->is_string() ||
            format->text != "filmatlas" || meta == nullptr || !meta->is_object()) {
            reader.fail(kFixed, "bad header: not that of an atlas", kDamaged);
        }
        for (std::size_t i = kFixed + header_size; i < first; ++i) {
            if (bytes[i] != '\0') reader.fail(static_cast<std::int64_t>(i), "padding is not zero", kDamaged);
        }
        entries = check_table(reader, header, first);
    } catch (const Error& error) {
        malformed = error;
        entries.clear();
    }

    bool intact = false;
    std::vector<char> good(entries.size(), 0);
    parallel_blocks(1 + static_cast<std::int64_t>(entries.size()), 0, [&](std::int64_t block, int) {
        if (block == 0) {
            Sha256 hash;
            hash.update(body);
            const std::array<std::uint8_t, 32> digest = hash.digest();
            intact = std::memcmp(digest.data(), bytes.data() + body.size(), kTrailer) == 0;
            return;
        }
        const auto i = static_cast<std::size_t>(block - 1);
        good[i] = sha256_hex(bytes.substr(entries[i].offset, entries[i].size)) == entries[i].hash ? 1 : 0;
    });
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (good[i] != 0) continue;
        reader.fail(static_cast<std::int64_t>(entries[i].offset),
                    "section '" + detail::excerpt(entries[i].section.name) + "' is damaged: wrong checksum",
                    kDamaged);
    }
    if (malformed) {
        // A JSON error counts from the header's start and knows no path.
        const std::int64_t at = malformed->where().byte_offset;
        if (malformed->where().stage == "read_container") throw *malformed;
        reader.fail(at < 0 ? -1 : at + static_cast<std::int64_t>(kFixed),
                    "the header is damaged: " + malformed->what_happened(), kDamaged);
    }
    if (!intact) {
        reader.fail(
            static_cast<std::int64_t>(body.size()),
            "wrong checksum, although every section is intact: the header or the checksum itself is damaged",
            kDamaged);
    }

    Container container;
    for (auto& member : header.object) {
        if (member.first == "meta") container.meta = std::move(member.second);
    }
    container.sections.reserve(entries.size());
    for (Entry& entry : entries) {
        entry.section.bytes = std::string(bytes.substr(entry.offset, entry.size));
        container.sections.push_back(std::move(entry.section));
    }
    return container;
}

void write_container(const std::string& path, const Container& container) {
    write_file_atomic(path, pack_container(container));
}

Container read_container(const std::string& path) {
    // Read, not mapped: a file that is cut short meanwhile must be an error, not a signal.
    return unpack_container(read_file(path), path);
}

}  // namespace filmatlas
