// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_INGEST_HPP
#define FILMATLAS_PROFILE_INGEST_HPP

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/profile/records.hpp"

/// @file ingest.hpp
/// @brief Records from JSON Lines and delimited text, with a cleaning report.
///
/// Every text, tag and column name passes clean_text() (see clean.hpp): broken and doubly-encoded UTF-8 are
/// repaired and listed, white space is collapsed and counted. Ids are unique: a repeated one is a bad row,
/// named with both lines. The id column is not repeated among the columns. Tags within a cell are unique (the
/// first stays, with the highest score). Scores of a column in which one exceeds 1 are counts: each item's
/// are divided by its largest, into (0, 1], and the column is listed once. Same result for any number of
/// threads; JSON Lines are parsed in parallel.

namespace filmatlas {

enum class OnBadRow {
    Error,  ///< the first malformed row throws, with file, line and column
    Skip,   ///< malformed rows are left out and listed in the cleaning report
};

struct IngestOptions {
    /// Column that holds the ids. Empty: "id" if present, else the first column named "*_id", else the
    /// 0-based row number. Whole numbers become their decimal text.
    std::string id_column;
    std::vector<std::string> private_columns;        ///< kept, but never exported
    std::map<std::string, ColumnKind> column_kinds;  ///< overrides what is inferred
    OnBadRow on_bad_row = OnBadRow::Error;
    char delimiter = '\0';             ///< delimited text; '\0' = by extension (.tsv tab, else comma)
    std::string list_separator = "|";  ///< delimited text: separates tags within a cell of a Tags column
    /// Text longer than this many bytes is cut at a character boundary, and the cut is reported. 0 = never.
    std::int64_t max_text_bytes = 0;
    int num_threads = 0;  ///< 0 = choose for me; never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const IngestOptions& options);

struct IngestResult {
    Records records;
    CleaningReport cleaning;
};

/// JSON Lines: one object per line, UTF-8 (a byte order mark, CRLF and empty lines are accepted; `.gz` is
/// not: decompress first). null, absent and "" = missing.
///
/// Kinds are inferred from the values of all rows: numbers -> Number; arrays of strings, whole numbers or
/// objects with a "name" -> Tags; objects {tag: score} or arrays of [tag, score] -> ScoredTags; strings that
/// are all http(s) URLs -> Link; else Text. Mixed scalars become Text, and scalars among lists become lists
/// of one tag; either is listed once per column. Where lists with and without scores meet, rows of the rarer
/// form are bad. A bad row is also: malformed JSON, no object, a missing id, vectors of fractions, other
/// nested values, negative scores. Nulls and empty texts in lists are dropped. `column_kinds` converts: to
/// Text anything (lists joined by ", "); to Number strings that are numbers and booleans; to Tags strings
/// split at `list_separator`; to ScoredTags strings of "tag:score" split likewise.
/// @throws Error (Format) with file, 1-based line, column and byte offset, also when no row is left; (Io);
///         (InvalidArgument) naming a column in the options that does not exist.
IngestResult read_jsonl(const std::string& path, const IngestOptions& options = {},
                        const Progress& progress = {});
/// The same from memory; `name` stands for the file in messages.
IngestResult parse_jsonl(std::string_view text, const IngestOptions& options = {},
                         const std::string& name = "<memory>", const Progress& progress = {});

/// Delimited text with a header row, RFC 4180 quoting; every row has as many cells as the header.
///
/// Kinds: all cells decimal numbers -> Number ("", NA, N/A, nan, null, None = missing; a column with leading
/// zeros as in 007 is Text); URLs -> Link; else Text, where only "" is missing. Tags and ScoredTags by
/// `column_kinds`. An empty header cell is called column_<position>; a repeated one is an error.
/// @throws as read_jsonl.
IngestResult read_delimited(const std::string& path, const IngestOptions& options = {},
                            const Progress& progress = {});
IngestResult parse_delimited(std::string_view text, const IngestOptions& options = {},
                             const std::string& name = "<memory>", const Progress& progress = {});

/// By extension: .jsonl, .ndjson -> read_jsonl; .csv, .tsv -> read_delimited.
/// @throws Error (InvalidArgument) naming the extensions it knows.
IngestResult read_records(const std::string& path, const IngestOptions& options = {},
                          const Progress& progress = {});

}  // namespace filmatlas
#endif  // FILMATLAS_PROFILE_INGEST_HPP
