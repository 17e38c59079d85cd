// SPDX-License-Identifier: MIT
// container.hpp
#include <doctest/doctest.h>

#include <limits>

#include "filmatlas/core/random.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/io/container.hpp"
#include "filmatlas/io/files.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::error_of;
using filmatlas_test::message_of;
using filmatlas_test::TempDir;
using filmatlas_test::throws_error;

namespace {

Container small_container() {
    Container container;
    container.meta = JsonValue::make_object();
    container.meta.set("title", "films \xC3\xA9");
    container.sections.push_back({"ids", "u8", {3}, "abc"});
    container.sections.push_back({"empty", "f32", {0, 5}, ""});
    container.sections.push_back({"xy", "f32", {2, 2}, std::string(16, '\x3F')});
    container.sections.push_back({"order", "i64", {8}, std::string(64, '\x01')});
    return container;
}

bool refused(const std::string& bytes) {
    const auto error = error_of([&] { unpack_container(bytes, "a.fatlas"); });
    return error && error->code() == ErrorCode::Format && !error->what_happened().empty();
}

/// Recomputes the trailer, as an attacker would.
std::string reseal(std::string bytes) {
    bytes.resize(bytes.size() - 32);
    Sha256 hash;
    hash.update(bytes);
    for (const std::uint8_t byte : hash.digest()) bytes += static_cast<char>(byte);
    return bytes;
}

/// Replaces text in the header by text of the same length, and reseals.
std::string forge(std::string bytes, const std::string& from, const std::string& to) {
    REQUIRE(from.size() == to.size());
    const std::size_t at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    bytes.replace(at, from.size(), to);
    return reseal(bytes);
}

}  // namespace

TEST_CASE("container: what is packed is unpacked, and packing is deterministic") {
    const Container container = small_container();
    const std::string bytes = pack_container(container);
    CHECK(pack_container(container) == bytes);
    CHECK(bytes.starts_with("FATLAS\r\n"));
    CHECK((bytes.size() - 32) % 64 == 0);
    const Container back = unpack_container(bytes);
    CHECK(back.meta.find("title")->text == "films \xC3\xA9");
    REQUIRE(back.sections.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(back.sections[i].name == container.sections[i].name);
        CHECK(back.sections[i].dtype == container.sections[i].dtype);
        CHECK(back.sections[i].shape == container.sections[i].shape);
        CHECK(back.sections[i].bytes == container.sections[i].bytes);
    }
    CHECK(pack_container(back) == bytes);
    CHECK(back.section("xy").shape == std::vector<std::int64_t>{2, 2});
    CHECK(back.find("absent") == nullptr);
    CHECK(throws_error(
        ErrorCode::Format, [&] { back.section("absent"); }, "no section is called 'absent'",
        "ids, empty, xy"));
}

TEST_CASE("container: no sections, no metadata") {
    const Container back = unpack_container(pack_container({}));
    CHECK(back.meta.is_object());
    CHECK(back.sections.empty());
}

TEST_CASE("container: a file survives the round trip and names itself in errors") {
    const TempDir dir;
    write_container(dir / "a.fatlas", small_container());
    CHECK(read_container(dir / "a.fatlas").sections.size() == 4);
    std::string bytes = read_file(dir / "a.fatlas");
    bytes[bytes.size() - 40] ^= 1;
    write_file_atomic(dir / "a.fatlas", bytes);
    CHECK(throws_error(
        ErrorCode::Format, [&] { read_container(dir / "a.fatlas"); }, "a.fatlas",
        "section 'order' is damaged", "restore"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_container(dir / "b.fatlas"); }, "No such file"));
    CHECK(throws_error(ErrorCode::Io, [&] { write_container(dir / "no/b.fatlas", {}); }, "No such file"));
}

TEST_CASE("container: every truncation and every extension is refused") {
    const std::string bytes = pack_container(small_container());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        if (!refused(bytes.substr(0, size))) FAIL_CHECK(size);
    }
    CHECK(refused(bytes + std::string(1, '\0')));
    CHECK(refused(bytes + std::string(64, '\0')));
    CHECK(refused(bytes + bytes));
    CHECK(refused("x" + bytes));
}

TEST_CASE("container: every single-bit change is refused") {
    const std::string bytes = pack_container(small_container());
    REQUIRE(bytes.size() < 2000);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string changed = bytes;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        if (!refused(changed)) FAIL_CHECK(bit);
    }
}

TEST_CASE("container: zeroed, swapped and spliced blocks are refused") {
    const std::string bytes = pack_container(small_container());
    Container other = small_container();
    other.sections[3].bytes[0] = '\x02';
    const std::string twin = pack_container(other);
    REQUIRE(twin.size() == bytes.size());
    for (std::size_t at = 0; at + 64 <= bytes.size(); at += 32) {
        std::string zeroed = bytes;
        zeroed.replace(at, 32, 32, '\0');
        CHECK((zeroed == bytes || refused(zeroed)));
        std::string swapped =
            bytes.substr(0, at) + bytes.substr(at + 32, 32) + bytes.substr(at, 32) + bytes.substr(at + 64);
        CHECK((swapped == bytes || refused(swapped)));
        const std::string spliced = bytes.substr(0, at) + twin.substr(at);
        CHECK((spliced == bytes || spliced == twin || refused(spliced)));
    }
}

TEST_CASE("container: damage is named") {
    const std::string bytes = pack_container(small_container());
    const auto message = [&](std::string changed) {
        return message_of([&] { unpack_container(changed, "a.fatlas"); });
    };
    CHECK(message("").find("not an atlas file") != std::string::npos);
    CHECK(message("PK\x03\x04" + std::string(100, ' ')).find("not an atlas file") != std::string::npos);
    CHECK(message("FATLAS\n" + std::string(100, ' ')).find("binary mode") != std::string::npos);
    CHECK(message(bytes.substr(0, 30)).find("truncated atlas: 30 bytes") != std::string::npos);
    std::string newer = bytes;
    newer[8] = 2;
    CHECK(message(newer).find("format version 2, this library reads version 1") != std::string::npos);
    CHECK(message(newer).find("upgrade filmatlas") != std::string::npos);
    std::string huge = bytes;
    huge[22] = '\x7F';
    CHECK(message(huge).find("the header claims") != std::string::npos);
    std::string trailer = bytes;
    trailer.back() = static_cast<char>(trailer.back() ^ 1);
    CHECK(message(trailer).find("wrong checksum, although every section is intact") != std::string::npos);
    std::string header = bytes;
    header[24] = 'x';
    CHECK(message(header).find("the header is damaged") != std::string::npos);
}

TEST_CASE("container: resealed forgeries meet the structural checks") {
    const std::string bytes = pack_container(small_container());
    CHECK_FALSE(refused(reseal(bytes)));
    CHECK(refused(forge(bytes, "\"shape\":[3]", "\"shape\":[4]")));
    CHECK(refused(forge(bytes, "\"shape\":[2,2]", "\"shape\":[4,4]")));
    CHECK(refused(forge(bytes, "\"size\":16", "\"size\":17")));
    CHECK(refused(forge(bytes, "\"offset\":64", "\"offset\":65")));
    CHECK(refused(forge(bytes, "\"dtype\":\"i64\"", "\"dtype\":\"f16\"")));
    CHECK(refused(forge(bytes, "\"name\":\"xy\"", "\"name\":\"\\n\"")) == false);
    CHECK(refused(forge(bytes, "\"name\":\"xy\"", "\"name\":\"\"  ")));
    CHECK(refused(forge(bytes, "\"format\"", "\"farmat\"")));
    CHECK(refused(forge(bytes, "\"sections\"", "\"Sections\"")));
    CHECK(refused(forge(bytes, "\"shape\":[0,5]", "\"shape\":[0.5]")));
    CHECK(refused(forge(bytes, "\"sha256\"", "\"sha257\"")));
    std::string section = bytes;
    section[section.size() - 40] ^= 1;
    CHECK(refused(reseal(section)));
    // Changes all over, resealed: refused, or read within bounds.
    RandomStream stream(5, "container_fuzz");
    for (int round = 0; round < 3000; ++round) {
        std::string changed = bytes;
        for (std::uint64_t c = 0; c <= stream.next() % 3; ++c)
            changed[stream.next() % changed.size()] = static_cast<char>(stream.next());
        changed = reseal(changed);
        try {
            const Container container = unpack_container(changed);
            for (const Section& item : container.sections) CHECK(item.bytes.size() <= 64);
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::Format);
        }
    }
}

TEST_CASE("container: what could not be read back is not packed") {
    const auto refuses = [](const Container& container, const std::string& text) {
        return throws_error(ErrorCode::InvalidArgument, [&] { pack_container(container); }, text);
    };
    Container container = small_container();
    container.sections[2].bytes += "x";
    CHECK(refuses(container, "its shape says 16 bytes, it has 17"));
    container = small_container();
    container.sections[2].shape = {-2, -2};
    CHECK(refuses(container, "more than 2^63"));
    container.sections[2].shape = {std::numeric_limits<std::int64_t>::max(), 4};
    CHECK(refuses(container, "more than 2^63"));
    container = small_container();
    container.sections[2].dtype = "f16";
    CHECK(refuses(container, "dtype 'f16'"));
    container = small_container();
    container.sections[2].name = "ids";
    CHECK(refuses(container, "'ids' occurs twice"));
    container.sections[2].name = "";
    CHECK(refuses(container, "a name is"));
    container.sections[2].name = "\xFF";
    CHECK(refuses(container, "a name is"));
    container = small_container();
    container.meta = JsonValue(5);
    CHECK(refuses(container, "not a JSON object"));
    container.meta = JsonValue::make_object();
    container.meta.set("a", 1);
    container.meta.set("a", 2);
    CHECK(refuses(container, "repeated key"));
    JsonValue deep = JsonValue::make_array();
    for (int i = 0; i < 70; ++i) {
        JsonValue outer = JsonValue::make_array();
        outer.push(std::move(deep));
        deep = std::move(outer);
    }
    container.meta = JsonValue::make_object();
    container.meta.set("deep", std::move(deep));
    CHECK(refuses(container, "nested deeper"));
}
