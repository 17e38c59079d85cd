// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_DOMINANCE_HPP
#define FILMATLAS_EMBEDDING_DOMINANCE_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/run_info.hpp"
#include "filmatlas/embedding/embedding.hpp"

/// @file dominance.hpp
/// @brief Which source decides who is whose neighbour, and weights that share the say as wished.
///
/// In: several vectors per item, as for combine_embeddings(). The links are those of source_links(). A
/// source's share is what it adds to the similarity of linked items *above that of random pairs*: a source
/// whose cosines are all near 0.7 tells nobody apart, however large its part of the sum.

namespace filmatlas {

struct DominanceOptions {
    int k = 10;                     ///< neighbours per item, at least 1
    std::int64_t max_items = 2000;  ///< items whose neighbours are sought (among all); a random sample above
    std::int64_t random_pairs = 20000;  ///< pairs that centre the cosines
    std::uint64_t seed = 42;
    int num_threads = 0;  ///< never changes the result
    MissingRule missing = MissingRule::Pair;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const DominanceOptions& options);

struct SourceDominance {
    std::string name;
    double weight = 0;       ///< normalised to sum 1
    std::int64_t items = 0;  ///< that have the source
    double random_mean = 0;  ///< of the source's cosine over random pairs of items that have it
    double random_deviation = 0;
    double share = 0;            ///< of the links' similarity above random pairs; sums to 1
    double raw_share = 0;        ///< of the links' similarity as it is; sums to 1
    double overlap_without = 1;  ///< share of the neighbours that stay when the source is left out
    double overlap_alone = 1;    ///< share of the neighbours that the source alone finds
    double shapley = 0;          ///< exact Shapley value, see DominanceReport; NaN with more than 6 sources
};

struct DominanceReport {
    std::vector<SourceDominance> sources;
    double dominance = 0;    ///< largest share: 1 / sources = balanced, 1 = one source decides alone
    double balance = 1;      ///< entropy of the shares / ln(sources), in [0, 1]
    std::int64_t items = 0;  ///< whose neighbours were looked at
    std::int64_t links = 0;
    /// Shapley values divide up 1 - chance_overlap: the game's value of a set of sources is the share of the
    /// neighbours under all sources that the set finds (overlap@k), of no source chance_overlap = k / (n -
    /// 1).
    double chance_overlap = 0;
};

/// Cost: sample * n * (sum of the dimensions + 2^sources for the Shapley values).
/// @throws Error (InvalidArgument), (Shape) as combine_embeddings(); for more than 16 sources; (Cancelled).
DominanceReport source_dominance(const std::vector<EmbeddingSource>& sources,
                                 const DominanceOptions& options = {}, const Progress& progress = {});

struct BalanceOptions {
    double tolerance = 0.01;  ///< largest |share - target| that ends the search, in (0, 1)
    int max_iterations = 60;
    DominanceOptions links = {.max_items = 1000};  ///< the links that are looked at
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const BalanceOptions& options);

struct BalancedWeights {
    std::vector<double> weights;  ///< (sources,) sum 1
    std::vector<double> shares;   ///< (sources,) that they gave, on the links looked at
    double worst = 0;             ///< largest |share - target|
    RunInfo run;                  ///< not converged is a status: the best weights found are returned
    /// The source that stays below its target even with all weight on it (the others keep a millionth, in the ratio
    /// that comes nearest): then the targets cannot be reached. Empty where that is not why a search ended.
    std::string limited_by = {};
};

/// Weights under which every source has its target share of the links (SourceDominance::share). Weights
/// change who is linked, so they are sought: each is multiplied by (target / share)^step, with steps that
/// shrink when a source overshoots. A target of 0 switches its source off. A source that many items lack cannot
/// have a large share, since it has none in the links of items without it; under MissingRule::Pair still less, since
/// links between items that share one other source win. Such targets are found out, see `limited_by`.
/// @param targets (sources,) >= 0, not all 0; scaled to sum 1. Empty = equal shares.
BalancedWeights auto_balance(const std::vector<EmbeddingSource>& sources,
                             std::span<const double> targets = {}, const BalanceOptions& options = {},
                             const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/embedding/detail/dominance_impl.hpp"
#endif
#endif  // FILMATLAS_EMBEDDING_DOMINANCE_HPP
