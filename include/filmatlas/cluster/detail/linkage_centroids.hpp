// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_CENTROIDS_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_CENTROIDS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/cluster/detail/linkage_rounds.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file linkage_centroids.hpp
/// @brief Clusters of `LinkageRounds` known by their centroids: O(n d) memory.
///
/// Ward's distance is that of the centroids, times sqrt(2 a b / (a + b)). The mean squared distance between the
/// members of two clusters is the squared distance of their centroids plus the variances inside; for unit rows
/// half of it is the mean cosine distance. Products of float32 blocks rule out all clusters that cannot be
/// nearest, with a bound on their rounding; what is left is measured in float64, so that neither blocks nor
/// float32 show in the result.

namespace filmatlas::detail {


class LinkageCentroids {
public:
    /// @param rows       finite; for MeanCosine means of unit rows
    /// @param weights    per row, > 0
    /// @param variances  per row: mean squared distance of what it stands for; empty = 0
    LinkageCentroids(Matrix<double> rows, std::vector<double> weights, LinkageForm form, int num_threads,
                     const Progress& progress, std::vector<double> variances = {})
        : form_(form),
          slots_(rows.rows()),
          d_(rows.cols()),
          weight_(std::move(weights)),
          variance_(std::move(variances)),
          alive_(weight_.size(), 1),
          center_(std::move(rows)),
          num_threads_(num_threads),
          progress_(progress) {
        variance_.resize(weight_.size(), 0.0);
        center_and_scale();
        pack();
    }

    double height(double value) const {
        switch (form_) {
            case LinkageForm::Ward: return std::sqrt(value) * unit_;
            case LinkageForm::MeanSquared: return value * unit_ * unit_;
            case LinkageForm::MeanCosine: break;
        }
        return 0.5 * value * unit_ * unit_;
    }

    void search(const std::vector<Index>& wanted, std::vector<Index>& nearest, std::vector<double>& value) const {
        const auto count = static_cast<std::int64_t>(wanted.size());
        const std::int64_t groups = (count + kGroup - 1) / kGroup;
        // Few searches share out the columns, many the rows.
        const std::int64_t span = groups >= 8 ? panels() : std::max<std::int64_t>(64, (panels() + 7) / 8);
        const std::int64_t parts = (panels() + span - 1) / span;
        struct Found {
            double value = std::numeric_limits<double>::infinity();
            Index id = -1;
        };
        std::vector<Found> found(static_cast<std::size_t>(count * parts));
        const bool serial = count * slots_ * d_ < (std::int64_t{1} << 22);
        parallel_for(
            groups * parts, 1, serial ? 1 : num_threads_,
            [&](std::int64_t block, std::int64_t) {
                const std::int64_t first = block / parts * kGroup;
                const std::int64_t rows = std::min(kGroup, count - first);
                const std::int64_t part = block % parts;
                double best[kGroup];
                Index id[kGroup];
                for (std::int64_t r = 0; r < rows; ++r) {
                    const Index own = wanted[static_cast<std::size_t>(first + r)];
                    id[r] = nearest[static_cast<std::size_t>(own)];
                    best[r] = id[r] < 0 ? std::numeric_limits<double>::infinity() : exact(own, id[r]);
                }
                search_block(wanted.data() + first, rows, part * span, std::min(panels(), (part + 1) * span), best, id);
                for (std::int64_t r = 0; r < rows; ++r)
                    found[static_cast<std::size_t>((first + r) * parts + part)] = {best[r], id[r]};
            },
            serial ? Progress() : progress_, "linkage search");
        for (std::int64_t s = 0; s < count; ++s) {
            Found best;
            for (std::int64_t part = 0; part < parts; ++part) {
                const Found& other = found[static_cast<std::size_t>(s * parts + part)];
                if (other.id < 0) continue;
                if (other.value < best.value || best.id < 0 || (other.value == best.value && other.id < best.id))
                    best = other;
            }
            const auto slot = static_cast<std::size_t>(wanted[static_cast<std::size_t>(s)]);
            nearest[slot] = best.id;
            value[slot] = best.value;
        }
    }

    void merge(const std::vector<LinkagePair>& pairs) {
        const auto count = static_cast<std::int64_t>(pairs.size());
        parallel_for(count, 64, count * d_ < (1 << 18) ? 1 : num_threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t p = begin; p < end; ++p) {
                const auto x = static_cast<std::size_t>(pairs[static_cast<std::size_t>(p)].x);
                const auto y = static_cast<std::size_t>(pairs[static_cast<std::size_t>(p)].y);
                const double total = weight_[x] + weight_[y];
                const double* from = center_.row_data(static_cast<std::int64_t>(x));
                double* to = center_.row_data(static_cast<std::int64_t>(y));
                const double between = squared(static_cast<std::int64_t>(x), static_cast<std::int64_t>(y));
                variance_[y] = (weight_[x] * variance_[x] + weight_[y] * variance_[y]) / total +
                               weight_[x] / total * (weight_[y] / total) * between;
                for (std::int64_t j = 0; j < d_; ++j) to[j] = (weight_[x] * from[j] + weight_[y] * to[j]) / total;
                weight_[y] = total;
                alive_[x] = 0;
                write(static_cast<std::int64_t>(y));
                square_[x] = kRemoved;
            }
        });
    }

    void compact(const std::vector<Index>& kept) {
        for (std::size_t k = 0; k < kept.size(); ++k) {
            const auto old = static_cast<std::size_t>(kept[k]);
            if (old == k) continue;
            weight_[k] = weight_[old];
            variance_[k] = variance_[old];
            std::copy_n(center_.row_data(kept[k]), d_, center_.row_data(static_cast<std::int64_t>(k)));
        }
        slots_ = static_cast<std::int64_t>(kept.size());
        weight_.resize(kept.size());
        variance_.resize(kept.size());
        alive_.assign(kept.size(), 1);
        pack();
    }

private:
    static constexpr std::int64_t kPanel = static_cast<std::int64_t>(panel_rows_f32);
    static constexpr std::int64_t kGroup = 4 * kPanel;  ///< searches per block: a strip of columns is read for all
    static constexpr std::int64_t kStrip = 24;          ///< panels of columns per product
    static constexpr float kRemoved = 3e38F;
    static constexpr float kNoLimit = 1e30F;

    struct alignas(64) Line {
        float value[kPanel];
    };

    std::int64_t panels() const { return (slots_ + kPanel - 1) / kPanel; }

    /// Moved to their mean, products cancel less; scaled to about 1, float32 holds them.
    void center_and_scale() {
        std::vector<double> mean(static_cast<std::size_t>(d_), 0.0);
        double total = 0;
        for (std::int64_t i = 0; i < slots_; ++i) {
            total += weight_[static_cast<std::size_t>(i)];
            const double share = weight_[static_cast<std::size_t>(i)] / total;
            const double* row = center_.row_data(i);
            for (std::int64_t j = 0; j < d_; ++j) {
                double& m = mean[static_cast<std::size_t>(j)];
                m += share * (row[j] - m);
            }
        }
        double largest = 0;
        for (std::int64_t i = 0; i < slots_; ++i) {
            for (std::int64_t j = 0; j < d_; ++j)
                largest = std::max(largest, std::abs(center_(i, j) - mean[static_cast<std::size_t>(j)]));
        }
        int exponent = 0;
        std::frexp(largest, &exponent);
        unit_ = std::ldexp(1.0, exponent);
        const double scale = std::ldexp(1.0, -exponent);
        for (std::int64_t i = 0; i < slots_; ++i) {
            for (std::int64_t j = 0; j < d_; ++j)
                center_(i, j) = (center_(i, j) - mean[static_cast<std::size_t>(j)]) * scale;
        }
        for (double& value : variance_) value *= scale * scale;
    }

    void pack() {
        if (lines_ == nullptr) lines_ = std::make_unique<Line[]>(static_cast<std::size_t>(panels() * d_));
        square_.assign(static_cast<std::size_t>(panels() * kPanel), kRemoved);
        inverse_.assign(square_.size(), form_ == LinkageForm::Ward ? 0.0F : 0.5F);
        parallel_for(slots_, kPanel, num_threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) write(i);
        });
    }

    void write(std::int64_t i) {
        const double* row = center_.row_data(i);
        Line* lines = lines_.get() + i / kPanel * d_;
        double square = 0;
        for (std::int64_t j = 0; j < d_; ++j) {
            lines[j].value[i % kPanel] = static_cast<float>(row[j]);
            square += row[j] * row[j];
        }
        const auto slot = static_cast<std::size_t>(i);
        if (form_ != LinkageForm::Ward) square += variance_[slot];
        // Less what rounding may take from a product of this row: both rows' shares bound the error of theirs.
        const double error = 1.2 * 0x1p-24 * static_cast<double>(d_ + 16);
        square_[slot] = static_cast<float>(square * (1.0 - error) - 1e-30);
        if (form_ == LinkageForm::Ward) inverse_[slot] = static_cast<float>(1.0 / weight_[slot]);
    }

    double squared(std::int64_t i, std::int64_t j) const {
        return linkage_sum(center_.row_data(i), center_.row_data(j), d_,
                           [](double x, double y) { return (x - y) * (x - y); });
    }

    double exact(std::int64_t i, std::int64_t j) const {
        if (i > j) std::swap(i, j);
        const auto a = static_cast<std::size_t>(i);
        const auto b = static_cast<std::size_t>(j);
        const double distance = squared(i, j);
        if (form_ == LinkageForm::Ward)
            return 2.0 * (weight_[a] * weight_[b]) / (weight_[a] + weight_[b]) * distance;
        return distance + variance_[a] + variance_[b];
    }

    /// Nearest others of up to `kGroup` slots among the panels [begin, end); `best` and `id` hold a first
    /// guess.
    void search_block(const Index* own, std::int64_t rows, std::int64_t begin, std::int64_t end, double* best,
                      Index* id) const {
        const Kernels& kernel = kernels();
        const std::int64_t left_panels = (rows + kPanel - 1) / kPanel;
        const auto left = std::make_unique_for_overwrite<Line[]>(static_cast<std::size_t>(left_panels * d_));
        for (std::int64_t r = 0; r < left_panels * kPanel; ++r) {
            const Index slot = own[std::min(r, rows - 1)];
            const Line* from = lines_.get() + slot / kPanel * d_;
            Line* to = left.get() + r / kPanel * d_;
            for (std::int64_t j = 0; j < d_; ++j) to[j].value[r % kPanel] = from[j].value[slot % kPanel];
        }
        float limit[kGroup];
        for (std::int64_t r = 0; r < rows; ++r) limit[r] = limit_of(best[r]);
        std::vector<float> product(static_cast<std::size_t>(kPanel * kStrip * kPanel));
        for (std::int64_t strip = begin; strip < end; strip += kStrip) {
            const std::int64_t width = std::min(kStrip, end - strip);
            for (std::int64_t p = 0; p < left_panels; ++p) {
                kernel.block_product(left[static_cast<std::size_t>(p * d_)].value,
                                     lines_[static_cast<std::size_t>(strip * d_)].value, static_cast<std::size_t>(d_),
                                     static_cast<std::size_t>(width), product.data(),
                                     static_cast<std::size_t>(kStrip * kPanel));
                for (std::int64_t r = p * kPanel; r < std::min(rows, (p + 1) * kPanel); ++r) {
                    scan(own[r], product.data() + (r - p * kPanel) * kStrip * kPanel, strip * kPanel, width * kPanel,
                         limit[r], best[r], id[r]);
                }
            }
        }
    }

    /// No pair whose value is at most `best` has a larger share per weight.
    float limit_of(double best) const {
        const double share = (form_ == LinkageForm::Ward ? 0.5 : 1.0) * best * (1.0 + 1e-6);
        return share < static_cast<double>(kNoLimit) ? static_cast<float>(share) : kNoLimit;
    }

    void scan(Index own, const float* product, std::int64_t first, std::int64_t count, float& limit, double& best,
              Index& id) const {
        constexpr std::int64_t kLanes = 16;
        const float square = square_[static_cast<std::size_t>(own)];
        const float inverse = inverse_[static_cast<std::size_t>(own)];
        const float* squares = square_.data() + first;
        const float* inverses = inverse_.data() + first;
        for (std::int64_t c = 0; c < count; c += kLanes) {
            int near = 0;
            for (std::int64_t l = 0; l < kLanes; ++l) {
                const float low = square + squares[c + l] - 2.0F * product[c + l];
                near |= low <= limit * (inverse + inverses[c + l]) ? 1 : 0;
            }
            if (near == 0) continue;
            for (std::int64_t l = 0; l < kLanes; ++l) {
                const auto j = static_cast<Index>(first + c + l);
                const float low = square + squares[c + l] - 2.0F * product[c + l];
                if (low > limit * (inverse + inverses[c + l])) continue;
                if (j == own || j >= slots_ || alive_[static_cast<std::size_t>(j)] == 0) continue;
                const double value = exact(own, j);
                if (value < best || id < 0 || (value == best && j < id)) {
                    best = value;
                    id = j;
                    limit = limit_of(best);
                }
            }
        }
    }

    LinkageForm form_;
    std::int64_t slots_;
    std::int64_t d_;
    std::vector<double> weight_;
    std::vector<double> variance_;  ///< mean squared distance of the members to the centroid
    std::vector<char> alive_;
    Matrix<double> center_;
    double unit_ = 1;                ///< of the scaled values
    std::unique_ptr<Line[]> lines_;  ///< float32 centroids, panels of 16 side by side
    std::vector<float> square_;      ///< share of each slot in a pair's value, less the rounding
    std::vector<float> inverse_;     ///< 1 / weight; 1/2 without weights
    int num_threads_;
    Progress progress_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_CENTROIDS_HPP
