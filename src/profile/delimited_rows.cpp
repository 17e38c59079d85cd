// SPDX-License-Identifier: MIT
#include <unordered_map>
#include <utility>

#include "filmatlas/core/parallel.hpp"
#include "filmatlas/io/delimited.hpp"
#include "filmatlas/profile/clean.hpp"
#include "raw_table.hpp"

namespace filmatlas::detail {
namespace {

std::vector<std::string> header_names(const DelimitedRow& header, RawTable& table) {
    std::vector<std::string> names = header.cells;
    std::unordered_map<std::string, std::size_t> positions;
    for (std::size_t c = 0; c < names.size(); ++c) {
        clean_text(names[c]);
        if (names[c].empty()) {
            names[c] = "column_" + std::to_string(c + 1);
            table.cleaning.repaired.push_back({header.line, names[c], "the header cell was empty"});
        }
        const auto [first, fresh] = positions.emplace(names[c], c + 1);
        if (!fresh) {
            throw row_error(table.stage, table.file, header.line,
                            BadRow{names[c],
                                   "columns " + std::to_string(first->second) + " and " +
                                       std::to_string(c + 1) + " have the same name",
                                   "give every column a name of its own"});
        }
    }
    if (names.size() > kMaxColumns) {
        throw row_error(table.stage, table.file, header.line,
                        BadRow{{}, std::to_string(names.size()) + " columns", "at most 10000 are read"});
    }
    return names;
}

}  // namespace

RawTable read_delimited_rows(std::string_view text, char delimiter, const IngestOptions& options,
                             const std::string& name, const Progress& progress) {
    RawTable table;
    table.stage = "read_delimited";
    table.file = name;
    table.delimited = true;
    check_text_format(table.stage, name, text);
    DelimitedReader reader(text, delimiter, name);
    DelimitedRow record;
    if (!reader.next(record)) return table;
    table.columns = header_names(record, table);
    const std::size_t width = table.columns.size();

    const auto reject = [&](std::int64_t line, const BadRow& bad, std::int64_t offset) {
        if (options.on_bad_row == OnBadRow::Error) throw row_error(table.stage, name, line, bad, offset);
        table.cleaning.rejected.push_back({line, bad.column, bad.reason});
    };
    while (true) {
        try {
            if (!reader.next(record)) break;
        } catch (const Error& error) {
            ++table.cleaning.seen;
            reject(error.where().row, BadRow{{}, error.what_happened(), error.remedy()},
                   error.where().byte_offset);
            continue;
        }
        ++table.cleaning.seen;
        if (record.cells.size() != width) {
            reject(record.line,
                   BadRow{{},
                          "the row has " + std::to_string(record.cells.size()) + " cells, the header " +
                              std::to_string(width),
                          "check quotes and delimiters"},
                   record.byte_offset);
            continue;
        }
        Row row;
        row.line = record.line;
        row.cells.resize(width);
        for (std::size_t c = 0; c < width; ++c) {
            row.cells[c].column = static_cast<std::int32_t>(c);
            row.cells[c].cell.text = std::move(record.cells[c]);
        }
        table.rows.push_back(std::move(row));
    }
    const auto clean_rows = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            Row& row = table.rows[static_cast<std::size_t>(i)];
            for (RowCell& item : row.cells) {
                clean_cell_text(item.cell.text, item.column, row);
                if (!item.cell.text.empty()) item.cell.type = Cell::Type::Text;
            }
        }
    };
    parallel_for(static_cast<std::int64_t>(table.rows.size()), 1024, options.num_threads, clean_rows,
                 progress, table.stage);
    return table;
}

}  // namespace filmatlas::detail
