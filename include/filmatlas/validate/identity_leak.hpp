// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_IDENTITY_LEAK_HPP
#define FILMATLAS_VALIDATE_IDENTITY_LEAK_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file identity_leak.hpp
/// @brief Whether items are neighbours because they are called alike: titles (or casts, franchises) against
/// the neighbour graph.
///
/// A profile that contains the title, in a review or in an article's first sentence, places "Dragon Rider"
/// beside "Dragon Bank". Names also say honestly what a thing is about, so a leak is a matter of degree: the
/// figures here say how far, and masking the names (text/mask_names.hpp) and comparing the graphs says what
/// it changes.

namespace filmatlas {

struct LeakOptions {
    int k = 10;                       ///< neighbours looked at, at least 1; lowered to the graph's
    int permutations = 200;           ///< of the names over the items, at least 10
    std::int64_t max_pairs = 200000;  ///< links and random pairs that the AUC rests on, at least 100
    int top_tokens = 20;              ///< tokens listed
    std::uint64_t seed = 42;
    int num_threads = 0;  ///< never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const LeakOptions& options);

/// A figure and what it is when names are dealt out at random.
struct LeakFigure {
    double observed = 0;
    double chance = 0;  ///< mean over the permutations
    double z = 0;       ///< (observed - chance) / standard deviation of the permutations
};

/// A name token that joins more neighbours than it should.
struct LeakToken {
    std::string token;
    std::int64_t items = 0;
    std::int64_t links = 0;  ///< of the graph, between items that have it
    double lift = 0;         ///< links / links expected by chance
};

struct LeakReport {
    std::int64_t items = 0;  ///< in the graph, with a name
    int k = 0;
    LeakFigure overlap;     ///< share of the nearest items by name alone that are neighbours too
    LeakFigure rare_links;  ///< share of the links between items that share a rare token of their names
    double auc = 0.5;       ///< of telling links from random pairs by the names' cosine alone; 0.5 = cannot
    std::vector<LeakToken> tokens;  ///< of at least two items, by links above chance, ties by token
    bool suspicious = false;        ///< overlap.z or rare_links.z above 10
};

/// @param names (n, tokens) counts of the names' tokens, e.g. count_terms(titles) without stop words, or one
/// column
///        per actor.
/// @param vocabulary (tokens,) what the columns are called.
/// Nearness of names is the cosine of their TF-IDF rows; ties by id. A token is rare when its idf is at least
/// the median over all occurrences of tokens that two items or more have. Cost: permutations * n * k^2,
/// parallel over permutations.
/// @throws Error (Shape) when names, vocabulary and graph do not belong together; (Cancelled).
LeakReport identity_leak(const CsrMatrix<std::int32_t>& names, std::span<const std::string> vocabulary,
                         const KnnGraph& graph, const LeakOptions& options = {},
                         const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/identity_leak_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_IDENTITY_LEAK_HPP
