// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/store.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/io/container.hpp"
#include "filmatlas/io/files.hpp"
#include "filmatlas/validate/territory_check.hpp"

namespace filmatlas {
namespace {

constexpr int kSchema = 1;
constexpr const char* kFormat = "filmatlas-atlas";
static_assert(std::endian::native == std::endian::little, "sections are written as they lie in memory");

// --- writing ---

template <class T>
constexpr const char* dtype_of() {
    if constexpr (std::is_same_v<T, float>) return "f32";
    if constexpr (std::is_same_v<T, double>) return "f64";
    if constexpr (std::is_same_v<T, std::int32_t>) return "i32";
    if constexpr (std::is_same_v<T, std::int64_t>) return "i64";
}

class Writer {
public:
    template <class T>
    void array(const std::string& name, const T* values, std::vector<std::int64_t> shape) {
        Section section;
        section.name = name;
        section.dtype = dtype_of<T>();
        std::size_t count = 1;
        for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
        section.shape = std::move(shape);
        section.bytes.assign(reinterpret_cast<const char*>(values), count * sizeof(T));
        container.sections.push_back(std::move(section));
    }
    template <class T>
    void vector(const std::string& name, const std::vector<T>& values) {
        array(name, values.data(), {static_cast<std::int64_t>(values.size())});
    }
    template <class T>
    void matrix(const std::string& name, const Matrix<T>& values) {
        array(name, values.data(), {values.rows(), values.cols()});
    }
    /// Strings as their bytes and where each ends.
    void strings(const std::string& name, const std::vector<std::string>& values) {
        std::vector<std::int64_t> ends;
        ends.reserve(values.size());
        Section bytes;
        bytes.name = name + ".bytes";
        bytes.dtype = "u8";
        for (const std::string& value : values) {
            bytes.bytes += value;
            ends.push_back(static_cast<std::int64_t>(bytes.bytes.size()));
        }
        bytes.shape = {static_cast<std::int64_t>(bytes.bytes.size())};
        vector(name + ".ends", ends);
        container.sections.push_back(std::move(bytes));
    }
    /// Lists of values as the values back to back and where each list ends.
    template <class T, class Put>
    void lists(const std::string& name, const std::vector<std::vector<T>>& values, Put put) {
        std::vector<std::int64_t> ends;
        std::vector<T> flat;
        for (const auto& list : values) {
            flat.insert(flat.end(), list.begin(), list.end());
            ends.push_back(static_cast<std::int64_t>(flat.size()));
        }
        vector(name + ".list_ends", ends);
        put(flat);
    }

    Container container;
};

// --- reading ---

class Reader {
public:
    Reader(Container source, std::string file) : container(std::move(source)), path(std::move(file)) {}

    [[noreturn]] void damaged(const std::string& what) const {
        throw Error(ErrorCode::Format, ErrorContext{"load_atlas", path, -1, {}, -1}, what,
                    "the file passes its checksums but is not a sound atlas: build it again");
    }
    template <class T>
    std::vector<T> vector(const std::string& name, std::int64_t wanted = -1) const {
        const Section& section = container.section(name);
        if (section.dtype != dtype_of<T>() || section.bytes.size() % sizeof(T) != 0) {
            damaged("section " + name + " has dtype " + section.dtype + ", not " + dtype_of<T>());
        }
        std::vector<T> values(section.bytes.size() / sizeof(T));
        if (!values.empty()) std::memcpy(values.data(), section.bytes.data(), section.bytes.size());
        if (wanted >= 0 && values.size() != static_cast<std::size_t>(wanted)) {
            damaged("section " + name + " has " + std::to_string(values.size()) + " values, not " + std::to_string(wanted));
        }
        return values;
    }
    template <class T>
    Matrix<T> matrix(const std::string& name, std::int64_t rows = -1) const {
        const Section& section = container.section(name);
        if (section.shape.size() != 2 || (rows >= 0 && section.shape[0] != rows)) {
            damaged("section " + name + (rows >= 0 ? " has not " + std::to_string(rows) + " rows" : " is no table"));
        }
        return Matrix<T>(section.shape[0], section.shape[1], vector<T>(name, section.shape[0] * section.shape[1]));
    }
    std::vector<std::string> strings(const std::string& name, std::int64_t wanted = -1) const {
        const auto ends = vector<std::int64_t>(name + ".ends", wanted);
        const std::string& bytes = container.section(name + ".bytes").bytes;
        check_ends(name, ends, bytes.size());
        std::vector<std::string> values;
        values.reserve(ends.size());
        std::int64_t begin = 0;
        for (const std::int64_t end : ends) {
            values.push_back(bytes.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
            begin = end;
        }
        return values;
    }
    template <class T>
    std::vector<std::vector<T>> lists(const std::string& name, std::vector<T> flat, std::int64_t wanted) const {
        const auto ends = vector<std::int64_t>(name + ".list_ends", wanted);
        check_ends(name, ends, flat.size());
        std::vector<std::vector<T>> values;
        values.reserve(ends.size());
        std::int64_t begin = 0;
        for (const std::int64_t end : ends) {
            values.emplace_back(flat.begin() + begin, flat.begin() + end);
            begin = end;
        }
        return values;
    }
    const JsonValue& member(const JsonValue& object, const char* key) const {
        const JsonValue* value = object.find(key);
        if (value == nullptr) damaged(std::string("the header has no '") + key + "'");
        return *value;
    }
    std::string text(const JsonValue& object, const char* key) const {
        const JsonValue& value = member(object, key);
        if (!value.is_string()) damaged(std::string("the header's '") + key + "' is not a text");
        return value.text;
    }
    double number(const JsonValue& object, const char* key) const {
        const JsonValue& value = member(object, key);
        if (value.is_null()) return std::nan("");
        if (!value.is_number()) damaged(std::string("the header's '") + key + "' is not a number");
        return value.number;
    }
    const std::vector<JsonValue>& list(const JsonValue& object, const char* key) const {
        const JsonValue& value = member(object, key);
        if (!value.is_array()) damaged(std::string("the header's '") + key + "' is not a list");
        return value.array;
    }

    Container container;
    std::string path;

private:
    void check_ends(const std::string& name, const std::vector<std::int64_t>& ends, std::size_t size) const {
        std::int64_t last = 0;
        for (const std::int64_t end : ends) {
            if (end < last) damaged("section " + name + " has offsets out of order");
            last = end;
        }
        if (static_cast<std::size_t>(last) != size) damaged("section " + name + " has offsets beyond its bytes");
    }
};

// --- the parts of an atlas, each written and read side by side ---

void put_records(Writer& out, const Records& records, JsonValue& meta) {
    out.strings("records.ids", records.ids);
    JsonValue columns = JsonValue::make_array();
    for (std::size_t c = 0; c < records.columns.size(); ++c) {
        const Column& column = records.columns[c];
        JsonValue entry = JsonValue::make_object();
        entry.set("name", column.name);
        entry.set("kind", std::string(to_string(column.kind)));
        entry.set("public", column.is_public);
        columns.push(std::move(entry));
        const std::string name = "column." + std::to_string(c);
        switch (column.kind) {
            case ColumnKind::Text:
            case ColumnKind::Link: out.strings(name, column.text); break;
            case ColumnKind::Number: out.vector(name, column.numbers); break;
            case ColumnKind::Tags:
                out.lists(name, column.tags, [&](const auto& flat) { out.strings(name + ".tags", flat); });
                break;
            case ColumnKind::ScoredTags:
                out.lists(name, column.scored_tags, [&](const std::vector<ScoredTag>& flat) {
                    std::vector<std::string> tags;
                    std::vector<double> scores;
                    for (const ScoredTag& tag : flat) tags.push_back(tag.tag), scores.push_back(tag.score);
                    out.strings(name + ".tags", tags);
                    out.vector(name + ".scores", scores);
                });
                break;
        }
    }
    meta.set("columns", std::move(columns));
}

Records get_records(const Reader& in, const JsonValue& meta) {
    Records records;
    records.ids = in.strings("records.ids");
    const std::int64_t n = records.size();
    const auto& columns = in.list(meta, "columns");
    for (std::size_t c = 0; c < columns.size(); ++c) {
        Column column;
        column.name = in.text(columns[c], "name");
        const std::string kind = in.text(columns[c], "kind");
        const JsonValue& is_public = in.member(columns[c], "public");
        if (is_public.kind != JsonValue::Kind::Bool) in.damaged("a column's 'public' is not true or false");
        column.is_public = is_public.boolean;
        bool known = false;
        for (const ColumnKind candidate : {ColumnKind::Text, ColumnKind::Tags, ColumnKind::ScoredTags, ColumnKind::Number,
                                           ColumnKind::Link}) {
            if (to_string(candidate) == kind) column.kind = candidate, known = true;
        }
        if (!known) in.damaged("column '" + column.name + "' has the unknown kind '" + kind + "'");
        const std::string name = "column." + std::to_string(c);
        switch (column.kind) {
            case ColumnKind::Text:
            case ColumnKind::Link: column.text = in.strings(name, n); break;
            case ColumnKind::Number: column.numbers = in.vector<double>(name, n); break;
            case ColumnKind::Tags: column.tags = in.lists(name, in.strings(name + ".tags"), n); break;
            case ColumnKind::ScoredTags: {
                const std::vector<std::string> tags = in.strings(name + ".tags");
                const auto scores = in.vector<double>(name + ".scores", static_cast<std::int64_t>(tags.size()));
                std::vector<ScoredTag> flat;
                for (std::size_t i = 0; i < tags.size(); ++i) flat.push_back({tags[i], scores[i]});
                column.scored_tags = in.lists(name, std::move(flat), n);
                break;
            }
        }
        records.columns.push_back(std::move(column));
    }
    validate(records);
    return records;
}

JsonValue notes_json(const std::vector<CleaningNote>& notes) {
    JsonValue list = JsonValue::make_array();
    for (const CleaningNote& note : notes) {
        JsonValue entry = JsonValue::make_object();
        entry.set("row", note.row);
        entry.set("column", note.column);
        entry.set("reason", note.reason);
        list.push(std::move(entry));
    }
    return list;
}

std::vector<CleaningNote> notes_from(const Reader& in, const JsonValue& object, const char* key) {
    std::vector<CleaningNote> notes;
    for (const JsonValue& entry : in.list(object, key)) {
        notes.push_back({in.member(entry, "row").integer, in.text(entry, "column"), in.text(entry, "reason")});
    }
    return notes;
}

void put_embedding(Writer& out, const Embedding& embedding, JsonValue& meta) {
    JsonValue entry = JsonValue::make_object();
    entry.set("normalized", embedding.normalized);
    JsonValue parts = JsonValue::make_array();
    for (const EmbeddingPart& part : embedding.parts) {
        JsonValue item = JsonValue::make_object();
        item.set("name", part.name);
        item.set("begin", part.begin);
        item.set("end", part.end);
        item.set("weight", part.weight);
        parts.push(std::move(item));
    }
    entry.set("parts", std::move(parts));
    JsonValue bad = JsonValue::make_array();
    for (const BadRow& row : embedding.bad_rows) {
        JsonValue item = JsonValue::make_object();
        item.set("row", static_cast<std::int64_t>(row.row));
        item.set("reason", std::string(to_string(row.reason)));
        bad.push(std::move(item));
    }
    entry.set("bad_rows", std::move(bad));
    meta.set("embedding", std::move(entry));
    out.matrix("embedding.vectors", embedding.vectors);
}

Embedding get_embedding(const Reader& in, const JsonValue& meta, std::int64_t n) {
    Embedding embedding;
    const JsonValue& entry = in.member(meta, "embedding");
    embedding.normalized = in.member(entry, "normalized").boolean;
    embedding.vectors = in.matrix<float>("embedding.vectors", n);
    for (const JsonValue& item : in.list(entry, "parts")) {
        EmbeddingPart part;
        part.name = in.text(item, "name");
        part.begin = in.member(item, "begin").integer;
        part.end = in.member(item, "end").integer;
        part.weight = in.number(item, "weight");
        if (part.begin < 0 || part.begin > part.end || part.end > embedding.vectors.cols()) {
            in.damaged("embedding part '" + part.name + "' lies outside the vectors");
        }
        embedding.parts.push_back(std::move(part));
    }
    if (embedding.parts.empty()) in.damaged("the embedding has no part");
    for (const JsonValue& item : in.list(entry, "bad_rows")) {
        BadRow row;
        row.row = static_cast<Index>(in.member(item, "row").integer);
        const std::string reason = in.text(item, "reason");
        for (const BadRowReason candidate : {BadRowReason::Nan, BadRowReason::Infinite, BadRowReason::Zero}) {
            if (to_string(candidate) == reason) row.reason = candidate;
        }
        if (row.row < 0 || row.row >= n) in.damaged("a bad row lies outside the items");
        embedding.bad_rows.push_back(row);
    }
    for (const float value : embedding.vectors.values()) {
        if (!std::isfinite(value)) in.damaged("the vectors hold a value that is not finite");
    }
    return embedding;
}

void put_graph(Writer& out, const KnnGraph& graph, JsonValue& meta) {
    JsonValue entry = JsonValue::make_object();
    entry.set("metric", std::string(to_string(graph.metric)));
    entry.set("method", graph.method);
    entry.set("reason", graph.reason);
    entry.set("recall", graph.recall);
    entry.set("recall_low", graph.recall_low);
    entry.set("recall_high", graph.recall_high);
    meta.set("graph", std::move(entry));
    out.matrix("graph.indices", graph.indices);
    out.matrix("graph.distances", graph.distances);
    out.vector("graph.invalid_rows", graph.invalid_rows);
}

KnnGraph get_graph(const Reader& in, const JsonValue& meta, std::int64_t n) {
    KnnGraph graph;
    const JsonValue& entry = in.member(meta, "graph");
    graph.metric = metric_from_string(in.text(entry, "metric"));
    graph.method = in.text(entry, "method");
    graph.reason = in.text(entry, "reason");
    graph.recall = in.number(entry, "recall");
    graph.recall_low = in.number(entry, "recall_low");
    graph.recall_high = in.number(entry, "recall_high");
    graph.indices = in.matrix<Index>("graph.indices", n);
    graph.distances = in.matrix<float>("graph.distances", n);
    graph.invalid_rows = in.vector<Index>("graph.invalid_rows");
    validate(graph);
    return graph;
}

void put_tree(Writer& out, const Atlas& atlas, JsonValue& meta) {
    const Hierarchy& tree = atlas.hierarchy;
    JsonValue levels = JsonValue::make_array();
    for (const std::string& name : tree.level_names) levels.push(name);
    meta.set("levels", std::move(levels));
    std::vector<Index> nodes;
    for (const HierarchyNode& node : tree.nodes) {
        nodes.insert(nodes.end(), {node.begin, node.end, node.level, node.parent});
    }
    out.vector("hierarchy.order", tree.order);
    out.array("hierarchy.nodes", nodes.data(), {tree.num_nodes(), 4});
    out.vector("hierarchy.level_begin", tree.level_begin);
    out.vector("hierarchy.strength", atlas.strength);

    std::vector<std::string> labels;
    std::vector<Index> origins;
    std::vector<std::vector<std::string>> evidence;
    for (const NodeLabel& label : atlas.labels) {
        labels.push_back(label.text);
        origins.push_back(static_cast<Index>(label.origin));
        evidence.push_back(label.keywords);
    }
    out.strings("labels.text", labels);
    out.vector("labels.origin", origins);
    out.lists("labels.keywords", evidence, [&](const auto& flat) { out.strings("labels.keywords.terms", flat); });
    out.lists("keywords", atlas.keywords, [&](const std::vector<Keyword>& flat) {
        std::vector<std::string> terms;
        std::vector<double> scores;
        for (const Keyword& keyword : flat) terms.push_back(keyword.term), scores.push_back(keyword.score);
        out.strings("keywords.terms", terms);
        out.vector("keywords.scores", scores);
    });
    out.lists("representatives", atlas.representatives,
              [&](const std::vector<Index>& flat) { out.vector("representatives.items", flat); });
}

void get_tree(const Reader& in, const JsonValue& meta, Atlas& atlas) {
    const std::int64_t n = atlas.records.size();
    Hierarchy& tree = atlas.hierarchy;
    for (const JsonValue& name : in.list(meta, "levels")) tree.level_names.push_back(name.text);
    tree.order = in.vector<Index>("hierarchy.order", n);
    const std::vector<Index> nodes = in.vector<Index>("hierarchy.nodes");
    if (nodes.size() % 4 != 0) in.damaged("the node table has a broken row");
    for (std::size_t i = 0; i < nodes.size(); i += 4) {
        tree.nodes.push_back({nodes[i], nodes[i + 1], nodes[i + 2], nodes[i + 3]});
    }
    tree.level_begin = in.vector<Index>("hierarchy.level_begin");
    validate(tree);
    atlas.strength = in.vector<float>("hierarchy.strength", n * tree.num_levels());

    const std::int64_t count = tree.num_nodes();
    const auto labels = in.strings("labels.text", count);
    const auto origins = in.vector<Index>("labels.origin", count);
    const auto evidence = in.lists("labels.keywords", in.strings("labels.keywords.terms"), count);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (origins[i] < 0 || origins[i] > static_cast<Index>(LabelOrigin::Writer)) in.damaged("a label's origin is unknown");
        atlas.labels.push_back({labels[i], static_cast<LabelOrigin>(origins[i]), evidence[i]});
    }
    const auto terms = in.strings("keywords.terms");
    const auto scores = in.vector<double>("keywords.scores", static_cast<std::int64_t>(terms.size()));
    std::vector<Keyword> flat;
    for (std::size_t i = 0; i < terms.size(); ++i) flat.push_back({terms[i], scores[i]});
    atlas.keywords = in.lists("keywords", std::move(flat), count);
    atlas.representatives = in.lists("representatives", in.vector<Index>("representatives.items"), count);
    for (const auto& list : atlas.representatives) {
        for (const Index item : list) {
            if (item < 0 || item >= n) in.damaged("a representative lies outside the items");
        }
    }
}

void put_quality(const LayoutQuality& quality, JsonValue& entry) {
    entry.set("k", static_cast<std::int64_t>(quality.k));
    entry.set("kept_neighbors", quality.kept_neighbors);
    entry.set("trustworthiness", quality.trustworthiness);
    entry.set("trustworthiness_error", quality.trustworthiness_error);
    entry.set("continuity", quality.continuity);
    entry.set("continuity_error", quality.continuity_error);
    entry.set("rank_correlation", quality.rank_correlation);
    entry.set("rows_measured", quality.rows_measured);
    entry.set("pairs_measured", quality.pairs_measured);
    entry.set("random_triplets", quality.random_triplets);
    entry.set("random_triplets_error", quality.random_triplets_error);
    entry.set("triplets_measured", quality.triplets_measured);
    entry.set("label_accuracy", quality.label_accuracy);
    entry.set("label_accuracy_full", quality.label_accuracy_full);
}

LayoutQuality get_quality(const Reader& in, const JsonValue& entry) {
    LayoutQuality quality;
    quality.k = static_cast<int>(in.member(entry, "k").integer);
    quality.kept_neighbors = in.number(entry, "kept_neighbors");
    quality.trustworthiness = in.number(entry, "trustworthiness");
    quality.continuity = in.number(entry, "continuity");
    quality.rank_correlation = in.number(entry, "rank_correlation");
    if (entry.find("rows_measured") != nullptr) {  // older files hold the figures alone
        quality.trustworthiness_error = in.number(entry, "trustworthiness_error");
        quality.continuity_error = in.number(entry, "continuity_error");
        quality.rows_measured = in.member(entry, "rows_measured").integer;
        quality.pairs_measured = in.member(entry, "pairs_measured").integer;
    }
    if (entry.find("triplets_measured") == nullptr) {
        quality.random_triplets = quality.label_accuracy = quality.label_accuracy_full =
            std::numeric_limits<double>::quiet_NaN();
    } else {
        quality.random_triplets = in.number(entry, "random_triplets");
        quality.random_triplets_error = in.number(entry, "random_triplets_error");
        quality.triplets_measured = in.member(entry, "triplets_measured").integer;
        quality.label_accuracy = in.number(entry, "label_accuracy");
        quality.label_accuracy_full = in.number(entry, "label_accuracy_full");
    }
    return quality;
}

void put_layout(Writer& out, const Layout& layout, JsonValue& meta) {
    JsonValue entry = JsonValue::make_object();
    entry.set("method", layout.method);
    entry.set("init", layout.init);
    put_quality(layout.quality, entry);
    meta.set("layout", std::move(entry));
    out.matrix("layout.coordinates", layout.coordinates);
    out.vector("layout.kept_per_item", layout.quality.kept_per_item);
    out.vector("layout.trust_per_item", layout.quality.trust_per_item);
    out.vector("layout.continuity_per_item", layout.quality.continuity_per_item);
}

Layout get_layout(const Reader& in, const JsonValue& meta, std::int64_t n) {
    Layout layout;
    const JsonValue& entry = in.member(meta, "layout");
    layout.method = in.text(entry, "method");
    layout.init = in.text(entry, "init");
    layout.quality = get_quality(in, entry);
    layout.coordinates = in.matrix<float>("layout.coordinates", n);
    if (layout.coordinates.cols() < 2) in.damaged("the map has fewer than two dimensions");
    const auto per_item = [&](const char* name, auto& values) {
        if (in.container.find(name) == nullptr) return;  // a file of an older version
        values = in.vector<typename std::decay_t<decltype(values)>::value_type>(name);
        if (!values.empty() && values.size() != static_cast<std::size_t>(n)) {
            in.damaged("the map's quality per item has another number of items");
        }
    };
    per_item("layout.kept_per_item", layout.quality.kept_per_item);
    per_item("layout.trust_per_item", layout.quality.trust_per_item);
    per_item("layout.continuity_per_item", layout.quality.continuity_per_item);
    return layout;
}

void put_territories(Writer& out, const Territories& land, JsonValue& meta) {
    JsonValue entry = JsonValue::make_object();
    entry.set("x0", land.x0);
    entry.set("y0", land.y0);
    entry.set("cell", land.cell);
    meta.set("territories", std::move(entry));
    out.matrix("territories.cells", land.cells);
    out.matrix("territories.points", land.points);
    out.vector("territories.arc_begin", land.arc_begin);
    out.matrix("territories.arc_sides", land.arc_sides);
    out.vector("territories.arc_level", land.arc_level);
    out.vector("territories.ring_arcs", land.ring_arcs);
    out.vector("territories.ring_begin", land.ring_begin);
    out.vector("territories.piece_begin", land.piece_begin);
    out.vector("territories.piece_node", land.piece_node);
    out.vector("territories.piece_items", land.piece_items);
    out.vector("territories.piece_area", land.piece_area);
    out.vector("territories.node_begin", land.node_begin);
    out.vector("territories.item_node", land.item_node);
    out.vector("territories.inside", land.inside);
    std::vector<std::int64_t> levels;
    for (const TerritoryLevel& level : land.levels) {
        levels.insert(levels.end(),
                      {level.nodes, level.one_piece, level.landless, level.items, level.inside, level.in_main});
    }
    out.array("territories.levels", levels.data(), {static_cast<std::int64_t>(land.levels.size()), 6});
}

Territories get_territories(const Reader& in, const JsonValue& entry, const Hierarchy& tree) {
    Territories land;
    land.x0 = in.number(entry, "x0");
    land.y0 = in.number(entry, "y0");
    land.cell = in.number(entry, "cell");
    land.cells = in.matrix<Index>("territories.cells");
    land.height = static_cast<int>(land.cells.rows());
    land.width = static_cast<int>(land.cells.cols());
    land.points = in.matrix<double>("territories.points");
    land.arc_begin = in.vector<std::int64_t>("territories.arc_begin");
    land.arc_sides = in.matrix<Index>("territories.arc_sides");
    land.arc_level = in.vector<Index>("territories.arc_level");
    land.ring_arcs = in.vector<Index>("territories.ring_arcs");
    land.ring_begin = in.vector<std::int64_t>("territories.ring_begin");
    land.piece_begin = in.vector<std::int64_t>("territories.piece_begin");
    land.piece_node = in.vector<Index>("territories.piece_node");
    land.piece_items = in.vector<std::int64_t>("territories.piece_items");
    land.piece_area = in.vector<double>("territories.piece_area");
    land.node_begin = in.vector<std::int64_t>("territories.node_begin");
    land.item_node = in.vector<Index>("territories.item_node");
    land.inside = in.vector<float>("territories.inside");
    const std::vector<std::int64_t> levels = in.vector<std::int64_t>("territories.levels", 6 * tree.num_levels());
    for (std::size_t i = 0; i + 5 < levels.size(); i += 6) {
        land.levels.push_back({levels[i], levels[i + 1], levels[i + 2], levels[i + 3], levels[i + 4], levels[i + 5]});
    }
    try {
        validate(land, tree);
    } catch (const Error& error) {
        in.damaged(std::string("the territories are broken: ") + error.what());
    }
    return land;
}

void put_encoder(Writer& out, const LsaEncoder& encoder, JsonValue& meta) {
    JsonValue entry = JsonValue::make_object();
    entry.set("min_length", encoder.tokens.min_length);
    entry.set("stop_words", encoder.tokens.stop_words);
    JsonValue extra = JsonValue::make_array();
    for (const std::string& word : encoder.tokens.extra_stop_words) extra.push(word);
    entry.set("extra_stop_words", std::move(extra));
    entry.set("ngram_min", encoder.tokens.ngram_min);
    entry.set("ngram_max", encoder.tokens.ngram_max);
    entry.set("jump_stop_words", encoder.tokens.jump_stop_words);
    entry.set("words", std::string(to_string(encoder.tokens.words)));
    entry.set("inner_characters", encoder.tokens.inner_characters);
    entry.set("stemmer", encoder.tokens.stemmer);
    entry.set("sublinear_tf", encoder.sublinear_tf);
    entry.set("normalize", encoder.normalize);
    meta.set("encoder", std::move(entry));
    out.strings("encoder.vocabulary", encoder.vocabulary);
    out.vector("encoder.idf", encoder.idf);
    out.matrix("encoder.components", encoder.components);
    out.vector("encoder.singular_values", encoder.singular_values);
}

LsaEncoder get_encoder(const Reader& in, const JsonValue& entry) {
    LsaEncoder encoder;
    encoder.tokens.min_length = static_cast<int>(in.member(entry, "min_length").integer);
    encoder.tokens.stop_words = in.text(entry, "stop_words");
    for (const JsonValue& word : in.list(entry, "extra_stop_words")) encoder.tokens.extra_stop_words.push_back(word.text);
    encoder.tokens.ngram_min = static_cast<int>(in.member(entry, "ngram_min").integer);
    encoder.tokens.ngram_max = static_cast<int>(in.member(entry, "ngram_max").integer);
    if (entry.find("words") != nullptr) {  // older files know one word rule
        encoder.tokens.jump_stop_words = in.member(entry, "jump_stop_words").boolean;
        encoder.tokens.words = word_rule_from_string(in.text(entry, "words"));
        encoder.tokens.inner_characters = in.text(entry, "inner_characters");
        encoder.tokens.stemmer = in.text(entry, "stemmer");
    }
    encoder.sublinear_tf = in.member(entry, "sublinear_tf").boolean;
    encoder.normalize = in.member(entry, "normalize").boolean;
    validate(encoder.tokens);
    encoder.vocabulary = in.strings("encoder.vocabulary");
    const auto terms = static_cast<std::int64_t>(encoder.vocabulary.size());
    encoder.idf = in.vector<double>("encoder.idf", terms);
    encoder.components = in.matrix<float>("encoder.components", terms);
    encoder.singular_values = in.vector<float>("encoder.singular_values", encoder.components.cols());
    return encoder;
}

}  // namespace

std::string pack_atlas(const Atlas& atlas) {
    Writer out;
    JsonValue meta = JsonValue::make_object();
    meta.set("format", kFormat);
    meta.set("schema", kSchema);
    meta.set("title", atlas.title);
    JsonValue roles = JsonValue::make_object();
    roles.set("title", atlas.roles.title);
    roles.set("time", atlas.roles.time);
    roles.set("link", atlas.roles.link);
    roles.set("summary", atlas.roles.summary);
    meta.set("roles", std::move(roles));
    put_records(out, atlas.records, meta);

    JsonValue cleaning = JsonValue::make_object();
    cleaning.set("seen", atlas.cleaning.seen);
    cleaning.set("kept", atlas.cleaning.kept);
    cleaning.set("repaired", notes_json(atlas.cleaning.repaired));
    cleaning.set("rejected", notes_json(atlas.cleaning.rejected));
    meta.set("cleaning", std::move(cleaning));

    JsonValue sources = JsonValue::make_array();
    for (std::size_t s = 0; s < atlas.profiles.source_names.size(); ++s) {
        JsonValue entry = JsonValue::make_object();
        entry.set("name", atlas.profiles.source_names[s]);
        entry.set("weight", atlas.profiles.source_weights[s]);
        entry.set("token_share", atlas.profiles.token_shares[s]);
        sources.push(std::move(entry));
        out.strings("profile." + std::to_string(s), atlas.profiles.source_texts[s]);
    }
    meta.set("sources", std::move(sources));

    put_embedding(out, atlas.embedding, meta);
    if (atlas.encoder) put_encoder(out, *atlas.encoder, meta);
    put_graph(out, atlas.graph, meta);
    put_tree(out, atlas, meta);
    put_layout(out, atlas.layout, meta);
    if (atlas.territories) put_territories(out, *atlas.territories, meta);
    if (atlas.plain_quality) {
        JsonValue plain = JsonValue::make_object();
        put_quality(*atlas.plain_quality, plain);
        meta.set("plain_quality", std::move(plain));
    }

    JsonValue provenance = JsonValue::make_object();
    provenance.set("version", atlas.provenance.version);
    provenance.set("options", atlas.provenance.options);
    provenance.set("records_hash", atlas.provenance.records_hash);
    provenance.set("vectors_hash", atlas.provenance.vectors_hash);
    provenance.set("encoder", atlas.provenance.encoder);
    meta.set("provenance", std::move(provenance));
    out.container.meta = std::move(meta);
    return pack_container(out.container);
}

Atlas unpack_atlas(std::string_view bytes, const std::string& path) {
    const Reader in(unpack_container(bytes, path), path);
    const JsonValue& meta = in.container.meta;
    if (in.text(meta, "format") != kFormat) in.damaged("this container holds something else than an atlas");
    if (const double schema = in.number(meta, "schema"); schema != kSchema) {
        throw Error(ErrorCode::Format, ErrorContext{"load_atlas", path, -1, {}, -1},
                    "the atlas has schema " + to_text(schema) + ", this version reads " + std::to_string(kSchema),
                    "use the version of filmatlas that wrote it, or build it again");
    }
    Atlas atlas;
    atlas.title = in.text(meta, "title");
    const JsonValue& roles = in.member(meta, "roles");
    atlas.roles = {in.text(roles, "title"), in.text(roles, "time"), in.text(roles, "link"), in.text(roles, "summary")};
    atlas.records = get_records(in, meta);
    const std::int64_t n = atlas.records.size();

    const JsonValue& cleaning = in.member(meta, "cleaning");
    atlas.cleaning.seen = in.member(cleaning, "seen").integer;
    atlas.cleaning.kept = in.member(cleaning, "kept").integer;
    atlas.cleaning.repaired = notes_from(in, cleaning, "repaired");
    atlas.cleaning.rejected = notes_from(in, cleaning, "rejected");

    const auto& sources = in.list(meta, "sources");
    for (std::size_t s = 0; s < sources.size(); ++s) {
        atlas.profiles.source_names.push_back(in.text(sources[s], "name"));
        atlas.profiles.source_weights.push_back(in.number(sources[s], "weight"));
        atlas.profiles.token_shares.push_back(in.number(sources[s], "token_share"));
        atlas.profiles.source_texts.push_back(in.strings("profile." + std::to_string(s), n));
    }
    atlas.embedding = get_embedding(in, meta, n);
    if (const JsonValue* encoder = meta.find("encoder")) {
        atlas.encoder = get_encoder(in, *encoder);
        if (atlas.encoder->dimensions() != atlas.embedding.vectors.cols()) {
            in.damaged("the encoder and the vectors differ in dimensions");
        }
    }
    atlas.graph = get_graph(in, meta, n);
    get_tree(in, meta, atlas);
    atlas.layout = get_layout(in, meta, n);
    // Files of older versions have neither.
    if (const JsonValue* land = meta.find("territories")) atlas.territories = get_territories(in, *land, atlas.hierarchy);
    if (const JsonValue* plain = meta.find("plain_quality")) atlas.plain_quality = get_quality(in, *plain);
    const JsonValue& provenance = in.member(meta, "provenance");
    atlas.provenance = {in.text(provenance, "version"), in.text(provenance, "options"),
                        in.text(provenance, "records_hash"), in.text(provenance, "vectors_hash"),
                        in.text(provenance, "encoder")};
    return atlas;
}

void save_atlas(const Atlas& atlas, const std::string& path) { write_file_atomic(path, pack_atlas(atlas)); }

Atlas load_atlas(const std::string& path) {
    const MappedFile file(path);
    return unpack_atlas(file.bytes(), path);
}

}  // namespace filmatlas
