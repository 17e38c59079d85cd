// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/audit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/io/json.hpp"
#include "filmatlas/validate/checks.hpp"
#include "filmatlas/validate/territory_check.hpp"

namespace filmatlas {
namespace {

constexpr double kDominantShare = 0.6;  ///< of the words of all profiles: above it one source speaks for all

void add(Report& report, const char* code, Severity severity, std::string message, std::optional<double> value = {},
         std::optional<double> threshold = {}, std::vector<Index> items = {}) {
    if (items.size() > 20) items.resize(20);
    report.add({code, severity, std::move(message), value, threshold, std::move(items)});
}

void check_profiles(const Atlas& atlas, Report& report) {
    const auto& shares = atlas.profiles.token_shares;
    if (shares.size() < 2) return;
    const auto largest = std::max_element(shares.begin(), shares.end());
    const std::string& name = atlas.profiles.source_names[static_cast<std::size_t>(largest - shares.begin())];
    const int percent = static_cast<int>(std::lround(*largest * 100));
    add(report, "profile.dominance", *largest > kDominantShare ? Severity::Warning : Severity::Info,
        "source '" + name + "' holds " + std::to_string(percent) + " % of the profiles' words", *largest, kDominantShare);
}

void check_duplicates(const Atlas& atlas, Report& report) {
    std::vector<Index> twins;
    for (Index i = 0; i < atlas.size(); ++i) {
        if (atlas.graph.k() > 0 && atlas.graph.indices(i, 0) >= 0 && atlas.graph.distances(i, 0) <= 1e-6F) twins.push_back(i);
    }
    if (twins.empty()) {
        add(report, "records.duplicates", Severity::Info, "no two items have the same vector", 0);
        return;
    }
    // Not in the call below: its arguments are evaluated in any order, and one of them moves the list.
    const std::size_t count = twins.size();
    add(report, "records.duplicates", Severity::Warning,
        std::to_string(count) + " items have the same vector as another item", static_cast<double>(count), 0,
        std::move(twins));
}

void check_cleaning(const Atlas& atlas, Report& report) {
    const CleaningReport& cleaning = atlas.cleaning;
    add(report, "records.retention", cleaning.rejected.empty() ? Severity::Info : Severity::Warning,
        "kept " + std::to_string(cleaning.kept) + " of " + std::to_string(cleaning.seen) + " rows, repaired " +
            std::to_string(cleaning.repaired.size()) + " values, rejected " + std::to_string(cleaning.rejected.size()),
        cleaning.retention());
}

std::string three_places(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", value);
    return text;
}

/// What the nodes own on the map, and what it cost that each owns one piece.
void check_land(const Atlas& atlas, Report& report) {
    if (!atlas.territories) return;
    report.append(check_territories(atlas.layout.coordinates, atlas.hierarchy, *atlas.territories));
    if (!atlas.plain_quality) return;
    const LayoutQuality &drawn = atlas.layout.quality, &plain = *atlas.plain_quality;
    const auto pair = [](const char* name, double here, double there) {
        return std::string(name) + " " + three_places(here) + " (" + three_places(there) + ")";
    };
    add(report, "territories.price", Severity::Info,
        "every node owns its land; in brackets the plain map of the same items: " +
            pair("neighbours kept", drawn.kept_neighbors, plain.kept_neighbors) + ", " +
            pair("trust", drawn.trustworthiness, plain.trustworthiness) + ", " +
            pair("continuity", drawn.continuity, plain.continuity) + ", " +
            pair("rank correlation", drawn.rank_correlation, plain.rank_correlation),
        plain.trustworthiness - drawn.trustworthiness);
}

/// Text between two markers, or empty.
std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
    const std::size_t at = text.find(begin);
    if (at == std::string_view::npos) return {};
    const std::size_t from = at + begin.size();
    const std::size_t to = text.find(end, from);
    return to == std::string_view::npos ? std::string_view() : text.substr(from, to - from);
}

/// Decodes standard base64; false when malformed.
bool decode_base64(std::string_view text, std::string& out) {
    if (text.size() % 4 != 0) return false;
    std::array<int, 256> value{};
    value.fill(-1);
    const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i) value[static_cast<unsigned char>(alphabet[i])] = static_cast<int>(i);
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t word = 0;
        int bytes = 3;
        for (std::size_t j = 0; j < 4; ++j) {
            const char c = text[i + j];
            if (c == '=' && i + 4 == text.size() && j >= 2) {
                bytes -= 1;
                word <<= 6;
                continue;
            }
            if (value[static_cast<unsigned char>(c)] < 0) return false;
            word = word << 6 | static_cast<std::uint32_t>(value[static_cast<unsigned char>(c)]);
        }
        for (int b = 0; b < bytes; ++b) out += static_cast<char>(word >> (16 - 8 * b) & 0xFF);
    }
    return true;
}

template <class T>
bool binary_column(const JsonValue& manifest, const std::string& bytes, std::string_view name, std::vector<T>& out) {
    const JsonValue* list = manifest.find("binary");
    if (list == nullptr) return false;
    for (const JsonValue& entry : list->array) {
        const JsonValue *key = entry.find("name"), *offset = entry.find("offset"), *count = entry.find("count");
        if (key == nullptr || offset == nullptr || count == nullptr || key->text != name) continue;
        const auto from = static_cast<std::size_t>(offset->integer);
        const auto size = static_cast<std::size_t>(count->integer) * sizeof(T);
        if (from > bytes.size() || size > bytes.size() - from) return false;
        out.resize(static_cast<std::size_t>(count->integer));
        if (size > 0) std::memcpy(out.data(), bytes.data() + from, size);
        return true;
    }
    return false;
}

/// Values of private columns that stand in no public column: if one is on the page, it leaked.
std::set<std::string> private_values(const Records& records) {
    std::set<std::string> secret, open;
    for (const Column& column : records.columns) {
        std::set<std::string>& target = column.is_public ? open : secret;
        for (const std::string& value : column.text) target.insert(value);
        for (const auto& list : column.tags) target.insert(list.begin(), list.end());
        for (const auto& list : column.scored_tags) {
            for (const ScoredTag& tag : list) target.insert(tag.tag);
        }
    }
    for (const std::string& id : records.ids) open.insert(id);
    std::set<std::string> canaries;
    for (const std::string& value : secret) {
        // Short words are everywhere; a leak of a column shows in its long values.
        if (value.size() >= 8 && open.count(value) == 0) canaries.insert(value);
    }
    return canaries;
}

void collect_strings(const JsonValue& value, std::set<std::string>& out) {
    std::vector<const JsonValue*> open = {&value};
    while (!open.empty()) {
        const JsonValue* next = open.back();
        open.pop_back();
        if (next->is_string()) out.insert(next->text);
        for (const JsonValue& item : next->array) open.push_back(&item);
        for (const auto& member : next->object) open.push_back(&member.second);
    }
}

}  // namespace

Report validate_atlas(const Atlas& atlas) {
    Report report;
    const std::int64_t n = atlas.size();
    try {
        validate(atlas.records);
        add(report, "records.structure", Severity::Info,
            std::to_string(n) + " items, ids unique, " + std::to_string(atlas.records.columns.size()) + " columns of one length");
    } catch (const Error& error) {
        add(report, "records.structure", Severity::Error, error.what());
    }
    check_cleaning(atlas, report);
    check_profiles(atlas, report);
    report.append(check_embedding(atlas.embedding, n));
    report.append(check_graph(atlas.graph, n));
    check_duplicates(atlas, report);
    report.append(check_hierarchy(atlas.hierarchy));
    report.append(check_labels(atlas.hierarchy, atlas.labels));
    report.append(check_layout(atlas.layout, n));
    check_land(atlas, report);
    return report;
}

Report validate_site(const Atlas& atlas, std::string_view html) {
    Report report;
    const auto n = static_cast<std::size_t>(atlas.size());
    JsonValue manifest;
    std::string bytes;
    try {
        manifest = parse_json(between(html, "id=\"filmatlas-manifest\">", "</script>"));
    } catch (const Error& error) {
        add(report, "export.manifest", Severity::Error, std::string("the page's manifest cannot be read: ") + error.what());
        return report;
    }
    if (!decode_base64(between(html, "id=\"filmatlas-binary\">", "</script>"), bytes)) {
        add(report, "export.binary", Severity::Error, "the page's binary columns cannot be decoded");
        return report;
    }

    const JsonValue* count = manifest.find("count");
    const bool counted = count != nullptr && count->integer == atlas.size();
    add(report, "export.count", counted ? Severity::Info : Severity::Error,
        counted ? "the page holds all " + std::to_string(n) + " items" : "the page holds another number of items");

    std::vector<Index> leaves;
    const bool assigned = binary_column(manifest, bytes, "leaf", leaves) && leaves == atlas.hierarchy.leaves();
    add(report, "export.leaf", assigned ? Severity::Info : Severity::Error,
        assigned ? "every item has its one finest node" : "items lack their node, or have another one than in the atlas");

    std::set<std::string> paths;
    bool unique = true;
    if (const JsonValue* nodes = manifest.find("nodes")) {
        std::vector<std::string> path_of;
        for (const JsonValue& node : nodes->array) {
            const JsonValue *parent = node.find("parent"), *label = node.find("label");
            if (parent == nullptr || label == nullptr || label->text.empty() ||
                parent->integer >= static_cast<std::int64_t>(path_of.size())) {
                unique = false;
                break;
            }
            std::string path = parent->integer < 0 ? std::string() : path_of[static_cast<std::size_t>(parent->integer)];
            path += '\x1f' + label->text;
            unique = unique && paths.insert(path).second;
            path_of.push_back(std::move(path));
        }
        unique = unique && nodes->array.size() == atlas.hierarchy.nodes.size();
    } else {
        unique = false;
    }
    add(report, "export.labels", unique ? Severity::Info : Severity::Error,
        unique ? "all path labels on the page are unique" : "a label is missing, or two nodes share their path label");

    std::vector<Index> neighbors;
    bool same = binary_column(manifest, bytes, "neighbors", neighbors) && n > 0 && neighbors.size() % n == 0;
    const std::size_t k = same ? neighbors.size() / n : 0;
    same = same && k <= static_cast<std::size_t>(atlas.graph.k());
    for (std::size_t i = 0; same && i < n; ++i) {
        for (std::size_t j = 0; j < k; ++j) {
            same = same && neighbors[i * k + j] == atlas.graph.indices(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
        }
    }
    add(report, "export.neighbors", same ? Severity::Info : Severity::Error,
        same ? "neighbour lists on the page equal the full-space ones" : "neighbour lists on the page differ from the atlas's");

    const auto figures_match = [&](const char* name, const std::vector<double>& values) {
        std::vector<float> shown;
        if (!binary_column(manifest, bytes, name, shown)) return values.size() != n || n == 0;
        bool equal = shown.size() == values.size();
        for (std::size_t i = 0; equal && i < shown.size(); ++i) {
            const auto value = static_cast<float>(values[i]);
            equal = shown[i] == value || (std::isnan(shown[i]) && std::isnan(value));
        }
        return equal;
    };
    const LayoutQuality& quality = atlas.layout.quality;
    const bool honest = figures_match("trust", quality.trust_per_item) && figures_match("continuity", quality.continuity_per_item);
    add(report, "export.trust", honest ? Severity::Info : Severity::Error,
        honest ? "trust and continuity of every place are those of the atlas"
               : "trust or continuity on the page differ from the atlas's");

    const JsonValue* land = manifest.find("territories");
    std::vector<Index> sides;
    const bool bordered =
        atlas.territories ? land != nullptr && binary_column(manifest, bytes, "border_sides", sides) &&
                                sides == atlas.territories->arc_sides.values()
                          : land == nullptr;
    add(report, "export.borders", bordered ? Severity::Info : Severity::Error,
        bordered ? "borders are between the same nodes as in the atlas" : "borders on the page are not the atlas's");

    std::set<std::string> texts;
    collect_strings(manifest, texts);
    std::vector<std::string> leaked;
    if (const JsonValue* columns = manifest.find("columns")) {
        for (const JsonValue& entry : columns->array) {
            const JsonValue* name = entry.find("name");
            const Column* column = name == nullptr ? nullptr : atlas.records.find(name->text);
            if (column != nullptr && !column->is_public) leaked.push_back(column->name);
        }
    }
    for (const std::string& canary : private_values(atlas.records)) {
        if (texts.count(canary) > 0) leaked.push_back(canary);
    }
    add(report, "export.private", leaked.empty() ? Severity::Info : Severity::Error,
        leaked.empty() ? "nothing private is on the page"
                       : "private content is on the page, first: '" + leaked.front() + "'",
        static_cast<double>(leaked.size()), 0.0);
    return report;
}

}  // namespace filmatlas
