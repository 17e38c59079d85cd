// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_SRC_ATLAS_JSON_TEXT_HPP
#define FILMATLAS_SRC_ATLAS_JSON_TEXT_HPP

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "filmatlas/io/json.hpp"

namespace filmatlas::detail {

/// Appends JSON piece by piece: a page's columns are too many values to hold as JsonValue first.
class JsonText {
public:
    explicit JsonText(JsonEscape escape) : escape_(escape) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }
    void key(std::string_view name) {
        separate();
        append_json_string(out_, name, escape_);
        out_ += ':';
        first_ = true;
    }
    void text(std::string_view value) {
        separate();
        append_json_string(out_, value, escape_);
    }
    void integer(std::int64_t value) {
        separate();
        number_text(value);
    }
    /// Shortest text that reads back as the same value; null where it is not finite.
    template <class Float>
    void number(Float value) {
        separate();
        if (!std::isfinite(value)) {
            out_ += "null";
        } else if (value == std::floor(value) && std::abs(value) < Float(1e9)) {
            number_text(static_cast<std::int64_t>(value));
        } else {
            number_text(value);
        }
    }
    void boolean(bool value) {
        separate();
        out_ += value ? "true" : "false";
    }
    void null() {
        separate();
        out_ += "null";
    }
    std::string take() { return std::move(out_); }

private:
    template <class T>
    void number_text(T value) {
        char buffer[40];
        out_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
    }
    void separate() {
        if (!first_) out_ += ',';
        first_ = false;
    }
    void open(char bracket) {
        separate();
        out_ += bracket;
        first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }

    std::string out_;
    JsonEscape escape_;
    bool first_ = true;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_SRC_ATLAS_JSON_TEXT_HPP
