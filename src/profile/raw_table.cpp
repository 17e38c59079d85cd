// SPDX-License-Identifier: MIT
#include "raw_table.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/profile/clean.hpp"

namespace filmatlas::detail {

Error row_error(const std::string& stage, const std::string& file, std::int64_t line, const BadRow& bad,
                std::int64_t byte_offset) {
    ErrorContext where;
    where.stage = stage;
    where.file = excerpt(file, 4096);
    where.row = line;
    where.column = excerpt(bad.column);
    where.byte_offset = byte_offset;
    return Error(ErrorCode::Format, std::move(where), bad.reason, bad.remedy);
}

void clean_cell_text(std::string& text, std::int32_t column, Row& row) {
    const TextRepairs repairs = clean_text(text);
    const auto note = [&](bool happened, std::string_view reason) {
        if (!happened) return;
        // Once per cell, however many of its tags are concerned.
        for (const RowNote& old : row.notes) {
            if (old.column == column && old.reason == reason) return;
        }
        row.notes.push_back({column, reason});
    };
    note(repairs.invalid_utf8, kInvalidUtf8);
    note(repairs.html_entities, kHtmlEntities);
    note(repairs.double_encoded, kDoubleEncoded);
    if (repairs.white_space) ++row.white_space_texts;
}

void clean_tags(std::vector<ScoredTag>& items, std::int32_t column, Row& row) {
    std::unordered_map<std::string, std::size_t> places;
    std::size_t kept = 0;
    bool repeated = false;
    for (ScoredTag& item : items) {
        clean_cell_text(item.tag, column, row);
        if (item.tag.empty()) continue;
        const auto [place, fresh] = places.emplace(item.tag, kept);
        if (!fresh) {
            repeated = true;
            double& score = items[place->second].score;
            score = std::max(score, item.score);
            continue;
        }
        if (&items[kept] != &item) items[kept] = std::move(item);
        ++kept;
    }
    items.resize(kept);
    if (repeated) row.notes.push_back({column, kRepeatedTags});
}

double checked_score(const std::string& column, const std::string& tag, double score) {
    if (!(score >= 0)) {
        throw BadRow{column, "tag '" + excerpt(tag) + "' has score " + to_text(score),
                     "scores are 0 or more"};
    }
    return score;
}

void check_text_format(const std::string& stage, const std::string& file, std::string_view text) {
    const auto refuse = [&](const char* what, const char* remedy) {
        throw row_error(stage, file, -1, BadRow{{}, what, remedy}, 0);
    };
    if (text.starts_with("\x1F\x8B")) refuse("the file is gzip-compressed", "decompress it first: gunzip");
    if (text.starts_with("PK\x03\x04")) refuse("the file is a zip archive", "unpack it first");
    if (text.starts_with("PAR1"))
        refuse("the file is Parquet", "read it with pandas or polars and pass the table");
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        refuse("the text is UTF-16", "convert it to UTF-8, e.g. iconv -f UTF-16 -t UTF-8");
    }
}

}  // namespace filmatlas::detail
