// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/io/delimited.hpp"
#include "raw_table.hpp"

namespace filmatlas::detail {
namespace {

// --- kinds ---

bool is_link(std::string_view text) {
    const auto starts = [text](std::string_view scheme) {
        if (text.size() <= scheme.size()) return false;
        for (std::size_t i = 0; i < scheme.size(); ++i) {
            const char c = text[i];
            if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != scheme[i]) return false;
        }
        return true;
    };
    return (starts("http://") || starts("https://")) && text.find(' ') == std::string_view::npos;
}

bool is_missing_number(std::string_view text) {
    for (const char* token : {"NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None"}) {
        if (text == token) return true;
    }
    return false;
}

/// 007 is a code, not the number 7.
bool has_leading_zero(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

struct ColumnPlan {
    std::string name;
    ColumnKind kind = ColumnKind::Text;
    bool forced = false;  // by column_kinds: texts are parsed or split
    bool is_id = false;

    std::int64_t texts = 0;
    std::int64_t links = 0;
    std::int64_t numeric_texts = 0;
    std::int64_t missing_tokens = 0;
    bool leading_zeros = false;
    std::int64_t numbers = 0;
    std::int64_t bools = 0;
    std::int64_t empty_lists = 0;
    std::int64_t tags = 0;
    std::int64_t scored = 0;
    std::int64_t first_other_line = 0;  // delimited: of the first text that is no number
    std::string first_other;

    void count(const Cell& cell, std::int64_t line, bool delimited) {
        switch (cell.type) {
            case Cell::Type::Missing: break;
            case Cell::Type::Bool: ++bools; break;
            case Cell::Type::Number: ++numbers; break;
            case Cell::Type::EmptyList: ++empty_lists; break;
            case Cell::Type::Tags: ++tags; break;
            case Cell::Type::Scored: ++scored; break;
            case Cell::Type::Text:
                ++texts;
                if (is_link(cell.text)) ++links;
                if (!delimited) break;
                if (parse_number(cell.text)) {
                    ++numeric_texts;
                    leading_zeros = leading_zeros || has_leading_zero(cell.text);
                } else if (is_missing_number(cell.text)) {
                    ++missing_tokens;
                } else if (first_other_line == 0) {
                    first_other_line = line;
                    first_other = cell.text;
                }
                break;
        }
    }

    void infer(std::vector<CleaningNote>& notes) {
        const std::int64_t scalars = texts + numbers + bools;
        const auto note = [&](std::string reason) { notes.push_back({0, name, std::move(reason)}); };
        if (tags == 0 && scored == 0) {
            if (scalars == 0) {
                kind = empty_lists > 0 ? ColumnKind::Tags : ColumnKind::Text;
            } else if (numbers == scalars) {
                kind = ColumnKind::Number;
            } else if (numeric_texts > 0 && numeric_texts + missing_tokens == texts && !leading_zeros) {
                kind = ColumnKind::Number;
            } else {
                kind = links == scalars ? ColumnKind::Link : ColumnKind::Text;
                if (numbers + bools > 0 && bools != scalars) {
                    note("mixed values became text: " + std::to_string(texts) + " texts, " +
                         std::to_string(numbers) + " numbers, " + std::to_string(bools) + " booleans");
                }
                if (numeric_texts * 10 >= texts * 9 && numeric_texts > 0 && first_other_line > 0) {
                    note("kept as text although " + std::to_string(numeric_texts) + " of " +
                         std::to_string(texts) + " cells are numbers: line " +
                         std::to_string(first_other_line) + " has '" + excerpt(first_other) + "'");
                }
            }
            return;
        }
        kind = scored > 0 && scored >= tags ? ColumnKind::ScoredTags : ColumnKind::Tags;
        if (kind == ColumnKind::Tags && scalars > 0) {
            note(std::to_string(scalars) + " single values became lists of one tag");
        }
    }
};

std::vector<std::string_view> split_list(std::string_view text, std::string_view separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = separator.empty() ? std::string_view::npos : text.find(separator);
        std::string_view part = text.substr(0, end);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (!part.empty()) parts.push_back(part);
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + separator.size());
    }
}

/// Turns the cell into what a column of this kind stores. @throws BadRow.
void convert_cell(Cell& cell, const ColumnPlan& plan, const IngestOptions& options, bool delimited, Row& row,
                  std::int32_t column) {
    using Type = Cell::Type;
    const auto bad = [&](std::string reason, std::string remedy = {}) {
        throw BadRow{plan.name, std::move(reason), std::move(remedy)};
    };
    if (cell.type == Type::Missing) return;
    const bool list = cell.type == Type::Tags || cell.type == Type::Scored;
    switch (plan.kind) {
        case ColumnKind::Text:
        case ColumnKind::Link:
            if (cell.type == Type::Bool) cell.text = cell.number != 0 ? "true" : "false";
            if (cell.type == Type::Number && cell.text.empty()) cell.text = number_text(cell.number);
            for (const ScoredTag& item : cell.items) append_item(cell.text, item.tag);
            break;
        case ColumnKind::Number:
            if (list) bad("is a list in a column of numbers", "use column_kinds to read it as tags");
            if (cell.type == Type::Text) {
                const auto value = parse_number(cell.text);
                if (!value && !is_missing_number(cell.text)) {
                    bad("'" + excerpt(cell.text) + "' is not a number", "write numbers as 12.5");
                }
                cell.number = value.value_or(std::numeric_limits<double>::quiet_NaN());
            }
            if (cell.type == Type::EmptyList) cell.type = Type::Missing;
            break;
        case ColumnKind::Tags:
            if (cell.type == Type::Scored && !plan.forced) {
                bad("has scores in a column of plain tags", "use column_kinds to drop the scores");
            }
            if (list || cell.type == Type::EmptyList) break;
            if (cell.type == Type::Bool) cell.text = cell.number != 0 ? "true" : "false";
            if (cell.type == Type::Number && cell.text.empty()) cell.text = number_text(cell.number);
            for (const std::string_view part :
                 split_list(cell.text, plan.forced || delimited ? options.list_separator : std::string())) {
                cell.items.push_back({std::string(part), 0});
            }
            clean_tags(cell.items, column, row);
            break;
        case ColumnKind::ScoredTags:
            if (cell.type == Type::Scored || cell.type == Type::EmptyList) break;
            if (cell.type != Type::Text) {
                bad("has no scores in a column of scored tags", "use column_kinds to read it as plain tags");
            }
            for (const std::string_view part : split_list(cell.text, options.list_separator)) {
                const std::size_t colon = part.rfind(':');
                const auto score =
                    colon == std::string_view::npos ? std::nullopt : parse_number(part.substr(colon + 1));
                if (!score)
                    bad("'" + excerpt(part) + "' is not tag:score",
                        "separate them by '" + options.list_separator + "'");
                std::string tag(part.substr(0, colon));
                const double value = checked_score(plan.name, tag, *score);
                cell.items.push_back({std::move(tag), value});
            }
            clean_tags(cell.items, column, row);
            break;
    }
}

// --- rows to records ---

std::string list_columns(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 50); ++i) {
        append_item(text, excerpt(names[i]));
    }
    return "columns are: " + text + (names.size() > 50 ? ", ..." : "");
}

std::int32_t find_column(const RawTable& table, std::string_view name) {
    const auto found = std::find(table.columns.begin(), table.columns.end(), name);
    return found == table.columns.end() ? -1 : static_cast<std::int32_t>(found - table.columns.begin());
}

std::int32_t existing_column(const RawTable& table, const char* field, const std::string& name) {
    const std::int32_t column = find_column(table, name);
    if (column < 0) {
        throw_invalid(table.stage, field, "no column is called '" + excerpt(name) + "'",
                      list_columns(table.columns));
    }
    return column;
}

/// The id column, or -1: number the rows.
std::int32_t choose_id_column(const RawTable& table, const IngestOptions& options) {
    if (!options.id_column.empty()) return existing_column(table, "id_column", options.id_column);
    if (const std::int32_t column = find_column(table, "id"); column >= 0) return column;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        if (table.columns[c].ends_with("_id")) return static_cast<std::int32_t>(c);
    }
    return -1;
}

std::string id_text(const Cell* cell, const std::string& column) {
    if (cell == nullptr || cell->type == Cell::Type::Missing) {
        throw BadRow{column, "the id is missing", "give every row an id, or choose another id_column"};
    }
    if (cell->type == Cell::Type::Text) return cell->text;
    if (cell->type == Cell::Type::Number) return cell->text.empty() ? number_text(cell->number) : cell->text;
    throw BadRow{column, "the id is neither a text nor a number", "choose another id_column"};
}

void scale_scores(Column& column, std::vector<CleaningNote>& notes) {
    bool counts = false;
    for (const auto& items : column.scored_tags) {
        for (const ScoredTag& item : items) counts = counts || item.score > 1;
    }
    if (!counts) return;
    for (auto& items : column.scored_tags) {
        double largest = 0;
        for (const ScoredTag& item : items) largest = std::max(largest, item.score);
        if (largest == 0) continue;
        for (ScoredTag& item : items) item.score /= largest;
    }
    notes.push_back({0, column.name, "scores above 1: each item's scores were divided by its largest"});
}

void append_missing(Column& column) {
    switch (column.kind) {
        case ColumnKind::Text:
        case ColumnKind::Link: column.text.emplace_back(); break;
        case ColumnKind::Tags: column.tags.emplace_back(); break;
        case ColumnKind::ScoredTags: column.scored_tags.emplace_back(); break;
        case ColumnKind::Number: column.numbers.push_back(std::numeric_limits<double>::quiet_NaN()); break;
    }
}

/// Puts a converted cell in the column's last row.
void store_cell(Column& column, Cell& cell) {
    if (cell.type == Cell::Type::Missing) return;
    switch (column.kind) {
        case ColumnKind::Text:
        case ColumnKind::Link: column.text.back() = std::move(cell.text); break;
        case ColumnKind::Tags:
            column.tags.back().reserve(cell.items.size());
            for (ScoredTag& item : cell.items) column.tags.back().push_back(std::move(item.tag));
            break;
        case ColumnKind::ScoredTags: column.scored_tags.back() = std::move(cell.items); break;
        case ColumnKind::Number: column.numbers.back() = cell.number; break;
    }
}

std::vector<ColumnPlan> plan_columns(const RawTable& table, const IngestOptions& options,
                                     std::int32_t id_column, std::vector<CleaningNote>& notes) {
    std::vector<ColumnPlan> plans(table.columns.size());
    for (std::size_t c = 0; c < plans.size(); ++c) plans[c].name = table.columns[c];
    if (id_column >= 0) plans[static_cast<std::size_t>(id_column)].is_id = true;
    for (const Row& row : table.rows) {
        for (const RowCell& item : row.cells) {
            plans[static_cast<std::size_t>(item.column)].count(item.cell, row.line, table.delimited);
        }
    }
    for (ColumnPlan& plan : plans) {
        if (plan.is_id) continue;
        if (const auto forced = options.column_kinds.find(plan.name); forced != options.column_kinds.end()) {
            plan.kind = forced->second;
            plan.forced = true;
        } else {
            plan.infer(notes);
        }
    }
    return plans;
}

}  // namespace

IngestResult assemble(RawTable table, const IngestOptions& options) {
    IngestResult result;
    CleaningReport& cleaning = result.cleaning;
    cleaning = std::move(table.cleaning);
    if (!table.columns.empty()) {
        for (const auto& [name, kind] : options.column_kinds) existing_column(table, "column_kinds", name);
        for (const std::string& name : options.private_columns)
            existing_column(table, "private_columns", name);
    }
    const std::int32_t id_column = table.columns.empty() ? -1 : choose_id_column(table, options);
    const std::string id_name = id_column < 0 ? "" : table.columns[static_cast<std::size_t>(id_column)];
    if (std::find(options.private_columns.begin(), options.private_columns.end(), id_name) !=
        options.private_columns.end()) {
        throw_invalid(table.stage, "private_columns",
                      "'" + excerpt(id_name) + "' holds the ids, which are public",
                      "choose another id_column");
    }
    const std::vector<ColumnPlan> plans = plan_columns(table, options, id_column, cleaning.repaired);

    Records& records = result.records;
    std::vector<std::int32_t> target(plans.size(), -1);
    for (std::size_t c = 0; c < plans.size(); ++c) {
        if (plans[c].is_id) continue;
        target[c] = static_cast<std::int32_t>(records.columns.size());
        Column& column = records.columns.emplace_back();
        column.name = plans[c].name;
        column.kind = plans[c].kind;
        column.is_public = std::find(options.private_columns.begin(), options.private_columns.end(),
                                     column.name) == options.private_columns.end();
    }

    std::unordered_map<std::string, std::int64_t> lines_of_ids;
    lines_of_ids.reserve(table.rows.size());
    // Row numbers count all rows that were seen, so that a rejected one does not rename those behind it.
    std::vector<std::int64_t> rejected_lines;
    for (const CleaningNote& note : cleaning.rejected) rejected_lines.push_back(note.row);
    std::sort(rejected_lines.begin(), rejected_lines.end());
    std::int64_t number = 0;
    for (Row& row : table.rows) {
        const auto before = std::lower_bound(rejected_lines.begin(), rejected_lines.end(), row.line);
        const std::int64_t seen_index = number++ + (before - rejected_lines.begin());
        try {
            const Cell* id_cell = nullptr;
            for (RowCell& item : row.cells) {
                const ColumnPlan& plan = plans[static_cast<std::size_t>(item.column)];
                if (plan.is_id) {
                    id_cell = &item.cell;
                } else {
                    convert_cell(item.cell, plan, options, table.delimited, row, item.column);
                }
            }
            std::string id = id_column < 0 ? std::to_string(seen_index) : id_text(id_cell, id_name);
            const auto [first, fresh] = lines_of_ids.emplace(id, row.line);
            if (!fresh) {
                throw BadRow{
                    id_name,
                    "the id '" + excerpt(id) + "' is that of line " + std::to_string(first->second) + ", too",
                    "ids must be unique: remove one of the rows, or choose another id_column"};
            }
            records.ids.push_back(std::move(id));
        } catch (const BadRow& bad) {
            if (options.on_bad_row == OnBadRow::Error)
                throw row_error(table.stage, table.file, row.line, bad);
            cleaning.rejected.push_back({row.line, bad.column, bad.reason});
            row = Row();
            continue;
        }
        for (Column& column : records.columns) append_missing(column);
        for (RowCell& item : row.cells) {
            const std::int32_t place = target[static_cast<std::size_t>(item.column)];
            if (place < 0) continue;
            Column& column = records.columns[static_cast<std::size_t>(place)];
            store_cell(column, item.cell);
            if (options.max_text_bytes > 0 && column.kind == ColumnKind::Text &&
                static_cast<std::int64_t>(column.text.back().size()) > options.max_text_bytes) {
                std::string& text = column.text.back();
                const std::size_t size = text.size();
                text.resize(utf8_prefix_length(text, static_cast<std::size_t>(options.max_text_bytes)));
                while (text.ends_with(' ')) text.pop_back();
                cleaning.repaired.push_back({row.line, column.name,
                                             "the text was cut from " + std::to_string(size) + " to " +
                                                 std::to_string(text.size()) + " bytes"});
            }
        }
        for (const RowNote& note : row.notes) {
            cleaning.repaired.push_back(
                {row.line,
                 note.column < 0 ? std::string() : plans[static_cast<std::size_t>(note.column)].name,
                 std::string(note.reason)});
        }
        cleaning.white_space_texts += row.white_space_texts;
        row = Row();  // gives its memory back while the columns grow
    }
    const auto by_row = [](const CleaningNote& a, const CleaningNote& b) { return a.row < b.row; };
    std::stable_sort(cleaning.rejected.begin(), cleaning.rejected.end(), by_row);
    cleaning.kept = records.size();
    if (records.ids.empty()) {
        BadRow bad{{}, "no rows", "the file must hold at least one row"};
        std::int64_t line = -1;
        if (!cleaning.rejected.empty()) {
            const CleaningNote& first = cleaning.rejected.front();
            bad = {first.column,
                   "no rows: all " + std::to_string(cleaning.seen) + " were rejected, the first because " +
                       first.reason,
                   {}};
            line = first.row;
        }
        throw row_error(table.stage, table.file, line, bad);
    }
    for (Column& column : records.columns) {
        if (column.kind == ColumnKind::ScoredTags) scale_scores(column, cleaning.repaired);
    }
    std::stable_sort(cleaning.repaired.begin(), cleaning.repaired.end(), by_row);
    validate(records);
    return result;
}

}  // namespace filmatlas::detail
