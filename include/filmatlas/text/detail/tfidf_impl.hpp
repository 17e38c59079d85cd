// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_TFIDF_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_TFIDF_IMPL_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/tfidf.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::vector<double> inverse_document_frequency(const CsrMatrix<std::int32_t>& counts,
                                                                const TfidfOptions& options) {
    const std::vector<std::int64_t> df = document_frequency(counts);
    return inverse_document_frequency(df, counts.rows, options);
}

FILMATLAS_INLINE std::vector<double> inverse_document_frequency(std::span<const std::int64_t> document_frequency,
                                                                std::int64_t documents,
                                                                const TfidfOptions& options) {
    std::vector<double> idf(document_frequency.size(), 1.0);
    if (!options.use_idf) return idf;
    const double smooth = options.smooth_idf ? 1.0 : 0.0;
    for (std::size_t t = 0; t < idf.size(); ++t) {
        const double with = static_cast<double>(document_frequency[t]) + smooth;
        if (with > 0) idf[t] = std::log((static_cast<double>(documents) + smooth) / with) + 1.0;
    }
    return idf;
}

FILMATLAS_INLINE CsrMatrix<float> tfidf(const CsrMatrix<std::int32_t>& counts, std::span<const double> idf,
                                        const TfidfOptions& options) {
    if (static_cast<std::int64_t>(idf.size()) != counts.cols) {
        throw_shape("tfidf", "idf has " + std::to_string(idf.size()) + " entries, the counts have " +
                                 std::to_string(counts.cols) + " terms");
    }
    CsrMatrix<float> weights;
    weights.rows = counts.rows;
    weights.cols = counts.cols;
    weights.indptr = counts.indptr;
    weights.indices = counts.indices;
    weights.values.resize(counts.values.size());
    parallel_for(counts.rows, 1024, options.num_threads, [&](std::int64_t first, std::int64_t last) {
        std::vector<double> row;
        for (std::int64_t i = first; i < last; ++i) {
            const auto columns = counts.row_indices(i);
            const auto tf = counts.row_values(i);
            row.resize(columns.size());
            double squares = 0;
            for (std::size_t e = 0; e < columns.size(); ++e) {
                const double count = static_cast<double>(tf[e]);
                const double weight = options.sublinear_tf && count > 0 ? 1.0 + std::log(count) : count;
                row[e] = weight * idf[static_cast<std::size_t>(columns[e])];
                squares += row[e] * row[e];
            }
            const double norm = options.l2_normalize && squares > 0 ? std::sqrt(squares) : 1.0;
            float* const out = weights.values.data() + counts.indptr[static_cast<std::size_t>(i)];
            for (std::size_t e = 0; e < columns.size(); ++e) out[e] = static_cast<float>(row[e] / norm);
        }
    });
    return weights;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_TFIDF_IMPL_HPP
