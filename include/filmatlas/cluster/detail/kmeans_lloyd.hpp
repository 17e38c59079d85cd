// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_LLOYD_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_LLOYD_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/kmeans_bounds.hpp"
#include "filmatlas/cluster/detail/kmeans_data.hpp"
#include "filmatlas/cluster/detail/panels.hpp"
#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file kmeans_lloyd.hpp
/// @brief Lloyd's rounds with bounds, updates and repairs.

namespace filmatlas::detail {

/// Lloyd's rounds with one upper bound and lower bounds for every row: per centroid (Elkan 2003) or per group of them
/// (Ding et al. 2015; with one group Hamerly 2010), see `KMeansBounds`. A row that is passed over keeps the label that a
/// full search would give it, to the last bit: the bounds allow for the rounding of the products.
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
          bounds_(n_, d_, groups_, per_group_ * kPanelWidth),
          labels_(static_cast<std::size_t>(n_), -1),
          upper_(static_cast<std::size_t>(n_), 0.0F),
          drift_(static_cast<std::size_t>(k_), 0.0),
          summed_(static_cast<std::size_t>(n_), -1) {
        choose_scale();
    }

    Matrix<float>& centroids() { return centroids_; }
    std::vector<Index>& labels() { return labels_; }

    /// Gives every row its nearest centroid. @return rows that changed
    std::int64_t assign(const Progress& progress) {
        std::vector<std::int64_t> moved(static_cast<std::size_t>((n_ + kKMeansGrain - 1) / kKMeansGrain), 0);
        if (bounds_valid_) {
            bounds_.follow(drift_);
        } else {
            bounds_.restart();
        }
        parallel_for(
            n_, kKMeansGrain, data_.num_threads,
            [&](std::int64_t begin, std::int64_t end) {
                moved[static_cast<std::size_t>(begin / kKMeansGrain)] = assign_block(begin, end);
            },
            progress, "kmeans assign");
        bounds_valid_ = true;
        std::fill(drift_.begin(), drift_.end(), 0.0);
        return std::accumulate(moved.begin(), moved.end(), std::int64_t{0});
    }

    /// Moves the centroids whose members changed to their mean. @return summed squared movement
    ///
    /// A cluster's sum is kept in whole numbers, which add up without rounding: what left is subtracted and
    /// what came is added, and the mean is the same as if it were made anew.
    double update() {
        auto grouped = members_by_label();
        const std::vector<std::int64_t>& begin = grouped.first;  // (a lambda can hold these, not bindings)
        std::vector<Index>& members = grouped.second;
        std::vector<double> total(static_cast<std::size_t>(k_), 0.0);
        std::vector<std::int64_t> change_begin(static_cast<std::size_t>(k_) + 1, 0);
        for (std::size_t i = 0; i < labels_.size(); ++i) {
            total[static_cast<std::size_t>(labels_[i])] += data_.weight(static_cast<std::int64_t>(i));
            if (labels_[i] == summed_[i]) continue;
            ++change_begin[static_cast<std::size_t>(labels_[i]) + 1];
            if (summed_[i] >= 0) ++change_begin[static_cast<std::size_t>(summed_[i]) + 1];
        }
        std::partial_sum(change_begin.begin(), change_begin.end(), change_begin.begin());
        std::vector<std::pair<Index, Index>> changes(static_cast<std::size_t>(change_begin.back()));  // row, +1 or -1
        std::vector<std::int64_t> next_change(change_begin.begin(), change_begin.end() - 1);
        for (std::size_t i = 0; i < labels_.size(); ++i) {
            if (labels_[i] == summed_[i]) continue;
            const auto note = [&](Index cluster, Index sign) {
                const std::int64_t at = next_change[static_cast<std::size_t>(cluster)]++;
                changes[static_cast<std::size_t>(at)] = {static_cast<Index>(i), sign};
            };
            note(labels_[i], 1);
            if (summed_[i] >= 0) note(summed_[i], -1);
        }
        summed_ = labels_;
        Matrix<float> next = centroids_;
        parallel_for(k_, 1, data_.num_threads, [&](std::int64_t c, std::int64_t) {
            const auto at = static_cast<std::size_t>(c);
            if (change_begin[at] == change_begin[at + 1]) return;
            std::vector<double> mean(static_cast<std::size_t>(d_), 0.0);
            if (scale_.empty()) {
                for (std::int64_t m = begin[at]; m < begin[at + 1]; ++m) {
                    const Index i = members[static_cast<std::size_t>(m)];
                    const float* x = data_.row(i);
                    for (std::int64_t j = 0; j < d_; ++j)
                        mean[static_cast<std::size_t>(j)] += data_.weight(i) * static_cast<double>(x[j]);
                }
            } else {
                std::int64_t* sum = sums_.row_data(c);
                for (std::int64_t e = change_begin[at]; e < change_begin[at + 1]; ++e) {
                    const auto [i, sign] = changes[static_cast<std::size_t>(e)];
                    const float* x = data_.row(i);
                    const double weight = data_.weight(i);
                    for (std::int64_t j = 0; j < d_; ++j) {
                        const double value = weight * static_cast<double>(x[j]) * scale_[static_cast<std::size_t>(j)];
                        sum[j] += sign * static_cast<std::int64_t>(value + std::copysign(0.5, value));
                    }
                }
                for (std::int64_t j = 0; j < d_; ++j)
                    mean[static_cast<std::size_t>(j)] = static_cast<double>(sum[j]) / scale_[static_cast<std::size_t>(j)];
            }
            if (begin[at] == begin[at + 1]) return;  // empty: it stays where it was
            double norm2 = 0;
            for (double& value : mean) {
                value /= total[at];
                norm2 += value * value;
            }
            const double factor = spherical_ && norm2 > 0 ? 1.0 / std::sqrt(norm2) : 1.0;
            for (std::int64_t j = 0; j < d_; ++j) {
                next(c, j) = static_cast<float>(mean[static_cast<std::size_t>(j)] * factor);
            }
            drift_[at] = std::sqrt(squared_distance(next.row_data(c), centroids_.row_data(c), d_));
        });
        centroids_ = std::move(next);
        panels_.pack(centroids_.view());
        order_ = std::move(members);
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
                    -squared_distance(data_.row(i), centroids_.row_data(own), d_), i};
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
            label = static_cast<Index>(c);
            sizes[static_cast<std::size_t>(c)] = 1;
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
            return data_.weight(i) * squared_distance(data_.row(i), centroids_.row_data(own), d_);
        });
    }

private:
    /// Units of `sums_`: as fine as the sum of all rows allows.
    void choose_scale() {
        double total = 0;
        double least = std::numeric_limits<double>::infinity();
        for (std::int64_t i = 0; i < n_; ++i) {
            total += data_.weight(i);
            least = std::min(least, data_.weight(i));
        }
        if (least < total * 0x1p-34) return;
        std::vector<float> largest(static_cast<std::size_t>(d_), 0.0F);
        for (std::int64_t i = 0; i < n_; ++i) {
            const float* x = data_.row(i);
            for (std::int64_t j = 0; j < d_; ++j) {
                float& value = largest[static_cast<std::size_t>(j)];
                value = std::max(value, std::abs(x[j]));
            }
        }
        for (const float value : largest) {
            int exponent = 0;
            std::frexp(total * static_cast<double>(value), &exponent);
            scale_.push_back(std::ldexp(1.0, 61 - exponent));
        }
        sums_ = Matrix<std::int64_t>(k_, d_);
    }

    /// What float32 may take from the share of a row or centroid in a squared distance made from a product.
    float error_share() const { return 1.2F * 0x1p-24F * static_cast<float>(d_ + 16); }
    static float round_up(double value) { return static_cast<float>(value * (1.0 + 1e-6)); }

    /// What a block of rows needs while it is assigned.
    struct Scratch {
        struct Open {
            Index row;
            std::size_t first;  ///< of its `cells`
            std::size_t count;
        };
        std::vector<Open> open;                             ///< rows that the bounds do not pass over
        std::vector<std::uint32_t> cells;                   ///< that may hold a centroid nearer than the own one
        std::vector<std::pair<std::uint64_t, Index>> rows;  ///< those to compare, and with which groups (a bit each)
        std::vector<float> packed;                          ///< 16 of them
        std::vector<float> dots;                            ///< their products with a group of centroids
    };
    /// Nearest of a group's centroids and the next one of its cell, by squared distance.
    struct Nearest {
        float first = std::numeric_limits<float>::infinity();
        float second = std::numeric_limits<float>::infinity();
        Index id = -1;
    };

    /// Centroids of a group whose distances are measured one by one: the products of a group cost as much as a few.
    static constexpr std::int64_t kMeasured = KMeansBounds::kSmallCell;

    std::int64_t group_of(std::int64_t c) const { return c / kPanelWidth / per_group_; }

    std::int64_t assign_block(std::int64_t begin, std::int64_t end) {
        Scratch work;
        work.rows.reserve(static_cast<std::size_t>(end - begin));
        if (bounds_valid_) {
            list_open(work, begin, end);
            for (std::size_t o = 0; o < work.open.size(); ++o) {
                if (o + 1 < work.open.size()) prefetch_values(data_.row(work.open[o + 1].row), d_);
                const Index i = work.open[o].row;
                const Index own = labels_[static_cast<std::size_t>(i)];
                upper_[static_cast<std::size_t>(i)] = std::sqrt(squared_to(i, own)) * (1.0F + direct_error());
                const std::span<std::uint32_t> cells(work.cells.data() + work.open[o].first, work.open[o].count);
                if (const std::uint64_t wanted = groups_in_reach(i, cells)) work.rows.emplace_back(wanted, i);
            }
        } else {
            for (std::int64_t i = begin; i < end; ++i) work.rows.emplace_back(~std::uint64_t{0}, static_cast<Index>(i));
        }
        std::sort(work.rows.begin(), work.rows.end());  // those side by side want the same groups
        std::int64_t moved = 0;
        for (std::size_t first = 0; first < work.rows.size(); first += kPanelWidth) {
            moved += compare_panel(work, first);
        }
        return moved;
    }

    /// Lists the rows that the bounds do not pass over, and the cells that may hold a nearer centroid.
    void list_open(Scratch& work, std::int64_t begin, std::int64_t end) {
        constexpr std::int64_t kAhead = 8;
        std::size_t used = 0;
        for (std::int64_t position = begin; position < end; ++position) {
            if (position + kAhead < end) bounds_.prefetch(order_[static_cast<std::size_t>(position + kAhead)]);
            const Index i = order_[static_cast<std::size_t>(position)];
            const Index own = labels_[static_cast<std::size_t>(i)];
            float& upper = upper_[static_cast<std::size_t>(i)];
            upper = (upper + round_up(drift_[static_cast<std::size_t>(own)])) * (1.0F + 0x1p-22F);
            if (work.cells.size() < used + bounds_.columns()) work.cells.resize(2 * (used + bounds_.columns()));
            const std::size_t count = bounds_.list_within(i, reach(i), work.cells.data() + used);
            if (count > 0) work.open.push_back({i, used, count});
            used += count;
        }
    }

    /// A search would surely find a centroid farther than this to be farther from row i than its own one.
    float reach(std::int64_t i) const {
        const float upper = upper_[static_cast<std::size_t>(i)];
        return std::min(std::sqrt(upper * upper + slack_of(i)) * (1.0F + 0x1p-20F), std::numeric_limits<float>::max());
    }
    float squared_to(std::int64_t i, std::int64_t c) const {
        return kernel_.squared_l2(data_.row(i), centroids_.row_data(c), static_cast<std::size_t>(d_));
    }
    /// Relative error of a root of `squared_to`: a sum of squares in 32 lanes, hardly any rounding.
    float direct_error() const { return 1.2F * 0x1p-24F * (static_cast<float>(d_) / 32.0F + 16.0F); }

    /// By how much two squared distances of row i may be misjudged, both made from products.
    float slack_of(std::int64_t i) const {
        return 2.0F * error_share() * (data_.squares[static_cast<std::size_t>(i)] + panels_.largest_square());
    }
    /// Groups that may hold a centroid nearer to row i than its own one, a bit each, with the own group where there are
    /// any. `cells` are those to look at. Where few of a group's centroids may, they are measured one by one.
    std::uint64_t groups_in_reach(Index i, std::span<std::uint32_t> cells) {
        const float limit = reach(i);
        const auto per_group = static_cast<std::uint32_t>(per_group_ * kPanelWidth / bounds_.cell());
        std::size_t count = 0;
        for (const std::uint32_t cell : cells) {
            cells[count] = cell;
            count += bounds_.within(i, cell, limit) ? 1U : 0U;
        }
        std::uint64_t wanted = 0;
        for (std::size_t first = 0, next = 0; first < count; first = next) {
            const std::uint32_t group = cells[first] / per_group;
            while (next < count && cells[next] < (group + 1) * per_group) ++next;
            bool near = static_cast<std::int64_t>(next - first) * bounds_.cell() > kMeasured;
            for (std::size_t at = first; at < next && !near; ++at) {
                const float least = measure(i, cells[at]);
                bounds_.set(i, cells[at], least);
                near = least <= limit;
            }
            wanted |= near ? std::uint64_t{1} << group : 0U;
        }
        return wanted != 0 ? wanted | std::uint64_t{1} << group_of(labels_[static_cast<std::size_t>(i)]) : 0;
    }

    /// At most the distance from row i to the nearest centroid of a cell but its own one.
    float measure(Index i, std::int64_t cell) const {
        float least = std::numeric_limits<float>::infinity();
        for (std::int64_t c = cell * bounds_.cell(); c < std::min(k_, (cell + 1) * bounds_.cell()); ++c) {
            if (c != labels_[static_cast<std::size_t>(i)]) least = std::min(least, squared_to(i, c));
        }
        return std::sqrt(least) * (1.0F - direct_error());
    }

    /// Compares 16 of the rows with the groups they want. @return rows that changed
    std::int64_t compare_panel(Scratch& work, std::size_t first) {
        const int count = static_cast<int>(std::min<std::size_t>(kPanelWidth, work.rows.size() - first));
        const auto* rows = work.rows.data() + first;
        const float* x[kPanelWidth];
        std::uint64_t wanted = 0;
        for (int r = 0; r < count; ++r) {
            x[r] = data_.row(rows[r].second);
            wanted |= rows[r].first;
        }
        work.packed.resize(static_cast<std::size_t>(d_ * kPanelWidth));
        panel_pack(x, count, d_, work.packed.data());
        Nearest best[kPanelWidth];
        const float share = error_share();
        for (std::int64_t g = 0; g < groups_; ++g) {
            if ((wanted >> g & 1U) == 0) continue;
            const std::int64_t begin = g * per_group_;
            const std::int64_t panels = std::min(per_group_, panels_.num_panels() - begin);
            work.dots.resize(static_cast<std::size_t>(kPanelWidth * kPanelWidth * panels));
            panels_.products(work.packed.data(), begin, panels, work.dots.data());
            for (int r = 0; r < count; ++r) {
                if ((rows[r].first >> g & 1U) == 0) continue;
                const std::int64_t i = rows[r].second;
                const float error = share * (data_.squares[static_cast<std::size_t>(i)] + panels_.largest_square());
                const Nearest here = nearest_of(i, begin, panels, work.dots.data() + r * kPanelWidth * panels, error);
                if (bounds_.cell() >= kPanelWidth) bounds_.set(i, g, lower_root(here.first, error));
                Nearest& mine = best[r];
                if (here.first < mine.first || (here.first == mine.first && here.id < mine.id)) {
                    mine = here;
                }
            }
        }
        std::int64_t moved = 0;
        for (int r = 0; r < count; ++r) {
            const std::int64_t i = rows[r].second;
            const float error = share * (data_.squares[static_cast<std::size_t>(i)] + panels_.largest_square());
            bounds_.set(i, best[r].id / bounds_.cell(), lower_root(best[r].second, error));
            upper_[static_cast<std::size_t>(i)] = std::sqrt(best[r].first + error) * (1.0F + 0x1p-22F);
            Index& label = labels_[static_cast<std::size_t>(i)];
            if (best[r].id == label) continue;
            label = best[r].id;
            ++moved;
        }
        return moved;
    }

    static float lower_root(float square, float error) {
        return square > error ? std::sqrt(square - error) * (1.0F - 0x1p-22F) : 0.0F;
    }

    static float smallest(const float* value) {
        float lane[4];
        for (int l = 0; l < 4; ++l) {
            const float a = value[l] < value[l + 4] ? value[l] : value[l + 4];
            const float b = value[l + 8] < value[l + 12] ? value[l + 8] : value[l + 12];
            lane[l] = a < b ? a : b;
        }
        return std::min(std::min(lane[0], lane[1]), std::min(lane[2], lane[3]));
    }

    /// Nearest of a group of centroids, by their products with row i; where a group has several cells, their bounds are set.
    Nearest nearest_of(std::int64_t i, std::int64_t first_panel, std::int64_t panels, const float* dots, float error) {
        const float square = data_.squares[static_cast<std::size_t>(i)];
        Nearest out;
        for (std::int64_t p = 0; p < panels; ++p) {
            const std::int64_t begin = (first_panel + p) * kPanelWidth;
            const int width = panels_.width(first_panel + p);
            float value[kPanelWidth];
            int cancels = 0;
            for (int c = 0; c < kPanelWidth; ++c) {
                const float sum = square + panels_.square(begin + c);
                value[c] = sum - 2.0F * dots[p * kPanelWidth + c];
                cancels |= value[c] > 1e-3F * sum ? 0 : 1;
            }
            for (int c = 0; c < width && cancels != 0; ++c) {
                value[c] = kmeans_distance_from_product(square, panels_.square(begin + c), dots[p * kPanelWidth + c],
                                                        data_.row(i), centroids_.row_data(begin + c), d_);
            }
            std::fill(value + width, value + kPanelWidth, std::numeric_limits<float>::infinity());
            const std::int64_t cell = bounds_.cell();
            const bool several = cell < kPanelWidth;
            for (std::int64_t c = 0, at = begin / cell; c < kPanelWidth && several; c += cell, ++at) {
                const float least = *std::min_element(value + c, value + c + cell);
                bounds_.set(i, at, lower_root(least, error));
            }
            const float least = smallest(value);
            if (least < out.first) {
                const auto at = std::find(value, value + width, least) - value;
                value[at] = std::numeric_limits<float>::infinity();
                const float* own = value + at / cell * cell;
                out.second = several ? *std::min_element(own, own + cell) : std::min(out.first, smallest(value));
                out.first = least;
                out.id = static_cast<Index>(begin + at);
            } else {
                out.second = std::min(out.second, least);
            }
        }
        return out;
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
    std::int64_t per_group_;  ///< panels in a group
    std::int64_t groups_;     ///< of panels whose products are taken together
    KMeansBounds bounds_;
    std::vector<Index> labels_;
    std::vector<float> upper_;   ///< at least the distance to the own centroid
    std::vector<double> drift_;  ///< movement of each centroid since the bounds were made
    std::vector<Index> summed_;   ///< the labels that `sums_` stand for
    Matrix<std::int64_t> sums_;   ///< (k, d) weighted sums of the clusters, in units of 1 / scale
    std::vector<double> scale_;   ///< per column a power of two; empty where the weights differ too much
    const Kernels& kernel_ = kernels();
    std::vector<Index> order_;   ///< rows by cluster, so that those side by side want the same centroids
    bool bounds_valid_ = false;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_LLOYD_HPP
