// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_BM25_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_BM25_IMPL_HPP

#include <cmath>
#include <cstddef>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/text/bm25.hpp"
#include "filmatlas/text/counts.hpp"

namespace filmatlas {

FILMATLAS_INLINE void validate(const Bm25Options& options) {
    if (!(options.k1 >= 0) || !std::isfinite(options.k1)) {
        throw_invalid("bm25", "k1", "is " + to_text(options.k1), "use 0 or more");
    }
    if (!(options.b >= 0 && options.b <= 1)) {
        throw_invalid("bm25", "b", "is " + to_text(options.b), "use a value in [0, 1]");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE Bm25Statistics bm25_statistics(const CsrMatrix<std::int32_t>& counts) {
    Bm25Statistics out;
    const auto n = static_cast<double>(counts.rows);
    for (const std::int64_t df : document_frequency(counts)) {
        const auto in = static_cast<double>(df);
        out.idf.push_back(std::log(1 + (n - in + 0.5) / (in + 0.5)));
    }
    std::int64_t total = 0;
    for (const std::int32_t count : counts.values) total += count;
    if (counts.rows > 0) out.mean_length = static_cast<double>(total) / n;
    return out;
}

FILMATLAS_INLINE CsrMatrix<float> bm25(const CsrMatrix<std::int32_t>& counts,
                                       const Bm25Statistics& statistics, const Bm25Options& options) {
    validate(options);
    if (static_cast<std::int64_t>(statistics.idf.size()) != counts.cols) {
        throw_shape("bm25", "the statistics are of " + std::to_string(statistics.idf.size()) +
                                " terms, the counts of " + std::to_string(counts.cols));
    }
    CsrMatrix<float> out;
    out.rows = counts.rows;
    out.cols = counts.cols;
    out.indptr = counts.indptr;
    out.indices = counts.indices;
    out.values.resize(counts.values.size());
    const double mean = statistics.mean_length > 0 ? statistics.mean_length : 1;
    parallel_for(counts.rows, 512, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
            const auto first = static_cast<std::size_t>(counts.indptr[i]);
            const auto last = static_cast<std::size_t>(counts.indptr[i + 1]);
            std::int64_t length = 0;
            for (std::size_t e = first; e < last; ++e) length += counts.values[e];
            const double held = options.k1 * (1 - options.b + options.b * static_cast<double>(length) / mean);
            for (std::size_t e = first; e < last; ++e) {
                const auto tf = static_cast<double>(counts.values[e]);
                const double idf = statistics.idf[static_cast<std::size_t>(counts.indices[e])];
                out.values[e] = tf > 0 ? static_cast<float>(idf * tf * (options.k1 + 1) / (tf + held)) : 0.0F;
            }
        }
    });
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_BM25_IMPL_HPP
