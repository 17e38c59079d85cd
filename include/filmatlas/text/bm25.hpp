// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_BM25_HPP
#define FILMATLAS_TEXT_BM25_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file bm25.hpp
/// @brief BM25 weights of terms in documents (Robertson and Zaragoza, 2009), for search.

namespace filmatlas {

struct Bm25Options {
    double k1 = 1.2;      ///< how slowly repeats of a term saturate, >= 0
    double b = 0.75;      ///< how far long documents are held back, in [0, 1]
    int num_threads = 0;  ///< never changes the result
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const Bm25Options& options);

/// What the weights of new documents need.
struct Bm25Statistics {
    std::vector<double> idf;  ///< (terms,) ln(1 + (n - df + 0.5) / (df + 0.5)), never negative
    double mean_length = 0;   ///< counts per document
};

Bm25Statistics bm25_statistics(const CsrMatrix<std::int32_t>& counts);

/// (n, terms) weights idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean_length)); a query's score
/// of a document is the sum over its terms.
/// @throws Error (Shape) when the statistics are of another vocabulary.
CsrMatrix<float> bm25(const CsrMatrix<std::int32_t>& counts, const Bm25Statistics& statistics,
                      const Bm25Options& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/bm25_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_BM25_HPP
