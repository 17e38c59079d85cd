// SPDX-License-Identifier: MIT
#include "filmatlas/atlas/query.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/place.hpp"
#include "filmatlas/neighbors/knn_index.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas {
namespace {

/// Distance under which a new item counts as the same as an item of the atlas: float32 rounding of unit vectors.
constexpr float kSameItem = 1e-6F;

void require_row(const Atlas& atlas, Index row, std::string_view stage) {
    if (row < 0 || row >= atlas.size()) {
        throw_invalid(stage, "row", "is " + std::to_string(row),
                      "use a row from 0 to " + std::to_string(atlas.size() - 1));
    }
}

/// Levenshtein distance with transpositions of neighbours, or limit + 1 when it is larger.
int edit_distance(std::u32string_view a, std::u32string_view b, int limit) {
    const auto n = static_cast<int>(a.size()), m = static_cast<int>(b.size());
    if (std::abs(n - m) > limit) return limit + 1;
    std::vector<int> before(static_cast<std::size_t>(m) + 1), last(before.size()), row(before.size());
    for (int j = 0; j <= m; ++j) last[static_cast<std::size_t>(j)] = j;
    for (int i = 1; i <= n; ++i) {
        row[0] = i;
        int best = i;
        for (int j = 1; j <= m; ++j) {
            const auto at = static_cast<std::size_t>(j);
            const bool same = a[static_cast<std::size_t>(i) - 1] == b[at - 1];
            row[at] = std::min({last[at] + 1, row[at - 1] + 1, last[at - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && a[static_cast<std::size_t>(i) - 1] == b[at - 2] &&
                a[static_cast<std::size_t>(i) - 2] == b[at - 1]) {
                row[at] = std::min(row[at], before[at - 2] + 1);
            }
            best = std::min(best, row[at]);
        }
        if (best > limit) return limit + 1;
        std::swap(before, last);
        std::swap(last, row);
    }
    return std::min(last[static_cast<std::size_t>(m)], limit + 1);
}

bool starts_word(std::string_view text, std::size_t at) {
    if (at == 0) return true;
    const char before = text[at - 1];
    return before == ' ' || before == '-' || before == '\'' || before == ':' || before == '(';
}

/// Score of one folded title; 0 = no match.
double title_score(std::string_view title, std::string_view query, std::u32string_view query_points) {
    if (title == query) return 4;
    std::size_t at = title.find(query);
    if (at == 0) return 3;
    bool inside = false;
    while (at != std::string_view::npos) {
        if (starts_word(title, at)) return 2;
        inside = true;
        at = title.find(query, at + 1);
    }
    if (inside) return 1;
    if (query_points.size() < 4) return 0;
    const int limit = query_points.size() < 8 ? 1 : 2;
    const std::u32string points = to_code_points(title);
    int distance = edit_distance(points, query_points, limit);
    // A misspelt beginning of a longer title still finds it.
    if (distance > limit && points.size() > query_points.size()) {
        distance = edit_distance(std::u32string_view(points).substr(0, query_points.size()), query_points, limit);
        if (distance <= limit) return 0.5 - 0.1 * distance;
    }
    return distance <= limit ? 0.9 - 0.1 * distance : 0;
}

/// TF-IDF weights of the terms of one text, by the frequencies of the whole corpus.
std::map<std::string, double> term_weights(const std::map<std::string, int>& counts,
                                           const std::map<std::string, double>& idf) {
    std::map<std::string, double> weights;
    double norm = 0;
    for (const auto& [term, count] : counts) {
        const double weight = (1 + std::log(static_cast<double>(count))) * idf.at(term);
        weights[term] = weight;
        norm += weight * weight;
    }
    for (auto& entry : weights) entry.second /= std::sqrt(norm);
    return weights;
}

/// Terms that two items share, weighted over the corpus; `all_weight` gets the sum of all products.
std::vector<SharedTerm> shared_terms(const Atlas& atlas, Index a, Index b, std::vector<double>& by_source) {
    const AtlasProfiles& profiles = atlas.profiles;
    const std::size_t sources = profiles.source_names.size();
    by_source.assign(sources, 0);
    TokenizeOptions tokens;
    tokens.stop_words = "english";
    std::map<std::string, int> counts[2];
    std::vector<std::set<std::string>> terms[2];
    for (int side = 0; side < 2; ++side) {
        terms[side].resize(sources);
        for (std::size_t s = 0; s < sources; ++s) {
            const auto row = static_cast<std::size_t>(side == 0 ? a : b);
            for (const std::string& term : tokenize(profiles.source_texts[s][row], tokens)) {
                ++counts[side][term];
                terms[side][s].insert(term);
            }
        }
    }
    // Document frequencies of just the terms of these two items, in one pass over the corpus.
    std::vector<std::string> vocabulary;
    for (const auto& side : counts) {
        for (const auto& entry : side) vocabulary.push_back(entry.first);
    }
    std::sort(vocabulary.begin(), vocabulary.end());
    vocabulary.erase(std::unique(vocabulary.begin(), vocabulary.end()), vocabulary.end());
    if (vocabulary.empty()) return {};
    std::vector<std::int64_t> frequency(vocabulary.size(), 0);
    {
        std::vector<std::string> texts(static_cast<std::size_t>(atlas.size()));
        for (std::size_t i = 0; i < texts.size(); ++i) {
            for (std::size_t s = 0; s < sources; ++s) texts[i] += profiles.source_texts[s][i] + " ";
        }
        frequency = document_frequency(count_with_vocabulary(texts, vocabulary, tokens));
    }
    std::map<std::string, double> idf;
    for (std::size_t t = 0; t < vocabulary.size(); ++t) {
        idf[vocabulary[t]] =
            std::log((1.0 + static_cast<double>(atlas.size())) / (1.0 + static_cast<double>(frequency[t]))) + 1;
    }
    const auto weights_a = term_weights(counts[0], idf);
    const auto weights_b = term_weights(counts[1], idf);
    std::vector<SharedTerm> shared;
    for (const auto& [term, weight] : weights_a) {
        const auto other = weights_b.find(term);
        if (other == weights_b.end()) continue;
        SharedTerm entry{term, weight * other->second, {}};
        std::vector<std::size_t> in;
        for (std::size_t s = 0; s < sources; ++s) {
            const bool in_a = terms[0][s].count(term) > 0, in_b = terms[1][s].count(term) > 0;
            if (in_a && in_b) entry.sources.push_back(profiles.source_names[s]);
            if (in_a || in_b) in.push_back(s);
        }
        for (const std::size_t s : in) by_source[s] += entry.weight / static_cast<double>(in.size());
        shared.push_back(std::move(entry));
    }
    std::stable_sort(shared.begin(), shared.end(),
                     [](const SharedTerm& x, const SharedTerm& y) { return x.weight > y.weight; });
    return shared;
}

double similarity_of(const Atlas& atlas, float distance) {
    return atlas.graph.metric == Metric::Cosine ? 1.0 - static_cast<double>(distance) : -static_cast<double>(distance);
}

}  // namespace

Index find_item(const Atlas& atlas, std::string_view id) {
    const auto found = std::find(atlas.records.ids.begin(), atlas.records.ids.end(), id);
    if (found == atlas.records.ids.end()) {
        throw_invalid("find_item", "id", "no item is called '" + std::string(id) + "'", "search by title to find its id");
    }
    return static_cast<Index>(found - atlas.records.ids.begin());
}

const std::string& item_title(const Atlas& atlas, Index row) {
    const Column* column = atlas.records.find(atlas.roles.title);
    const auto at = static_cast<std::size_t>(row);
    if (column != nullptr && at < column->text.size() && !column->text[at].empty()) return column->text[at];
    return atlas.records.ids[at];
}

std::vector<SearchHit> search_titles(const Atlas& atlas, std::string_view query, int limit) {
    const std::string folded = fold(query);
    const std::size_t begin = folded.find_first_not_of(' ');
    if (begin == std::string::npos || limit <= 0) return {};
    const std::string wanted = folded.substr(begin, folded.find_last_not_of(' ') - begin + 1);
    const std::u32string points = to_code_points(wanted);
    std::vector<SearchHit> hits;
    for (Index row = 0; row < atlas.size(); ++row) {
        const double score = title_score(fold(item_title(atlas, row)), wanted, points);
        if (score > 0) hits.push_back({row, score});
    }
    std::stable_sort(hits.begin(), hits.end(), [](const SearchHit& x, const SearchHit& y) { return x.score > y.score; });
    if (hits.size() > static_cast<std::size_t>(limit)) hits.resize(static_cast<std::size_t>(limit));
    return hits;
}

std::vector<Neighbor> item_neighbors(const Atlas& atlas, Index row, int k) {
    require_row(atlas, row, "item_neighbors");
    std::vector<Neighbor> neighbors;
    const std::int64_t count = std::min<std::int64_t>(std::max(k, 0), atlas.graph.k());
    for (std::int64_t j = 0; j < count && atlas.graph.indices(row, j) >= 0; ++j) {
        const float distance = atlas.graph.distances(row, j);
        neighbors.push_back({atlas.graph.indices(row, j), distance, similarity_of(atlas, distance)});
    }
    return neighbors;
}

Explanation explain(const Atlas& atlas, Index a, Index b, int max_terms) {
    require_row(atlas, a, "explain");
    require_row(atlas, b, "explain");
    Explanation result;
    const std::vector<double> parts = similarity_shares(atlas.embedding, a, b);
    for (const double part : parts) result.similarity += part;

    std::vector<double> by_source;
    result.shared_terms = shared_terms(atlas, a, b, by_source);
    if (atlas.embedding.parts.size() > 1) {
        result.exact_shares = true;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            result.shares.push_back({atlas.embedding.parts[p].name, parts[p]});
        }
    } else {
        double total = 0;
        for (const double weight : by_source) total += weight;
        for (std::size_t s = 0; s < by_source.size(); ++s) {
            const double share = total > 0 ? result.similarity * by_source[s] / total : 0;
            result.shares.push_back({atlas.profiles.source_names[s], share});
        }
    }
    if (result.shared_terms.size() > static_cast<std::size_t>(std::max(max_terms, 0))) {
        result.shared_terms.resize(static_cast<std::size_t>(std::max(max_terms, 0)));
    }
    for (std::int64_t j = 0; j < atlas.graph.k(); ++j) {
        if (atlas.graph.indices(a, j) == b) result.neighbor_rank = static_cast<int>(j) + 1;
    }
    const std::vector<Index> leaves = atlas.hierarchy.leaves();
    const std::vector<Index> path_a = atlas.hierarchy.path(leaves[static_cast<std::size_t>(a)]);
    const std::vector<Index> path_b = atlas.hierarchy.path(leaves[static_cast<std::size_t>(b)]);
    for (std::size_t level = 0; level < path_a.size() && path_a[level] == path_b[level]; ++level) {
        result.common_node = path_a[level];
    }
    return result;
}

std::vector<Placement> place_vectors(const Atlas& atlas, MatrixView<const float> vectors, int k, int num_threads) {
    if (vectors.cols != atlas.embedding.vectors.cols()) {
        throw_shape("place_vectors",
                    "vectors have " + std::to_string(vectors.cols) + " dimensions, the atlas has " +
                        std::to_string(atlas.embedding.vectors.cols()),
                    "encode new items with the encoder that the atlas was built from");
    }
    if (k < 1) throw_invalid("place_vectors", "k", "is " + std::to_string(k), "use k >= 1");
    EmbeddingOptions checked;
    checked.normalize = atlas.embedding.normalized;
    checked.num_threads = num_threads;
    const Embedding queries = make_embedding(vectors, checked);

    const KnnIndex index(atlas.embedding.vectors.view(), atlas.graph.metric);
    const auto found = index.query(queries.vectors.view(), std::max(k, 1), num_threads);
    const Matrix<float> positions = place_on_map(atlas.layout.coordinates, found.indices, found.distances);
    const std::vector<Index> leaves = atlas.hierarchy.leaves();

    std::vector<Placement> placements(static_cast<std::size_t>(vectors.rows));
    for (std::int64_t i = 0; i < vectors.rows; ++i) {
        Placement& placement = placements[static_cast<std::size_t>(i)];
        for (std::int64_t j = 0; j < found.indices.cols() && found.indices(i, j) >= 0; ++j) {
            const float distance = found.distances(i, j);
            placement.neighbors.push_back({found.indices(i, j), distance, similarity_of(atlas, distance)});
        }
        if (placement.neighbors.empty()) continue;
        if (placement.neighbors[0].distance <= kSameItem) {
            placement.path = atlas.hierarchy.path(leaves[static_cast<std::size_t>(placement.neighbors[0].row)]);
        } else {
            // The vote at each level is held among the neighbours inside the node chosen one level up, so that the path is
            // one of the tree's. Nearer neighbours weigh more; the last one weighs nothing.
            const double last = placement.neighbors.back().distance;
            std::vector<std::pair<std::vector<Index>, double>> voters;
            for (const Neighbor& neighbor : placement.neighbors) {
                voters.emplace_back(atlas.hierarchy.path(leaves[static_cast<std::size_t>(neighbor.row)]),
                                    last - neighbor.distance + 1e-3 * (1 + last));
            }
            for (int level = 0; level < atlas.hierarchy.num_levels(); ++level) {
                const auto at = static_cast<std::size_t>(level);
                std::map<Index, double> votes;
                for (const auto& [path, weight] : voters) {
                    if (level == 0 || path[at - 1] == placement.path.back()) votes[path[at]] += weight;
                }
                Index best = votes.begin()->first;
                for (const auto& [node, weight] : votes) {
                    if (weight > votes[best]) best = node;
                }
                placement.path.push_back(best);
            }
        }
        int inside = 0;
        for (const Neighbor& neighbor : placement.neighbors) {
            inside += leaves[static_cast<std::size_t>(neighbor.row)] == placement.path.back() ? 1 : 0;
        }
        placement.confidence = static_cast<double>(inside) / static_cast<double>(placement.neighbors.size());
        const auto position = positions.row(i);
        placement.position.assign(position.begin(), position.end());
    }
    return placements;
}

std::vector<Placement> place_texts(const Atlas& atlas, const std::vector<std::string>& texts, int k, int num_threads) {
    if (!atlas.encoder) {
        throw_invalid("place_texts", "", "this atlas was built from given vectors and holds no encoder",
                      "encode the texts as its vectors were and use place_vectors");
    }
    const Matrix<float> vectors = encode(*atlas.encoder, texts, num_threads);
    return place_vectors(atlas, vectors.view(), k, num_threads);
}

}  // namespace filmatlas
