// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_LLOYD_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_LLOYD_HPP

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

/// @file kmeans_lloyd.hpp
/// @brief Lloyd's rounds with bounds, updates and repairs.

namespace filmatlas::detail {

/// Lloyd's rounds with one upper bound and a lower bound per group of centroids for every row (Ding et al.
/// 2015).
class KMeansLloyd {
public:
    KMeansLloyd(const KMeansData& data, Matrix<float> centroids, bool spherical)
        : data_(data),
          n_(data.X.rows),
          d_(data.X.cols),
          k_(centroids.rows()),
          spherical_(spherical),
          centroids_(std::move(centroids)),
          panels_(centroids_.view()),
          per_group_((panels_.num_panels() + kKMeansMaxGroups - 1) / kKMeansMaxGroups),
          groups_((panels_.num_panels() + per_group_ - 1) / per_group_),
          labels_(static_cast<std::size_t>(n_), -1),
          upper_(static_cast<std::size_t>(n_), 0.0F),
          lower_(n_, groups_),
          drift_(static_cast<std::size_t>(k_), 0.0),
          changed_(static_cast<std::size_t>(k_), 1) {}

    Matrix<float>& centroids() { return centroids_; }
    std::vector<Index>& labels() { return labels_; }

    /// Gives every row its nearest centroid. @return rows that changed
    std::int64_t assign(const Progress& progress) {
        std::vector<std::int64_t> moved(static_cast<std::size_t>((n_ + kKMeansGrain - 1) / kKMeansGrain), 0);
        std::vector<std::vector<Index>> touched(moved.size());
        std::vector<float> group_drift(static_cast<std::size_t>(groups_), 0.0F);
        for (std::int64_t c = 0; c < k_; ++c) {
            float& drift = group_drift[static_cast<std::size_t>(c / kPanelWidth / per_group_)];
            drift = std::max(drift, round_up(drift_[static_cast<std::size_t>(c)]));
        }
        parallel_for(
            n_, kKMeansGrain, data_.num_threads,
            [&](std::int64_t begin, std::int64_t end) {
                const auto block = static_cast<std::size_t>(begin / kKMeansGrain);
                moved[block] = assign_block(begin, end, group_drift, touched[block]);
            },
            progress, "kmeans assign");
        bounds_valid_ = true;
        std::fill(drift_.begin(), drift_.end(), 0.0);
        for (const auto& list : touched) {
            for (const Index c : list) changed_[static_cast<std::size_t>(c)] = 1;
        }
        return std::accumulate(moved.begin(), moved.end(), std::int64_t{0});
    }

    /// Moves the centroids whose members changed to their mean. @return summed squared movement
    double update() {
        const auto by_label = members_by_label();
        const std::vector<std::int64_t>& begin = by_label.first;
        const std::vector<Index>& members = by_label.second;
        Matrix<float> next = centroids_;
        parallel_for(k_, 1, data_.num_threads, [&](std::int64_t c, std::int64_t) {
            const std::int64_t first = begin[static_cast<std::size_t>(c)];
            const std::int64_t last = begin[static_cast<std::size_t>(c) + 1];
            if (changed_[static_cast<std::size_t>(c)] == 0 || first == last) return;
            std::vector<double> sum(static_cast<std::size_t>(d_), 0.0);
            double total = 0;
            for (std::int64_t m = first; m < last; ++m) {
                const Index i = members[static_cast<std::size_t>(m)];
                const double weight = data_.weight(i);
                const float* x = data_.row(i);
                for (std::int64_t j = 0; j < d_; ++j) {
                    sum[static_cast<std::size_t>(j)] += weight * static_cast<double>(x[j]);
                }
                total += weight;
            }
            double norm2 = 0;
            for (double& value : sum) {
                value /= total;
                norm2 += value * value;
            }
            const double scale = spherical_ && norm2 > 0 ? 1.0 / std::sqrt(norm2) : 1.0;
            for (std::int64_t j = 0; j < d_; ++j) {
                next(c, j) = static_cast<float>(sum[static_cast<std::size_t>(j)] * scale);
            }
            drift_[static_cast<std::size_t>(c)] =
                std::sqrt(kmeans_squared_distance(next.row_data(c), centroids_.row_data(c), d_));
        });
        centroids_ = std::move(next);
        panels_.pack(centroids_.view());
        std::fill(changed_.begin(), changed_.end(), char{0});
        double movement = 0;
        for (const double drift : drift_) movement += drift * drift;
        return movement;
    }

    /// Restarts clusters without items at the items farthest from their centroids. @return clusters restarted
    int repair() {
        std::vector<std::int64_t> sizes(static_cast<std::size_t>(k_), 0);
        for (const Index label : labels_) ++sizes[static_cast<std::size_t>(label)];
        std::vector<std::int64_t> empty;
        for (std::int64_t c = 0; c < k_; ++c) {
            if (sizes[static_cast<std::size_t>(c)] == 0) empty.push_back(c);
        }
        if (empty.empty()) return 0;
        std::vector<std::pair<double, std::int64_t>> far(static_cast<std::size_t>(n_));
        parallel_for(n_, kKMeansGrain, data_.num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const Index own = labels_[static_cast<std::size_t>(i)];
                far[static_cast<std::size_t>(i)] = {
                    -kmeans_squared_distance(data_.row(i), centroids_.row_data(own), d_), i};
            }
        });
        std::sort(far.begin(), far.end());
        int restarted = 0;
        std::size_t next = 0;
        for (const std::int64_t c : empty) {
            while (next < far.size() &&
                   sizes[static_cast<std::size_t>(labels_[static_cast<std::size_t>(far[next].second)])] < 2) {
                ++next;
            }
            if (next == far.size() || !(far[next].first < 0)) break;  // no distinct row is left
            const std::int64_t i = far[next++].second;
            Index& label = labels_[static_cast<std::size_t>(i)];
            --sizes[static_cast<std::size_t>(label)];
            changed_[static_cast<std::size_t>(label)] = 1;
            label = static_cast<Index>(c);
            sizes[static_cast<std::size_t>(c)] = 1;
            changed_[static_cast<std::size_t>(c)] = 1;
            std::copy_n(data_.row(i), d_, centroids_.row_data(c));
            ++restarted;
        }
        if (restarted > 0) {
            panels_.pack(centroids_.view());
            bounds_valid_ = false;  // a centroid jumped: start over with full searches
        }
        return restarted;
    }

    double inertia() const {
        return kmeans_sum(n_, data_.num_threads, [&](std::int64_t i) {
            const Index own = labels_[static_cast<std::size_t>(i)];
            return data_.weight(i) * kmeans_squared_distance(data_.row(i), centroids_.row_data(own), d_);
        });
    }

private:
    /// Bounds must stay bounds through the rounding of float32.
    static constexpr float kSlack = 1.00001F;
    static float round_up(double value) { return static_cast<float>(value * (1.0 + 1e-6)); }

    float squared_distance(std::int64_t i, std::int64_t c, float dot) const {
        return kmeans_distance_from_product(data_.squares[static_cast<std::size_t>(i)], panels_.square(c),
                                            dot, data_.row(i), centroids_.row_data(c), d_);
    }

    std::int64_t assign_block(std::int64_t begin, std::int64_t end, const std::vector<float>& group_drift,
                              std::vector<Index>& touched) {
        const bool fresh = !bounds_valid_;
        const auto rows = static_cast<std::size_t>(end - begin);
        // Best (squared distance, centroid) of every row over all groups; per group the nearest and second
        // nearest.
        std::vector<float> best(rows, std::numeric_limits<float>::infinity());
        std::vector<Index> winner(rows, -1);
        std::vector<std::vector<Index>> wanted(static_cast<std::size_t>(groups_));
        for (std::int64_t i = begin; i < end; ++i) {
            const auto r = static_cast<std::size_t>(i - begin);
            float* lower = lower_.row_data(i);
            const Index own = labels_[static_cast<std::size_t>(i)];
            if (fresh || own < 0) {
                for (std::int64_t g = 0; g < groups_; ++g) {
                    wanted[static_cast<std::size_t>(g)].push_back(static_cast<Index>(i));
                }
                continue;
            }
            float nearest_bound = std::numeric_limits<float>::infinity();
            for (std::int64_t g = 0; g < groups_; ++g) {
                lower[g] -= group_drift[static_cast<std::size_t>(g)];
                nearest_bound = std::min(nearest_bound, lower[g]);
            }
            float& upper = upper_[static_cast<std::size_t>(i)];
            upper += round_up(drift_[static_cast<std::size_t>(own)]);
            winner[r] = own;
            if (upper * kSlack < nearest_bound) continue;
            // The same formula as for the others, lest a row between two centroids change sides for ever.
            best[r] = squared_distance(i, own, panel_product(data_.row(i), centroids_.row_data(own), d_));
            upper = std::sqrt(best[r]);
            for (std::int64_t g = 0; g < groups_; ++g) {
                if (lower[g] <= upper * kSlack)
                    wanted[static_cast<std::size_t>(g)].push_back(static_cast<Index>(i));
            }
        }
        std::vector<Index> nearest_of(rows);  // within the group at hand
        std::vector<float> first(rows);
        std::vector<float> second(rows);
        std::vector<Index> winner_group(rows, -1);
        std::vector<float> winner_second(rows, 0.0F);
        for (std::int64_t g = 0; g < groups_; ++g) {
            const auto& list = wanted[static_cast<std::size_t>(g)];
            if (list.empty()) continue;
            scan_group(g, list, begin, nearest_of, first, second);
            for (const Index i : list) {
                const auto r = static_cast<std::size_t>(i - begin);
                // Provisional: all of this group are at least this far. Put right below for the winner's
                // group.
                lower_(i, g) = std::sqrt(first[r]);
                if (first[r] < best[r] || (first[r] == best[r] && nearest_of[r] < winner[r])) {
                    best[r] = first[r];
                    winner[r] = nearest_of[r];
                    winner_group[r] = static_cast<Index>(g);
                    winner_second[r] = std::sqrt(second[r]);
                }
            }
        }
        std::int64_t moved = 0;
        for (std::int64_t i = begin; i < end; ++i) {
            const auto r = static_cast<std::size_t>(i - begin);
            Index& label = labels_[static_cast<std::size_t>(i)];
            if (winner_group[r] >= 0) lower_(i, winner_group[r]) = winner_second[r];
            if (winner[r] == label) continue;
            if (label >= 0) {
                touched.push_back(label);
                if (!fresh) {  // the centroid that was left is now one of its group's others
                    float& bound = lower_(i, label / kPanelWidth / per_group_);
                    bound = std::min(bound, upper_[static_cast<std::size_t>(i)]);
                }
            }
            touched.push_back(winner[r]);
            label = winner[r];
            ++moved;
        }
        for (std::int64_t i = begin; i < end; ++i) {
            const auto r = static_cast<std::size_t>(i - begin);
            if (best[r] < std::numeric_limits<float>::infinity()) {
                upper_[static_cast<std::size_t>(i)] = std::sqrt(best[r]);
            }
        }
        std::sort(touched.begin(), touched.end());
        touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
        return moved;
    }

    /// Nearest and second nearest centroid of one group for the listed rows, the row's own centroid left out.
    void scan_group(std::int64_t g, const std::vector<Index>& list, std::int64_t begin,
                    std::vector<Index>& nearest_of, std::vector<float>& first,
                    std::vector<float>& second) const {
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        for (const Index i : list) {
            const auto r = static_cast<std::size_t>(i - begin);
            nearest_of[r] = -1;
            first[r] = kInfinity;
            second[r] = kInfinity;
        }
        const std::int64_t last_panel = std::min(panels_.num_panels(), (g + 1) * per_group_);
        for (std::int64_t p = g * per_group_; p < last_panel; ++p) {
            for (std::size_t e = 0; e < list.size(); e += kPanelRows) {
                const float* x[kPanelRows];
                for (int q = 0; q < kPanelRows; ++q) {
                    x[q] = data_.row(list[std::min(e + static_cast<std::size_t>(q), list.size() - 1)]);
                }
                float dots[kPanelRows][kPanelWidth];
                panels_.products(x, p, dots);
                for (int q = 0; q < kPanelRows && e + static_cast<std::size_t>(q) < list.size(); ++q) {
                    const Index i = list[e + static_cast<std::size_t>(q)];
                    const auto r = static_cast<std::size_t>(i - begin);
                    const Index own = bounds_valid_ ? labels_[static_cast<std::size_t>(i)] : -1;
                    for (int c = 0; c < panels_.width(p); ++c) {
                        const auto id = static_cast<Index>(p * kPanelWidth + c);
                        if (id == own) continue;
                        const float value = squared_distance(i, id, dots[q][c]);
                        if (value < first[r]) {
                            second[r] = first[r];
                            first[r] = value;
                            nearest_of[r] = id;
                        } else {
                            second[r] = std::min(second[r], value);
                        }
                    }
                }
            }
        }
    }

    /// Rows of every cluster, ascending, as offsets into one list.
    std::pair<std::vector<std::int64_t>, std::vector<Index>> members_by_label() const {
        std::vector<std::int64_t> begin(static_cast<std::size_t>(k_) + 1, 0);
        for (const Index label : labels_) ++begin[static_cast<std::size_t>(label) + 1];
        std::partial_sum(begin.begin(), begin.end(), begin.begin());
        std::vector<Index> members(labels_.size());
        std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
        for (std::size_t i = 0; i < labels_.size(); ++i) {
            members[static_cast<std::size_t>(next[static_cast<std::size_t>(labels_[i])]++)] =
                static_cast<Index>(i);
        }
        return {std::move(begin), std::move(members)};
    }

    const KMeansData& data_;
    std::int64_t n_;
    std::int64_t d_;
    std::int64_t k_;
    bool spherical_;
    Matrix<float> centroids_;
    CentroidPanels panels_;
    std::int64_t per_group_;  ///< panels that share a lower bound
    std::int64_t groups_;
    std::vector<Index> labels_;
    std::vector<float> upper_;   ///< at least the distance to the own centroid
    Matrix<float> lower_;        ///< (n, groups) at most the distance to any other centroid of the group
    std::vector<double> drift_;  ///< movement of each centroid since the bounds were made
    std::vector<char> changed_;  ///< clusters whose members changed since their mean was made
    bool bounds_valid_ = false;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_LLOYD_HPP
