// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_TFIDF_HPP
#define FILMATLAS_TEXT_TFIDF_HPP

#include <cstdint>
#include <span>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file tfidf.hpp
/// @brief TF-IDF weights, in scikit-learn's conventions (TfidfTransformer).

namespace filmatlas {

struct TfidfOptions {
    bool use_idf = true;        ///< false: weights are term frequencies
    bool smooth_idf = true;     ///< idf = ln((1 + n) / (1 + df)) + 1; false: ln(n / df) + 1
    bool sublinear_tf = false;  ///< 1 + ln(tf) in place of tf
    bool l2_normalize = true;   ///< unit rows; a row without terms stays zero
    int num_threads = 0;        ///< never changes the result
};

/// Inverse document frequencies of the columns, shape (terms,); all 1 without `use_idf`. Without smoothing a
/// term that occurs nowhere gets 1 (scikit-learn: infinity).
std::vector<double> inverse_document_frequency(const CsrMatrix<std::int32_t>& counts,
                                               const TfidfOptions& options = {});

/// The same from the number of documents that hold each term, for collections counted in parts.
std::vector<double> inverse_document_frequency(std::span<const std::int64_t> document_frequency,
                                               std::int64_t documents, const TfidfOptions& options = {});
/// Weights with given idf, shape (n, terms), computed in float64 and rounded once.
/// @throws Error (Shape) when idf.size() != counts.cols.
CsrMatrix<float> tfidf(const CsrMatrix<std::int32_t>& counts, std::span<const double> idf,
                       const TfidfOptions& options = {});

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/text/detail/tfidf_impl.hpp"
#endif
#endif  // FILMATLAS_TEXT_TFIDF_HPP
