// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_JSON_HPP
#define FILMATLAS_IO_JSON_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/config.hpp"

/// @file json.hpp
/// @brief JSON values: a strict reader with positions, and a writer with deterministic bytes.

namespace filmatlas {

/// One JSON value. Objects keep the order of their members; a repeated key is refused by the reader.
struct JsonValue {
    enum class Kind { Null, Bool, Integer, Number, String, Array, Object };
    using Member = std::pair<std::string, JsonValue>;

    Kind kind = Kind::Null;
    bool boolean = false;
    std::int64_t integer = 0;
    double number = 0;  ///< also set for Integer
    std::string text;   ///< String; also the digits of a whole Number that does not fit `integer`
    std::vector<JsonValue> array;
    std::vector<Member> object;

    JsonValue() = default;
    JsonValue(bool value) : kind(Kind::Bool), boolean(value) {}
    JsonValue(int value) : JsonValue(static_cast<std::int64_t>(value)) {}
    JsonValue(std::int64_t value) : kind(Kind::Integer), integer(value), number(static_cast<double>(value)) {}
    JsonValue(double value) : kind(Kind::Number), number(value) {}
    JsonValue(std::string value) : kind(Kind::String), text(std::move(value)) {}
    JsonValue(std::string_view value) : kind(Kind::String), text(value) {}
    JsonValue(const char* value) : kind(Kind::String), text(value) {}
    static JsonValue make_array() { return with_kind(Kind::Array); }
    static JsonValue make_object() { return with_kind(Kind::Object); }

    bool is_null() const noexcept { return kind == Kind::Null; }
    bool is_number() const noexcept { return kind == Kind::Integer || kind == Kind::Number; }
    bool is_string() const noexcept { return kind == Kind::String; }
    bool is_array() const noexcept { return kind == Kind::Array; }
    bool is_object() const noexcept { return kind == Kind::Object; }
    /// Member of an object, or nullptr.
    const JsonValue* find(std::string_view key) const noexcept;
    /// Appends to an object (no check for repeats) and returns the stored value.
    JsonValue& set(std::string key, JsonValue value);
    void push(JsonValue value) { array.push_back(std::move(value)); }

private:
    static JsonValue with_kind(Kind kind) {
        JsonValue value;
        value.kind = kind;
        return value;
    }
};

/// Containers may be nested this deep, in what is read and in what a reader of ours will accept.
inline constexpr int kMaxJsonDepth = 64;

/// Parses one JSON text (UTF-8, a byte order mark is skipped). Depth at most kMaxJsonDepth; repeated keys,
/// NaN, numbers beyond double, NUL bytes, trailing text, invalid UTF-8 and lone surrogates are refused.
/// Linear time; no recursion.
/// @throws Error (Format) with the byte offset; the caller adds file and line.
JsonValue parse_json(std::string_view text);

/// How write_json escapes.
enum class JsonEscape {
    Plain,  ///< as RFC 8259 demands
    Html,   ///< also <, >, &, U+2028 and U+2029 as \uXXXX: safe inside a script element
};

/// Compact text, the same bytes for the same value. Whole numbers below 2^53 without point or exponent,
/// others in their shortest form that reads back equal; NaN and infinities as null; invalid UTF-8 becomes
/// U+FFFD.
std::string write_json(const JsonValue& value, JsonEscape escape = JsonEscape::Plain);
/// Appends one quoted and escaped string.
void append_json_string(std::string& out, std::string_view text, JsonEscape escape = JsonEscape::Plain);

}  // namespace filmatlas
#endif  // FILMATLAS_IO_JSON_HPP
