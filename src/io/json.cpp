// SPDX-License-Identifier: MIT
#include "filmatlas/io/json.hpp"

#include <charconv>
#include <cmath>
#include <iterator>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/utf8.hpp"

namespace filmatlas {
namespace {

constexpr std::size_t kMaxMessage = 160;
// Up to this many members a repeated key is found by comparing with all of them.
constexpr std::size_t kLinearMembers = 16;

[[noreturn]] void fail_at(std::size_t offset, std::string what, std::string remedy = {}) {
    ErrorContext where;
    where.stage = "parse_json";
    where.byte_offset = static_cast<std::int64_t>(offset);
    throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
}

/// Forward iterator that tells how far the lexer has read.
struct CountingIterator {
    using iterator_category = std::forward_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    const char* at = nullptr;
    const char** furthest = nullptr;

    reference operator*() const { return *at; }
    CountingIterator& operator++() {
        *furthest = ++at;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return at == other.at; }
    bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

/// Text of nlohmann's exception without its own position and identifier.
std::string plain_message(std::string_view what) {
    if (const std::size_t bracket = what.find("] ");
        what.starts_with('[') && bracket != std::string_view::npos) {
        what.remove_prefix(bracket + 2);
    }
    if (what.starts_with("parse error")) {
        if (const std::size_t colon = what.find(": "); colon != std::string_view::npos)
            what.remove_prefix(colon + 2);
    }
    return detail::excerpt(what, kMaxMessage);
}

/// Builds a JsonValue from SAX events. Open containers are reached by walking the path of last children, so
/// no pointer outlives a reallocation of its parent.
class Builder {
public:
    using number_integer_t = nlohmann::json::number_integer_t;
    using number_unsigned_t = nlohmann::json::number_unsigned_t;
    using number_float_t = nlohmann::json::number_float_t;
    using string_t = nlohmann::json::string_t;
    using binary_t = nlohmann::json::binary_t;

    explicit Builder(std::string_view text) : text_(text), furthest_(text.data()) {}

    const char** furthest() { return &furthest_; }
    JsonValue take() { return std::move(root_); }

    bool null() { return put(JsonValue()); }
    bool boolean(bool value) { return put(JsonValue(value)); }
    bool number_integer(number_integer_t value) { return put(JsonValue(static_cast<std::int64_t>(value))); }
    bool number_unsigned(number_unsigned_t value) {
        if (value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
            return put(JsonValue(static_cast<std::int64_t>(value)));
        }
        JsonValue number(static_cast<double>(value));
        number.text = std::to_string(value);
        return put(std::move(number));
    }
    bool number_float(number_float_t value, const string_t& digits) {
        JsonValue number(value);
        if (digits.find_first_not_of("-0123456789") == string_t::npos) number.text = digits;
        return put(std::move(number));
    }
    bool string(string_t& value) { return put(JsonValue(std::move(value))); }
    bool binary(binary_t&) { return false; }

    bool start_object(std::size_t) { return open(JsonValue::make_object()); }
    bool start_array(std::size_t) { return open(JsonValue::make_array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(string_t& name) {
        Open& top = open_.back();
        auto& members = top.value.object;
        bool repeated = false;
        if (members.size() < kLinearMembers) {
            for (const auto& member : members) repeated = repeated || member.first == name;
        } else {
            if (top.keys.empty()) {
                for (const auto& member : members) top.keys.insert(member.first);
            }
            repeated = !top.keys.insert(name).second;
        }
        if (repeated) {
            fail_at(key_start(), "repeated key \"" + detail::excerpt(name) + "\"",
                    "give each key once per object");
        }
        members.emplace_back(std::move(name), JsonValue());
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
        // The lexer counts the character it stumbled over; the end of the text counts as one.
        const std::size_t offset = std::min(position == 0 ? 0 : position - 1, text_.size());
        fail_at(offset, plain_message(error.what()));
    }

private:
    struct Open {
        JsonValue value;
        std::unordered_set<std::string> keys;  // only for large objects
    };

    /// Offset of the opening quote of the key that the lexer has just read.
    std::size_t key_start() const {
        std::size_t at = static_cast<std::size_t>(furthest_ - text_.data()) - 1;  // the closing quote
        while (at > 0) {
            --at;
            if (text_[at] != '"') continue;
            std::size_t backslashes = 0;
            while (backslashes < at && text_[at - 1 - backslashes] == '\\') ++backslashes;
            if (backslashes % 2 == 0) break;
        }
        return at;
    }

    bool put(JsonValue value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (JsonValue& top = open_.back().value; top.is_array()) {
            top.array.push_back(std::move(value));
        } else {
            top.object.back().second = std::move(value);
        }
        return true;
    }
    bool open(JsonValue value) {
        if (open_.size() >= static_cast<std::size_t>(kMaxJsonDepth)) {
            fail_at(static_cast<std::size_t>(furthest_ - text_.data()) - 1,
                    "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels", "flatten the value");
        }
        open_.push_back(Open{std::move(value), {}});
        return true;
    }
    bool close() {
        JsonValue value = std::move(open_.back().value);
        open_.pop_back();
        return put(std::move(value));
    }

    std::string_view text_;
    const char* furthest_;
    std::vector<Open> open_;
    JsonValue root_;
};

void append_unicode_escape(std::string& out, unsigned code) {
    static constexpr char kDigits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[code >> shift & 15];
}

void append_number(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    if (value == 0 && std::signbit(value)) {
        out += "-0.0";
        return;
    }
    char buffer[40];
    const bool whole = std::abs(value) < 0x1p53 && value == std::trunc(value);
    const auto result = whole
                            ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::int64_t>(value))
                            : std::to_chars(buffer, buffer + sizeof buffer, value);
    out.append(buffer, result.ptr);
}

/// Scalars, and the opening bracket of a container.
void append_start(std::string& out, const JsonValue& value, JsonEscape escape) {
    switch (value.kind) {
        case JsonValue::Kind::Null: out += "null"; break;
        case JsonValue::Kind::Bool: out += value.boolean ? "true" : "false"; break;
        case JsonValue::Kind::Integer: out += std::to_string(value.integer); break;
        case JsonValue::Kind::Number: append_number(out, value.number); break;
        case JsonValue::Kind::String: append_json_string(out, value.text, escape); break;
        case JsonValue::Kind::Array: out += '['; break;
        case JsonValue::Kind::Object: out += '{'; break;
    }
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const noexcept {
    for (const Member& member : object) {
        if (member.first == key) return &member.second;
    }
    return nullptr;
}

JsonValue& JsonValue::set(std::string key, JsonValue value) {
    object.emplace_back(std::move(key), std::move(value));
    return object.back().second;
}

JsonValue parse_json(std::string_view text) {
    // The lexer takes a NUL for the end of its input, and would not see what follows.
    if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
        fail_at(nul, "NUL byte", "JSON is UTF-8 text");
    }
    Builder builder(text);
    const CountingIterator begin{text.data(), builder.furthest()};
    const CountingIterator end{text.data() + text.size(), builder.furthest()};
    nlohmann::json::sax_parse(begin, end, &builder);
    return builder.take();
}

void append_json_string(std::string& out, std::string_view text, JsonEscape escape) {
    const bool html = escape == JsonEscape::Html;
    out += '"';
    std::size_t i = 0;
    while (i < text.size()) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x80) {
            const CodePoint decoded = decode_utf8(text, i);
            if (html && (decoded.value == 0x2028 || decoded.value == 0x2029)) {
                append_unicode_escape(out, static_cast<unsigned>(decoded.value));
            } else {
                append_utf8(out, decoded.value);
            }
            i += static_cast<std::size_t>(decoded.length);
            continue;
        }
        ++i;
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\b': out += "\\b"; break;
            case '\f': out += "\\f"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (c < 0x20 || (html && (c == '<' || c == '>' || c == '&'))) {
                    append_unicode_escape(out, c);
                } else {
                    out += static_cast<char>(c);
                }
        }
    }
    out += '"';
}

std::string write_json(const JsonValue& value, JsonEscape escape) {
    struct Frame {
        const JsonValue* container;
        std::size_t next;
    };
    std::string out;
    std::vector<Frame> stack;
    const auto start = [&](const JsonValue& item) {
        append_start(out, item, escape);
        if (item.is_array() || item.is_object()) stack.push_back({&item, 0});
    };
    start(value);
    while (!stack.empty()) {
        Frame& frame = stack.back();
        const JsonValue& container = *frame.container;
        const std::size_t size = container.is_array() ? container.array.size() : container.object.size();
        if (frame.next == size) {
            out += container.is_array() ? ']' : '}';
            stack.pop_back();
            continue;
        }
        if (frame.next > 0) out += ',';
        const std::size_t i = frame.next++;  // before start(): it may move the frames
        if (container.is_array()) {
            start(container.array[i]);
        } else {
            append_json_string(out, container.object[i].first, escape);
            out += ':';
            start(container.object[i].second);
        }
    }
    return out;
}

}  // namespace filmatlas
