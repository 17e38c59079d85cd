// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_EMBEDDING_DETAIL_SOURCE_LINKS_IMPL_HPP
#define FILMATLAS_EMBEDDING_DETAIL_SOURCE_LINKS_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/embedding/detail/source_space.hpp"
#include "filmatlas/embedding/source_links.hpp"

namespace filmatlas {
namespace detail {

/// Cosine of the weighted means of the unit vectors; products of two sources go half to each.
inline void average_pair(const std::vector<std::vector<float>>& x, const std::vector<std::vector<float>>& y,
                         std::span<const double> weights, PairSimilarity& out) {
    const std::size_t s = weights.size();
    const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
        double sum = 0;
        for (std::size_t k = 0; k < a.size(); ++k)
            sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
        return sum;
    };
    double xx = 0;
    double yy = 0;
    for (std::size_t p = 0; p < s; ++p) {
        for (std::size_t q = 0; q < s; ++q) {
            const double weight = weights[p] * weights[q];
            xx += weight * dot(x[p], x[q]);
            yy += weight * dot(y[p], y[q]);
            const double part = weight * dot(x[p], y[q]);
            out.shares[p] += part / 2;
            out.shares[q] += part / 2;
        }
    }
    const double scale = std::sqrt(xx) * std::sqrt(yy);
    out.comparable = scale > 0;
    out.exact = false;
    for (double& share : out.shares) share = out.comparable ? share / scale : 0;
}

}  // namespace detail

FILMATLAS_INLINE PairSimilarity pair_similarity(const std::vector<EmbeddingSource>& sources, Index a, Index b,
                                                Fusion fusion, MissingRule missing) {
    constexpr const char* stage = "pair_similarity";
    const std::vector<double> weights = detail::source_weights(sources, stage);
    if (fusion == Fusion::Early) {
        throw_invalid(stage, "fusion", "is early", "bring the vectors of the composed texts");
    }
    for (const Index item : {a, b}) {
        if (item < 0 || item >= sources.front().vectors.rows) {
            throw_invalid(stage, "item", "is " + std::to_string(item),
                          "use a row in [0, " + std::to_string(sources.front().vectors.rows) + ")");
        }
    }
    const std::size_t s = sources.size();
    PairSimilarity out;
    out.shares.assign(s, 0);
    out.weights.assign(s, 0);
    out.cosines.assign(s, std::numeric_limits<double>::quiet_NaN());
    std::vector<std::vector<float>> x(s);
    std::vector<std::vector<float>> y(s);
    std::uint32_t mask_a = 0;
    std::uint32_t mask_b = 0;
    for (std::size_t i = 0; i < s; ++i) {
        const MatrixView<const float>& view = sources[i].vectors;
        if (fusion == Fusion::Average && view.cols != sources.front().vectors.cols) {
            throw_shape(stage,
                        "sources of " + std::to_string(view.cols) + " and " +
                            std::to_string(sources.front().vectors.cols) + " dimensions have no average",
                        "encode them alike, or use Fusion::Concatenate");
        }
        x[i].resize(static_cast<std::size_t>(view.cols));
        y[i].resize(static_cast<std::size_t>(view.cols));
        const bool in_a = detail::source_unit_row(view.row_data(a), view.cols, x[i].data());
        const bool in_b = detail::source_unit_row(view.row_data(b), view.cols, y[i].data());
        mask_a |= in_a ? 1U << i : 0U;
        mask_b |= in_b ? 1U << i : 0U;
        if (!in_a || !in_b) continue;
        double cosine = 0;
        for (std::size_t k = 0; k < x[i].size(); ++k) {
            cosine += static_cast<double>(x[i][k]) * static_cast<double>(y[i][k]);
        }
        out.cosines[i] = cosine;
        out.weights[i] = weights[i];
    }
    const double scale = detail::FusionWeights(weights, (1U << s) - 1U, missing).scale(mask_a, mask_b);
    if (scale > 0) {
        for (double& weight : out.weights) weight *= scale;
    }
    if (fusion == Fusion::Average) {
        detail::average_pair(x, y, weights, out);
    } else {
        out.comparable = scale > 0;
        for (std::size_t i = 0; i < s; ++i) {
            if (out.comparable && !std::isnan(out.cosines[i]))
                out.shares[i] = out.weights[i] * out.cosines[i];
        }
    }
    out.cosine = std::accumulate(out.shares.begin(), out.shares.end(), 0.0);
    return out;
}

FILMATLAS_INLINE PairSimilarity pair_similarity(const std::vector<EmbeddingSource>& sources,
                                                MatrixView<const float> fused, Index a, Index b) {
    PairSimilarity out = pair_similarity(sources, a, b);
    if (fused.rows != sources.front().vectors.rows) {
        throw_shape("pair_similarity", std::to_string(fused.rows) + " fused vectors for " +
                                           std::to_string(sources.front().vectors.rows) + " items");
    }
    std::vector<float> x(static_cast<std::size_t>(fused.cols));
    std::vector<float> y(x.size());
    detail::source_unit_row(fused.row_data(a), fused.cols, x.data());
    detail::source_unit_row(fused.row_data(b), fused.cols, y.data());
    double cosine = 0;
    for (std::size_t k = 0; k < x.size(); ++k)
        cosine += static_cast<double>(x[k]) * static_cast<double>(y[k]);
    // Where the sources say nothing, or the opposite, weights have to do.
    const double scale = out.cosine * cosine > 0 ? cosine / out.cosine : 0;
    for (std::size_t s = 0; s < out.shares.size(); ++s)
        out.shares[s] = scale > 0 ? out.shares[s] * scale : out.weights[s] * cosine;
    out.cosine = cosine;
    out.exact = false;
    return out;
}

FILMATLAS_INLINE void validate(const SourceLinkOptions& options) {
    if (options.k < 1) throw_invalid("source_links", "k", "is " + std::to_string(options.k), "use 1 or more");
    if (options.num_threads < 0) static_cast<void>(resolve_num_threads(options.num_threads));
}

FILMATLAS_INLINE SourceLinks source_links(const std::vector<EmbeddingSource>& sources,
                                          const SourceLinkOptions& options, const Progress& progress) {
    validate(options);
    const std::vector<double> weights = detail::source_weights(sources, "source_links");
    const detail::SourceSpace space(sources, options.num_threads);
    const std::int64_t n = space.items();
    const auto k = static_cast<std::int64_t>(options.k);
    SourceLinks links;
    links.indices = Matrix<Index>(n, k);
    std::fill(links.indices.values().begin(), links.indices.values().end(), -1);
    links.cosines = Matrix<float>(n, k);
    links.shares.assign(sources.size(), Matrix<float>(n, k));
    const detail::FusionWeights fusion(weights, (1U << sources.size()) - 1U, options.missing);

    const std::int64_t block = space.block_rows();
    std::vector<Matrix<float>> cosines;
    std::vector<Index> rows;
    for (std::int64_t start = 0; start < n; start += block) {
        const std::int64_t count = std::min(block, n - start);
        rows.resize(static_cast<std::size_t>(count));
        std::iota(rows.begin(), rows.end(), static_cast<Index>(start));
        space.cosines(rows, cosines);
        parallel_for(count, 4, options.num_threads, [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> scores;
            detail::BestLinks best(static_cast<std::size_t>(std::min(k, std::max<std::int64_t>(n - 1, 1))));
            struct Link {
                double cosine;
                Index id;
            };
            std::vector<Link> found;
            for (std::int64_t r = begin; r < end; ++r) {
                const auto i = static_cast<Index>(start + r);
                space.nearest(cosines, r, i, fusion, scores, best);
                found.clear();
                const auto total_of = [&](Index j, std::size_t s) {
                    if (((space.mask(i) & space.mask(j)) >> s & 1U) == 0) return 0.0;
                    return weights[s] * fusion.scale(space.mask(i), space.mask(j)) * space.cosine(s, i, j);
                };
                for (const Index j : best.ids()) {
                    double cosine = 0;
                    for (std::size_t s = 0; s < weights.size(); ++s) cosine += total_of(j, s);
                    found.push_back({cosine, j});
                }
                std::sort(found.begin(), found.end(), [](const Link& p, const Link& q) {
                    return p.cosine != q.cosine ? p.cosine > q.cosine : p.id < q.id;
                });
                for (std::size_t slot = 0; slot < found.size(); ++slot) {
                    const auto c = static_cast<std::int64_t>(slot);
                    links.indices(i, c) = found[slot].id;
                    links.cosines(i, c) = static_cast<float>(found[slot].cosine);
                    for (std::size_t s = 0; s < weights.size(); ++s) {
                        links.shares[s](i, c) = static_cast<float>(total_of(found[slot].id, s));
                    }
                }
            }
        });
        if (progress) progress("source_links", start + count, n);
    }
    return links;
}

}  // namespace filmatlas
#endif  // FILMATLAS_EMBEDDING_DETAIL_SOURCE_LINKS_IMPL_HPP
