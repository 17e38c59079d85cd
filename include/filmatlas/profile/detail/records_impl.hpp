// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_DETAIL_RECORDS_IMPL_HPP
#define FILMATLAS_PROFILE_DETAIL_RECORDS_IMPL_HPP

#include <charconv>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/profile/records.hpp"

namespace filmatlas {
namespace detail {

[[noreturn]] inline void records_fail(std::int64_t row, const std::string& column, std::string what,
                                      std::string remedy = {}) {
    ErrorContext where;
    where.stage = "records";
    where.row = row;
    where.column = excerpt(column);
    throw Error(ErrorCode::Format, std::move(where), std::move(what), std::move(remedy));
}

inline void records_check_column(const Column& column, std::int64_t n) {
    const std::pair<ColumnKind, std::size_t> sizes[] = {{ColumnKind::Text, column.text.size()},
                                                        {ColumnKind::Tags, column.tags.size()},
                                                        {ColumnKind::ScoredTags, column.scored_tags.size()},
                                                        {ColumnKind::Number, column.numbers.size()}};
    const ColumnKind stored = column.kind == ColumnKind::Link ? ColumnKind::Text : column.kind;
    for (const auto& [kind, size] : sizes) {
        if (kind != stored && size != 0) {
            records_fail(-1, column.name,
                         "is of kind " + std::string(to_string(column.kind)) + " but also holds " +
                             std::to_string(size) + " values of kind " + std::string(to_string(kind)));
        }
        if (kind == stored && static_cast<std::int64_t>(size) != n) {
            records_fail(-1, column.name,
                         "has " + std::to_string(size) + " values for " + std::to_string(n) + " rows",
                         "give every row a value, or the missing one");
        }
    }
    for (std::size_t i = 0; i < column.tags.size(); ++i) {
        for (const std::string& tag : column.tags[i]) {
            if (tag.empty()) records_fail(static_cast<std::int64_t>(i), column.name, "has an empty tag");
        }
    }
    for (std::size_t i = 0; i < column.scored_tags.size(); ++i) {
        for (const ScoredTag& tag : column.scored_tags[i]) {
            if (tag.tag.empty()) records_fail(static_cast<std::int64_t>(i), column.name, "has an empty tag");
            if (!(tag.score >= 0 && tag.score <= 1)) {
                records_fail(static_cast<std::int64_t>(i), column.name,
                             "tag '" + excerpt(tag.tag) + "' has score " + to_text(tag.score),
                             "scores are in [0, 1]");
            }
        }
    }
    for (std::size_t i = 0; i < column.numbers.size(); ++i) {
        if (std::isinf(column.numbers[i])) {
            records_fail(static_cast<std::int64_t>(i), column.name, "is infinite",
                         "use NaN for a missing number");
        }
    }
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(ColumnKind kind) noexcept {
    switch (kind) {
        case ColumnKind::Text: return "text";
        case ColumnKind::Tags: return "tags";
        case ColumnKind::ScoredTags: return "scored_tags";
        case ColumnKind::Number: return "number";
        case ColumnKind::Link: return "link";
    }
    return "unknown";
}

FILMATLAS_INLINE std::int64_t Column::size() const noexcept {
    switch (kind) {
        case ColumnKind::Text:
        case ColumnKind::Link: return static_cast<std::int64_t>(text.size());
        case ColumnKind::Tags: return static_cast<std::int64_t>(tags.size());
        case ColumnKind::ScoredTags: return static_cast<std::int64_t>(scored_tags.size());
        case ColumnKind::Number: return static_cast<std::int64_t>(numbers.size());
    }
    return 0;
}

FILMATLAS_INLINE bool Column::missing(std::int64_t row) const {
    const auto i = static_cast<std::size_t>(row);
    switch (kind) {
        case ColumnKind::Text:
        case ColumnKind::Link: return text[i].empty();
        case ColumnKind::Tags: return tags[i].empty();
        case ColumnKind::ScoredTags: return scored_tags[i].empty();
        case ColumnKind::Number: return std::isnan(numbers[i]);
    }
    return true;
}

FILMATLAS_INLINE const Column* Records::find(std::string_view name) const noexcept {
    for (const Column& column : columns) {
        if (column.name == name) return &column;
    }
    return nullptr;
}

FILMATLAS_INLINE const Column& Records::column(std::string_view name) const {
    if (const Column* found = find(name)) return *found;
    std::string present;
    for (const Column& column : columns) detail::append_item(present, detail::excerpt(column.name));
    throw_invalid("records", "", "no column is called '" + detail::excerpt(name) + "'",
                  columns.empty() ? "there are no columns" : "columns are: " + present);
}

FILMATLAS_INLINE std::string number_text(double value) {
    if (std::isnan(value)) return {};
    if (std::abs(value) < 0x1p53 && value == std::trunc(value))
        return std::to_string(static_cast<std::int64_t>(value));
    return to_text(value);
}

FILMATLAS_INLINE std::string cell_text(const Column& column, std::int64_t row) {
    const auto i = static_cast<std::size_t>(row);
    std::string out;
    switch (column.kind) {
        case ColumnKind::Text:
        case ColumnKind::Link: return column.text[i];
        case ColumnKind::Number: return number_text(column.numbers[i]);
        case ColumnKind::Tags:
            for (const std::string& tag : column.tags[i]) detail::append_item(out, tag);
            break;
        case ColumnKind::ScoredTags:
            for (const ScoredTag& tag : column.scored_tags[i]) detail::append_item(out, tag.tag);
            break;
    }
    return out;
}

FILMATLAS_INLINE void validate(const Records& records) {
    const std::int64_t n = records.size();
    if (n > std::numeric_limits<Index>::max()) {
        detail::records_fail(-1, {}, std::to_string(n) + " rows", "at most 2^31 - 1 rows are possible");
    }
    std::unordered_map<std::string_view, std::int64_t> rows;
    rows.reserve(records.ids.size());
    for (std::int64_t i = 0; i < n; ++i) {
        const std::string& id = records.ids[static_cast<std::size_t>(i)];
        if (id.empty()) detail::records_fail(i, "id", "is empty", "every row needs an id");
        const auto [first, fresh] = rows.emplace(id, i);
        if (!fresh) {
            std::string what = "'";
            what += detail::excerpt(id) + "' is also the id of row " + std::to_string(first->second);
            detail::records_fail(i, "id", std::move(what), "ids must be unique");
        }
    }
    std::unordered_map<std::string_view, std::int64_t> names;
    for (const Column& column : records.columns) {
        if (column.name.empty()) detail::records_fail(-1, {}, "a column has no name");
        if (!names.emplace(column.name, 0).second) {
            detail::records_fail(-1, column.name, "two columns have this name", "names must be unique");
        }
        detail::records_check_column(column, n);
    }
}

}  // namespace filmatlas
#endif  // FILMATLAS_PROFILE_DETAIL_RECORDS_IMPL_HPP
