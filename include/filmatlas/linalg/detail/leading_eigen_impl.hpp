// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_LEADING_EIGEN_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_LEADING_EIGEN_IMPL_HPP

// The largest eigenpairs of a dense symmetric matrix, in three steps that are told apart so that the caller may do
// other work beside the serial first one: Householder reduction to tridiagonal form in blocks (as LAPACK's latrd), all
// eigenvalues by rational QL (Reinsch, 1973), and for the wanted ones inverse iteration (as LAPACK's stein), which
// saves what QL rotations spend on the rest. The pairs are checked; any doubt ends in the full decomposition.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/block_product.hpp"
#include "filmatlas/linalg/detail/aligned_array.hpp"
#include "filmatlas/linalg/detail/dense_kernels.hpp"
#include "filmatlas/linalg/detail/product_over_rows.hpp"
#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas::detail {

/// Eigenvalues falling, vectors as columns.
struct LeadingEigen {
    std::vector<double> values;
    Matrix<double> vectors;
};

inline LeadingEigen leading_eigen_full(const Matrix<double>& a, std::int64_t count) {
    const std::int64_t n = a.rows();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(Eigen::Map<const Eigen::MatrixXd>(a.data(), n, n));
    LeadingEigen out{{}, Matrix<double>(n, count)};
    for (std::int64_t j = 0; j < count; ++j) {
        out.values.push_back(eigen.eigenvalues()[n - 1 - j]);
        for (std::int64_t i = 0; i < n; ++i) out.vectors(i, j) = eigen.eigenvectors()(i, n - 1 - j);
    }
    return out;
}

/// Whether the full decomposition is the better way.
inline bool leading_needs_all(std::int64_t n, std::int64_t count) { return n < 32 || 2 * count > n; }

/// A = Q T Q^T with T tridiagonal: Q is the product of the reflections I - factor v v^T, first to last.
struct LeadingTridiagonal {
    static constexpr std::int64_t block = 16;

    std::int64_t n = 0;
    std::int64_t padded = 0;            ///< n, up to a multiple of 8
    std::vector<double> diagonal, off;  ///< (n,), (n - 1,)
    std::vector<double> factors;        ///< (n,): 0 where nothing had to be reflected
    Matrix<double> reflectors;          ///< row i: v of reflection i, zero up to and with i
};

inline double leading_dot(const double* a, const double* b, std::int64_t n) {
    double sum[4] = {0, 0, 0, 0};
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        for (std::int64_t r = 0; r < 4; ++r) sum[r] += a[i + r] * b[i + r];
    }
    for (; i < n; ++i) sum[0] += a[i] * b[i];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/// Reduces `a`, which has to be symmetric. 4/3 n^3 operations, on the calling thread.
inline LeadingTridiagonal leading_tridiagonal(const Matrix<double>& a) {
    constexpr std::int64_t block = LeadingTridiagonal::block;
    const Kernels& kernel = kernels();
    const DenseKernels& dense = dense_kernels();
    LeadingTridiagonal out;
    const std::int64_t n = out.n = a.rows();
    const std::int64_t m = out.padded = (n + 7) / 8 * 8;
    const auto stride = static_cast<std::size_t>(m);
    out.factors.assign(static_cast<std::size_t>(n), 0.0);
    out.reflectors = Matrix<double>(n, m);
    // What is left to reduce; kept up to date in blocks of 8 x 8, those on and above the diagonal. Vectors are used from the
    // block's edge on: what they hold before their first entry meets zeros of v or is never read.
    const auto store = aligned_zeros<double>(static_cast<std::size_t>(m * m));
    const MatrixView<double> work(store.get(), m, m);
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(a.row_data(i), n, work.row_data(i));
    const auto image_store = aligned_array<double>(static_cast<std::size_t>(block * m));
    const MatrixView<double> images(image_store.get(), block, m);  // w of the block's reflections
    double by_v[block];
    double by_w[block];
    const auto left = aligned_array<double>(static_cast<std::size_t>(m * 2 * block));
    const auto right = aligned_array<double>(static_cast<std::size_t>(m * 2 * block));
    for (std::int64_t first = 0; first < n; first += block) {
        const std::int64_t last = std::min(n, first + block);
        std::fill_n(images.data, block * m, 0.0);
        for (std::int64_t i = first; i < last; ++i) {
            const auto done = static_cast<std::size_t>(i - first);
            // x -= V a + W b, from entry `edge` on.
            const auto take = [&](const double* of_v, const double* of_w, std::int64_t edge, double* x) {
                const auto depth = static_cast<std::size_t>(m - edge);
                dense.take_rows(out.reflectors.row_data(first) + edge, stride, done, of_v, x + edge, depth);
                dense.take_rows(images.data + edge, stride, done, of_w, x + edge, depth);
            };
            double* column = work.row_data(i);
            for (std::int64_t j = first; j < i; ++j) {
                by_v[j - first] = images(j - first, i);
                by_w[j - first] = out.reflectors(j, i);
            }
            take(by_v, by_w, i / 8 * 8, column);
            out.diagonal.push_back(column[i]);
            if (i + 1 == n) break;
            const std::int64_t edge = (i + 1) / 8 * 8;
            const auto depth = static_cast<std::size_t>(m - edge);
            const auto dot = [&](const double* x, const double* y) {
                double product = 0;
                dense.inner_products(x + edge, stride, 1, y + edge, depth, &product);
                return product;
            };
            double* v = out.reflectors.row_data(i);
            std::copy(column + i + 2, column + n, v + i + 2);
            const double head = column[i + 1];
            const double tail = dot(v, v);
            if (tail == 0) {
                out.off.push_back(head);
                std::fill(v + i + 2, v + n, 0.0);
                continue;
            }
            const double length = std::copysign(std::sqrt(head * head + tail), head);
            out.off.push_back(-length);
            const double factor = (length + head) / length;
            for (std::int64_t k = i + 2; k < n; ++k) v[k] /= head + length;
            v[i + 1] = 1;
            out.factors[static_cast<std::size_t>(i)] = factor;
            // w = factor (A v - V W^T v - W V^T v), then w -= factor / 2 (w . v) v.
            double* w = images.row_data(i - first);
            dense.symmetric_times(work.data, stride, static_cast<std::size_t>(edge), stride, v, w);
            dense.inner_products(images.data + edge, stride, done, v + edge, depth, by_v);
            dense.inner_products(out.reflectors.row_data(first) + edge, stride, done, v + edge, depth, by_w);
            take(by_v, by_w, edge, w);
            for (std::int64_t k = i + 1; k < n; ++k) w[k] *= factor;
            const double share = 0.5 * factor * dot(w, v);
            dense.take_rows(v + edge, stride, 1, &share, w + edge, depth);
        }
        if (last == n) break;
        // A -= V W^T + W V^T on what is left, in panels of 8 rows and columns.
        const std::int64_t start = last / 8;
        for (std::int64_t p = start; p < m / 8; ++p) {
            double* to = left.get() + (p - start) * 16 * block;
            double* mirrored = right.get() + (p - start) * 16 * block;
            for (std::int64_t j = 0; j < block; ++j) {
                const double* v = out.reflectors.row_data(first + j) + p * 8;
                const double* w = images.row_data(j) + p * 8;
                for (std::int64_t r = 0; r < 8; ++r) {
                    to[j * 8 + r] = v[r];
                    to[(block + j) * 8 + r] = w[r];
                    mirrored[j * 8 + r] = -w[r];
                    mirrored[(block + j) * 8 + r] = -v[r];
                }
            }
        }
        for (std::int64_t p = start; p < m / 8; ++p) {
            const std::int64_t at = (p - start) * 16 * block;
            kernel.block_product_f64(left.get() + at, right.get() + at, 2 * block, static_cast<std::size_t>(m / 8 - p),
                                     work.row_data(p * 8) + p * 8, stride, true);
        }
    }
    return out;
}

/// All eigenvalues of a tridiagonal matrix, falling: the rational variant of the QL method (Reinsch, 1973; EISPACK's
/// tqlrat), which needs no square roots. False where it does not settle.
inline bool leading_values(const LeadingTridiagonal& t, std::vector<double>& values) {
    const auto n = static_cast<std::int64_t>(t.diagonal.size());
    std::vector<double> diagonal = t.diagonal;
    std::vector<double> squared(static_cast<std::size_t>(n), 0.0);
    for (std::size_t i = 0; i + 1 < squared.size(); ++i) squared[i] = t.off[i] * t.off[i];
    double* d = diagonal.data();
    double* e2 = squared.data();
    double shifts = 0;
    double scale = 0;
    double small = 0;
    double floor = 0;
    for (std::int64_t l = 0; l < n; ++l) {
        const double size = std::abs(d[l]) + std::sqrt(e2[l]);
        if (scale <= size) {
            scale = size;
            small = scale * 2.3e-16;
            floor = small * small;
        }
        std::int64_t m = l;
        while (m + 1 < n && e2[m] > floor) ++m;
        for (int round = 0; m != l && e2[l] != 0; ++round) {
            if (round == 60) return false;
            const double s = std::sqrt(e2[l]);
            const double start = d[l];
            const double p = (d[l + 1] - start) / (2 * s);
            const double r = std::sqrt(p * p + 1);
            d[l] = s / (p + std::copysign(r, p));
            const double shift = start - d[l];
            for (std::int64_t i = l + 1; i < n; ++i) d[i] -= shift;
            shifts += shift;
            double g = d[m] == 0 ? small : d[m];
            double h = g;
            double ratio = 0;
            for (std::int64_t i = m - 1; i >= l; --i) {
                const double product = g * h;
                const double sum = product + e2[i];
                e2[i + 1] = ratio * sum;
                ratio = e2[i] / sum;
                d[i + 1] = h + ratio * (h + d[i]);
                g = d[i] - e2[i] / g;
                if (g == 0) g = small;
                h = g * product / sum;
            }
            e2[l] = ratio * g;
            d[l] = h;
            if (h == 0 || std::abs(e2[l]) <= std::abs(floor / h)) break;
            e2[l] *= h;
            // A part that has split off is left for later.
            m = l;
            while (m + 1 < n && e2[m] > floor) ++m;
        }
        d[l] += shifts;
        if (!std::isfinite(d[l])) return false;
    }
    std::sort(diagonal.begin(), diagonal.end(), std::greater<>());
    values = std::move(diagonal);
    return true;
}

/// LU of a shifted tridiagonal matrix with row exchanges; `solve` overwrites the right-hand side.
class LeadingShifted {
public:
    LeadingShifted(const std::vector<double>& diagonal, const std::vector<double>& off, double shift, double least)
        : pivot_(diagonal), above_(off), second_(off.size(), 0.0), factor_(off.size()), swapped_(off.size()) {
        const std::size_t n = diagonal.size();
        for (double& value : pivot_) value -= shift;
        for (std::size_t i = 0; i + 1 < n; ++i) {
            const bool swap = std::abs(off[i]) > std::abs(pivot_[i]);
            swapped_[i] = swap;
            if (swap) {
                factor_[i] = pivot_[i] / off[i];
                pivot_[i] = off[i];
                const double above = above_[i];
                above_[i] = pivot_[i + 1];
                pivot_[i + 1] = above - factor_[i] * above_[i];
                if (i + 2 < n) {
                    second_[i] = off[i + 1];
                    above_[i + 1] = -factor_[i] * off[i + 1];
                }
            } else {
                if (std::abs(pivot_[i]) < least) pivot_[i] = least;
                factor_[i] = off[i] / pivot_[i];
                pivot_[i + 1] -= factor_[i] * above_[i];
            }
        }
        if (std::abs(pivot_[n - 1]) < least) pivot_[n - 1] = least;
        for (double& value : pivot_) value = 1 / value;
    }

    void solve(std::vector<double>& x) const {
        const std::size_t n = x.size();
        for (std::size_t i = 0; i + 1 < n; ++i) {
            if (swapped_[i]) std::swap(x[i], x[i + 1]);
            x[i + 1] -= factor_[i] * x[i];
        }
        for (std::size_t i = n; i-- > 0;) {
            double value = x[i];
            if (i + 1 < n) value -= above_[i] * x[i + 1];
            if (i + 2 < n) value -= second_[i] * x[i + 2];
            x[i] = value * pivot_[i];
        }
    }

private:
    std::vector<double> pivot_, above_, second_, factor_;
    std::vector<char> swapped_;
};

/// Z <- Q Z, in blocks of reflections I - V S V^T (Schreiber & Van Loan, 1989). Columns are independent.
inline void leading_back(const LeadingTridiagonal& t, Matrix<double>& z, int num_threads) {
    constexpr std::int64_t block = LeadingTridiagonal::block;
    const Kernels& kernel = kernels();
    const std::int64_t count = z.cols();
    const std::int64_t m = t.padded;
    struct Block {
        std::int64_t start;                // first row, a multiple of 8
        std::vector<double> columns;       // V in two panels of 8 reflections: [row][reflection]
        std::vector<double> rows;          // -V in panels of 8 rows: [reflection][row]
        std::vector<double> small;         // S in two panels: [column][row]
    };
    std::vector<Block> blocks;
    for (std::int64_t first = 0; first < t.n; first += block) {
        Block b{first / 8 * 8, {}, {}, std::vector<double>(block * block, 0.0)};
        const std::int64_t depth = m - b.start;
        b.columns.assign(static_cast<std::size_t>(depth * block), 0.0);
        b.rows.assign(static_cast<std::size_t>(depth * block), 0.0);
        for (std::int64_t j = 0; j < std::min(block, t.n - first); ++j) {
            const double* v = t.reflectors.row_data(first + j) + b.start;
            for (std::int64_t i = 0; i < depth; ++i) {
                b.columns[static_cast<std::size_t>((j / 8 * depth + i) * 8 + j % 8)] = v[i];
                b.rows[static_cast<std::size_t>((i / 8 * block + j) * 8 + i % 8)] = -v[i];
            }
            // Column j of S: -factor S V^T v above the diagonal, factor on it.
            const double factor = t.factors[static_cast<std::size_t>(first + j)];
            double overlap[block] = {};
            for (std::int64_t i = 0; i < j; ++i)
                overlap[i] = leading_dot(t.reflectors.row_data(first + i) + b.start, v, depth);
            const auto at = [&b](std::int64_t row, std::int64_t col) -> double& {
                return b.small[static_cast<std::size_t>((row / 8 * block + col) * 8 + row % 8)];
            };
            for (std::int64_t row = 0; row < j; ++row) {
                double sum = 0;
                for (std::int64_t col = row; col < j; ++col) sum += at(row, col) * overlap[col];
                at(row, j) = -factor * sum;
            }
            at(j, j) = factor;
        }
        blocks.push_back(std::move(b));
    }
    parallel_for(count, 8, num_threads, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> panel(static_cast<std::size_t>(m * 8), 0.0);  // 8 columns of Z, by rows
        for (std::int64_t i = 0; i < t.n; ++i)
            std::copy(z.row_data(i) + begin, z.row_data(i) + end, panel.data() + i * 8);
        double overlap[block * 8];
        double mixed[block * 8];
        for (std::size_t at = blocks.size(); at-- > 0;) {
            const Block& b = blocks[at];
            const auto depth = static_cast<std::size_t>(m - b.start);
            double* rows = panel.data() + b.start * 8;
            for (std::size_t half = 0; half < 2; ++half)
                kernel.block_product_f64(b.columns.data() + half * depth * 8, rows, depth, 1, overlap + half * 64, 8, false);
            for (std::size_t half = 0; half < 2; ++half)
                kernel.block_product_f64(b.small.data() + half * block * 8, overlap, block, 1, mixed + half * 64, 8, false);
            for (std::size_t p = 0; p < depth / 8; ++p)
                kernel.block_product_f64(b.rows.data() + p * block * 8, mixed, block, 1, rows + p * 64, 8, true);
        }
        for (std::int64_t i = 0; i < t.n; ++i) std::copy_n(panel.data() + i * 8, end - begin, z.row_data(i) + begin);
    });
}

/// The `count` largest eigenpairs of `a` from its tridiagonal form; the same bits on every run.
inline LeadingEigen leading_eigen(const Matrix<double>& a, const LeadingTridiagonal& t, std::int64_t count,
                                  int num_threads) {
    const auto n = static_cast<std::size_t>(t.n);
    std::vector<double> all;
    double norm = 0;
    for (std::size_t i = 0; i < n; ++i)
        norm = std::max(norm, std::abs(t.diagonal[i]) + 2 * (i + 1 < n ? std::abs(t.off[i]) : 0.0));
    if (!(norm > 1e-140 && norm < 1e140) || !leading_values(t, all)) return leading_eigen_full(a, count);

    const double rounding = norm * 2.3e-16;
    const double enough = 16 * std::sqrt(static_cast<double>(n)) * rounding;
    std::vector<double> shifts(all.begin(), all.begin() + count);
    // Equal eigenvalues get shifts of their own, or they would give one vector.
    for (std::size_t j = 1; j < shifts.size(); ++j) shifts[j] = std::min(shifts[j], shifts[j - 1] - 10 * rounding);
    // Vectors of closer eigenvalues than this mix too much to be mended by one orthonormalisation.
    const auto near = [&](std::size_t j) { return shifts[j - 1] - shifts[j] <= 1e-7 * norm; };
    std::vector<std::vector<double>> vectors(static_cast<std::size_t>(count));
    std::vector<char> good(vectors.size(), 0);
    std::vector<std::size_t> clusters;  // first vectors
    for (std::size_t j = 0; j < vectors.size(); ++j) {
        if (j == 0 || !near(j)) clusters.push_back(j);
    }
    clusters.push_back(vectors.size());
    parallel_for(static_cast<std::int64_t>(clusters.size()) - 1, 8, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::size_t j = clusters[static_cast<std::size_t>(begin)], cluster = j; j < clusters[static_cast<std::size_t>(end)]; ++j) {
            if (j > 0 && !near(j)) cluster = j;
            const LeadingShifted shifted(t.diagonal, t.off, shifts[j], rounding);
            std::vector<double> x(n);
            RandomStream stream(42, "leading eigen", static_cast<std::uint64_t>(j));
            for (double& entry : x) entry = stream.uniform() - 0.5;
            const auto length = [&x] {
                return std::sqrt(leading_dot(x.data(), x.data(), static_cast<std::int64_t>(x.size())));
            };
            const auto divide = [&x](double by) {
                for (double& entry : x) entry /= by;
            };
            double residual = norm;
            for (int round = 0; round < 6 && residual > enough; ++round) {
                divide(length());
                shifted.solve(x);
                const double growth = length();
                if (!std::isfinite(growth) || growth == 0) return;
                residual = 1 / growth;
                divide(growth);
                for (int pass = 0; pass < 2 && cluster < j; ++pass) {
                    for (std::size_t other = cluster; other < j; ++other) {
                        const std::vector<double>& y = vectors[other];
                        const double overlap = leading_dot(y.data(), x.data(), static_cast<std::int64_t>(n));
                        for (std::size_t i = 0; i < n; ++i) x[i] -= overlap * y[i];
                    }
                }
                // What is left after the near ones are taken out has to be a solution still.
                const double left = length();
                residual = left > 0 ? residual / left : norm;
            }
            divide(length());
            good[j] = residual <= 1e4 * rounding * std::sqrt(static_cast<double>(n));
            vectors[j] = std::move(x);
        }
    });
    if (std::find(good.begin(), good.end(), 0) != good.end()) return leading_eigen_full(a, count);
    Matrix<double> z(t.n, count);
    for (std::size_t j = 0; j < vectors.size(); ++j) {
        for (std::size_t i = 0; i < n; ++i) z(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)) = vectors[j][i];
    }
    // Z (3 - Z^T Z) / 2 squares what Z lacks in orthonormality.
    const int few = t.n * count * count < (std::int64_t{1} << 24) ? 1 : num_threads;  // a thread costs more than it saves
    Matrix<double> gram = inner_products(std::as_const(z).view(), std::as_const(z).view(), few);
    double worst = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t j = 0; j < count; ++j) {
            worst = std::max(worst, std::abs(gram(i, j) - (i == j ? 1.0 : 0.0)));
            gram(i, j) = (i == j ? 1.5 : 0.0) - 0.5 * gram(i, j);
        }
    }
    if (!(worst < 1e-6)) return leading_eigen_full(a, count);
    z = multiply_transposed(std::as_const(z).view(), std::as_const(gram).view(), few);
    leading_back(t, z, num_threads);
    return {{all.begin(), all.begin() + count}, std::move(z)};
}

/// The `count` largest eigenpairs of a symmetric matrix; the same bits on every run.
inline LeadingEigen leading_eigen(const Matrix<double>& a, std::int64_t count, int num_threads) {
    if (leading_needs_all(a.rows(), count)) return leading_eigen_full(a, count);
    return leading_eigen(a, leading_tridiagonal(a), count, num_threads);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LINALG_DETAIL_LEADING_EIGEN_IMPL_HPP
