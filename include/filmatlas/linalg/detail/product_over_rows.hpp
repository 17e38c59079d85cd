// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_PRODUCT_OVER_ROWS_HPP
#define FILMATLAS_LINALG_DETAIL_PRODUCT_OVER_ROWS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/detail/aligned_array.hpp"
#include "filmatlas/linalg/detail/dense_kernels.hpp"
#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas::detail {

/// `value(i, j)` of rows [begin, end) and all `cols` columns, packed as panels of 8 columns: the rows become
/// the accumulated dimension.
template <class Value>
void product_pack_columns(std::int64_t begin, std::int64_t end, std::int64_t cols, double* out,
                          Value&& value) {
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f64);
    for (std::int64_t first = 0; first < cols; first += panel) {
        const std::int64_t width = std::min(panel, cols - first);
        for (std::int64_t i = begin; i < end; ++i, out += panel) {
            for (std::int64_t j = 0; j < panel; ++j) out[j] = j < width ? value(i, first + j) : 0.0;
        }
    }
}

/// Sum over rows i of x(i, .)^T y(i, .): (x_cols, y_cols). With `same` both sides are x and only half is
/// computed. The chunks of rows are fixed by `rows`; their sums are added in order.
template <class X, class Y>
Matrix<double> product_over_rows(std::int64_t rows, std::int64_t x_cols, std::int64_t y_cols, bool same,
                                 int num_threads, X&& x, Y&& y) {
    Matrix<double> out(x_cols, y_cols);
    if (out.empty() || rows == 0) return out;
    const Kernels& kernel = kernels();
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f64);
    constexpr std::int64_t slice = 256;  // rows packed at a time
    const std::int64_t x_panels = (x_cols + panel - 1) / panel;
    const std::int64_t y_panels = (y_cols + panel - 1) / panel;
    const std::int64_t chunks = std::clamp<std::int64_t>(rows / 512, 1, 32);
    const std::int64_t chunk_rows = (rows + chunks - 1) / chunks;
    const std::int64_t stride = y_panels * panel;
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(chunks));

    parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
        std::vector<double> sum(static_cast<std::size_t>(x_panels * panel * stride), 0.0);
        const auto left = aligned_array<double>(static_cast<std::size_t>(slice * x_panels * panel));
        const auto right = aligned_array<double>(same ? 0 : static_cast<std::size_t>(slice * y_panels * panel));
        const std::int64_t last = std::min(rows, (chunk + 1) * chunk_rows);
        for (std::int64_t begin = chunk * chunk_rows; begin < last; begin += slice) {
            const std::int64_t end = std::min(last, begin + slice);
            const std::int64_t depth = end - begin;
            product_pack_columns(begin, end, x_cols, left.get(), x);
            if (!same) product_pack_columns(begin, end, y_cols, right.get(), y);
            const double* other = same ? left.get() : right.get();
            for (std::int64_t p = 0; p < x_panels; ++p) {
                const std::int64_t q = same ? p : 0;
                kernel.block_product_f64(
                    left.get() + p * panel * depth, other + q * panel * depth,
                    static_cast<std::size_t>(depth), static_cast<std::size_t>(y_panels - q),
                    sum.data() + p * panel * stride + q * panel, static_cast<std::size_t>(stride), true);
            }
        }
        sums[static_cast<std::size_t>(chunk)] = std::move(sum);
    });
    for (std::int64_t i = 0; i < x_cols; ++i) {
        for (std::int64_t j = same ? i : 0; j < y_cols; ++j) {
            double total = 0;
            for (const std::vector<double>& sum : sums)
                total += sum[static_cast<std::size_t>(i * stride + j)];
            out(i, j) = total;
            if (same) out(j, i) = total;
        }
    }
    return out;
}

/// Adds up the chunks' sums in the chunks' order, whichever worker brings which when; only a few are held at a time.
class OrderedSum {
public:
    explicit OrderedSum(std::size_t size) : total_(size, 0.0) {}

    /// A buffer of zeros for one chunk.
    std::vector<double> zeros() {
        std::vector<double> buffer;
        {
            const std::lock_guard lock(mutex_);
            if (!free_.empty()) {
                buffer = std::move(free_.back());
                free_.pop_back();
            }
        }
        buffer.assign(total_.size(), 0.0);
        return buffer;
    }
    void add(std::int64_t chunk, std::vector<double> sum) {
        const std::lock_guard lock(mutex_);
        waiting_.emplace(chunk, std::move(sum));
        for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; first = waiting_.begin()) {
            for (std::size_t e = 0; e < total_.size(); ++e) total_[e] += first->second[e];
            free_.push_back(std::move(first->second));
            waiting_.erase(first);
            ++next_;
        }
    }
    /// After all chunks.
    const std::vector<double>& total() const { return total_; }

private:
    std::mutex mutex_;
    std::int64_t next_ = 0;
    std::map<std::int64_t, std::vector<double>> waiting_;
    std::vector<std::vector<double>> free_;
    std::vector<double> total_;
};

/// Scatter matrix of float32 rows, sum over i of row(i)^T row(i): (cols, cols). `pack(begin, depth, out)` writes the rows
/// [begin, begin + depth) as panels of 16 columns, out[(panel * depth + row) * 16 + column], zeros beyond `cols`.
/// Products run in float32 over 384 rows at a time and are summed in float64, so that the error is that of 384
/// additions however many rows there are. Chunks of rows, fixed by the sizes, are summed in order.
template <class Pack>
Matrix<double> scatter_of_panels(std::int64_t rows, std::int64_t cols, int num_threads, Pack&& pack) {
    Matrix<double> out(cols, cols);
    if (out.empty() || rows == 0) return out;
    const Kernels& kernel = kernels();
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f32);
    constexpr std::int64_t slice = 384;  // rows multiplied at a time
    const DenseKernels& dense = dense_kernels();
    const std::int64_t panels = (cols + panel - 1) / panel;
    const std::int64_t slices = (rows + slice - 1) / slice;
    const std::int64_t chunk_rows = std::max<std::int64_t>(4, (slices + 63) / 64) * slice;
    const std::int64_t chunks = (rows + chunk_rows - 1) / chunk_rows;
    // The upper triangle by panels of rows, each from its diagonal panel on.
    const auto offset = [panels](std::int64_t p) { return panel * panel * (p * panels - p * (p - 1) / 2); };
    OrderedSum sums(static_cast<std::size_t>(offset(panels)));

    parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
        std::vector<double> sum = sums.zeros();
        const auto packed = aligned_array<float>(static_cast<std::size_t>(slice * panels * panel));
        const auto strip = aligned_array<float>(static_cast<std::size_t>(panel * panels * panel));
        const std::int64_t last = std::min(rows, (chunk + 1) * chunk_rows);
        for (std::int64_t begin = chunk * chunk_rows; begin < last; begin += slice) {
            const std::int64_t depth = std::min(slice, last - begin);
            pack(begin, depth, packed.get());
            for (std::int64_t p = 0; p < panels; ++p) {
                const float* from = packed.get() + p * depth * panel;
                const std::int64_t width = (panels - p) * panel;
                kernel.block_product(from, from, static_cast<std::size_t>(depth), static_cast<std::size_t>(panels - p),
                                     strip.get(), static_cast<std::size_t>(width));
                dense.add_float(strip.get(), sum.data() + offset(p), static_cast<std::size_t>(panel * width));
            }
        }
        sums.add(chunk, std::move(sum));
    });
    for (std::int64_t i = 0; i < cols; ++i) {
        const std::int64_t p = i / panel;
        const double* from = sums.total().data() + offset(p) + i % panel * (panels - p) * panel - p * panel;
        std::copy(from + i, from + cols, out.row_data(i) + i);
        for (std::int64_t j = 0; j < i; ++j) out(i, j) = out(j, i);
    }
    return out;
}

/// The same where `fill(i, out)` writes row i.
template <class Fill>
Matrix<double> scatter_of_rows(std::int64_t rows, std::int64_t cols, int num_threads, Fill&& fill) {
    constexpr auto panel = static_cast<std::int64_t>(panel_rows_f32);
    const std::int64_t panels = (cols + panel - 1) / panel;
    return scatter_of_panels(rows, cols, num_threads, [&](std::int64_t begin, std::int64_t depth, float* out) {
        std::vector<float> row(static_cast<std::size_t>(panels * panel), 0.0F);
        for (std::int64_t i = 0; i < depth; ++i) {
            fill(begin + i, row.data());
            for (std::int64_t p = 0; p < panels; ++p)
                std::copy_n(row.data() + p * panel, panel, out + (p * depth + i) * panel);
        }
    });
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_PRODUCT_OVER_ROWS_HPP
