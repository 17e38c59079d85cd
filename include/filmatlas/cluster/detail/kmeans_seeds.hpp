// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_SEEDS_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_SEEDS_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/kmeans_data.hpp"
#include "filmatlas/cluster/detail/panels.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"

/// @file kmeans_seeds.hpp
/// @brief Greedy k-means++ and the order of the centroids.

namespace filmatlas::detail {

/// At most `wanted` rows, one from each of equal strata: ascending, the same for any number of threads.
inline std::vector<std::int64_t> kmeans_sample(std::int64_t n, std::int64_t wanted, std::uint64_t seed,
                                               std::uint64_t start) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(n, wanted)));
    if (n <= wanted) {
        std::iota(rows.begin(), rows.end(), std::int64_t{0});
        return rows;
    }
    RandomStream random(seed, "kmeans.sample", start);
    for (std::int64_t s = 0; s < wanted; ++s) {
        const std::int64_t first = s * n / wanted;
        const std::int64_t last = (s + 1) * n / wanted;
        rows[static_cast<std::size_t>(s)] =
            first + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(last - first)));
    }
    return rows;
}

/// Greedy k-means++: every seed is the best of several draws by squared distance to the nearest seed so far.
/// @return row ids; fewer than k distinct rows give repeated ids at the end
inline std::vector<std::int64_t> kmeans_seeds(const KMeansData& data, int k, std::uint64_t seed,
                                              std::uint64_t start, const Progress& progress) {
    std::vector<std::int64_t> sample = kmeans_sample(
        data.X.rows, std::max<std::int64_t>(4096, 10 * static_cast<std::int64_t>(k)), seed, start);
    const auto m = static_cast<std::int64_t>(sample.size());
    const std::int64_t d = data.X.cols;
    // Drawn from in the order of their content, rows that all take part give the same seeds in any order, and a
    // weight the same as repeated rows.
    std::sort(sample.begin(), sample.end(), [&](std::int64_t a, std::int64_t b) {
        const float* x = data.row(a);
        const float* y = data.row(b);
        const auto [at_x, at_y] = std::mismatch(x, x + d, y);
        return at_x != x + d ? *at_x < *at_y : a < b;
    });
    const std::int64_t blocks = (m + kKMeansGrain - 1) / kKMeansGrain;
    int trials = 2;
    for (int power = 3; power < k && trials < 10; power *= 3) ++trials;  // about 2 + log k

    RandomStream random(seed, "kmeans.seeds", start);
    std::vector<double> nearest(static_cast<std::size_t>(m),
                                1.0);  // weight x squared distance; at first weights only
    for (std::int64_t s = 0; s < m; ++s) {
        nearest[static_cast<std::size_t>(s)] = data.weight(sample[static_cast<std::size_t>(s)]);
    }
    Matrix<double> candidate(m, kPanelWidth);
    Matrix<double> partial(blocks, kPanelWidth);
    std::vector<double> block_sum(static_cast<std::size_t>(blocks), 0.0);
    std::vector<std::int64_t> chosen;
    Matrix<float> rows(kPanelWidth, d);
    CentroidPanels panel;
    const PackedRows<float> packed(m, d, data.num_threads, [&](std::int64_t s, float* out) {
        std::copy_n(data.row(sample[static_cast<std::size_t>(s)]), d, out);
    });

    const auto sum_blocks = [&] {
        for (std::int64_t b = 0; b < blocks; ++b) {
            double sum = 0;
            for (std::int64_t s = b * kKMeansGrain; s < std::min(m, (b + 1) * kKMeansGrain); ++s) {
                sum += nearest[static_cast<std::size_t>(s)];
            }
            block_sum[static_cast<std::size_t>(b)] = sum;
        }
        return std::accumulate(block_sum.begin(), block_sum.end(), 0.0);
    };
    /// The sampled row where the running sum of `nearest` passes `target`.
    const auto draw = [&](double target) {
        std::int64_t b = 0;
        while (b + 1 < blocks && target >= block_sum[static_cast<std::size_t>(b)]) {
            target -= block_sum[static_cast<std::size_t>(b)];
            ++b;
        }
        std::int64_t last = -1;
        for (std::int64_t s = b * kKMeansGrain; s < std::min(m, (b + 1) * kKMeansGrain); ++s) {
            const double value = nearest[static_cast<std::size_t>(s)];
            if (!(value > 0)) continue;
            last = s;
            if (target < value) return s;
            target -= value;
        }
        // Rounding can carry the target past the end of the block.
        for (std::int64_t s = m - 1; last < 0 && s >= 0; --s) {
            if (nearest[static_cast<std::size_t>(s)] > 0) last = s;
        }
        return last;
    };

    double total = sum_blocks();
    while (static_cast<int>(chosen.size()) < k) {
        const bool first = chosen.empty();
        if (!(total > 0)) {
            chosen.push_back(chosen.back());  // every row is a seed already
            continue;
        }
        const int count = first ? 1 : trials;
        std::int64_t drawn[kPanelWidth];
        for (int t = 0; t < count; ++t) {
            drawn[t] = draw(random.uniform() * total);
            const float* row = data.row(sample[static_cast<std::size_t>(drawn[t])]);
            std::copy_n(row, d, rows.row_data(t));
        }
        panel.pack(MatrixView<const float>(rows.data(), count, d));
        parallel_for(m, kKMeansGrain, data.num_threads, [&](std::int64_t begin, std::int64_t end) {
            double* sums = partial.row_data(begin / kKMeansGrain);
            std::fill_n(sums, kPanelWidth, 0.0);
            float dots[kPanelWidth * kPanelWidth];
            for (std::int64_t s = begin; s < end; s += kPanelWidth) {
                panel.products(packed.panel(s / kPanelWidth), 0, 1, dots);
                for (std::int64_t r = 0; r < kPanelWidth && s + r < end; ++r) {
                    const std::int64_t id = sample[static_cast<std::size_t>(s + r)];
                    for (int t = 0; t < count; ++t) {
                        const double distance = static_cast<double>(kmeans_distance_from_product(
                            data.squares[static_cast<std::size_t>(id)], panel.square(t), dots[r * kPanelWidth + t],
                            data.row(id), rows.row_data(t), d));
                        const double value = first ? data.weight(id) * distance
                                                   : std::min(nearest[static_cast<std::size_t>(s + r)],
                                                              data.weight(id) * distance);
                        candidate(s + r, t) = value;
                        sums[t] += value;
                    }
                }
            }
        });
        int best = 0;
        double best_sum = std::numeric_limits<double>::infinity();
        for (int t = 0; t < count; ++t) {
            double sum = 0;
            for (std::int64_t b = 0; b < blocks; ++b) sum += partial(b, t);
            if (sum < best_sum) {
                best_sum = sum;
                best = t;
            }
        }
        chosen.push_back(sample[static_cast<std::size_t>(drawn[best])]);
        for (std::int64_t s = 0; s < m; ++s) nearest[static_cast<std::size_t>(s)] = candidate(s, best);
        total = sum_blocks();
        progress("kmeans seeds", static_cast<std::int64_t>(chosen.size()), k);
    }
    return chosen;
}

/// k different rows, drawn evenly.
inline std::vector<std::int64_t> kmeans_random_rows(std::int64_t n, int k, std::uint64_t seed, std::uint64_t start) {
    RandomStream random(seed, "kmeans.random", start);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    std::iota(rows.begin(), rows.end(), std::int64_t{0});
    for (std::int64_t c = 0; c < k; ++c) {
        std::swap(rows[static_cast<std::size_t>(c)],
                  rows[static_cast<std::size_t>(c) + static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(n - c)))]);
    }
    rows.resize(static_cast<std::size_t>(k));
    return rows;
}

/// Starts without draws (Su & Dy 2007): the part with the greatest sum of squares is cut at its mean, across
/// the direction in which it is longest, until there are k; their means are the centroids. Of many rows an even
/// choice takes part.
class KMeansParts {
public:
    KMeansParts(const KMeansData& data, int k) : data_(data), d_(data.X.cols), k_(k) {}

    Matrix<float> centroids(const Progress& progress) {
        const std::int64_t n = data_.X.rows;
        const std::int64_t m = std::min(n, std::max<std::int64_t>(16384, 20 * static_cast<std::int64_t>(k_)));
        std::vector<Index> all(static_cast<std::size_t>(m));
        for (std::int64_t s = 0; s < m; ++s) all[static_cast<std::size_t>(s)] = static_cast<Index>(s * n / m);
        parts_.push_back(measured(std::move(all)));
        while (static_cast<int>(parts_.size()) < k_) {
            std::size_t widest = 0;
            for (std::size_t p = 1; p < parts_.size(); ++p) {
                if (parts_[p].spread > parts_[widest].spread) widest = p;
            }
            if (!(parts_[widest].spread > 0)) break;
            split(widest);
            progress("kmeans start", static_cast<std::int64_t>(parts_.size()), k_);
        }
        Matrix<float> out(k_, d_);
        for (std::int64_t c = 0; c < k_; ++c) {  // fewer distinct rows than clusters: the first mean again
            const Part& part = parts_[c < static_cast<std::int64_t>(parts_.size()) ? static_cast<std::size_t>(c) : 0];
            for (std::int64_t j = 0; j < d_; ++j) out(c, j) = static_cast<float>(part.mean[static_cast<std::size_t>(j)]);
        }
        return out;
    }

private:
    struct Part {
        std::vector<Index> rows;
        std::vector<double> mean;
        double spread = 0;  ///< weighted sum of squared distances to the mean; 0 = not to be cut
    };
    static constexpr int kSteps = 6;  ///< of the power iteration

    Part measured(std::vector<Index> rows) const {
        Part part;
        part.mean.assign(static_cast<std::size_t>(d_), 0.0);
        double total = 0;
        for (const Index i : rows) {
            const float* x = data_.row(i);
            const double weight = data_.weight(i);
            total += weight;
            for (std::int64_t j = 0; j < d_; ++j) part.mean[static_cast<std::size_t>(j)] += weight * static_cast<double>(x[j]);
        }
        for (double& value : part.mean) value /= total;
        for (const Index i : rows) part.spread += data_.weight(i) * away(data_.row(i), part.mean);
        part.rows = std::move(rows);
        return part;
    }

    double away(const float* x, const std::vector<double>& mean) const {
        double sum = 0;
        for (std::int64_t j = 0; j < d_; ++j) {
            const double difference = static_cast<double>(x[j]) - mean[static_cast<std::size_t>(j)];
            sum += difference * difference;
        }
        return sum;
    }

    double along(const float* x, const Part& part, const std::vector<double>& axis) const {
        double lane[4] = {0, 0, 0, 0};
        for (std::int64_t j = 0; j < d_; ++j) {
            const auto at = static_cast<std::size_t>(j);
            lane[j & 3] += (static_cast<double>(x[j]) - part.mean[at]) * axis[at];
        }
        return (lane[0] + lane[2]) + (lane[1] + lane[3]);
    }

    /// The direction of greatest variance, nearly; from the member farthest from the mean.
    std::vector<double> longest_axis(const Part& part) const {
        Index farthest = part.rows.front();
        double distance = -1;
        for (const Index i : part.rows) {
            const double value = away(data_.row(i), part.mean);
            if (value > distance) {
                distance = value;
                farthest = i;
            }
        }
        std::vector<double> axis(static_cast<std::size_t>(d_));
        for (std::int64_t j = 0; j < d_; ++j) {
            const auto at = static_cast<std::size_t>(j);
            axis[at] = static_cast<double>(data_.row(farthest)[j]) - part.mean[at];
        }
        const auto count = static_cast<std::int64_t>(part.rows.size());
        const std::int64_t blocks = (count + kKMeansGrain - 1) / kKMeansGrain;
        for (int step = 0; step < kSteps; ++step) {
            Matrix<double> sums(blocks, d_);
            parallel_for(count, kKMeansGrain, data_.num_threads, [&](std::int64_t begin, std::int64_t end) {
                double* sum = sums.row_data(begin / kKMeansGrain);
                for (std::int64_t s = begin; s < end; ++s) {
                    const Index i = part.rows[static_cast<std::size_t>(s)];
                    const float* x = data_.row(i);
                    const double share = data_.weight(i) * along(x, part, axis);
                    for (std::int64_t j = 0; j < d_; ++j)
                        sum[j] += share * (static_cast<double>(x[j]) - part.mean[static_cast<std::size_t>(j)]);
                }
            });
            std::vector<double> next(static_cast<std::size_t>(d_), 0.0);
            double largest = 0;
            for (std::int64_t b = 0; b < blocks; ++b) {
                for (std::int64_t j = 0; j < d_; ++j) next[static_cast<std::size_t>(j)] += sums(b, j);
            }
            for (const double value : next) largest = std::max(largest, std::abs(value));
            if (!(largest > 0)) break;
            for (double& value : next) value /= largest;
            axis = std::move(next);
        }
        return axis;
    }

    void split(std::size_t p) {
        const std::vector<double> axis = longest_axis(parts_[p]);
        std::vector<Index> low;
        std::vector<Index> high;
        for (const Index i : parts_[p].rows) (along(data_.row(i), parts_[p], axis) > 0 ? high : low).push_back(i);
        if (low.empty() || high.empty()) {
            parts_[p].spread = 0;
            return;
        }
        parts_[p] = measured(std::move(low));
        parts_.push_back(measured(std::move(high)));
    }

    const KMeansData& data_;
    std::int64_t d_;
    int k_;
    std::vector<Part> parts_;
};

/// Brings near centroids side by side, so that the groups that share a bound are compact: from the first
/// centroid left, its nearest ones fill the panel.
inline std::vector<std::int64_t> kmeans_group_order(const Matrix<float>& centroids) {
    const std::int64_t k = centroids.rows();
    std::vector<std::int64_t> left(static_cast<std::size_t>(k));
    std::iota(left.begin(), left.end(), std::int64_t{0});
    std::vector<std::int64_t> order;
    std::vector<std::pair<double, std::int64_t>> near;
    while (!left.empty()) {
        const std::int64_t first = left.front();
        near.clear();
        for (const std::int64_t c : left) {
            near.emplace_back(
                squared_distance(centroids.row_data(first), centroids.row_data(c), centroids.cols()),
                c);
        }
        const std::size_t take = std::min<std::size_t>(kPanelWidth, near.size());
        std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(take), near.end());
        for (std::size_t i = 0; i < take; ++i) {
            order.push_back(near[i].second);
            left.erase(std::lower_bound(left.begin(), left.end(), near[i].second));
        }
    }
    return order;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_SEEDS_HPP
