// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_TEXT_DETAIL_LSA_IMPL_HPP
#define FILMATLAS_TEXT_DETAIL_LSA_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/truncated_svd.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/lsa.hpp"
#include "filmatlas/text/tfidf.hpp"

namespace filmatlas {
namespace detail {

/// Below this many texts the frequency limits of terms would leave next to nothing.
inline constexpr std::size_t kFewTexts = 20;

/// Rows of weights times components, unit length if asked: the one path from counts to vectors.
inline Matrix<float> project_counts(const LsaEncoder& encoder, const CsrMatrix<float>& weights,
                                    int num_threads) {
    const std::int64_t c = encoder.components.cols();
    Matrix<float> vectors(weights.rows, c);
    parallel_for(weights.rows, 256, num_threads, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            float* const out = vectors.row_data(i);
            const auto columns = weights.row_indices(i);
            const auto values = weights.row_values(i);
            for (std::size_t e = 0; e < columns.size(); ++e) {
                const float* const component = encoder.components.row_data(columns[e]);
                const float value = values[e];
                for (std::int64_t j = 0; j < c; ++j) out[j] += value * component[j];
            }
            if (!encoder.normalize) continue;
            double squares = 0;
            for (std::int64_t j = 0; j < c; ++j)
                squares += static_cast<double>(out[j]) * static_cast<double>(out[j]);
            if (!(squares > 0)) continue;
            const double scale = 1.0 / std::sqrt(squares);
            for (std::int64_t j = 0; j < c; ++j)
                out[j] = static_cast<float>(static_cast<double>(out[j]) * scale);
        }
    });
    return vectors;
}

inline CsrMatrix<float> encoder_weights(const LsaEncoder& encoder, const CsrMatrix<std::int32_t>& counts,
                                        int num_threads) {
    return tfidf(counts, encoder.idf, {.sublinear_tf = encoder.sublinear_tf, .num_threads = num_threads});
}

}  // namespace detail

FILMATLAS_INLINE void validate(const LsaOptions& options) {
    if (options.n_components < 1) {
        throw_invalid("fit_lsa", "n_components", "is " + std::to_string(options.n_components),
                      "use 1 or more");
    }
    validate(CountOptions{.tokens = options.tokens, .min_df = options.min_df, .max_df = options.max_df});
    if (options.n_iterations < 0) {
        throw_invalid("fit_lsa", "n_iterations", "is " + std::to_string(options.n_iterations),
                      "use 0 or more");
    }
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE LsaFit fit_lsa(std::span<const std::string> texts, const LsaOptions& options,
                                const Progress& progress) {
    validate(options);
    const auto started = std::chrono::steady_clock::now();
    const bool few = texts.size() < detail::kFewTexts;
    CountResult counted = count_terms(texts,
                                      {.tokens = options.tokens,
                                       .min_df = few ? 1 : options.min_df,
                                       .max_df = few ? 1.0 : options.max_df,
                                       .num_threads = options.num_threads},
                                      progress);
    if (counted.vocabulary.empty()) {
        throw Error(ErrorCode::InvalidArgument, ErrorContext{"fit_lsa", {}, -1, "texts", -1},
                    "the " + std::to_string(texts.size()) + " texts hold no usable words",
                    "give longer texts, a lower min_df or no stop words, or bring vectors along");
    }
    LsaFit fit;
    LsaEncoder& encoder = fit.encoder;
    encoder.tokens = options.tokens;
    encoder.sublinear_tf = options.sublinear_tf;
    encoder.normalize = options.normalize;
    encoder.vocabulary = std::move(counted.vocabulary);
    encoder.idf = inverse_document_frequency(counted.counts);
    const CsrMatrix<float> weights = detail::encoder_weights(encoder, counted.counts, options.num_threads);

    const std::int64_t possible = std::min<std::int64_t>(weights.rows, weights.cols);
    const auto wanted = static_cast<int>(std::min<std::int64_t>(options.n_components, possible));
    SvdOptions svd_options;
    svd_options.n_components = wanted;
    svd_options.n_iterations = options.n_iterations;
    svd_options.seed = options.seed;
    svd_options.num_threads = options.num_threads;
    const TruncatedSvdResult svd = truncated_svd(weights, svd_options, progress);

    // Directions without any variation are noise of the arithmetic: texts that repeat span fewer dimensions.
    std::int64_t rank = 0;
    const auto available = static_cast<std::int64_t>(svd.singular_values.size());
    while (rank < available &&
           svd.singular_values[static_cast<std::size_t>(rank)] > 1e-6 * svd.singular_values[0]) {
        ++rank;
    }
    encoder.components = Matrix<float>(weights.cols, rank);
    for (std::int64_t t = 0; t < weights.cols; ++t) {
        for (std::int64_t j = 0; j < rank; ++j) encoder.components(t, j) = svd.v(t, j);
    }
    for (std::int64_t j = 0; j < rank; ++j) {
        encoder.singular_values.push_back(
            static_cast<float>(svd.singular_values[static_cast<std::size_t>(j)]));
    }
    if (rank < options.n_components) {
        fit.run.warnings.push_back("fit_lsa: n_components lowered from " +
                                   std::to_string(options.n_components) + " to " + std::to_string(rank) +
                                   ", which is what " + std::to_string(weights.rows) + " texts with " +
                                   std::to_string(weights.cols) + " terms allow");
    }
    fit.vectors = detail::project_counts(encoder, weights, options.num_threads);
    for (std::int64_t i = 0; i < weights.rows; ++i) {
        if (weights.row_indices(i).empty()) fit.empty_texts.push_back(static_cast<Index>(i));
    }
    if (!fit.empty_texts.empty()) {
        fit.run.warnings.push_back("fit_lsa: " + std::to_string(fit.empty_texts.size()) +
                                   " texts hold no known word; their vectors are zero");
    }
    fit.run.iterations = options.n_iterations;
    fit.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return fit;
}

FILMATLAS_INLINE Matrix<float> encode(const LsaEncoder& encoder, std::span<const std::string> texts,
                                      int num_threads, const Progress& progress) {
    const auto terms = static_cast<std::int64_t>(encoder.vocabulary.size());
    if (static_cast<std::int64_t>(encoder.idf.size()) != terms || encoder.components.rows() != terms) {
        throw_shape("encode", "the encoder has " + std::to_string(terms) + " terms, " +
                                  std::to_string(encoder.idf.size()) + " idf and " +
                                  std::to_string(encoder.components.rows()) + " component rows");
    }
    const CsrMatrix<std::int32_t> counts =
        count_with_vocabulary(texts, encoder.vocabulary, encoder.tokens, num_threads, progress);
    return detail::project_counts(encoder, detail::encoder_weights(encoder, counts, num_threads),
                                  num_threads);
}

}  // namespace filmatlas
#endif  // FILMATLAS_TEXT_DETAIL_LSA_IMPL_HPP
