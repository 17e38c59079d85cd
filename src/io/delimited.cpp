// SPDX-License-Identifier: MIT
#include "filmatlas/io/delimited.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace {

constexpr std::size_t kMaxCells = 65536;

bool ends_line(char c) { return c == '\n' || c == '\r'; }

}  // namespace

DelimitedReader::DelimitedReader(std::string_view text, char delimiter, std::string name)
    : text_(text), delimiter_(delimiter), name_(std::move(name)) {
    if (delimiter == '"' || delimiter == '\0' || ends_line(delimiter)) {
        throw_invalid("read_delimited", "delimiter", "is a quote, a line end or NUL",
                      "use a comma, a tab or a semicolon");
    }
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        fail({}, 0, 1, "the text is UTF-16", "convert it to UTF-8, e.g. iconv -f UTF-16 -t UTF-8");
    }
    if (text.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

bool DelimitedReader::next(DelimitedRow& row) {
    while (skip_line_end()) {
    }
    if (at_ == text_.size()) return false;
    row.line = line_;
    row.byte_offset = static_cast<std::int64_t>(at_);
    std::size_t count = 0;
    while (true) {
        if (count == kMaxCells) {
            fail(row, at_, line_, "more than " + std::to_string(kMaxCells) + " cells in a record",
                 "check the delimiter");
        }
        if (count == row.cells.size()) row.cells.emplace_back();
        std::string& cell = row.cells[count++];
        cell.clear();
        if (at_ < text_.size() && text_[at_] == '"') {
            read_quoted(row, cell);
        } else {
            const std::size_t start = at_;
            while (at_ < text_.size() && text_[at_] != delimiter_ && !ends_line(text_[at_]) &&
                   text_[at_] != '\0')
                ++at_;
            cell.assign(text_.substr(start, at_ - start));
        }
        if (at_ == text_.size() || skip_line_end()) break;
        if (text_[at_] == '\0') fail(row, at_, line_, "NUL byte", "the file is damaged, or not UTF-8 text");
        if (text_[at_] != delimiter_) {
            fail(row, at_, line_, "text after the closing quote of cell " + std::to_string(count),
                 "write quotes inside a quoted cell twice");
        }
        ++at_;
    }
    row.cells.resize(count);
    return true;
}

void DelimitedReader::read_quoted(DelimitedRow& row, std::string& cell) {
    const std::size_t opening = at_;
    const std::int64_t opening_line = line_;
    ++at_;
    while (true) {
        const std::size_t start = at_;
        while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\0') {
            // CRLF counts once: at its LF.
            if (text_[at_] == '\n' || (text_[at_] == '\r' && text_.substr(at_ + 1, 1) != "\n")) ++line_;
            ++at_;
        }
        cell += text_.substr(start, at_ - start);
        if (at_ == text_.size())
            fail(row, opening, opening_line, "unclosed quote", "close the cell with a quote");
        if (text_[at_] == '\0') fail(row, at_, line_, "NUL byte", "the file is damaged, or not UTF-8 text");
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') return;
        cell += '"';
        ++at_;
    }
}

bool DelimitedReader::skip_line_end() {
    if (at_ == text_.size() || !ends_line(text_[at_])) return false;
    at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
    ++line_;
    return true;
}

void DelimitedReader::fail(const DelimitedRow& row, std::size_t offset, std::int64_t line, std::string what,
                           std::string remedy) {
    // Stand after the line on which the record started, so that a reader who skips bad rows loses no more
    // than it.
    at_ = static_cast<std::size_t>(row.byte_offset);
    while (at_ < text_.size() && !ends_line(text_[at_])) ++at_;
    line_ = row.line;
    skip_line_end();
    ErrorContext where;
    where.stage = "read_delimited";
    where.file = detail::excerpt(name_, 4096);
    where.row = line;
    where.byte_offset = static_cast<std::int64_t>(offset);
    throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
}

std::optional<double> parse_number(std::string_view cell) noexcept {
    if (cell.starts_with('+')) {
        cell.remove_prefix(1);
        if (cell.starts_with('-')) return std::nullopt;
    }
    double value = 0;
    const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (result.ec != std::errc() || result.ptr != cell.data() + cell.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

void append_delimited_row(std::string& out, std::span<const std::string> cells,
                          const DelimitedWriteOptions& options) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) out += options.delimiter;
        const std::string& cell = cells[i];
        constexpr std::string_view kFormula("=+-@\t\r\n");
        const bool guard = options.guard_formulas && !cell.empty() &&
                           kFormula.find(cell[0]) != std::string_view::npos && !parse_number(cell);
        const bool quote = cell.find_first_of("\"\r\n") != std::string::npos ||
                           cell.find(options.delimiter) != std::string::npos ||
                           (!cell.empty() && (cell.front() == ' ' || cell.back() == ' ')) ||
                           (cell.empty() && cells.size() == 1);  // else the line would be empty, and skipped
        if (quote) out += '"';
        if (guard) out += '\'';
        for (const char c : cell) {
            if (quote && c == '"') out += '"';
            out += c;
        }
        if (quote) out += '"';
    }
    out += '\n';
}

}  // namespace filmatlas
