// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/site.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "filmatlas/atlas/audit.hpp"
#include "filmatlas/atlas/label_placement.hpp"
#include "filmatlas/atlas/query.hpp"
#include "filmatlas/atlas/tables.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/core/version.hpp"
#include "filmatlas/io/files.hpp"
#include "json_text.hpp"
#include "site_bundle.hpp"

namespace filmatlas {
namespace {

using detail::JsonText;

/// Colours of the macro regions: hues far apart, readable on light and dark ground.
constexpr std::array<const char*, 16> kPalette = {"#3b6fd4", "#d1603d", "#2f9e6e", "#8e5bc0", "#c79a1f", "#2a9bb5",
                                                  "#c94f7c", "#6f8f2f", "#7a6a58", "#4f57c4", "#b5473f", "#4c9a2a",
                                                  "#a3559d", "#3f7f93", "#d08a4a", "#5a6b8c"};

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '&': out += "&amp;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

/// "original_title" -> "Original title".
std::string column_label(const std::string& name) {
    std::string label = name;
    std::replace(label.begin(), label.end(), '_', ' ');
    if (!label.empty() && label[0] >= 'a' && label[0] <= 'z') label[0] = static_cast<char>(label[0] - 'a' + 'A');
    return label;
}

/// Text columns with few distinct short values can colour the map.
std::string_view kind_on_page(const Column& column) {
    switch (column.kind) {
        case ColumnKind::Text: {
            std::set<std::string_view> distinct;
            for (const std::string& value : column.text) {
                if (value.size() > 40) return "text";
                if (!value.empty()) distinct.insert(value);
                if (distinct.size() > 40) return "text";
            }
            return distinct.size() * 2 < column.text.size() ? "category" : "text";
        }
        case ColumnKind::Tags: return "tags";
        case ColumnKind::ScoredTags: return "scored_tags";
        case ColumnKind::Number: return "number";
        case ColumnKind::Link: return "link";
    }
    return "text";
}

std::vector<const Column*> exported_columns(const Atlas& atlas, const SiteOptions& options) {
    std::vector<const Column*> columns;
    if (options.columns.empty()) {
        for (const Column& column : atlas.records.columns) {
            if (column.is_public) columns.push_back(&column);
        }
        return columns;
    }
    for (const std::string& name : options.columns) {
        const Column& column = atlas.records.column(name);
        if (!column.is_public) {
            throw_invalid("export_site", "columns", "column '" + name + "' is private",
                          "make it public when the atlas is built, or leave it out");
        }
        columns.push_back(&column);
    }
    return columns;
}

bool listed(const std::vector<const Column*>& columns, const std::string& name) {
    return std::any_of(columns.begin(), columns.end(), [&](const Column* column) { return column->name == name; });
}

void write_values(JsonText& json, const Column& column) {
    json.begin_array();
    const std::int64_t n = column.size();
    for (std::int64_t i = 0; i < n; ++i) {
        const auto row = static_cast<std::size_t>(i);
        switch (column.kind) {
            case ColumnKind::Text:
            case ColumnKind::Link:
                if (column.text[row].empty()) json.null();
                else json.text(column.text[row]);
                break;
            case ColumnKind::Number: json.number(column.numbers[row]); break;
            case ColumnKind::Tags:
                json.begin_array();
                for (const std::string& tag : column.tags[row]) json.text(tag);
                json.end_array();
                break;
            case ColumnKind::ScoredTags:
                json.begin_array();
                for (const ScoredTag& tag : column.scored_tags[row]) {
                    json.begin_array();
                    json.text(tag.tag);
                    json.number(tag.score);
                    json.end_array();
                }
                json.end_array();
                break;
        }
    }
    json.end_array();
}

/// Little-endian columns back to back, each at a multiple of four bytes.
class BinaryColumns {
public:
    template <class T>
    void add(const char* name, const char* dtype, const std::vector<T>& values) {
        static_assert(sizeof(T) == 4 && std::endian::native == std::endian::little);
        entries_.push_back({name, dtype, bytes_.size(), values.size()});
        const std::size_t at = bytes_.size();
        bytes_.resize(at + values.size() * 4);
        if (!values.empty()) std::memcpy(bytes_.data() + at, values.data(), values.size() * 4);
    }
    void describe(JsonText& json) const {
        json.begin_array();
        for (const Entry& entry : entries_) {
            json.begin_object();
            json.key("name"), json.text(entry.name);
            json.key("dtype"), json.text(entry.dtype);
            json.key("offset"), json.integer(static_cast<std::int64_t>(entry.offset));
            json.key("count"), json.integer(static_cast<std::int64_t>(entry.count));
            json.end_object();
        }
        json.end_array();
    }
    const std::string& bytes() const { return bytes_; }

private:
    struct Entry {
        const char* name;
        const char* dtype;
        std::size_t offset;
        std::size_t count;
    };
    std::vector<Entry> entries_;
    std::string bytes_;
};

void write_nodes(JsonText& json, const Atlas& atlas, const LabelPlacement& placement) {
    const Hierarchy& tree = atlas.hierarchy;
    json.begin_array();
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
        const HierarchyNode& node = tree.nodes[i];
        const PlacedLabel& placed = placement.nodes[i];
        Index root = static_cast<Index>(i);
        while (tree.nodes[static_cast<std::size_t>(root)].parent >= 0) {
            root = tree.nodes[static_cast<std::size_t>(root)].parent;
        }
        json.begin_object();
        json.key("level"), json.integer(node.level);
        json.key("parent"), json.integer(node.parent);
        json.key("size"), json.integer(node.size());
        json.key("label"), json.text(atlas.labels[i].text);
        json.key("lines"), json.begin_array();
        for (const std::string& line : placed.lines) json.text(line);
        json.end_array();
        json.key("keywords"), json.begin_array();
        for (const Keyword& keyword : atlas.keywords[i]) json.text(keyword.term);
        json.end_array();
        json.key("representatives"), json.begin_array();
        for (const Index item : atlas.representatives[i]) json.integer(item);
        json.end_array();
        json.key("x"), json.number(placed.x);
        json.key("y"), json.number(placed.y);
        json.key("box"), json.begin_array(), json.number(placed.width), json.number(placed.height), json.end_array();
        json.key("zoom"), json.begin_array(), json.number(placed.zoom_min), json.number(placed.zoom_max);
        json.end_array();
        json.key("color"), json.text(kPalette[static_cast<std::size_t>(root) % kPalette.size()]);
        json.end_object();
    }
    json.end_array();
}

void write_report(JsonText& json, const Report& report) {
    json.begin_object();
    json.key("errors"), json.integer(report.count(Severity::Error));
    json.key("warnings"), json.integer(report.count(Severity::Warning));
    json.key("findings"), json.begin_array();
    for (const Finding& finding : report.findings) {
        json.begin_object();
        json.key("code"), json.text(finding.code);
        json.key("severity"), json.text(to_string(finding.severity));
        json.key("message"), json.text(finding.message);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

/// Figures of a map: how much of the full space it shows.
void write_quality(JsonText& json, const LayoutQuality& quality) {
    json.begin_object();
    json.key("k"), json.integer(quality.k);
    json.key("trustworthiness"), json.number(quality.trustworthiness);
    json.key("continuity"), json.number(quality.continuity);
    json.key("kept_neighbors"), json.number(quality.kept_neighbors);
    json.key("rank_correlation"), json.number(quality.rank_correlation);
    json.end_object();
}

/// Zoom from which each level's borders are drawn: the coarsest always, a finer one where half of its labels have come.
std::vector<float> border_zooms(const Hierarchy& tree, const LabelPlacement& placement) {
    std::vector<float> zooms(static_cast<std::size_t>(tree.num_levels()), -std::numeric_limits<float>::infinity());
    for (std::size_t level = 1; level < zooms.size(); ++level) {
        std::vector<float> begins;
        for (Index node = tree.level_begin[level]; node < tree.level_begin[level + 1]; ++node) {
            const PlacedLabel& label = placement.nodes[static_cast<std::size_t>(node)];
            if (label.zoom_min < label.zoom_max) begins.push_back(label.zoom_min);
        }
        const auto middle = begins.begin() + static_cast<std::ptrdiff_t>(begins.size() / 2);
        if (!begins.empty()) std::nth_element(begins.begin(), middle, begins.end());
        const float label_zoom = begins.empty() ? placement.zoom_highest : *middle;
        zooms[level] = std::max({zooms[level - 1], label_zoom, placement.zoom_lowest});
    }
    return zooms;
}

/// The rounded borders as columns, and what the page says about them.
void write_territories(JsonText& json, BinaryColumns& binary, const Atlas& atlas, const LabelPlacement& placement) {
    const Territories land = smooth_territories(*atlas.territories);
    std::vector<float> points;
    points.reserve(land.points.values().size());
    for (const double value : land.points.values()) points.push_back(static_cast<float>(value));
    binary.add("border_points", "f32", points);
    binary.add("border_begin", "i32", std::vector<Index>(land.arc_begin.begin(), land.arc_begin.end()));
    binary.add("border_sides", "i32", land.arc_sides.values());
    binary.add("border_level", "i32", land.arc_level);

    json.begin_object();
    json.key("borders"), json.integer(land.num_arcs());
    json.key("points"), json.integer(land.points.rows());
    json.key("owned"), json.boolean(atlas.plain_quality.has_value());
    json.key("zoom"), json.begin_array();
    for (const float zoom : border_zooms(atlas.hierarchy, placement)) json.number(zoom);
    json.end_array();
    json.key("levels"), json.begin_array();
    const auto share = [](std::int64_t part, std::int64_t whole) {
        return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
    };
    for (const TerritoryLevel& level : land.levels) {
        json.begin_object();
        json.key("inside"), json.number(share(level.inside, level.items));
        json.key("one_piece"), json.number(share(level.one_piece, level.nodes));
        json.end_object();
    }
    json.end_array();
    if (atlas.plain_quality) json.key("plain_quality"), write_quality(json, *atlas.plain_quality);
    json.end_object();
}

/// Readers without scripts still learn what this is and which regions it has.
std::string noscript_summary(const Atlas& atlas) {
    std::string text = "<noscript><h1>" + escape_html(atlas.title) + "</h1><p>An atlas of " +
                       std::to_string(atlas.size()) + " items. The map needs JavaScript; its regions are:</p><ul>";
    for (std::int64_t i = 0; i < atlas.hierarchy.num_nodes(0); ++i) {
        text += "<li>" + escape_html(atlas.labels[static_cast<std::size_t>(i)].text) + " (" +
                std::to_string(atlas.hierarchy.nodes[static_cast<std::size_t>(i)].size()) + ")</li>";
    }
    return text + "</ul></noscript>";
}

}  // namespace

std::string render_site(const Atlas& atlas, const SiteOptions& options) {
    const std::vector<const Column*> columns = exported_columns(atlas, options);
    const Column& title_column = atlas.records.column(atlas.roles.title);
    if (!title_column.is_public) {
        throw_invalid("export_site", "roles", "the title column '" + title_column.name + "' is private",
                      "choose a public column as title: a page needs names");
    }
    const LabelPlacement placement = place_labels(atlas);
    const Matrix<float>& xy = atlas.layout.coordinates;
    const auto n = static_cast<std::size_t>(atlas.size());
    const std::int64_t k = std::min<std::int64_t>(std::max(options.n_neighbors, 0), atlas.graph.k());

    BinaryColumns binary;
    std::vector<float> x(n), y(n);
    float low_x = std::numeric_limits<float>::infinity(), low_y = low_x, high_x = -low_x, high_y = -low_x;
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = xy(static_cast<std::int64_t>(i), 0), y[i] = xy(static_cast<std::int64_t>(i), 1);
        if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
        low_x = std::min(low_x, x[i]), high_x = std::max(high_x, x[i]);
        low_y = std::min(low_y, y[i]), high_y = std::max(high_y, y[i]);
    }
    if (!(low_x <= high_x)) low_x = low_y = -1, high_x = high_y = 1;
    std::vector<Index> neighbors(n * static_cast<std::size_t>(k));
    std::vector<float> similarities(neighbors.size());
    for (std::size_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < k; ++j) {
            const auto row = static_cast<std::int64_t>(i);
            const std::size_t at = i * static_cast<std::size_t>(k) + static_cast<std::size_t>(j);
            neighbors[at] = atlas.graph.indices(row, j);
            const float distance = atlas.graph.distances(row, j);
            similarities[at] = neighbors[at] < 0 ? 0 : atlas.graph.metric == Metric::Cosine ? 1 - distance : -distance;
        }
    }
    binary.add("x", "f32", x);
    binary.add("y", "f32", y);
    binary.add("leaf", "i32", atlas.hierarchy.leaves());
    binary.add("neighbors", "i32", neighbors);
    binary.add("similarities", "f32", similarities);
    binary.add("item_zoom", "f32", placement.item_zoom);
    const LayoutQuality& quality = atlas.layout.quality;
    binary.add("kept", "f32",
               quality.kept_per_item.size() == n ? quality.kept_per_item : std::vector<float>(n, std::nanf("")));
    const auto add_figures = [&](const char* name, const std::vector<double>& values) {
        if (values.size() == n && n > 0) binary.add(name, "f32", std::vector<float>(values.begin(), values.end()));
    };
    add_figures("trust", quality.trust_per_item);
    add_figures("continuity", quality.continuity_per_item);

    JsonText json(JsonEscape::Html);
    json.begin_object();
    json.key("format"), json.text("filmatlas-site");
    json.key("schema"), json.integer(1);
    json.key("generator"), json.text("filmatlas " FILMATLAS_VERSION);
    json.key("title"), json.text(atlas.title);
    json.key("count"), json.integer(atlas.size());
    json.key("extent"), json.begin_array();
    for (const float bound : {low_x, low_y, high_x, high_y}) json.number(bound);
    json.end_array();
    json.key("levels"), json.begin_array();
    for (const std::string& name : atlas.hierarchy.level_names) json.text(name);
    json.end_array();
    json.key("nodes"), write_nodes(json, atlas, placement);

    json.key("columns"), json.begin_array();
    json.begin_object();
    json.key("name"), json.text("id");
    json.key("label"), json.text("Id");
    json.key("kind"), json.text("text");
    json.key("values"), json.begin_array();
    for (const std::string& id : atlas.records.ids) json.text(id);
    json.end_array();
    json.end_object();
    std::vector<const Column*> written = columns;
    if (!listed(columns, title_column.name)) written.insert(written.begin(), &title_column);
    for (const Column* column : written) {
        if (column->name == "id") continue;
        json.begin_object();
        json.key("name"), json.text(column->name);
        json.key("label"), json.text(column_label(column->name));
        json.key("kind"), json.text(column->name == atlas.roles.title ? "text" : kind_on_page(*column));
        json.key("values"), write_values(json, *column);
        json.end_object();
    }
    json.end_array();

    json.key("roles"), json.begin_object();
    const std::pair<const char*, const std::string*> roles[] = {{"title", &atlas.roles.title},
                                                                 {"time", &atlas.roles.time},
                                                                 {"link", &atlas.roles.link},
                                                                 {"summary", &atlas.roles.summary}};
    for (const auto& [role, column] : roles) {
        if (!column->empty() && listed(written, *column)) json.key(role), json.text(*column);
    }
    json.end_object();

    json.key("neighbors"), json.begin_object();
    json.key("k"), json.integer(k);
    json.key("metric"), json.text(to_string(atlas.graph.metric));
    json.end_object();
    json.key("quality"), write_quality(json, quality);
    if (atlas.territories) json.key("territories"), write_territories(json, binary, atlas, placement);
    json.key("report"), write_report(json, validate_atlas(atlas));
    json.key("attributions"), json.begin_array();
    for (const std::string& line : options.attributions) json.text(line);
    json.end_array();
    json.key("binary"), binary.describe(json);
    json.end_object();

    std::string page;
    const std::string manifest = json.take();
    page.reserve(manifest.size() + binary.bytes().size() * 4 / 3 + detail::kSiteScript.size() + 65536);
    page += "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
    page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-";
    page += sha256_base64(detail::kSiteScript);
    page += "'; style-src 'sha256-";
    page += sha256_base64(detail::kSiteStyle);
    page += "'; img-src data:; connect-src 'none'; base-uri 'none'; form-action 'none'\">\n";
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += "<meta name=\"referrer\" content=\"no-referrer\">\n";
    page += "<meta name=\"generator\" content=\"filmatlas " FILMATLAS_VERSION "\">\n<title>";
    page += escape_html(atlas.title);
    page += "</title>\n<style>";
    page += detail::kSiteStyle;
    page += "</style></head>\n<body>\n";
    page += noscript_summary(atlas);
    page += "\n<script type=\"application/json\" id=\"filmatlas-manifest\">";
    page += manifest;
    page += "</script>\n<script type=\"application/octet-stream\" id=\"filmatlas-binary\">";
    page += base64(binary.bytes().data(), binary.bytes().size());
    page += "</script>\n<script>";
    page += detail::kSiteScript;
    page += "</script>\n</body></html>\n";
    return page;
}

void export_site(const Atlas& atlas, const std::string& path, const SiteOptions& options) {
    const auto ends_with = [&](std::string_view ending) {
        return path.size() >= ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
    };
    const std::string page = render_site(atlas, options);
    if (ends_with(".html") || ends_with(".htm")) {
        write_file_atomic(path, page);
        return;
    }
    make_directory(path);
    write_file_atomic(path + "/index.html", page);
    write_file_atomic(path + "/items.csv", items_csv(atlas));
    write_file_atomic(path + "/nodes.csv", nodes_csv(atlas));
    write_file_atomic(path + "/neighbors.csv", neighbors_csv(atlas));
    write_file_atomic(path + "/report.json", to_json(validate_atlas(atlas)) + "\n");
}

}  // namespace filmatlas
