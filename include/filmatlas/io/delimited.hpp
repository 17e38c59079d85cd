// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_DELIMITED_HPP
#define FILMATLAS_IO_DELIMITED_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"

/// @file delimited.hpp
/// @brief Delimited text (RFC 4180): a reader that knows where it is, a writer safe for spreadsheets.

namespace filmatlas {

/// One record; reused from call to call so that cells keep their memory.
struct DelimitedRow {
    std::vector<std::string> cells;
    std::int64_t line = 0;         ///< 1-based line on which the record starts
    std::int64_t byte_offset = 0;  ///< of the record's first byte
};

/// Reads records one by one. Lines end with LF, CRLF or CR; empty lines are skipped; a UTF-8 byte order mark
/// too. A quote inside an unquoted cell stands for itself. Cells may hold any bytes but NUL; their encoding
/// is not checked.
class DelimitedReader {
public:
    /// @param text Must outlive the reader.
    /// @param name Stands for the file in messages.
    /// @throws Error (InvalidArgument) when the delimiter is a quote or ends lines; (Format) for UTF-16 text.
    explicit DelimitedReader(std::string_view text, char delimiter = ',', std::string name = {});

    /// False at the end of the text.
    /// @throws Error (Format) with file, line and byte offset: a NUL byte, text after a closing quote, an
    ///         unclosed quote, more than 65,536 cells. The reader then stands at the line after the one on
    ///         which the record started, and next() may be called again.
    bool next(DelimitedRow& row);

private:
    void read_quoted(DelimitedRow& row, std::string& cell);
    /// Moves past one line end, if there is one here.
    bool skip_line_end();
    [[noreturn]] void fail(const DelimitedRow& row, std::size_t offset, std::int64_t line, std::string what,
                           std::string remedy);

    std::string_view text_;
    char delimiter_;
    std::string name_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
};

/// A whole cell as a finite decimal number ("12", "-0.5", "+3", "1e6"), whatever the locale; nothing else is
/// one: no blanks, no thousands separators, no hexadecimal digits, no "nan", no values beyond double.
std::optional<double> parse_number(std::string_view cell) noexcept;

/// How append_delimited_row writes.
struct DelimitedWriteOptions {
    char delimiter = ',';
    /// Cells that a spreadsheet would run as a formula (first byte = + - @ TAB CR or LF, and not a number)
    /// get a leading '.
    bool guard_formulas = true;
};

/// Appends one record and a line feed. Cells with the delimiter, quotes, line ends or outer blanks are
/// quoted.
void append_delimited_row(std::string& out, std::span<const std::string> cells,
                          const DelimitedWriteOptions& options = {});

}  // namespace filmatlas
#endif  // FILMATLAS_IO_DELIMITED_HPP
