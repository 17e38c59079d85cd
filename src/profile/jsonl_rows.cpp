// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/io/json.hpp"
#include "filmatlas/profile/clean.hpp"
#include "raw_table.hpp"

namespace filmatlas::detail {
namespace {

constexpr std::int64_t kLinesPerBlock = 256;

// --- JSON values to cells ---

std::string scalar_tag(const JsonValue& value) {
    if (value.is_string()) return value.text;
    if (value.kind == JsonValue::Kind::Bool) return value.boolean ? "true" : "false";
    if (value.kind == JsonValue::Kind::Integer) return std::to_string(value.integer);
    return value.text.empty() ? number_text(value.number) : value.text;
}

Cell list_cell(JsonValue& value, const std::string& column) {
    Cell cell;
    cell.type = Cell::Type::EmptyList;
    const auto become = [&](Cell::Type type) {
        if (cell.type != Cell::Type::EmptyList && cell.type != type) {
            throw BadRow{column, "the list mixes tags with and without scores",
                         "give all of them scores, or none"};
        }
        cell.type = type;
    };
    for (JsonValue& element : value.array) {
        switch (element.kind) {
            case JsonValue::Kind::Null: break;
            case JsonValue::Kind::Number:
                if (element.text.empty() && element.number != std::trunc(element.number)) {
                    throw BadRow{column, "is a vector of numbers",
                                 "leave vectors out of the records: pass them as an array"};
                }
                [[fallthrough]];
            case JsonValue::Kind::Bool:
            case JsonValue::Kind::Integer:
            case JsonValue::Kind::String:
                become(Cell::Type::Tags);
                cell.items.push_back({scalar_tag(element), 0});
                break;
            case JsonValue::Kind::Array:
                if (element.array.size() != 2 || !element.array[0].is_string() ||
                    !element.array[1].is_number()) {
                    throw BadRow{column, "holds a list that is not [tag, score]",
                                 "use tags or [tag, score] pairs"};
                }
                become(Cell::Type::Scored);
                cell.items.push_back({std::move(element.array[0].text), 0});
                cell.items.back().score =
                    checked_score(column, cell.items.back().tag, element.array[1].number);
                break;
            case JsonValue::Kind::Object: {
                const JsonValue* name = element.find("name");
                if (name == nullptr || !name->is_string()) {
                    throw BadRow{column, "holds an object without a \"name\"",
                                 "use tags, [tag, score] pairs or {tag: score}"};
                }
                become(Cell::Type::Tags);
                cell.items.push_back({name->text, 0});
                break;
            }
        }
    }
    return cell;
}

Cell json_cell(JsonValue& value, const std::string& column, std::int32_t index, Row& row) {
    Cell cell;
    switch (value.kind) {
        case JsonValue::Kind::Null: break;
        case JsonValue::Kind::Bool:
            cell.type = Cell::Type::Bool;
            cell.number = value.boolean ? 1 : 0;
            break;
        case JsonValue::Kind::Integer:
        case JsonValue::Kind::Number:
            cell.type = Cell::Type::Number;
            cell.number = value.number;
            cell.text = std::move(value.text);
            if (value.kind == JsonValue::Kind::Integer && std::abs(value.number) >= 0x1p53) {
                cell.text = std::to_string(value.integer);
            }
            break;
        case JsonValue::Kind::String:
            cell.text = std::move(value.text);
            clean_cell_text(cell.text, index, row);
            cell.type = cell.text.empty() ? Cell::Type::Missing : Cell::Type::Text;
            break;
        case JsonValue::Kind::Array: cell = list_cell(value, column); break;
        case JsonValue::Kind::Object:
            cell.type = value.object.empty() ? Cell::Type::EmptyList : Cell::Type::Scored;
            for (auto& [tag, score] : value.object) {
                if (!score.is_number()) {
                    throw BadRow{column, "is an object, but '" + excerpt(tag) + "' is no score",
                                 "flatten it, or use {tag: score}"};
                }
                cell.items.push_back({tag, checked_score(column, tag, score.number)});
            }
            break;
    }
    if (!cell.items.empty()) {
        clean_tags(cell.items, index, row);
        if (cell.items.empty()) cell.type = Cell::Type::EmptyList;
    }
    return cell;
}

// --- lines to rows ---

struct Line {
    std::int64_t number = 0;
    std::string_view text;
};

std::vector<Line> split_lines(std::string_view text) {
    std::vector<Line> lines;
    std::int64_t number = 1;
    for (std::size_t begin = 0; begin < text.size(); ++number) {
        std::size_t end = text.find('\n', begin);
        if (end == std::string_view::npos) end = text.size();
        const std::string_view line = text.substr(begin, end - begin);
        if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back({number, line});
        begin = end + 1;
    }
    return lines;
}

/// Rows of one block of lines; column numbers are the block's own.
struct JsonBlock {
    std::vector<std::string> columns;
    std::unordered_map<std::string, std::int32_t> by_key;   // as written
    std::unordered_map<std::string, std::int32_t> by_name;  // cleaned
    std::vector<std::string> keys_in_order;                 // of the last row, a guess for the next
    std::vector<std::int32_t> columns_in_order;
    std::vector<Row> rows;
    std::vector<CleaningNote> rejected;

    std::int32_t column_of(const std::string& key, std::size_t position) {
        if (position < keys_in_order.size() && keys_in_order[position] == key)
            return columns_in_order[position];
        std::int32_t column = 0;
        if (const auto known = by_key.find(key); known != by_key.end()) {
            column = known->second;
        } else {
            std::string name = key;
            clean_text(name);
            if (name.empty()) throw BadRow{{}, "a key is empty", "name every value"};
            const auto [entry, fresh] = by_name.emplace(name, static_cast<std::int32_t>(columns.size()));
            if (fresh) {
                if (columns.size() == kMaxColumns) {
                    throw BadRow{{},
                                 "more than " + std::to_string(kMaxColumns) + " different keys",
                                 "keep data out of the keys, e.g. {tag: score} as one value"};
                }
                columns.push_back(name);
            }
            column = entry->second;
            by_key.emplace(key, column);
        }
        if (position >= keys_in_order.size()) {
            keys_in_order.resize(position + 1);
            columns_in_order.resize(position + 1, -1);
        }
        keys_in_order[position] = key;
        columns_in_order[position] = column;
        return column;
    }
};

Row json_row(std::string_view text, std::int64_t line, JsonBlock& block) {
    Row row;
    row.line = line;
    std::string repaired;
    if (!is_valid_utf8(text)) {
        repaired = replace_invalid_utf8(text);
        text = repaired;
        row.notes.push_back({-1, kInvalidUtf8});
    }
    JsonValue value = parse_json(text);
    if (!value.is_object())
        throw BadRow{{}, "the line is not a JSON object", "write one object {...} per line"};
    row.cells.reserve(value.object.size());
    std::vector<char> seen;
    for (std::size_t position = 0; position < value.object.size(); ++position) {
        auto& [key, member] = value.object[position];
        const std::int32_t column = block.column_of(key, position);
        if (seen.size() <= static_cast<std::size_t>(column))
            seen.resize(static_cast<std::size_t>(column) + 1, 0);
        if (std::exchange(seen[static_cast<std::size_t>(column)], char{1}) != 0) {
            throw BadRow{key, "two keys mean the same column", "give each column once"};
        }
        row.cells.push_back({column, json_cell(member, key, column, row)});
    }
    return row;
}

}  // namespace

RawTable read_json_lines(std::string_view text, const IngestOptions& options, const std::string& name,
                         const Progress& progress) {
    RawTable table;
    table.stage = "read_jsonl";
    table.file = name;
    check_text_format(table.stage, name, text);
    const char* const start = text.data();
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::vector<Line> lines = split_lines(text);
    const auto n = static_cast<std::int64_t>(lines.size());
    std::vector<JsonBlock> blocks(static_cast<std::size_t>((n + kLinesPerBlock - 1) / kLinesPerBlock));
    const auto parse_block = [&](std::int64_t begin, std::int64_t end) {
        JsonBlock& block = blocks[static_cast<std::size_t>(begin / kLinesPerBlock)];
        for (std::int64_t i = begin; i < end; ++i) {
            const Line& line = lines[static_cast<std::size_t>(i)];
            BadRow bad;
            std::int64_t offset = line.text.data() - start;
            try {
                block.rows.push_back(json_row(line.text, line.number, block));
                continue;
            } catch (const BadRow& problem) {
                bad = problem;
            } catch (const Error& error) {
                bad = {{}, error.what_happened(), error.remedy()};
                offset += std::max<std::int64_t>(error.where().byte_offset, 0);
            }
            if (i == 0 && line.text.starts_with('[')) {
                bad.remedy = "write one object per line, not one array";
            }
            if (options.on_bad_row == OnBadRow::Error)
                throw row_error(table.stage, name, line.number, bad, offset);
            block.rejected.push_back({line.number, bad.column, bad.reason});
        }
    };
    parallel_for(n, kLinesPerBlock, options.num_threads, parse_block, progress, table.stage);

    // Columns in order of first appearance, which is the order of blocks and then of rows.
    table.cleaning.seen = n;
    table.rows.reserve(lines.size());
    std::unordered_map<std::string, std::int32_t> global;
    for (JsonBlock& block : blocks) {
        std::vector<std::int32_t> target(block.columns.size());
        for (std::size_t c = 0; c < block.columns.size(); ++c) {
            const auto [entry, fresh] =
                global.emplace(block.columns[c], static_cast<std::int32_t>(table.columns.size()));
            if (fresh) table.columns.push_back(block.columns[c]);
            target[c] = entry->second;
        }
        if (table.columns.size() > kMaxColumns) {
            throw row_error(table.stage, name, -1,
                            BadRow{{},
                                   "more than " + std::to_string(kMaxColumns) + " different keys",
                                   "keep data out of the keys, e.g. {tag: score} as one value"});
        }
        for (Row& row : block.rows) {
            for (RowCell& cell : row.cells) cell.column = target[static_cast<std::size_t>(cell.column)];
            for (RowNote& note : row.notes) {
                if (note.column >= 0) note.column = target[static_cast<std::size_t>(note.column)];
            }
            table.rows.push_back(std::move(row));
        }
        std::move(block.rejected.begin(), block.rejected.end(), std::back_inserter(table.cleaning.rejected));
        block = JsonBlock();
    }
    return table;
}

}  // namespace filmatlas::detail
