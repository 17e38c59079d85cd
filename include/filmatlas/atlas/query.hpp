// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_QUERY_HPP
#define FILMATLAS_ATLAS_QUERY_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/atlas/atlas.hpp"

/// @file query.hpp
/// @brief Questions to a finished atlas: find, neighbours, explain, place.

namespace filmatlas {

/// Row of the item with this id. @throws Error (InvalidArgument) when there is none.
Index find_item(const Atlas& atlas, std::string_view id);
/// Title of an item, or its id where the title is missing.
const std::string& item_title(const Atlas& atlas, Index row);

struct SearchHit {
    Index row = 0;
    double score = 0;  ///< 4 exact, 3 prefix, 2 prefix of a word, 1 substring, below 1 similar spelling
};
/// Titles that match, case and diacritics folded; best first, ties by row. Cost O(total title bytes).
std::vector<SearchHit> search_titles(const Atlas& atlas, std::string_view query, int limit = 10);

struct Neighbor {
    Index row = 0;
    float distance = 0;
    double similarity = 0;  ///< cosine metric: 1 - distance; others: -distance
};
/// Stored full-space neighbours, nearest first; at most graph.k().
std::vector<Neighbor> item_neighbors(const Atlas& atlas, Index row, int k = 10);

struct SourceShareOfPair {
    std::string source;
    double share = 0;  ///< part of the similarity; parts sum to it
};
struct SharedTerm {
    std::string term;
    double weight = 0;  ///< product of the items' TF-IDF weights
    std::vector<std::string> sources;  ///< sources in which both items have it
};
struct Explanation {
    double similarity = 0;
    bool exact_shares = false;  ///< true: vectors have one part per source; false: shares are of the shared terms' weight
    std::vector<SourceShareOfPair> shares;
    std::vector<SharedTerm> shared_terms;  ///< heaviest first
    int neighbor_rank = 0;  ///< place of b among a's stored neighbours, 1 = nearest; 0 = not among them
    Index common_node = -1;  ///< deepest node that holds both; -1 = none
};
/// Why two items are similar.
Explanation explain(const Atlas& atlas, Index a, Index b, int max_terms = 12);

struct Placement {
    std::vector<Neighbor> neighbors;  ///< among the atlas's items
    std::vector<Index> path;          ///< node ids, coarse to fine
    std::vector<float> position;      ///< map coordinates
    double confidence = 0;            ///< share of the neighbours that lie in the placed finest node
};
/// Places new items by their vectors (same dimension as the atlas): neighbours in the full space, path by the
/// similarity-weighted vote of the neighbours (each level inside its parent), position between them. One by one
/// equals together; an item of the atlas lands on itself.
/// @throws Error (Shape) for another dimension; (InvalidArgument) for NaN, infinite or zero rows.
std::vector<Placement> place_vectors(const Atlas& atlas, MatrixView<const float> vectors, int k = 10,
                                     int num_threads = 0);
/// The same for texts, by the built-in encoder. @throws Error (InvalidArgument) when the atlas was built from given vectors.
std::vector<Placement> place_texts(const Atlas& atlas, const std::vector<std::string>& texts, int k = 10,
                                   int num_threads = 0);

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_QUERY_HPP
