// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_RAW_TABLE_HPP
#define FILMATLAS_PROFILE_RAW_TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/profile/ingest.hpp"
#include "filmatlas/profile/records.hpp"

/// @file raw_table.hpp
/// @brief Rows as the readers of ingest find them, before the kinds of the columns are known.
///
/// read_json_lines() and read_delimited_rows() make a RawTable; assemble() infers kinds and turns it into
/// Records.

namespace filmatlas::detail {

inline constexpr std::size_t kMaxColumns = 10000;

struct Cell {
    enum class Type : std::uint8_t { Missing, Bool, Number, Text, EmptyList, Tags, Scored };
    Type type = Type::Missing;
    double number = 0;             // Number; Bool: 0 or 1
    std::string text;              // Text; Number: digits, where `number` could not hold them
    std::vector<ScoredTag> items;  // Tags (scores unused), Scored
};

struct RowCell {
    std::int32_t column = 0;
    Cell cell;
};

struct RowNote {
    std::int32_t column = -1;  // -1 = the row
    std::string_view reason;   // static text
};

struct Row {
    std::int64_t line = 0;
    std::vector<RowCell> cells;
    std::vector<RowNote> notes;
    std::int64_t white_space_texts = 0;
};

inline constexpr std::string_view kInvalidUtf8 = "bytes that are not UTF-8 became U+FFFD";
inline constexpr std::string_view kHtmlEntities = "HTML character references were resolved";
inline constexpr std::string_view kDoubleEncoded = "doubly encoded UTF-8 was repaired";
inline constexpr std::string_view kRepeatedTags = "repeated tags were dropped";

/// Why a row cannot be used; thrown and caught within ingest.
struct BadRow {
    std::string column;
    std::string reason;
    std::string remedy;
};

/// What both readers hand to assemble().
struct RawTable {
    std::string stage;
    std::string file;
    bool delimited = false;
    std::vector<std::string> columns;
    std::vector<Row> rows;
    CleaningReport cleaning;  // seen; rejected by the reader
};

Error row_error(const std::string& stage, const std::string& file, std::int64_t line, const BadRow& bad,
                std::int64_t byte_offset = -1);

/// Cleans one text of a cell and keeps account of it in the row.
void clean_cell_text(std::string& text, std::int32_t column, Row& row);

/// Cleans the tags, drops empty and repeated ones; of repeated ones the highest score stays, at the first
/// place.
void clean_tags(std::vector<ScoredTag>& items, std::int32_t column, Row& row);

/// The score, if it is 0 or more. @throws BadRow.
double checked_score(const std::string& column, const std::string& tag, double score);

/// Refuses what is recognisably another kind of file, with the way out.
void check_text_format(const std::string& stage, const std::string& file, std::string_view text);

RawTable read_json_lines(std::string_view text, const IngestOptions& options, const std::string& name,
                         const Progress& progress);
RawTable read_delimited_rows(std::string_view text, char delimiter, const IngestOptions& options,
                             const std::string& name, const Progress& progress);
IngestResult assemble(RawTable table, const IngestOptions& options);

}  // namespace filmatlas::detail
#endif  // FILMATLAS_PROFILE_RAW_TABLE_HPP
