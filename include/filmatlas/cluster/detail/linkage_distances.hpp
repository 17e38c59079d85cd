// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_LINKAGE_DISTANCES_HPP
#define FILMATLAS_CLUSTER_DETAIL_LINKAGE_DISTANCES_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "filmatlas/cluster/detail/linkage_core.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/kernels.hpp"

/// @file linkage_distances.hpp
/// @brief All distances of many rows as the upper triangle of a matrix, by products of blocks.

namespace filmatlas::detail {

/// Of one panel with several. `narrow`: float32 holds all values.
inline void linkage_product(const Kernels& kernel, const float* a, const float* b, std::int64_t d, std::int64_t panels,
                            float* c, std::int64_t stride, bool) {
    kernel.block_product(a, b, static_cast<std::size_t>(d), static_cast<std::size_t>(panels), c,
                         static_cast<std::size_t>(stride));
}
inline void linkage_product(const Kernels& kernel, const double* a, const double* b, std::int64_t d, std::int64_t panels,
                            double* c, std::int64_t stride, bool narrow) {
    (narrow ? kernel.block_product_exact_f64 : kernel.block_product_f64)(
        a, b, static_cast<std::size_t>(d), static_cast<std::size_t>(panels), c, static_cast<std::size_t>(stride), false);
}

/// Euclidean, squared Euclidean or cosine (unit rows) distances, rounded to T once.
///
/// A distance comes from the product of its rows, moved to their mean unless they lie around the origin and float32
/// holds them, whose products need no rounding. Near rows are measured by their differences instead, so that the
/// relative error stays near the precision of T.
template <class T>
class LinkageProducts {
public:
    LinkageProducts(const Matrix<double>& rows, Metric metric, int num_threads)
        : rows_(rows), metric_(metric), num_threads_(num_threads) {
        const std::int64_t n = rows.rows();
        const std::int64_t d = rows.cols();
        std::vector<double> mean(static_cast<std::size_t>(d), 0.0);
        if (metric != Metric::Cosine) mean = column_means();
        narrow_ = sizeof(T) == sizeof(double) && around_origin(mean) &&
                  std::all_of(rows.values().begin(), rows.values().end(),
                              [](double value) { return static_cast<double>(static_cast<float>(value)) == value; });
        if (narrow_) std::fill(mean.begin(), mean.end(), 0.0);
        square_.assign(static_cast<std::size_t>((n + kPanel - 1) / kPanel * kPanel), T{0});
        packed_ = PackedRows<T>(n, d, num_threads, [&](std::int64_t i, T* out) {
            double square = 0;
            for (std::int64_t j = 0; j < d; ++j) {
                const double value = rows(i, j) - mean[static_cast<std::size_t>(j)];
                out[j] = static_cast<T>(value);
                square += value * value;
            }
            square_[static_cast<std::size_t>(i)] = static_cast<T>(square);
        });
    }

    void fill(T* out, const Progress& progress) const {
        const std::int64_t n = rows_.rows();
        const Kernels& kernel = kernels();
        parallel_for(
            packed_.panels(), kGroup, num_threads_,
            [&](std::int64_t begin, std::int64_t end) {
                std::vector<T> strip(static_cast<std::size_t>(kPanel * kStrip * kPanel));
                for (std::int64_t q = begin; q < packed_.panels(); q += kStrip) {
                    const std::int64_t width = std::min(kStrip, packed_.panels() - q);
                    for (std::int64_t p = begin; p < end; ++p) {
                        linkage_product(kernel, packed_.panel(p), packed_.panel(q), rows_.cols(), width, strip.data(),
                                        kStrip * kPanel, narrow_);
                        for (std::int64_t i = p * kPanel; i < std::min(n, (p + 1) * kPanel); ++i) {
                            const std::int64_t first = std::max(i + 1, q * kPanel);
                            const std::int64_t last = std::min(n, (q + width) * kPanel);
                            if (first >= last) continue;
                            write(i, first, last, strip.data() + (i - p * kPanel) * kStrip * kPanel - q * kPanel,
                                  out + (i * (2 * n - i - 1) / 2 - i - 1));
                        }
                    }
                }
            },
            progress, "linkage distances");
    }

private:
    static constexpr std::int64_t kPanel = PackedRows<T>::panel_rows;
    static constexpr std::int64_t kGroup = 64 / kPanel;
    static constexpr std::int64_t kStrip = 24;

    std::vector<double> column_means() const {
        std::vector<double> mean(static_cast<std::size_t>(rows_.cols()), 0.0);
        for (std::int64_t i = 0; i < rows_.rows(); ++i) {
            for (std::int64_t j = 0; j < rows_.cols(); ++j)
                mean[static_cast<std::size_t>(j)] += rows_(i, j) / static_cast<double>(rows_.rows());
        }
        return mean;
    }

    /// Whether moving to the mean would take away less than half of the rows' squares.
    bool around_origin(const std::vector<double>& mean) const {
        double squares = 0;
        for (const double value : rows_.values()) squares += value * value;
        double moved = 0;
        for (const double value : mean) moved += value * value;
        return 2 * moved * static_cast<double>(rows_.rows()) <= squares;
    }

    static constexpr std::int64_t kLanes = 8;

    /// out[j] = distance of i and j for j in [first, last), from product[j].
    void write(std::int64_t i, std::int64_t first, std::int64_t last, const T* product, T* out) const {
        std::int64_t j = first;
        for (; j + kLanes <= last; j += kLanes)
            write_lanes(i, j, std::integral_constant<std::int64_t, kLanes>{}, product, out);
        if (j < last) write_lanes(i, j, last - j, product, out);
    }

    template <class Count>
    void write_lanes(std::int64_t i, std::int64_t j, Count lanes, const T* product, T* out) const {
        const bool cosine = metric_ == Metric::Cosine;
        const T square = cosine ? T{1} : square_[static_cast<std::size_t>(i)];
        const T* squares = square_.data();
        const auto sum = [&](std::int64_t l) { return cosine ? T{1} : square + squares[j + l]; };
        const auto cancels = [&](T value, std::int64_t l) { return value < static_cast<T>(0.02) * sum(l); };
        T value[kLanes];
        std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t> near = 0;  // as wide as T, for whole vectors
        for (std::int64_t l = 0; l < lanes; ++l) {
            value[l] = cosine ? T{1} - product[j + l] : sum(l) - T{2} * product[j + l];
            near |= cancels(value[l], l) ? -1 : 0;
        }
        for (std::int64_t l = 0; near != 0 && l < lanes; ++l) {
            if (!cancels(value[l], l)) continue;
            const double exact =
                linkage_distance(rows_.row_data(i), rows_.row_data(j + l), rows_.cols(), Metric::SqEuclidean);
            value[l] = static_cast<T>(cosine ? 0.5 * exact : exact);
        }
        const bool root = metric_ == Metric::Euclidean;
        for (std::int64_t l = 0; l < lanes; ++l) out[j + l] = root ? std::sqrt(value[l]) : value[l];
    }

    const Matrix<double>& rows_;
    Metric metric_;
    int num_threads_;
    bool narrow_ = false;  ///< see `linkage_product`
    PackedRows<T> packed_;
    std::vector<T> square_;
};

/// All distances between rows (see `linkage_rows`), rounded to T.
template <class T>
CondensedValues<T> linkage_measure(const Matrix<double>& rows, Metric metric, int num_threads, const Progress& progress) {
    if (metric == Metric::Manhattan) {
        return linkage_condensed<T>(rows.rows(), num_threads, progress, [&](std::int64_t i, std::int64_t j) {
            return linkage_distance(rows.row_data(i), rows.row_data(j), rows.cols(), metric);
        });
    }
    CondensedValues<T> out(rows.rows());
    LinkageProducts<T>(rows, metric, num_threads).fill(out.data(), progress);
    return out;
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CLUSTER_DETAIL_LINKAGE_DISTANCES_HPP
