// SPDX-License-Identifier: MIT
// json.hpp
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "filmatlas/core/random.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/io/json.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::error_of;
using filmatlas_test::message_of;
using filmatlas_test::throws_error;

namespace {

/// Byte offset of the refusal, or -1 when the text is accepted.
std::int64_t refused_at(std::string_view text) {
    const auto error = error_of([&] { parse_json(text); });
    if (!error) return -1;
    CHECK(error->code() == ErrorCode::Format);
    CHECK(is_valid_utf8(error->what()));
    CHECK(std::string(error->what()).size() < 400);
    return error->where().byte_offset;
}

}  // namespace

TEST_CASE("json: every kind of value, members in order") {
    const JsonValue value =
        parse_json(R"( {"b":null,"a":[true,false,-7,2.5,"x\u00e9\n\ud83c\udfac"],"o":{}} )");
    REQUIRE(value.is_object());
    REQUIRE(value.object.size() == 3);
    CHECK(value.object[0].first == "b");
    CHECK(value.find("b")->is_null());
    CHECK(value.find("c") == nullptr);
    const auto& items = value.find("a")->array;
    REQUIRE(items.size() == 5);
    CHECK(items[0].boolean);
    CHECK_FALSE(items[1].boolean);
    CHECK(items[2].kind == JsonValue::Kind::Integer);
    CHECK(items[2].integer == -7);
    CHECK(items[2].number == -7.0);
    CHECK(items[3].kind == JsonValue::Kind::Number);
    CHECK(items[3].number == 2.5);
    CHECK(items[4].text == "x\xC3\xA9\n\xF0\x9F\x8E\xAC");
    CHECK(value.find("o")->object.empty());
    CHECK(parse_json("\xEF\xBB\xBF[1]").array.size() == 1);
}

TEST_CASE("json: whole numbers beyond 64 bits keep their digits") {
    CHECK(parse_json("9223372036854775807").integer == std::numeric_limits<std::int64_t>::max());
    CHECK(parse_json("-9223372036854775808").integer == std::numeric_limits<std::int64_t>::min());
    for (const char* digits : {"9223372036854775808", "18446744073709551616", "-9223372036854775809"}) {
        const JsonValue value = parse_json(digits);
        CHECK(value.kind == JsonValue::Kind::Number);
        CHECK(value.text == digits);
        CHECK(std::abs(value.number) >= 9.2e18);
    }
    CHECK(parse_json("1.5").text.empty());
}

TEST_CASE("json: malformed text is refused at its byte") {
    CHECK(refused_at("") == 0);
    CHECK(refused_at("   ") == 3);
    CHECK(refused_at("nul") == 3);
    CHECK(refused_at("[1,]") == 3);
    CHECK(refused_at("{\"a\":1,}") == 7);
    CHECK(refused_at("{\"a\" 1}") == 5);
    CHECK(refused_at("{\"a\":1") == 6);
    CHECK(refused_at("[1] x") == 4);
    CHECK(refused_at("[1]\n[2]") == 4);
    CHECK(refused_at("\"abc") == 4);
    CHECK(refused_at("[01]") == 2);
    CHECK(refused_at("NaN") == 0);
    CHECK(refused_at("[Infinity]") == 1);
    CHECK(refused_at("'a'") == 0);
    CHECK(refused_at("[1e400]") >= 1);
    CHECK(refused_at("\"\x01\"") == 1);
    CHECK(refused_at(std::string_view("[1]\0[2]", 7)) == 3);
    CHECK(refused_at("/* c */ 1") == 0);
}

TEST_CASE("json: lone surrogates and invalid UTF-8 are refused with their offset") {
    CHECK(refused_at(R"(["\ud800"])") >= 2);
    CHECK(refused_at(R"(["\udc00"])") >= 2);
    CHECK(refused_at(R"(["\ud800A"])") >= 2);
    CHECK(refused_at("[\"ab\xFF\"]") == 4);
    CHECK(refused_at("[\"\xC0\x80\"]") == 2);
    CHECK(refused_at("[\"\xED\xA0\x80\"]") >= 2);
    CHECK(refused_at("[\"\xF4\x90\x80\x80\"]") >= 2);
    CHECK(refused_at("{\"\xFF\":1}") == 2);
    CHECK(refused_at("\xFF") == 0);
}

TEST_CASE("json: a repeated key is refused at its opening quote") {
    CHECK(refused_at(R"({"a":1,"b":2,"a":3})") == 13);
    CHECK(refused_at(R"({"q\"":1,"q\"":3})") == 9);
    CHECK(refused_at(R"({"a":1,"\u0061":3})") == 7);
    CHECK(refused_at(R"([{"a":1},{"a":1},{"b":{"a":1},"a":1}])") == -1);
    CHECK(message_of([] { parse_json(R"({"key":1,"key":3})"); }).find("repeated key \"key\"") !=
          std::string::npos);
    // Also where objects are large enough for the hashed search.
    std::string many = "{";
    for (int i = 0; i < 1000; ++i) many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    CHECK(refused_at(many + "\"z\":0}") == -1);
    CHECK(refused_at(many + "\"k3\":0}") == static_cast<std::int64_t>(many.size()));
    CHECK(refused_at(many + "\"k999\":0}") == static_cast<std::int64_t>(many.size()));
}

TEST_CASE("json: depth is limited, and a long string makes no long message") {
    const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(refused_at(nested(kMaxJsonDepth)) == -1);
    CHECK(refused_at(nested(kMaxJsonDepth + 1)) == kMaxJsonDepth);
    CHECK(refused_at(nested(100000)) == kMaxJsonDepth);
    CHECK(refused_at("\"" + std::string(1000000, 'x')) == 1000001);
}

TEST_CASE("json: written text is exact, compact and the same every time") {
    JsonValue value = JsonValue::make_object();
    value.set("i", -5);
    value.set("d", 0.1);
    value.set("w", 100000.0);
    value.set("z", -0.0);
    value.set("n", std::nan(""));
    value.set("f", std::numeric_limits<double>::infinity());
    value.set("b", true);
    value.set("s", "q\"\\/\b\f\n\r\t\x01\x7F");
    value.set("e", JsonValue::make_array()).push(JsonValue());
    CHECK(write_json(value) ==
          "{\"i\":-5,\"d\":0.1,\"w\":100000,\"z\":-0.0,\"n\":null,\"f\":null,\"b\":true,"
          "\"s\":\"q\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7F\",\"e\":[null]}");
    CHECK(write_json(JsonValue::make_object()) == "{}");
    CHECK(write_json(JsonValue(std::string("a\xFF\xC3"))) == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
    CHECK(write_json(JsonValue(std::string("a\0b", 3))) == "\"a\\u0000b\"");
}

TEST_CASE("json: Html escaping leaves nothing that a browser could take for markup") {
    const std::string hostile = "</script><script>alert(1)</script><!-- ]]> & \xE2\x80\xA8\xE2\x80\xA9";
    const std::string text = write_json(JsonValue(hostile), JsonEscape::Html);
    CHECK(text.find_first_of("<>&") == std::string::npos);
    CHECK(text.find("\xE2\x80\xA8") == std::string::npos);
    CHECK(text.find("\\u2028\\u2029") != std::string::npos);
    CHECK(parse_json(text).text == hostile);
    JsonValue object = JsonValue::make_object();
    object.set("<b>", "x");
    CHECK(write_json(object, JsonEscape::Html) == "{\"\\u003cb\\u003e\":\"x\"}");
}

TEST_CASE("json: numbers read back equal") {
    RandomStream stream(7, "json");
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t bits = stream.next();
        double number = 0;
        std::memcpy(&number, &bits, sizeof number);
        if (!std::isfinite(number)) continue;
        const JsonValue back = parse_json(write_json(JsonValue(number)));
        CHECK(back.number == number);
        const auto integer = static_cast<std::int64_t>(bits);
        CHECK(parse_json(write_json(JsonValue(integer))).integer == integer);
    }
    CHECK(std::signbit(parse_json(write_json(JsonValue(-0.0))).number));
}

TEST_CASE("json: random changes of a valid text never crash, and what is accepted survives a round trip") {
    const std::string seed =
        R"({"id":"a\u00e9","n":[1,-2.5e3,null,true],"o":{"k":{"x":[[],{}]}},"s":"\ud83c\udfac )"
        "\xC3\xA9\"}";
    RandomStream stream(1, "json_fuzz");
    int accepted = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text = seed;
        const int changes = 1 + static_cast<int>(stream.next() % 3);
        for (int c = 0; c < changes && !text.empty(); ++c) {
            const std::size_t at = stream.next() % text.size();
            switch (stream.next() % 4) {
                case 0: text[at] = static_cast<char>(stream.next()); break;
                case 1: text.erase(at, 1 + stream.next() % 4); break;
                case 2: text.insert(at, text.substr(stream.next() % text.size(), stream.next() % 8)); break;
                default: text.resize(at); break;
            }
        }
        if (const auto error = error_of([&] {
                const std::string once = write_json(parse_json(text));
                CHECK(write_json(parse_json(once)) == once);
                ++accepted;
            })) {
            CHECK(error->code() == ErrorCode::Format);
            CHECK(error->where().byte_offset >= 0);
            CHECK(error->where().byte_offset <= static_cast<std::int64_t>(text.size()));
        }
    }
    CHECK(accepted > 100);
    CHECK(accepted < 15000);
}

TEST_CASE("json: deep values that were built by hand are written without recursion") {
    JsonValue value = JsonValue::make_array();
    for (int i = 0; i < 2000; ++i) {
        JsonValue outer = JsonValue::make_array();
        outer.push(std::move(value));
        value = std::move(outer);
    }
    CHECK(write_json(value) == std::string(2001, '[') + std::string(2001, ']'));
}
