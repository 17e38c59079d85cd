// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/tables.hpp"

#include <cmath>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/io/delimited.hpp"

namespace filmatlas {
namespace {

void append_row(std::string& csv, const std::vector<std::string>& cells) { append_delimited_row(csv, cells); }

std::string number_cell(double value) { return std::isfinite(value) ? to_text(value) : std::string(); }

std::string column_cell(const Column& column, std::size_t row) {
    std::string cell;
    switch (column.kind) {
        case ColumnKind::Text:
        case ColumnKind::Link: return column.text[row];
        case ColumnKind::Number: return number_cell(column.numbers[row]);
        case ColumnKind::Tags:
            for (const std::string& tag : column.tags[row]) cell += (cell.empty() ? "" : "|") + tag;
            return cell;
        case ColumnKind::ScoredTags:
            for (const ScoredTag& tag : column.scored_tags[row]) {
                cell += (cell.empty() ? "" : "|") + tag.tag + ":" + to_text(tag.score);
            }
            return cell;
    }
    return cell;
}

std::string path_text(const Atlas& atlas, Index node) {
    std::string text;
    for (const Index step : atlas.hierarchy.path(node)) {
        text += (text.empty() ? "" : " > ") + atlas.labels[static_cast<std::size_t>(step)].text;
    }
    return text;
}

}  // namespace

std::string items_csv(const Atlas& atlas) {
    std::string csv;
    std::vector<const Column*> columns;
    std::vector<std::string> cells = {"id"};
    for (const Column& column : atlas.records.columns) {
        if (!column.is_public || column.name == "id") continue;
        columns.push_back(&column);
        cells.push_back(column.name);
    }
    for (const std::string& level : atlas.hierarchy.level_names) cells.push_back(level);
    cells.insert(cells.end(), {"x", "y", "kept_neighbors", "trust", "continuity"});
    append_delimited_row(csv, cells);
    const std::vector<Index> leaves = atlas.hierarchy.leaves();
    const LayoutQuality& quality = atlas.layout.quality;
    const auto figure = [](const auto& values, std::size_t i) {
        return i < values.size() ? number_cell(static_cast<double>(values[i])) : std::string();
    };
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        cells.assign(1, atlas.records.ids[i]);
        for (const Column* column : columns) cells.push_back(column_cell(*column, i));
        for (const Index node : atlas.hierarchy.path(leaves[i])) {
            cells.push_back(atlas.labels[static_cast<std::size_t>(node)].text);
        }
        const auto row = static_cast<std::int64_t>(i);
        cells.push_back(number_cell(static_cast<double>(atlas.layout.coordinates(row, 0))));
        cells.push_back(number_cell(static_cast<double>(atlas.layout.coordinates(row, 1))));
        cells.push_back(figure(quality.kept_per_item, i));
        cells.push_back(figure(quality.trust_per_item, i));
        cells.push_back(figure(quality.continuity_per_item, i));
        append_delimited_row(csv, cells);
    }
    return csv;
}

std::string nodes_csv(const Atlas& atlas) {
    std::string csv;
    append_row(csv, {"node", "level", "parent", "size", "label", "path", "keywords"});
    for (std::size_t i = 0; i < atlas.hierarchy.nodes.size(); ++i) {
        const HierarchyNode& node = atlas.hierarchy.nodes[i];
        std::string keywords;
        for (const Keyword& keyword : atlas.keywords[i]) keywords += (keywords.empty() ? "" : "|") + keyword.term;
        append_row(csv, {std::to_string(i), atlas.hierarchy.level_names[static_cast<std::size_t>(node.level)],
                 node.parent < 0 ? std::string() : std::to_string(node.parent), std::to_string(node.size()),
                 atlas.labels[i].text, path_text(atlas, static_cast<Index>(i)), keywords});
    }
    return csv;
}

std::string neighbors_csv(const Atlas& atlas) {
    std::string csv;
    append_row(csv, {"id", "rank", "neighbor_id", "distance"});
    for (std::int64_t i = 0; i < atlas.graph.size(); ++i) {
        for (std::int64_t j = 0; j < atlas.graph.k() && atlas.graph.indices(i, j) >= 0; ++j) {
            append_row(csv, {atlas.records.ids[static_cast<std::size_t>(i)], std::to_string(j + 1),
                     atlas.records.ids[static_cast<std::size_t>(atlas.graph.indices(i, j))],
                     to_text(static_cast<double>(atlas.graph.distances(i, j)))});
        }
    }
    return csv;
}

}  // namespace filmatlas
