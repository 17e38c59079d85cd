// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_EMBEDDING_HPP
#define FILMATLAS_EMBEDDING_EMBEDDING_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file embedding.hpp
/// @brief One vector per item, checked; several sources per item as weighted parts of it.

namespace filmatlas {

/// Why a row has no usable vector.
enum class BadRowReason { Nan, Infinite, Zero };
/// "nan", "infinite", "zero".
std::string_view to_string(BadRowReason reason) noexcept;

struct BadRow {
    Index row = 0;
    BadRowReason reason = BadRowReason::Nan;
    bool operator==(const BadRow&) const = default;
};

/// Columns [begin, end) of the vectors belong to one source, scaled by sqrt(weight).
struct EmbeddingPart {
    std::string name;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    double weight = 1;  ///< weights sum to 1
    bool operator==(const EmbeddingPart&) const = default;
};

/// (n, d) row-major float32. Rows have unit norm when `normalized`; bad rows are zero, listed, never dropped.
///
/// With parts, the cosine of two items is exactly the sum over parts of weight * cosine of the part (both
/// present), because each part is its unit vector times the square root of its weight.
struct Embedding {
    Matrix<float> vectors;
    bool normalized = false;
    std::vector<EmbeddingPart> parts;  ///< at least one
    std::vector<BadRow> bad_rows;      ///< ascending
};

enum class OnInvalid {
    Error,       ///< the first bad row throws
    Quarantine,  ///< bad rows become zero and are listed in `bad_rows`
};

struct EmbeddingOptions {
    bool normalize = true;  ///< scale rows to unit norm (float64 accumulation)
    OnInvalid on_invalid = OnInvalid::Error;
    std::string name = "embedding";  ///< name of the single part
    int num_threads = 0;
};

/// Checks (finite, norm > 0 when normalising) and copies.
/// @throws Error (InvalidArgument) that counts the bad rows and names up to 10 with their reasons; (Shape) for d = 0.
Embedding make_embedding(MatrixView<const float> vectors, const EmbeddingOptions& options = {});

/// One source of `combine_embeddings`.
struct EmbeddingSource {
    std::string name;
    MatrixView<const float> vectors;  ///< (n, d_s); any norms; a zero or NaN row means that the item lacks this source
    double weight = 1;                ///< >= 0; normalised to sum 1 over the sources
};

/// How the vectors of several sources become one similarity.
enum class Fusion {
    /// Square-root-weighted concatenation: the similarity is the weighted mean of the cosines; shares exact.
    Concatenate,
    /// The weighted mean of the unit vectors, which all have one length. Products of different sources belong to
    /// neither, so shares (see pair_similarity) are a convention.
    Average,
    /// One vector of one text that holds all sources; brought along. Shares are estimated from the sources alone.
    Early,
};
/// "concatenate", "average", "early".
std::string_view to_string(Fusion fusion) noexcept;

/// Whose weights make up for a source that an item lacks.
enum class MissingRule {
    /// The pair's: weights sum to 1 over the sources that both have. Items that share one source only can then be
    /// nearer than items that share all.
    Pair,
    /// Each item's own, as in combine_embeddings(): what only one of the two has counts as unlike.
    Item,
};
/// "pair", "item".
std::string_view to_string(MissingRule rule) noexcept;

struct CombineOptions {
    /// Items that lack a source: true = their present parts are scaled up so that the row has unit norm (weights
    /// renormalised per item); false = the part stays zero and the row's norm is below 1.
    bool renormalize_missing = true;
    OnInvalid on_invalid = OnInvalid::Error;  ///< for items that lack every source
    int num_threads = 0;
    Fusion fusion = Fusion::Concatenate;  ///< or Average: one part; Early is no way to combine vectors
};

/// Concatenation of sqrt(weight) * unit(part): similarity splits exactly into per-source shares.
/// With Fusion::Average the weighted mean of the unit parts, scaled to unit norm, as one part called "average".
/// @throws Error (Shape) naming the source with another number of rows, or for Average of columns; (InvalidArgument)
///         for bad weights and Fusion::Early.
Embedding combine_embeddings(const std::vector<EmbeddingSource>& sources, const CombineOptions& options = {});

/// Share of each part in the dot product of items a and b; sums to the dot product. Shape (parts,).
std::vector<double> similarity_shares(const Embedding& embedding, Index a, Index b);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/embedding/detail/embedding_impl.hpp"
#endif
#endif  // FILMATLAS_EMBEDDING_EMBEDDING_HPP
