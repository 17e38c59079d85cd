// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_KMEANS_BOUNDS_HPP
#define FILMATLAS_CLUSTER_DETAIL_KMEANS_BOUNDS_HPP

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "filmatlas/core/detail/prefetch.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file kmeans_bounds.hpp
/// @brief What k-means knows of the distances between rows and centroids while these move.

namespace filmatlas::detail {

/// Lower bounds of the distances from every row to the centroids but its own, one per cell of centroids. A cell is one
/// centroid, two or four where the bounds then take no more than a third of the rows' memory and 128 a row, else a whole
/// group.
///
/// A bound is kept with what its cell's centroids had moved by when it was made, so that nothing is written when they move.
class KMeansBounds {
public:
    static constexpr std::int64_t kSmallCell = 4;  ///< centroids in a cell that is less than a group, at most

    /// For n rows of d values and `groups` groups of `width` centroids; the last may have fewer.
    KMeansBounds(std::int64_t n, std::int64_t d, std::int64_t groups, std::int64_t width)
        : cell_(cell_width(d, groups, width)),
          cells_(groups * width / cell_),
          columns_(cells_ < kLanes ? cells_ : (cells_ + kLanes - 1) / kLanes * kLanes),
          lower_(n, columns_),
          travel_(static_cast<std::size_t>(columns_), kFar),
          no_limit_(static_cast<std::size_t>(columns_), -kFar) {}

    std::int64_t cell() const { return cell_; }              ///< centroids per cell
    std::size_t columns() const { return travel_.size(); }  ///< cells; 16 or more are filled up to a multiple of 16

    /// Every bound is to be set anew.
    void restart() { std::fill_n(travel_.begin(), cells_, 0.0F); }
    /// The centroids moved: drift[c] is by how much.
    void follow(const std::vector<double>& drift) {
        std::vector<double> farthest(static_cast<std::size_t>(cells_), 0.0);
        for (std::size_t c = 0; c < drift.size(); ++c) {
            double& most = farthest[c / static_cast<std::size_t>(cell_)];
            most = std::max(most, drift[c]);
        }
        for (std::size_t c = 0; c < farthest.size(); ++c) {
            const auto most = static_cast<float>(farthest[c] * (1.0 + 1e-6));
            if (most > 0) travel_[c] = (travel_[c] - most) * (1.0F + 0x1p-22F);
        }
    }
    void set(std::int64_t i, std::int64_t cell, float bound) {
        lower_(i, cell) = (bound - travel_[static_cast<std::size_t>(cell)]) * (1.0F - 0x1p-22F);
    }
    bool within(std::int64_t i, std::int64_t cell, float limit) const {
        return lower_(i, cell) + travel_[static_cast<std::size_t>(cell)] <= limit;
    }
    /// Writes the cells of row i whose bounds are within `limit`, ascending; room for columns(). @return their number
    std::size_t list_within(std::int64_t i, float limit, std::uint32_t* cells) const {
        if (cells_ < kLanes) {
            std::size_t count = 0;
            for (std::int64_t cell = 0; cell < cells_; ++cell) {
                cells[count] = static_cast<std::uint32_t>(cell);
                count += within(i, cell, limit) ? 1U : 0U;
            }
            return count;
        }
        constexpr float kNone = 0;
        return kernel_.scan_pairs(lower_.row_data(i), columns(), 1, columns(), &kNone, travel_.data(), -1.0F, &limit,
                                  no_limit_.data(), cells);
    }
    void prefetch(std::int64_t i) const { prefetch_values(lower_.row_data(i), columns_); }

private:
    static constexpr std::int64_t kLanes = 16;  ///< of `scan_pairs`
    static constexpr float kFar = std::numeric_limits<float>::infinity();

    static std::int64_t cell_width(std::int64_t d, std::int64_t groups, std::int64_t width) {
        const std::int64_t most = std::min<std::int64_t>(128, d / 3);
        for (std::int64_t cell = 1; cell <= kSmallCell; cell *= 2) {
            if (groups * width / cell <= most) return cell;
        }
        return width;
    }

    const Kernels& kernel_ = kernels();
    std::int64_t cell_;
    std::int64_t cells_;
    std::int64_t columns_;
    Matrix<float> lower_;        ///< (n, columns)
    std::vector<float> travel_;  ///< per cell, added to its bounds: less than no movement; infinite where there is no cell
    std::vector<float> no_limit_;
};

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_KMEANS_BOUNDS_HPP
