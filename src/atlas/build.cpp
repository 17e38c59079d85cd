// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/build.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/core/version.hpp"
#include "filmatlas/io/json.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/node_keywords.hpp"
#include "filmatlas/keywords/representatives.hpp"
#include "filmatlas/labels/keyword_labels.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/validate/layout_quality.hpp"
#include "keyword_counts.hpp"

namespace filmatlas {
namespace {

/// Neighbours that the tree and the map are made from, whatever a reader's list holds: both were chosen by measurement
/// at this number (see nested.hpp, map.hpp).
constexpr int kWorkingNeighbors = 15;
/// From this many items on, a term must occur in a few of them to be counted: rarer ones cannot name a node.
constexpr std::int64_t kManyItems = 2000;

KnnGraph first_neighbors(const KnnGraph& graph, std::int64_t k) {
    KnnGraph result = graph;
    k = std::min(k, graph.k());
    result.indices = Matrix<Index>(graph.size(), k);
    result.distances = Matrix<float>(graph.size(), k);
    for (std::int64_t i = 0; i < graph.size(); ++i) {
        std::copy_n(graph.indices.row_data(i), k, result.indices.row_data(i));
        std::copy_n(graph.distances.row_data(i), k, result.distances.row_data(i));
    }
    return result;
}

/// Hash of a value's parts, each preceded by its length so that no two records share their bytes by shifting.
class ContentHash {
public:
    void text(std::string_view value) {
        number(value.size());
        hash_.update(value);
    }
    template <class T>
    void number(T value) {
        hash_.update(&value, sizeof value);
    }
    void bytes(const void* data, std::size_t size) { hash_.update(data, size); }
    std::string hex() { return hash_.hex(); }

private:
    Sha256 hash_;
};

std::string hash_records(const Records& records) {
    ContentHash hash;
    for (const std::string& id : records.ids) hash.text(id);
    for (const Column& column : records.columns) {
        hash.text(column.name);
        hash.text(to_string(column.kind));
        for (const std::string& value : column.text) hash.text(value);
        for (const double value : column.numbers) hash.number(std::isnan(value) ? std::nan("") : value);
        for (const auto& list : column.tags) {
            hash.number(list.size());
            for (const std::string& tag : list) hash.text(tag);
        }
        for (const auto& list : column.scored_tags) {
            hash.number(list.size());
            for (const ScoredTag& tag : list) hash.text(tag.tag), hash.number(tag.score);
        }
    }
    return hash.hex();
}

std::string hash_vectors(const Matrix<float>& vectors) {
    ContentHash hash;
    hash.number(vectors.rows());
    hash.number(vectors.cols());
    hash.bytes(vectors.data(), vectors.values().size() * sizeof(float));
    return hash.hex();
}

JsonValue describe(const BuildOptions& options, const std::vector<Source>& sources, const NestedOptions& clusters) {
    JsonValue json = JsonValue::make_object();
    JsonValue list = JsonValue::make_array();
    for (const Source& source : sources) {
        JsonValue entry = JsonValue::make_object();
        entry.set("name", source.name);
        JsonValue columns = JsonValue::make_array();
        for (const std::string& column : source.columns) columns.push(column);
        entry.set("columns", std::move(columns));
        entry.set("weight", source.weight);
        entry.set("max_tokens", source.max_tokens);
        entry.set("min_score", source.min_score);
        entry.set("min_lift", source.min_lift);
        entry.set("max_items", source.max_items);
        entry.set("prefix", source.prefix);
        list.push(std::move(entry));
    }
    json.set("sources", std::move(list));
    json.set("profile_tokens", options.profile_tokens);
    json.set("include_titles", options.include_titles);
    json.set("n_neighbors", static_cast<std::int64_t>(options.n_neighbors));
    json.set("metric", std::string(to_string(options.metric)));
    JsonValue counts = JsonValue::make_array();
    if (clusters.n_clusters) {
        for (const int count : *clusters.n_clusters) counts.push(static_cast<std::int64_t>(count));
    }
    json.set("n_clusters", std::move(counts));
    json.set("encoder_components", static_cast<std::int64_t>(options.encoder_components));
    json.set("keywords_per_node", static_cast<std::int64_t>(options.keywords_per_node));
    json.set("representatives_per_node", static_cast<std::int64_t>(options.representatives_per_node));
    json.set("stop_words", options.stop_words);
    json.set("seed", static_cast<std::int64_t>(options.seed));
    json.set("map_territories", options.map_territories);
    if (options.exact_trust) json.set("exact_trust", *options.exact_trust);
    return json;
}

bool has_text(const Profiles& profiles) {
    return std::any_of(profiles.texts.begin(), profiles.texts.end(), [](const std::string& t) { return !t.empty(); });
}

/// Vectors brought along, or the built-in encoder's.
Embedding make_vectors(Atlas& atlas, const Profiles& profiles, const std::vector<GivenVectors>& given,
                       const BuildOptions& options, const Progress& progress) {
    for (const GivenVectors& part : given) {
        if (part.vectors.rows != atlas.size()) {
            throw_shape("build_atlas",
                        "vectors '" + part.name + "' have " + std::to_string(part.vectors.rows) + " rows, the records " +
                            std::to_string(atlas.size()),
                        atlas.cleaning.rejected.empty()
                            ? "row i of the vectors must belong to item i of the records"
                            : "rows were left out by ingest: leave the same rows out of the vectors");
        }
    }
    if (!given.empty()) {
        atlas.provenance.encoder = "given";
        if (given.size() == 1) {
            EmbeddingOptions single;
            single.normalize = options.metric == Metric::Cosine;
            single.on_invalid = options.on_invalid;
            single.name = given[0].name;
            single.num_threads = options.num_threads;
            return make_embedding(given[0].vectors, single);
        }
        std::vector<EmbeddingSource> parts;
        for (const GivenVectors& part : given) parts.push_back({part.name, part.vectors, part.weight});
        CombineOptions combine;
        combine.on_invalid = options.on_invalid;
        combine.num_threads = options.num_threads;
        return combine_embeddings(parts, combine);
    }
    if (!has_text(profiles)) {
        throw_invalid("build_atlas", "", "there are neither vectors nor texts to make them from",
                      "bring vectors, or name sources with text");
    }
    atlas.provenance.encoder = "lsa";
    LsaOptions lsa;
    lsa.n_components = options.encoder_components;
    lsa.tokens.stop_words = options.stop_words;
    lsa.seed = options.seed;
    lsa.num_threads = options.num_threads;
    LsaFit fit = fit_lsa(profiles.texts, lsa, progress);
    atlas.encoder = std::move(fit.encoder);
    EmbeddingOptions checked;
    checked.name = "profile";
    checked.normalize = options.metric == Metric::Cosine;
    // An item without a known word is the catalogue's doing, not a caller's mistake: it is carried through and listed.
    checked.on_invalid = OnInvalid::Quarantine;
    checked.num_threads = options.num_threads;
    return make_embedding(fit.vectors.view(), checked);
}

void name_nodes(Atlas& atlas, const std::vector<Source>& sources, const ComposeOptions& compose,
                const BuildOptions& options, const Progress& progress) {
    CountOptions counting;
    counting.tokens.stop_words = options.stop_words;
    counting.min_df = atlas.size() >= kManyItems ? 5 : atlas.size() >= 50 ? 2 : 1;
    counting.max_df = atlas.size() >= 50 ? 0.5 : 1.0;
    counting.num_threads = options.num_threads;
    const CountResult counted =
        detail::count_keyword_terms(atlas.records, sources, compose, counting, progress);
    // A film's own name must not become the keyword of its group.
    std::vector<std::string> titles(static_cast<std::size_t>(atlas.size()));
    if (const Column* column = atlas.records.find(atlas.roles.title); column != nullptr && !options.include_titles) {
        titles = column->text;
    }
    const CsrMatrix<std::int32_t> counts =
        drop_name_terms(counted.counts, counted.vocabulary, titles, options.num_threads);
    ClassTfidfOptions weighting;
    weighting.num_threads = options.num_threads;
    const ClassTerms terms = class_tfidf(counts, counted.vocabulary, atlas.hierarchy, weighting);
    KeywordOptions ranking;
    ranking.top_n = options.keywords_per_node;
    ranking.num_threads = options.num_threads;
    atlas.keywords = node_keywords(terms, atlas.hierarchy, ranking);
    atlas.labels = keyword_labels(atlas.hierarchy, atlas.keywords);
    atlas.representatives = representatives(atlas.hierarchy, atlas.embedding.vectors.view(),
                                            options.representatives_per_node, options.num_threads);
}

Matrix<Index> groups_of(const Hierarchy& tree) {
    Matrix<Index> groups(tree.num_items(), tree.num_levels());
    for (int level = 0; level < tree.num_levels(); ++level) {
        const std::vector<Index> labels = tree.labels(level);
        for (std::int64_t i = 0; i < groups.rows(); ++i) groups(i, level) = labels[static_cast<std::size_t>(i)];
    }
    return groups;
}

/// The map, how far each place on it may be trusted, and who owns which part of it.
/// @param graph    what a reader's lists are made of: the neighbours that count as true
/// @param working  what the map is made of
void draw_map(Atlas& atlas, const KnnGraph& graph, const KnnGraph& working, const BuildOptions& options,
              const Progress& progress) {
    const auto vectors = atlas.embedding.vectors.view();
    MapOptions map;
    map.seed = options.seed;
    map.num_threads = options.num_threads;
    QualityOptions quality;
    quality.k = options.n_neighbors;
    quality.exact_trust = options.exact_trust;
    quality.num_threads = options.num_threads;
    quality.seed = options.seed;
    const auto measured_map = [&] {
        Layout layout = atlas_map(vectors, working, map, progress);
        layout.quality = layout_quality(vectors, graph, layout.coordinates, quality, progress);
        return layout;
    };
    atlas.layout = measured_map();
    if (options.map_territories) {
        atlas.plain_quality = std::move(atlas.layout.quality);
        atlas.plain_quality->kept_per_item.clear();
        atlas.plain_quality->trust_per_item.clear();
        atlas.plain_quality->continuity_per_item.clear();
        map.territories = true;
        map.levels = groups_of(atlas.hierarchy);
        atlas.layout = measured_map();
    }
    atlas.territories = territories(atlas.layout.coordinates, atlas.hierarchy);
}

}  // namespace

void validate(const BuildOptions& options) {
    constexpr const char* kStage = "build_atlas";
    const auto at_least_one = [&](const char* field, std::int64_t value) {
        if (value < 1) throw_invalid(kStage, field, "is " + std::to_string(value), "use 1 or more");
    };
    at_least_one("n_neighbors", options.n_neighbors);
    at_least_one("encoder_components", options.encoder_components);
    at_least_one("keywords_per_node", options.keywords_per_node);
    at_least_one("representatives_per_node", options.representatives_per_node);
    if (options.profile_tokens < 0) {
        throw_invalid(kStage, "profile_tokens", "is " + std::to_string(options.profile_tokens), "use 0 or more");
    }
    if (options.level_names.empty()) throw_invalid(kStage, "level_names", "is empty", "name at least one level");
    if (options.n_clusters && options.n_clusters->size() != options.level_names.size()) {
        throw_invalid(kStage, "n_clusters",
                      "has " + std::to_string(options.n_clusters->size()) + " counts for " +
                          std::to_string(options.level_names.size()) + " levels",
                      "give one count per level, coarse to fine");
    }
    if (options.metric != Metric::Cosine && options.metric != Metric::Euclidean) {
        throw_invalid(kStage, "metric", "is " + std::string(to_string(options.metric)), "use cosine or euclidean");
    }
    resolve_num_threads(options.num_threads);
}

Roles resolve_roles(const Records& records, Roles wanted) {
    const auto require = [&](const std::string& name, const char* role) {
        if (!name.empty()) {
            if (records.find(name) == nullptr) {
                throw_invalid("resolve_roles", role, "there is no column '" + name + "'", "name an existing column");
            }
        }
    };
    require(wanted.title, "title");
    require(wanted.time, "time");
    require(wanted.link, "link");
    require(wanted.summary, "summary");
    if (!wanted.title.empty() && records.column(wanted.title).kind != ColumnKind::Text) {
        throw_invalid("resolve_roles", "title", "column '" + wanted.title + "' is not text", "name a text column");
    }
    if (wanted.title.empty()) {
        for (const char* name : {"title", "name", "label"}) {
            const Column* column = records.find(name);
            if (wanted.title.empty() && column != nullptr && column->kind == ColumnKind::Text) wanted.title = name;
        }
    }
    double longest = 0;
    for (const Column& column : records.columns) {
        if (column.kind == ColumnKind::Text) {
            if (wanted.title.empty() && column.is_public) wanted.title = column.name;
            double bytes = 0;
            for (const std::string& text : column.text) bytes += static_cast<double>(text.size());
            const double mean = records.size() > 0 ? bytes / static_cast<double>(records.size()) : 0;
            if (wanted.summary.empty() || longest > 0) {
                if (column.is_public && column.name != wanted.title && mean > std::max(longest, 40.0)) {
                    longest = mean;
                    wanted.summary = column.name;
                }
            }
        }
        if (column.kind == ColumnKind::Link && wanted.link.empty() && column.is_public) wanted.link = column.name;
        if (column.kind == ColumnKind::Number && wanted.time.empty() && column.is_public &&
            (column.name.find("year") != std::string::npos || column.name.find("date") != std::string::npos)) {
            wanted.time = column.name;
        }
    }
    return wanted;
}

Atlas build_atlas(IngestResult input, const std::vector<GivenVectors>& vectors, const BuildOptions& options,
                  const Progress& progress) {
    validate(options);
    if (input.records.size() == 0) {
        throw_invalid("build_atlas", "records", "there are no items", "give at least one");
    }
    validate(input.records);

    Atlas atlas;
    atlas.title = options.title;
    atlas.records = std::move(input.records);
    atlas.cleaning = std::move(input.cleaning);
    if (atlas.cleaning.seen == 0) atlas.cleaning.seen = atlas.cleaning.kept = atlas.size();
    atlas.roles = resolve_roles(atlas.records, options.roles);
    if (atlas.roles.title.empty()) {
        // Without any text column the ids are the names, so that every page and list has one.
        Column names;
        names.name = "title";
        names.text = atlas.records.ids;
        atlas.records.columns.push_back(std::move(names));
        atlas.roles.title = "title";
    }

    const std::vector<Source> sources = options.sources.empty() ? default_sources(atlas.records) : options.sources;
    ComposeOptions compose;
    compose.max_tokens = options.profile_tokens;
    compose.include_titles = options.include_titles;
    compose.title_column = atlas.roles.title;
    compose.num_threads = options.num_threads;
    Profiles profiles;
    profiles.texts.resize(static_cast<std::size_t>(atlas.size()));
    if (!sources.empty()) profiles = compose_profiles(atlas.records, sources, compose);
    if (progress) progress("profile", 1, 1);

    atlas.embedding = make_vectors(atlas, profiles, vectors, options, progress);
    if (static_cast<std::int64_t>(atlas.embedding.bad_rows.size()) == atlas.size()) {
        throw_invalid("build_atlas", "vectors", "no item has a usable vector", "give at least one that is finite and not zero");
    }

    KnnOptions knn;
    knn.k = static_cast<int>(std::min<std::int64_t>(std::max(options.n_neighbors, kWorkingNeighbors),
                                                    std::max<std::int64_t>(atlas.size() - 1, 1)));
    knn.metric = options.metric;
    knn.num_threads = options.num_threads;
    knn.seed = options.seed;
    const KnnGraph graph = knn_graph(atlas.embedding.vectors.view(), knn, progress);
    atlas.graph = first_neighbors(graph, options.n_neighbors);

    NestedOptions nested;
    nested.level_names = options.level_names;
    nested.n_clusters = options.n_clusters;
    nested.seed = options.seed;
    nested.num_threads = options.num_threads;
    const KnnGraph working = first_neighbors(graph, kWorkingNeighbors);
    NestedResult clusters = nested_clusters(atlas.embedding.vectors.view(), working, nested, progress);
    atlas.hierarchy = std::move(clusters.hierarchy);
    atlas.strength = std::move(clusters.strength);

    name_nodes(atlas, sources, compose, options, progress);

    draw_map(atlas, graph, working, options, progress);

    atlas.profiles.source_names = profiles.source_names;
    atlas.profiles.source_weights = profiles.source_weights;
    for (const SourceShare& share : profiles.report) atlas.profiles.token_shares.push_back(share.token_share);
    atlas.profiles.source_texts = std::move(profiles.source_texts);
    atlas.provenance.version = FILMATLAS_VERSION;
    atlas.provenance.options = write_json(describe(options, sources, clusters.options));
    atlas.provenance.records_hash = hash_records(atlas.records);
    atlas.provenance.vectors_hash = hash_vectors(atlas.embedding.vectors);
    return atlas;
}

}  // namespace filmatlas
