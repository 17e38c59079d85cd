// SPDX-License-Identifier: MIT
// Before the guard: header-only, this includes the bodies, which need what follows.
#include "filmatlas/cluster/nested.hpp"

#ifndef FILMATLAS_CLUSTER_DETAIL_NESTED_FINE_HPP
#define FILMATLAS_CLUSTER_DETAIL_NESTED_FINE_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/kmeans_seeds.hpp"
#include "filmatlas/cluster/detail/nested_levels.hpp"
#include "filmatlas/cluster/detail/nested_points.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/linalg/pca.hpp"

/// @file nested_fine.hpp
/// @brief The finest nodes for one amount of smoothing, and how well they foretell neighbours held out.

namespace filmatlas::detail {

inline constexpr std::int64_t kNestedAllPoints = 6000;  ///< up to here Ward starts from the points themselves
inline constexpr std::int64_t kNestedMicro = 600;       ///< seeds of Ward's linkage for few nodes
inline constexpr int kNestedRounds = 8;

/// Lloyd's rounds from given centroids, every row against every centroid through the block product.
class NestedLloyd {
public:
    NestedLloyd(const Matrix<float>& rows, const std::vector<double>& weights, int num_threads)
        : rows_(rows), weights_(weights), num_threads_(num_threads), packed_(rows.view(), num_threads) {}

    /// @return the nearest centroid of every row after `rounds` updates of the means
    std::vector<Index> run(Matrix<float> centroids, int rounds, const Progress& progress) const {
        std::vector<Index> label = assign(centroids);
        for (int round = 0; round < rounds; ++round) {
            update(label, centroids);
            std::vector<Index> next = assign(centroids);
            const bool rest = next == label;
            label = std::move(next);
            progress(kNestedStage, round + 1, rounds);
            if (rest) break;
        }
        return label;
    }

    std::vector<Index> assign(const Matrix<float>& centroids) const {
        const std::int64_t k = centroids.rows();
        const std::int64_t d = centroids.cols();
        const PackedRows<float> right(centroids.view(), num_threads_);
        const std::int64_t width = right.panels() * PackedRows<float>::panel_rows;
        std::vector<float> half(static_cast<std::size_t>(width), std::numeric_limits<float>::infinity());
        for (std::int64_t c = 0; c < k; ++c) {
            double square = 0;
            for (const float value : centroids.row(c))
                square += static_cast<double>(value) * static_cast<double>(value);
            half[static_cast<std::size_t>(c)] = static_cast<float>(0.5 * square);
        }
        const Kernels& table = kernels();
        std::vector<Index> label(static_cast<std::size_t>(rows_.rows()));
        parallel_for(packed_.panels(), 8, num_threads_, [&](std::int64_t begin, std::int64_t end) {
            std::vector<float> product(static_cast<std::size_t>(PackedRows<float>::panel_rows * width));
            for (std::int64_t p = begin; p < end; ++p) {
                table.block_product(packed_.panel(p), right.panel(0), static_cast<std::size_t>(d),
                                    static_cast<std::size_t>(right.panels()), product.data(),
                                    static_cast<std::size_t>(width));
                for (std::int64_t r = 0; r < PackedRows<float>::panel_rows; ++r) {
                    const std::int64_t i = p * PackedRows<float>::panel_rows + r;
                    if (i >= rows_.rows()) break;
                    const float* dots = product.data() + r * width;
                    label[static_cast<std::size_t>(i)] = nearest(half.data(), dots, width);
                }
            }
        });
        return label;
    }

    /// Moves every centroid that has rows to their weighted mean.
    void update(const std::vector<Index>& label, Matrix<float>& centroids) const {
        const std::int64_t k = centroids.rows();
        const std::int64_t d = centroids.cols();
        std::vector<std::int64_t> begin(static_cast<std::size_t>(k) + 1, 0);
        for (const Index l : label) ++begin[static_cast<std::size_t>(l) + 1];
        std::partial_sum(begin.begin(), begin.end(), begin.begin());
        std::vector<Index> members(label.size());
        std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
        for (std::size_t i = 0; i < label.size(); ++i) {
            members[static_cast<std::size_t>(next[static_cast<std::size_t>(label[i])]++)] =
                static_cast<Index>(i);
        }
        parallel_for(k, 8, num_threads_, [&](std::int64_t first, std::int64_t last) {
            std::vector<double> sum(static_cast<std::size_t>(d));
            for (std::int64_t c = first; c < last; ++c) {
                const auto from = begin[static_cast<std::size_t>(c)];
                const auto to = begin[static_cast<std::size_t>(c) + 1];
                if (from == to) continue;
                std::fill(sum.begin(), sum.end(), 0.0);
                double total = 0;
                for (std::int64_t m = from; m < to; ++m) {
                    const Index i = members[static_cast<std::size_t>(m)];
                    const double weight = weights_[static_cast<std::size_t>(i)];
                    const float* row = rows_.row_data(i);
                    for (std::int64_t j = 0; j < d; ++j)
                        sum[static_cast<std::size_t>(j)] += weight * static_cast<double>(row[j]);
                    total += weight;
                }
                for (std::int64_t j = 0; j < d; ++j)
                    centroids(c, j) = static_cast<float>(sum[static_cast<std::size_t>(j)] / total);
            }
        });
    }

private:
    /// The first centroid of least half[c] - dots[c]: the least of each panel without branches, then its place.
    static Index nearest(const float* half, const float* dots, std::int64_t width) {
        constexpr std::int64_t lanes = PackedRows<float>::panel_rows;
        float best = std::numeric_limits<float>::infinity();
        std::int64_t panel = 0;
        for (std::int64_t c = 0; c < width; c += lanes) {
            float value[lanes];
            for (std::int64_t l = 0; l < lanes; ++l) value[l] = half[c + l] - dots[c + l];
            for (std::int64_t step = lanes / 2; step > 0; step /= 2) {
                for (std::int64_t l = 0; l < step; ++l)
                    value[l] = value[l + step] < value[l] ? value[l + step] : value[l];
            }
            if (value[0] < best) {
                best = value[0];
                panel = c;
            }
        }
        for (std::int64_t l = 0; l < lanes; ++l) {
            if (half[panel + l] - dots[panel + l] == best) return static_cast<Index>(panel + l);
        }
        return 0;
    }

    const Matrix<float>& rows_;
    const std::vector<double>& weights_;
    int num_threads_;
    PackedRows<float> packed_;
};

/// Rows seen from their mean, in at most `most` coordinates.
inline Matrix<float> nested_centred(Matrix<float> rows, std::int64_t most, std::uint64_t seed, int num_threads) {
    if (rows.cols() > most && rows.rows() > 2 * most) {
        PcaOptions options;
        options.n_components = static_cast<int>(most);
        options.seed = seed;
        options.num_threads = num_threads;
        return pca(rows.view(), options).transformed;
    }
    std::vector<double> mean(static_cast<std::size_t>(rows.cols()), 0.0);
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
        for (std::int64_t j = 0; j < rows.cols(); ++j)
            mean[static_cast<std::size_t>(j)] += static_cast<double>(rows(i, j));
    }
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
        for (std::int64_t j = 0; j < rows.cols(); ++j) {
            rows(i, j) = static_cast<float>(static_cast<double>(rows(i, j)) -
                                            mean[static_cast<std::size_t>(j)] / static_cast<double>(rows.rows()));
        }
    }
    return rows;
}

/// The coordinates in which the finest nodes are sought: the smoother, the fewer hold the clusters.
inline Matrix<float> nested_coordinates(const Matrix<float>& rows, int steps, std::uint64_t seed,
                                        int num_threads) {
    return nested_centred(rows, steps > 1 ? 64 : 128, seed, num_threads);
}

/// The same rows in few coordinates, the mean's direction among them, so that lengths stay what they were but for
/// what the other directions hold: many steps of smoothing cost a fraction there.
inline Matrix<float> nested_condensed(Matrix<float> rows, std::uint64_t seed, int num_threads) {
    constexpr std::int64_t kept = 128;
    if (rows.cols() <= kept || rows.rows() <= 2 * kept) return rows;
    PcaOptions options;
    options.n_components = static_cast<int>(kept) - 1;
    options.seed = seed;
    options.num_threads = num_threads;
    const PcaResult model = pca(rows.view(), options);
    std::vector<double> shift(static_cast<std::size_t>(kept), 0.0);  // of the mean, then what is left of it
    double rest = 0;
    for (const float value : model.mean) rest += static_cast<double>(value) * static_cast<double>(value);
    for (std::int64_t c = 0; c + 1 < kept; ++c) {
        double& along = shift[static_cast<std::size_t>(c)];
        for (std::int64_t j = 0; j < rows.cols(); ++j) {
            along += static_cast<double>(model.components(c, j)) *
                     static_cast<double>(model.mean[static_cast<std::size_t>(j)]);
        }
        rest -= along * along;
    }
    shift.back() = std::sqrt(std::max(0.0, rest));
    Matrix<float> out(rows.rows(), kept);
    for (std::int64_t i = 0; i < rows.rows(); ++i) {
        for (std::int64_t c = 0; c < kept; ++c) {
            const double own = c + 1 < kept ? static_cast<double>(model.transformed(i, c)) : 0.0;
            out(i, c) = static_cast<float>(own + shift[static_cast<std::size_t>(c)]);
        }
    }
    return out;
}

/// Rows of means seen from the mean of all, as directions where lengths say nothing.
inline void nested_directions(Matrix<double>& means, bool unit) {
    if (!unit) return;
    for (std::int64_t c = 0; c < means.rows(); ++c) {
        double norm2 = 0;
        for (const double value : means.row(c)) norm2 += value * value;
        if (!(norm2 > 0)) continue;
        const double scale = 1.0 / std::sqrt(norm2);
        for (double& value : means.row(c)) value *= scale;
    }
}

/// Means of the parts in float32.
inline Matrix<float> nested_means(const Matrix<float>& rows, const std::vector<double>& weights,
                                  const NestedParts& parts) {
    const Matrix<double> means = nested_centroids(rows, weights, parts, false);
    Matrix<float> out(means.rows(), means.cols());
    std::transform(means.values().begin(), means.values().end(), out.values().begin(),
                   [](double value) { return static_cast<float>(value); });
    return out;
}

/// Many small parts for Ward's linkage to start from: the points themselves where they are few, else k-means
/// from a stratified sample, learnt on at most 8 points per part.
inline NestedParts nested_micro(const Matrix<float>& rows, const std::vector<double>& weights, int count,
                                const NestedOptions& options, const Progress& progress) {
    const std::int64_t n = rows.rows();
    std::vector<Index> label(static_cast<std::size_t>(n));
    if (n <= kNestedAllPoints) {
        std::iota(label.begin(), label.end(), Index{0});
        return nested_parts(label, weights);
    }
    const std::int64_t micro = std::clamp<std::int64_t>(
        count < 400 ? 2 * count : count + count / 2, std::max<std::int64_t>(kNestedMicro, count),
        std::max<std::int64_t>(count, kNestedMaxFinest));
    const auto gather = [&](const std::vector<std::int64_t>& ids) {
        Matrix<float> out(static_cast<std::int64_t>(ids.size()), rows.cols());
        for (std::size_t r = 0; r < ids.size(); ++r)
            std::copy_n(rows.row_data(ids[r]), rows.cols(), out.row_data(static_cast<std::int64_t>(r)));
        return out;
    };
    Matrix<float> centroids = gather(kmeans_sample(n, std::min(n, micro), options.seed, 0));
    const NestedLloyd all(rows, weights, options.num_threads);
    if (n > 8 * micro) {
        const std::vector<std::int64_t> ids = kmeans_sample(n, 8 * micro, options.seed, 1);
        const Matrix<float> sample = gather(ids);
        std::vector<double> own(ids.size());
        std::transform(ids.begin(), ids.end(), own.begin(),
                       [&](std::int64_t i) { return weights[static_cast<std::size_t>(i)]; });
        const NestedLloyd lloyd(sample, own, options.num_threads);
        for (int round = 0; round < kNestedRounds; ++round) {
            lloyd.update(lloyd.assign(centroids), centroids);
            progress(kNestedStage, round + 1, kNestedRounds);
        }
        return nested_parts(all.assign(centroids), weights);
    }
    return nested_parts(all.run(std::move(centroids), kNestedRounds, progress), weights);
}

/// Groups of the weighted means, `count` of them, by an uncapped linkage.
inline std::vector<Index> nested_link(const Matrix<double>& means, const std::vector<double>& weight,
                                      LinkageMethod method, int count, int num_threads,
                                      const Progress& progress) {
    CondensedDistances distances =
        linkage_measure<double>(means, Metric::SqEuclidean, num_threads, progress);
    if (method == LinkageMethod::Ward) {
        std::size_t at = 0;
        for (std::size_t i = 0; i < weight.size(); ++i) {
            for (std::size_t j = i + 1; j < weight.size(); ++j, ++at) {
                distances[at] = std::sqrt(2.0 * weight[i] * weight[j] / (weight[i] + weight[j]) * distances[at]);
            }
        }
    }
    return cut_linkage(linkage_run(distances.span(), weight, method, progress), count);
}

/// Weight of the neighbours from one part to another.
struct NestedPair {
    std::uint64_t key;  ///< part of the item, part of the neighbour
    double weight;
};

/// Sorts by parts and joins equal ones; the order of the sums is that of the pairs.
inline void nested_join_pairs(std::vector<NestedPair>& pairs) {
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const NestedPair& x, const NestedPair& y) { return x.key < y.key; });
    std::size_t last = 0;
    for (std::size_t e = 1; e < pairs.size(); ++e) {
        if (pairs[e].key == pairs[last].key) {
            pairs[last].weight += pairs[e].weight;
        } else {
            pairs[++last] = pairs[e];
        }
    }
    if (!pairs.empty()) pairs.resize(last + 1);
}

/// @param lists of the points; what they say of a point itself does not count
inline std::vector<NestedPair> nested_pairs(const SmoothLists& lists, const std::vector<double>& weights,
                                            const std::vector<Index>& label) {
    std::vector<NestedPair> pairs;
    pairs.reserve(lists.ids.size());
    for (std::size_t p = 0; p < label.size(); ++p) {
        for (const Index q : lists.of(static_cast<std::int64_t>(p))) {
            if (q == static_cast<Index>(p)) continue;
            const auto a = static_cast<std::uint64_t>(label[p]);
            const auto b = static_cast<std::uint64_t>(label[static_cast<std::size_t>(q)]);
            pairs.push_back({a << 32U | b, weights[p]});
        }
    }
    nested_join_pairs(pairs);
    return pairs;
}

/// The pairs of groups of the parts.
inline std::vector<NestedPair> nested_group_pairs(std::vector<NestedPair> pairs, const std::vector<Index>& group) {
    for (NestedPair& pair : pairs) {
        const auto a = static_cast<std::uint64_t>(group[pair.key >> 32U]);
        const auto b = static_cast<std::uint64_t>(group[pair.key & 0xFFFFFFFFU]);
        pair.key = a << 32U | b;
    }
    nested_join_pairs(pairs);
    return pairs;
}

/// Mutual information of the parts of an item and of its held-out neighbours over the entropies' mean: how
/// well the partition foretells neighbours that made no part of it; chance gives 0. Rounded to 1e-9, lest the last
/// digit of a logarithm decide. -1 without such neighbours.
inline double nested_foresight(const std::vector<NestedPair>& pairs, int count) {
    std::vector<double> from(static_cast<std::size_t>(count), 0.0);
    std::vector<double> to(from.size(), 0.0);
    double total = 0;
    for (const NestedPair& pair : pairs) {
        from[pair.key >> 32U] += pair.weight;
        to[pair.key & 0xFFFFFFFFU] += pair.weight;
        total += pair.weight;
    }
    if (!(total > 0)) return -1;
    double information = 0;
    for (const NestedPair& pair : pairs) {
        information +=
            pair.weight * std::log(pair.weight * total / (from[pair.key >> 32U] * to[pair.key & 0xFFFFFFFFU]));
    }
    const auto entropy = [&](const std::vector<double>& counts) {
        double sum = 0;
        for (const double weight : counts) {
            if (weight > 0) sum -= weight * std::log(weight / total);
        }
        return sum;
    };
    const double mean = 0.5 * (entropy(from) + entropy(to));
    return mean > 0 ? std::round(1e9 * information / mean) * 1e-9 : 0.0;
}

/// Steps worth a trial for nodes of this mean size: a step spreads over about the ten neighbours that it may use, so
/// nodes much smaller than what the steps reach would melt together.
inline std::vector<int> nested_step_trials(double mean_size) {
    std::vector<int> steps = {0, 1};
    for (const int t : {4, 16, 32}) {
        if (10.0 * t <= mean_size) steps.push_back(t);
    }
    return steps;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_NESTED_FINE_HPP
