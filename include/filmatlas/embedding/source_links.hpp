// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_SOURCE_LINKS_HPP
#define FILMATLAS_EMBEDDING_SOURCE_LINKS_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/embedding/embedding.hpp"

/// @file source_links.hpp
/// @brief Similarity of items that have several vectors each, split exactly into what every source gives.
///
/// The similarity of two items is the weighted mean of their sources' cosines. Where a source is missing,
/// weights are renormalised for the pair, so that an item is not pushed away by what it lacks, or for each
/// item (MissingRule). Under MissingRule::Item, and where no source is missing, this is the cosine of the
/// rows that combine_embeddings() makes.

namespace filmatlas {

/// One pair of items.
struct PairSimilarity {
    double cosine = 0;            ///< of the whole; the sum of `shares`
    bool comparable = false;      ///< whether a source of positive weight is present in both
    bool exact = true;            ///< false: `shares` rest on a convention, see Fusion
    std::vector<double> shares;   ///< (sources,) 0 where a source is missing in either
    std::vector<double> cosines;  ///< (sources,) of the source alone; NaN where missing in either
    std::vector<double>
        weights;  ///< (sources,) as renormalised; sum 1 when comparable (MissingRule::Item: at most)
};

/// @throws Error (InvalidArgument) for bad weights, items or fusion; (Shape) when row counts differ, or for
/// Average when
///         the sources' dimensions do.
/// @param fusion Average: products of two sources are split half and half. Early: see the other overload.
PairSimilarity pair_similarity(const std::vector<EmbeddingSource>& sources, Index a, Index b,
                               Fusion fusion = Fusion::Concatenate, MissingRule missing = MissingRule::Pair);
/// Fusion::Early: the cosine is that of two rows of `fused`; shares are the sources' weighted cosines (see
/// Concatenate), scaled to sum to it, and not exact.
PairSimilarity pair_similarity(const std::vector<EmbeddingSource>& sources, MatrixView<const float> fused,
                               Index a, Index b);

struct SourceLinkOptions {
    int k = 10;           ///< neighbours per item, at least 1
    int num_threads = 0;  ///< never changes the result
    MissingRule missing = MissingRule::Pair;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const SourceLinkOptions& options);

/// The k most similar items of every item, with the share of every source in every link.
struct SourceLinks {
    Matrix<Index> indices;              ///< (n, k) most similar first, ties by id; -1 where there are fewer
    Matrix<float> cosines;              ///< (n, k); 0 beside -1
    std::vector<Matrix<float>> shares;  ///< [source] (n, k); sum to `cosines` within 1e-6
};

/// Exact neighbours under pair_similarity() (Concatenate). Cost: n^2 times the sum of the dimensions, in
/// blocks; memory O(block * n). At most 16 sources.
/// @throws as pair_similarity(); (Cancelled).
SourceLinks source_links(const std::vector<EmbeddingSource>& sources, const SourceLinkOptions& options = {},
                         const Progress& progress = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/embedding/detail/source_links_impl.hpp"
#endif
#endif  // FILMATLAS_EMBEDDING_SOURCE_LINKS_HPP
