// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_DETAIL_EMBEDDING_IMPL_HPP
#define FILMATLAS_EMBEDDING_DETAIL_EMBEDDING_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/embedding/embedding.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t embedding_grain = 256;

/// What one row is good for.
enum class EmbeddingRow : unsigned char { Good, Zero, Nan, Infinite };

/// Squared norm in float64, which can neither overflow nor vanish for float32 values.
inline EmbeddingRow embedding_check_row(const float* row, std::int64_t d, double& squared_norm) {
    double sum = 0;
    bool infinite = false;
    for (std::int64_t j = 0; j < d; ++j) {
        const double x = static_cast<double>(row[j]);
        infinite = infinite || std::isinf(row[j]);
        sum += x * x;
    }
    squared_norm = sum;
    if (std::isnan(sum)) return EmbeddingRow::Nan;
    if (infinite) return EmbeddingRow::Infinite;
    return sum > 0 ? EmbeddingRow::Good : EmbeddingRow::Zero;
}

inline BadRowReason embedding_reason(EmbeddingRow state) {
    if (state == EmbeddingRow::Nan) return BadRowReason::Nan;
    return state == EmbeddingRow::Infinite ? BadRowReason::Infinite : BadRowReason::Zero;
}

[[noreturn]] inline void embedding_refuse(const char* stage, const std::vector<BadRow>& bad, std::int64_t n,
                                          const std::string& what) {
    std::string text = std::to_string(bad.size()) + " of " + std::to_string(n) + " rows " + what + ": ";
    constexpr std::size_t shown = 10;
    for (std::size_t i = 0; i < std::min(bad.size(), shown); ++i) {
        text += (i > 0 ? ", " : "") + std::to_string(bad[i].row) + " (" +
                std::string(to_string(bad[i].reason)) + ")";
    }
    if (bad.size() > shown) text += ", ...";
    ErrorContext where;
    where.stage = stage;
    where.row = bad.front().row;
    throw Error(ErrorCode::InvalidArgument, std::move(where), std::move(text),
                "mend or drop these rows, or pass on_invalid = Quarantine to keep them as zero rows without "
                "neighbours");
}

inline void embedding_check_rows_fit(const char* stage, std::int64_t n) {
    if (n > std::numeric_limits<Index>::max()) {
        throw_shape(stage, std::to_string(n) + " rows are more than 32-bit ids can name");
    }
}

/// The parts of a combined embedding, each scaled by the root of its weight, as one weighted mean.
inline Embedding embedding_average(const Embedding& combined, const CombineOptions& options) {
    const std::int64_t d = combined.parts.front().end;
    for (const EmbeddingPart& part : combined.parts) {
        if (part.end - part.begin != d) {
            throw_shape("combine_embeddings",
                        "sources of " + std::to_string(d) + " and " + std::to_string(part.end - part.begin) +
                            " dimensions have no average",
                        "encode them alike, or use Fusion::Concatenate");
        }
    }
    Matrix<float> mean(combined.vectors.rows(), d);
    parallel_for(mean.rows(), embedding_grain, options.num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                         const float* row = combined.vectors.row_data(i);
                         for (std::int64_t j = 0; j < d; ++j) {
                             double sum = 0;
                             for (const EmbeddingPart& part : combined.parts)
                                 sum += std::sqrt(part.weight) * static_cast<double>(row[part.begin + j]);
                             mean(i, j) = static_cast<float>(sum);
                         }
                     }
                 });
    EmbeddingOptions plain;
    plain.on_invalid = options.on_invalid;  // opposite sources can cancel
    plain.name = "average";
    plain.num_threads = options.num_threads;
    return make_embedding(mean.view(), plain);
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(BadRowReason reason) noexcept {
    switch (reason) {
        case BadRowReason::Nan: return "nan";
        case BadRowReason::Infinite: return "infinite";
        case BadRowReason::Zero: return "zero";
    }
    return "unknown";
}

FILMATLAS_INLINE Embedding make_embedding(MatrixView<const float> vectors, const EmbeddingOptions& options) {
    if (vectors.cols < 1) throw_shape("make_embedding", "the vectors have no columns");
    detail::embedding_check_rows_fit("make_embedding", vectors.rows);
    Embedding out;
    out.vectors = Matrix<float>(vectors.rows, vectors.cols);
    out.normalized = options.normalize;
    out.parts = {EmbeddingPart{options.name, 0, vectors.cols, 1.0}};
    std::vector<detail::EmbeddingRow> state(static_cast<std::size_t>(vectors.rows));
    const auto copy_rows = [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const float* in = vectors.row_data(i);
            float* row = out.vectors.row_data(i);
            double squared = 0;
            const detail::EmbeddingRow kind = detail::embedding_check_row(in, vectors.cols, squared);
            state[static_cast<std::size_t>(i)] = kind;
            if (kind != detail::EmbeddingRow::Good) continue;  // the row stays zero
            if (options.normalize) {
                const double norm = std::sqrt(squared);
                for (std::int64_t j = 0; j < vectors.cols; ++j) {
                    row[j] = static_cast<float>(static_cast<double>(in[j]) / norm);
                }
            } else {
                std::copy_n(in, vectors.cols, row);
            }
        }
    };
    parallel_for(vectors.rows, detail::embedding_grain, options.num_threads, copy_rows);
    for (std::size_t i = 0; i < state.size(); ++i) {
        if (state[i] == detail::EmbeddingRow::Good) continue;
        if (state[i] == detail::EmbeddingRow::Zero && !options.normalize) continue;
        out.bad_rows.push_back({static_cast<Index>(i), detail::embedding_reason(state[i])});
    }
    if (!out.bad_rows.empty() && options.on_invalid == OnInvalid::Error) {
        detail::embedding_refuse("make_embedding", out.bad_rows, vectors.rows, "have no usable vector");
    }
    return out;
}

FILMATLAS_INLINE std::string_view to_string(Fusion fusion) noexcept {
    switch (fusion) {
        case Fusion::Concatenate: return "concatenate";
        case Fusion::Average: return "average";
        case Fusion::Early: return "early";
    }
    return "unknown";
}

FILMATLAS_INLINE std::string_view to_string(MissingRule rule) noexcept {
    return rule == MissingRule::Pair ? "pair" : "item";
}

FILMATLAS_INLINE Embedding combine_embeddings(const std::vector<EmbeddingSource>& sources,
                                              const CombineOptions& options) {
    constexpr const char* stage = "combine_embeddings";
    if (options.fusion == Fusion::Early) {
        throw_invalid(stage, "fusion", "is early", "compose one text of the sources and encode it");
    }
    if (sources.empty()) throw_invalid(stage, "sources", "none given", "give at least one source");
    const std::int64_t n = sources.front().vectors.rows;
    detail::embedding_check_rows_fit(stage, n);
    double total = 0;
    for (const EmbeddingSource& source : sources) {
        if (source.vectors.rows != n) {
            throw_shape(stage,
                        "source '" + source.name + "' has " + std::to_string(source.vectors.rows) +
                            " rows, source '" + sources.front().name + "' has " + std::to_string(n),
                        "give every source one row per item, zero where an item lacks it");
        }
        if (source.vectors.cols < 1) throw_shape(stage, "source '" + source.name + "' has no columns");
        if (!std::isfinite(source.weight) || source.weight < 0) {
            throw_invalid(stage, "weight", "of source '" + source.name + "' is " + to_text(source.weight),
                          "use a finite weight of at least 0");
        }
        total += source.weight;
    }
    if (!(total > 0) || !std::isfinite(total)) {
        throw_invalid(stage, "weight", "of all sources sums to " + to_text(total),
                      "give at least one positive weight");
    }

    Embedding out;
    std::int64_t width = 0;
    for (const EmbeddingSource& source : sources) {
        out.parts.push_back({source.name, width, width + source.vectors.cols, source.weight / total});
        width += source.vectors.cols;
    }
    out.vectors = Matrix<float>(n, width);
    std::vector<detail::EmbeddingRow> state(static_cast<std::size_t>(n), detail::EmbeddingRow::Good);
    std::vector<unsigned char> partial(static_cast<std::size_t>(n), 0);  // lacks a source of positive weight
    const auto combine_rows = [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> squared(sources.size());
        std::vector<bool> has(sources.size());
        for (std::int64_t i = begin; i < end; ++i) {
            double present = 0;
            detail::EmbeddingRow worst = detail::EmbeddingRow::Zero;
            for (std::size_t s = 0; s < sources.size(); ++s) {
                const MatrixView<const float>& view = sources[s].vectors;
                const auto kind = detail::embedding_check_row(view.row_data(i), view.cols, squared[s]);
                has[s] = kind == detail::EmbeddingRow::Good;
                if (has[s]) present += out.parts[s].weight;
                if (!has[s] && out.parts[s].weight > 0) {
                    partial[static_cast<std::size_t>(i)] = 1;
                    worst = std::max(worst, kind);
                }
            }
            if (!(present > 0)) {
                state[static_cast<std::size_t>(i)] = worst;
                continue;
            }
            for (std::size_t s = 0; s < sources.size(); ++s) {
                if (!has[s]) continue;
                const double share = out.parts[s].weight / (options.renormalize_missing ? present : 1.0);
                const double norm = std::sqrt(squared[s]);
                const double root = std::sqrt(share);
                const float* in = sources[s].vectors.row_data(i);
                float* row = out.vectors.row_data(i) + out.parts[s].begin;
                for (std::int64_t j = 0; j < sources[s].vectors.cols; ++j) {
                    row[j] = static_cast<float>(static_cast<double>(in[j]) / norm * root);
                }
            }
        }
    };
    parallel_for(n, detail::embedding_grain, options.num_threads, combine_rows);
    out.normalized = true;
    for (std::size_t i = 0; i < state.size(); ++i) {
        if (state[i] != detail::EmbeddingRow::Good) {
            out.bad_rows.push_back({static_cast<Index>(i), detail::embedding_reason(state[i])});
        } else if (partial[i] != 0 && !options.renormalize_missing) {
            out.normalized = false;
        }
    }
    if (!out.bad_rows.empty() && options.on_invalid == OnInvalid::Error) {
        detail::embedding_refuse(stage, out.bad_rows, n, "lack every source");
    }
    return options.fusion == Fusion::Average ? detail::embedding_average(out, options) : out;
}

FILMATLAS_INLINE std::vector<double> similarity_shares(const Embedding& embedding, Index a, Index b) {
    for (const Index item : {a, b}) {
        if (item < 0 || item >= embedding.vectors.rows()) {
            throw_invalid("similarity_shares", "item", "is " + std::to_string(item),
                          "use a row in [0, " + std::to_string(embedding.vectors.rows()) + ")");
        }
    }
    std::vector<double> shares;
    shares.reserve(embedding.parts.size());
    const float* x = embedding.vectors.row_data(a);
    const float* y = embedding.vectors.row_data(b);
    for (const EmbeddingPart& part : embedding.parts) {
        double sum = 0;
        for (std::int64_t j = part.begin; j < part.end; ++j) {
            sum += static_cast<double>(x[j]) * static_cast<double>(y[j]);
        }
        shares.push_back(sum);
    }
    return shares;
}

}  // namespace filmatlas
#endif  // FILMATLAS_EMBEDDING_DETAIL_EMBEDDING_IMPL_HPP
