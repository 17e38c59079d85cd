// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_RECORDS_HPP
#define FILMATLAS_PROFILE_RECORDS_HPP

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file records.hpp
/// @brief The catalogue: n items with stable unique ids and named, typed columns.

namespace filmatlas {

enum class ColumnKind { Text, Tags, ScoredTags, Number, Link };
/// "text", "tags", "scored_tags", "number", "link".
std::string_view to_string(ColumnKind kind) noexcept;

struct ScoredTag {
    std::string tag;
    double score = 0;  ///< relevance in [0, 1]
    bool operator==(const ScoredTag&) const = default;
};

/// One column; exactly the vector that belongs to `kind` has n entries, the others are empty.
struct Column {
    std::string name;
    ColumnKind kind = ColumnKind::Text;
    bool is_public = true;  ///< only public columns ever leave in an export

    std::vector<std::string> text;                    ///< Text, Link; "" = missing
    std::vector<std::vector<std::string>> tags;       ///< Tags; empty = missing
    std::vector<std::vector<ScoredTag>> scored_tags;  ///< ScoredTags; empty = missing
    std::vector<double> numbers;                      ///< Number; NaN = missing

    std::int64_t size() const noexcept;
    bool missing(std::int64_t row) const;
};

struct Records {
    std::vector<std::string> ids;  ///< unique, non-empty
    std::vector<Column> columns;   ///< unique names

    std::int64_t size() const noexcept { return static_cast<std::int64_t>(ids.size()); }
    const Column* find(std::string_view name) const noexcept;
    /// @throws Error (InvalidArgument) naming the columns that exist.
    const Column& column(std::string_view name) const;
};

/// Shortest decimal text of a number; whole numbers below 2^53 without point or exponent; "" for NaN.
std::string number_text(double value);
/// One cell as text: tags joined by ", " (scores left out), numbers by number_text(), "" when missing.
std::string cell_text(const Column& column, std::int64_t row);

/// Checks unique ids, unique names, sizes, finite scores in [0, 1].
/// @throws Error (Format) naming row and column.
void validate(const Records& records);

/// One line of the cleaning report: a row that was repaired or rejected, or a whole column that was
/// converted.
struct CleaningNote {
    std::int64_t row = 0;  ///< 1-based line of the file; 0 = concerns the column
    std::string column;
    std::string reason;
};

/// What ingest did; kept + rejected = seen.
struct CleaningReport {
    std::int64_t seen = 0;
    std::int64_t kept = 0;
    std::vector<CleaningNote> repaired;
    std::vector<CleaningNote> rejected;
    /// Texts and tags in which white space or control characters were collapsed or trimmed; too common to be
    /// listed.
    std::int64_t white_space_texts = 0;

    double retention() const noexcept {
        return seen == 0 ? 1.0 : static_cast<double>(kept) / static_cast<double>(seen);
    }
};

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/profile/detail/records_impl.hpp"
#endif
#endif  // FILMATLAS_PROFILE_RECORDS_HPP
