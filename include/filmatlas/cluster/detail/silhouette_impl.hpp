// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_SILHOUETTE_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_SILHOUETTE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "filmatlas/cluster/detail/squared_distance.hpp"
#include "filmatlas/cluster/detail/vector_scores_impl.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas {
namespace detail {

/// Mean distances of items to every cluster, to their own without themselves: from all pairs or the centroids under
/// euclidean; else from one product with each centroid, for mean squared distances need no pairs.
class SilhouetteMeans {
public:
    static constexpr std::int64_t block = 32;

    SilhouetteMeans(MatrixView<const float> X, const ScoreCodes& codes, const ScoreClusters& clusters, Metric metric,
                    bool exact, int num_threads)
        : x_(X), codes_(codes), clusters_(clusters), metric_(metric), exact_(exact) {
        if (metric != Metric::Euclidean) {
            packed_ = PackedRows<double>(k(), X.cols, num_threads, [&](std::int64_t c, double* out) {
                for (std::int64_t j = 0; j < X.cols; ++j) out[j] = clusters.sums(c, j) / size(c);
            });
        } else if (!exact) {
            centroids_ = Matrix<float>(k(), X.cols);
            for (std::int64_t c = 0; c < k(); ++c) {
                for (std::int64_t j = 0; j < X.cols; ++j)
                    centroids_(c, j) = static_cast<float>(clusters.sums(c, j) / size(c));
            }
        }
    }

    /// Calls `use(i, own, means)` for the items in [begin, end) that have a cluster, at most `block` of them.
    template <class Use>
    void each(std::int64_t begin, std::int64_t end, Use&& use) const {
        const std::vector<double> products = metric_ == Metric::Euclidean ? std::vector<double>{} : multiply(begin, end);
        std::vector<double> means(static_cast<std::size_t>(k()));
        for (std::int64_t i = begin; i < end; ++i) {
            const Index own = codes_.code[static_cast<std::size_t>(i)];
            if (own < 0) continue;
            if (metric_ != Metric::Euclidean) {
                from_products(i, own, products.data() + (i - begin) * stride(), means);
            } else if (exact_) {
                from_pairs(i, own, means);
            } else {
                from_centroids(i, means);
            }
            use(i, own, means);
        }
    }

private:
    static constexpr std::int64_t panel = PackedRows<double>::panel_rows;

    std::int64_t k() const { return static_cast<std::int64_t>(clusters_.sizes.size()); }
    std::int64_t stride() const { return packed_.panels() * panel; }
    /// Items in a cluster, at least one.
    double size(std::int64_t c) const {
        return std::max<double>(1, static_cast<double>(clusters_.sizes[static_cast<std::size_t>(c)]));
    }

    /// Products of the scaled rows [begin, end) with the centroids, `stride()` apart.
    std::vector<double> multiply(std::int64_t begin, std::int64_t end) const {
        std::vector<double> out(static_cast<std::size_t>(block * stride()), 0.0);
        if (out.empty() || x_.cols == 0) return out;
        const PackedRows<double> rows(end - begin, x_.cols, 1, [&](std::int64_t r, double* to) {
            const double scale = clusters_.scale[static_cast<std::size_t>(begin + r)];
            const float* x = x_.row_data(begin + r);
            for (std::int64_t j = 0; j < x_.cols; ++j) to[j] = static_cast<double>(x[j]) * scale;
        });
        for (std::int64_t p = 0; p < rows.panels(); ++p) {
            kernels().block_product_f64(rows.panel(p), packed_.panel(0), static_cast<std::size_t>(x_.cols),
                                        static_cast<std::size_t>(packed_.panels()), out.data() + p * panel * stride(),
                                        static_cast<std::size_t>(stride()), false);
        }
        return out;
    }

    void from_pairs(std::int64_t i, Index own, std::vector<double>& means) const {
        std::fill(means.begin(), means.end(), 0.0);
        for (std::int64_t j = 0; j < x_.rows; ++j) {
            const Index code = codes_.code[static_cast<std::size_t>(j)];
            if (code < 0 || j == i) continue;
            means[static_cast<std::size_t>(code)] +=
                std::sqrt(squared_distance(x_.row_data(i), x_.row_data(j), x_.cols));
        }
        for (std::int64_t c = 0; c < k(); ++c) {
            const auto members = static_cast<double>(clusters_.sizes[static_cast<std::size_t>(c)]);
            means[static_cast<std::size_t>(c)] /= std::max(1.0, c == own ? members - 1 : members);
        }
    }

    void from_centroids(std::int64_t i, std::vector<double>& means) const {
        for (std::int64_t c = 0; c < k(); ++c) {
            means[static_cast<std::size_t>(c)] =
                std::sqrt(squared_distance(x_.row_data(i), centroids_.row_data(c), x_.cols));
        }
    }

    void from_products(std::int64_t i, Index own, const double* products, std::vector<double>& means) const {
        const double square = clusters_.square[static_cast<std::size_t>(i)];
        for (std::int64_t c = 0; c < k(); ++c) {
            const double mean_square = clusters_.squares[static_cast<std::size_t>(c)] / size(c);
            // Half the mean squared distance under cosine, which is 1 - cosine of unit vectors.
            double mean = std::max(0.0, square - 2.0 * products[c] + mean_square);
            if (metric_ == Metric::Cosine) mean *= 0.5;
            if (c == own && size(c) > 1) mean *= size(c) / (size(c) - 1);
            means[static_cast<std::size_t>(c)] = mean;
        }
    }

    MatrixView<const float> x_;
    const ScoreCodes& codes_;
    const ScoreClusters& clusters_;
    Metric metric_;
    bool exact_;
    PackedRows<double> packed_;
    Matrix<float> centroids_;
};

/// (b - a) / max(a, b) from the mean distances of one item to every cluster; `own` excludes the item itself.
inline double score_silhouette_value(const std::vector<double>& means, const std::vector<std::int64_t>& sizes,
                                     Index own) {
    if (sizes[static_cast<std::size_t>(own)] < 2) return 0;
    double other = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < means.size(); ++c) {
        if (static_cast<Index>(c) != own && sizes[c] > 0) other = std::min(other, means[c]);
    }
    if (!std::isfinite(other)) return 0;
    const double inside = means[static_cast<std::size_t>(own)];
    const double larger = std::max(inside, other);
    return larger > 0 ? (other - inside) / larger : 0;
}

}  // namespace detail

FILMATLAS_INLINE SilhouetteResult silhouette(MatrixView<const float> X, std::span<const Index> labels,
                                             const SilhouetteOptions& options) {
    if (static_cast<std::int64_t>(labels.size()) != X.rows) {
        throw_shape("silhouette",
                    std::to_string(X.rows) + " rows but " + std::to_string(labels.size()) + " labels",
                    "pass one label per row");
    }
    if (options.metric == Metric::InnerProduct || options.metric == Metric::Manhattan) {
        throw_invalid(
            "silhouette", "metric",
            "is " + std::string(options.metric == Metric::Manhattan ? "manhattan" : "inner_product"),
            "use cosine, euclidean or sqeuclidean");
    }
    detail::ScoreCodes codes = detail::score_codes(labels, true);
    const detail::ScoreClusters clusters = detail::score_clusters(X, codes, options.metric);
    std::int64_t clustered = 0;
    for (const std::int64_t size : clusters.sizes) clustered += size;

    SilhouetteResult out;
    out.exact = options.metric != Metric::Euclidean || clustered <= options.exact_limit;
    out.per_item.assign(labels.size(), std::numeric_limits<float>::quiet_NaN());
    std::vector<double> value(labels.size(), 0.0);
    const detail::SilhouetteMeans distances(X, codes, clusters, options.metric, out.exact, options.num_threads);
    const auto score = [&](std::int64_t begin, std::int64_t end) {
        distances.each(begin, end, [&](std::int64_t i, Index own, const std::vector<double>& means) {
            const auto at = static_cast<std::size_t>(i);
            value[at] = detail::score_silhouette_value(means, clusters.sizes, own);
            out.per_item[at] = static_cast<float>(value[at]);
        });
    };
    parallel_for(X.rows, detail::SilhouetteMeans::block, options.num_threads, score);

    std::vector<double> sums(clusters.sizes.size(), 0.0);
    double total = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (codes.code[i] < 0) continue;
        sums[static_cast<std::size_t>(codes.code[i])] += value[i];
        total += value[i];
    }
    out.mean = clustered > 0 ? total / static_cast<double>(clustered) : 0.0;
    out.labels = codes.values;
    for (std::size_t c = 0; c < sums.size(); ++c) {
        out.per_label.push_back(clusters.sizes[c] > 0 ? sums[c] / static_cast<double>(clusters.sizes[c]) : 0.0);
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_SILHOUETTE_IMPL_HPP
