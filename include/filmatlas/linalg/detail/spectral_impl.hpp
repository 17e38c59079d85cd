// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_SPECTRAL_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_SPECTRAL_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/detail/spectral_levels.hpp"
#include "filmatlas/linalg/detail/tall_block_impl.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/linalg/spectral.hpp"

namespace filmatlas {
namespace detail {

/// Works on S = D^-1/2 W D^-1/2 of one level: eigenvalues in [-1, 1], 1 belongs to the trivial vectors, L = I
/// - S.
class SpectralSolver {
public:
    SpectralSolver(const SpectralLevel& level, Index num_components, int num_threads)
        : level_(level), threads_(num_threads), root_(level.degree.size(), 0.0), trivial_(level.degree.size()) {
        std::vector<double> volume(static_cast<std::size_t>(num_components), 0.0);
        for (std::size_t i = 0; i < root_.size(); ++i) {
            if (level.degree[i] > 0) root_[i] = 1.0 / std::sqrt(level.degree[i]);
            volume[static_cast<std::size_t>(level.component[i])] += level.degree[i];
        }
        // Trivial vector of each component, unit length; vertices without edges are a component each.
        for (std::size_t i = 0; i < root_.size(); ++i) {
            const double total = volume[static_cast<std::size_t>(level.component[i])];
            trivial_[i] = total > 0 ? std::sqrt(level.degree[i] / total) : 1.0;
        }
        overlap_rows_ = static_cast<std::size_t>(num_components);
    }

    /// y = alpha S x + beta x + gamma z, in one pass over the rows; z may be y.
    void apply(const Matrix<double>& x, double alpha, double beta, double gamma, const Matrix<double>& z,
               Matrix<double>& y) const {
        const Kernels& kernel = kernels();
        const auto width = static_cast<std::size_t>(x.cols());
        parallel_for(x.rows(), 256, threads_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                double* out = y.row_data(i);
                const double* own = x.row_data(i);
                const double* other = z.row_data(i);
                for (std::size_t j = 0; j < width; ++j) out[j] = beta * own[j] + gamma * other[j];
                const double root = root_[static_cast<std::size_t>(i)];
                level_.each_edge(i, [&](Index j, double w) {
                    kernel.add_scaled_f64(alpha * (w * root * root_[static_cast<std::size_t>(j)]), x.row_data(j),
                                          out, width);
                });
            }
        });
    }
    Matrix<double> product(const Matrix<double>& x) const {
        Matrix<double> y(x.rows(), x.cols());
        apply(x, 1.0, 0.0, 0.0, x, y);
        return y;
    }

    /// Takes the trivial vectors out of the columns. A column that was nothing else becomes exactly zero: its
    /// rounding, made unit length, would be a trivial vector again.
    void deflate(Matrix<double>& x) const {
        const auto width = static_cast<std::size_t>(x.cols());
        std::vector<double> overlap(overlap_rows_ * width, 0.0);
        std::vector<double> before(width, 0.0);
        std::vector<double> after(width, 0.0);
        const auto part = [&](std::int64_t i) {
            return overlap.data() +
                   static_cast<std::size_t>(level_.component[static_cast<std::size_t>(i)]) * width;
        };
        for (std::int64_t i = 0; i < x.rows(); ++i) {
            const double t = trivial_[static_cast<std::size_t>(i)];
            double* sum = part(i);
            const double* row = x.row_data(i);
            for (std::size_t j = 0; j < width; ++j) {
                sum[j] += t * row[j];
                before[j] += row[j] * row[j];
            }
        }
        for (std::int64_t i = 0; i < x.rows(); ++i) {
            const double t = trivial_[static_cast<std::size_t>(i)];
            const double* sum = part(i);
            double* row = x.row_data(i);
            for (std::size_t j = 0; j < width; ++j) {
                row[j] -= t * sum[j];
                after[j] += row[j] * row[j];
            }
        }
        for (std::size_t j = 0; j < width; ++j) {
            if (after[j] > 1e-24 * before[j]) continue;
            for (std::int64_t i = 0; i < x.rows(); ++i) x(i, static_cast<std::int64_t>(j)) = 0;
        }
    }

    const SpectralLevel& level() const { return level_; }

private:
    const SpectralLevel& level_;
    int threads_;
    std::vector<double> root_;  ///< of D^-1/2
    std::vector<double> trivial_;
    std::size_t overlap_rows_ = 0;
};

/// A block with its Ritz values (of S, falling) and the residuals of its columns.
struct SpectralBlock {
    Matrix<double> vectors;
    std::vector<double> values;
    std::vector<double> residuals;
};

/// Orthonormalises and rotates the block to its Ritz vectors. Costs one product.
inline SpectralBlock spectral_ritz(const SpectralSolver& solver, Matrix<double> x, int num_threads) {
    solver.deflate(x);
    x = tall_orthonormal(std::move(x), true, num_threads);
    SpectralBlock block;
    if (x.cols() == 0) {
        block.vectors = std::move(x);
        return block;
    }
    Matrix<double> y = solver.product(x);
    TallEigen projected = tall_to_eigen(inner_products(x.view(), y.view(), num_threads));
    projected = ((projected + projected.transpose()) * 0.5).eval();
    const Eigen::SelfAdjointEigenSolver<TallEigen> eigen(projected);
    const TallEigen rotation = eigen.eigenvectors().rowwise().reverse();
    tall_turn(x, rotation, num_threads);
    tall_turn(y, rotation, num_threads);
    const std::int64_t c = x.cols();
    std::vector<double> squared(static_cast<std::size_t>(c), 0.0);
    for (std::int64_t j = 0; j < c; ++j) block.values.push_back(eigen.eigenvalues()[c - 1 - j]);
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        for (std::int64_t j = 0; j < c; ++j) {
            const double r = y(i, j) - block.values[static_cast<std::size_t>(j)] * x(i, j);
            squared[static_cast<std::size_t>(j)] += r * r;
        }
    }
    for (const double value : squared) block.residuals.push_back(std::sqrt(value));
    block.vectors = std::move(x);
    return block;
}

/// Chebyshev polynomial of degree `degree` in S that damps [-1, edge] and grows above it. Costs `degree`
/// products.
inline Matrix<double> spectral_filter(const SpectralSolver& solver, Matrix<double> x, double edge, int degree,
                                      double largest) {
    // Scaled recurrence (Zhou & Saad): the value at `largest` stays 1, so nothing overflows.
    const double half = (edge + 1) / 2;
    const double centre = (edge - 1) / 2;
    double sigma = half / (largest - centre);
    const double tau = 2 / sigma;
    Matrix<double> current(x.rows(), x.cols());
    Matrix<double> previous = std::move(x);
    solver.apply(previous, sigma / half, -centre * sigma / half, 0.0, previous, current);
    for (int step = 2; step <= degree; ++step) {
        const double sigma_next = 1 / (tau - sigma);
        solver.apply(current, 2 * sigma_next / half, -2 * centre * sigma_next / half, -sigma * sigma_next,
                     previous, previous);
        std::swap(previous, current);
        sigma = sigma_next;
    }
    return current;
}

/// Largest residual of the wanted vectors over what the tolerance allows.
inline double spectral_excess(const SpectralBlock& block, std::int64_t wanted, double tolerance) {
    const auto c = static_cast<std::size_t>(std::min<std::int64_t>(wanted, block.vectors.cols()));
    if (c == 0) return 0;
    const double scale = std::max(1 - block.values[c - 1], 1e-14);
    return *std::max_element(block.residuals.begin(), block.residuals.begin() + static_cast<std::ptrdiff_t>(c)) /
           (tolerance * scale);
}

inline bool spectral_done(const SpectralBlock& block, std::int64_t wanted, double tolerance) {
    return spectral_excess(block, wanted, tolerance) <= 1;
}

/// Filters until the wanted vectors are done or `budget` products are spent; adds what it spent.
inline SpectralBlock spectral_iterate(const SpectralSolver& solver, Matrix<double> start, std::int64_t wanted,
                                      double tolerance, std::int64_t budget, std::int64_t& spent,
                                      std::uint64_t seed, int num_threads,
                                      const std::function<void(std::int64_t)>& tick) {
    const std::int64_t width = start.cols();
    SpectralBlock block = spectral_ritz(solver, std::move(start), num_threads);
    spent += 1;
    if (block.vectors.cols() < width) {  // some start vectors were dependent: fresh ones take their place
        Matrix<double> wider =
            tall_random(solver.level().size(), width, seed, "spectral refill", num_threads);
        for (std::int64_t i = 0; i < wider.rows(); ++i) {
            std::copy_n(block.vectors.row_data(i), block.vectors.cols(), wider.row_data(i));
        }
        block = spectral_ritz(solver, std::move(wider), num_threads);
        spent += 1;
    }
    double edge = -1;
    while (!spectral_done(block, wanted, tolerance) && spent < budget) {
        const auto last = static_cast<std::size_t>(block.vectors.cols()) - 1;
        const auto slowest = std::min<std::size_t>(static_cast<std::size_t>(wanted), last + 1) - 1;
        // What the guard vectors have reached bounds the unwanted part; it can only rise.
        edge = std::clamp(std::max(edge, block.values[last]), -0.9, 1 - 1e-12);
        const double largest = std::min(1.0, std::max(block.values[0], edge + 1e-12));
        // Degree that gains what the slowest wanted vector lacks, at most a factor of 500, but does not let the fastest
        // outgrow the guards beyond what orthonormalisation takes.
        const double gain = std::clamp(2 * spectral_excess(block, wanted, tolerance), 4.0, 500.0);
        const auto growth = [&](double value) {
            const double t = (2 * value - (edge - 1)) / (edge + 1);  // [-1, edge] -> [-1, 1]
            return t > 1 ? std::acosh(t) : 0.0;
        };
        const double slow = growth(block.values[slowest]);
        const double fast = growth(largest);
        double degree = slow > 0 ? std::acosh(gain) / slow : 200.0;
        if (fast > 0) degree = std::min(degree, std::acosh(1e7) / fast);
        // The rounding of the trivial vectors (at 1) grows too: it may not drown the block before they are taken
        // out again.
        degree = std::min(degree, std::acosh(1e11) / growth(1.0));
        const auto steps = static_cast<int>(std::clamp<double>(
            std::ceil(degree), 4.0, static_cast<double>(std::clamp<std::int64_t>(budget - spent, 4, 200))));
        Matrix<double> filtered = spectral_filter(solver, std::move(block.vectors), edge, steps, largest);
        spent += steps + 1;
        block = spectral_ritz(solver, std::move(filtered), num_threads);
        tick(spent);
    }
    return block;
}

/// Small graphs: all eigenvectors at once. Trivial ones are moved to the other end of the spectrum.
inline SpectralBlock spectral_dense(const SpectralSolver& solver, std::int64_t width, int num_threads) {
    const std::int64_t n = solver.level().size();
    Matrix<double> identity(n, n);
    for (std::int64_t i = 0; i < n; ++i) identity(i, i) = 1;
    Matrix<double> kept = identity;
    solver.deflate(kept);  // the projector on the non-trivial space
    const TallEigen projector = tall_to_eigen(kept);
    const TallEigen image = tall_to_eigen(solver.product(kept));
    TallEigen matrix = projector * image - 3.0 * (TallEigen::Identity(n, n) - projector);
    matrix = ((matrix + matrix.transpose()) * 0.5).eval();
    const Eigen::SelfAdjointEigenSolver<TallEigen> eigen(matrix);
    Eigen::Index found = 0;
    while (found < std::min<std::int64_t>(width, n) && eigen.eigenvalues()[n - 1 - found] > -2) ++found;
    Matrix<double> x(n, found);
    for (Eigen::Index j = 0; j < found; ++j) {
        for (Eigen::Index i = 0; i < n; ++i) x(i, j) = eigen.eigenvectors()(i, n - 1 - j);
    }
    return spectral_ritz(solver, std::move(x), num_threads);
}

inline constexpr std::int64_t spectral_dense_size = 256;
/// A vector that the coarse levels miss is not found on the finer ones: levels whose products cost less than this share
/// of the finest's are solved at least this well.
inline constexpr double spectral_cheap = 0.4;
inline constexpr double spectral_coarse_tolerance = 0.03;

/// The given graph as finest level: no diagonal, checked to be symmetric.
inline SpectralLevel spectral_finest(const CsrMatrix<float>& w, const Components& components,
                                     int num_threads) {
    const auto fail = [](std::int64_t row, std::string what) {
        throw Error(ErrorCode::Format, ErrorContext{"spectral_embedding", {}, row, {}, -1}, std::move(what),
                    "make the weights symmetric and non-negative (see symmetrize)");
    };
    const auto each_row = [&](auto&& body) {
        parallel_for(w.rows, 1024, num_threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) body(i);
        });
    };
    each_row([&](std::int64_t i) {
        for (const float value : w.row_values(i)) {
            if (!std::isfinite(value) || value < 0) fail(i, "a weight is negative or not finite");
        }
    });
    SpectralLevel level;
    level.given = &w;
    level.degree.assign(static_cast<std::size_t>(w.rows), 0.0);
    each_row([&](std::int64_t i) {
        level.each_edge(i, [&](Index j, double weight) {
            const auto cols = w.row_indices(j);
            const auto first = std::ranges::lower_bound(cols, static_cast<Index>(i));
            const auto at = static_cast<std::size_t>(first - cols.begin());
            if (at == cols.size() || cols[at] != i || static_cast<double>(w.row_values(j)[at]) != weight) {
                fail(std::min<std::int64_t>(i, j), "the weights are not symmetric");
            }
            level.degree[static_cast<std::size_t>(i)] += weight;
        });
    });
    level.component = components.ids;
    return level;
}

/// A guess with random columns where it has fewer than wanted: all of them on the coarsest level, and a coarse level (a
/// star's hub) can hold fewer vectors than the finer one.
inline Matrix<double> spectral_widened(Matrix<double> guess, std::int64_t rows, std::int64_t width, std::uint64_t seed,
                                       int num_threads) {
    if (guess.rows() == rows && guess.cols() == width) return guess;
    Matrix<double> wider = tall_random(rows, width, seed, guess.empty() ? "spectral" : "spectral wider", num_threads);
    for (std::int64_t i = 0; i < guess.rows(); ++i) {
        std::copy_n(guess.row_data(i), guess.cols(), wider.row_data(i));
    }
    return wider;
}

/// Coarse vectors on the finer level: D^1/2 (value of the group) D_group^-1/2, which keeps trivial vectors
/// trivial.
inline Matrix<double> spectral_prolong(const SpectralLevel& fine, const SpectralLevel& coarse,
                                       const Matrix<double>& x) {
    Matrix<double> y(fine.size(), x.cols());
    for (std::int64_t i = 0; i < fine.size(); ++i) {
        const Index g = fine.group[static_cast<std::size_t>(i)];
        const double volume = coarse.degree[static_cast<std::size_t>(g)];
        const double factor = volume > 0 ? std::sqrt(fine.degree[static_cast<std::size_t>(i)] / volume) : 0.0;
        for (std::int64_t j = 0; j < x.cols(); ++j) y(i, j) = factor * x(g, j);
    }
    return y;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const SpectralOptions& options) {
    constexpr const char* stage = "spectral_embedding";
    if (options.n_components < 1) {
        throw_invalid(stage, "n_components", "is " + std::to_string(options.n_components), "use at least 1");
    }
    if (options.max_work && *options.max_work < 1) {
        throw_invalid(stage, "max_work", "is " + std::to_string(*options.max_work),
                      "use at least 1, or leave it unset");
    }
    if (!(options.tolerance > 0) || !std::isfinite(options.tolerance)) {
        throw_invalid(stage, "tolerance", "is " + to_text(options.tolerance), "use a positive number");
    }
    if (options.num_threads < 0) {
        throw_invalid(stage, "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE SpectralResult spectral_embedding(const CsrMatrix<float>& symmetric_weights,
                                                   const SpectralOptions& options, const Progress& progress) {
    const auto start = std::chrono::steady_clock::now();
    validate(options);
    const std::int64_t n = symmetric_weights.rows;
    if (n < 1) throw_shape("spectral_embedding", "the graph has no vertices");
    SpectralResult result;
    result.components = connected_components(symmetric_weights);
    const int threads = options.num_threads;
    const std::int64_t c = options.n_components;
    const std::int64_t budget = options.max_work.value_or(500);
    double work = 0;
    const auto look = [&](double spent) {
        progress("spectral_embedding", std::min<std::int64_t>(budget - 1, static_cast<std::int64_t>(work + spent)), budget);
    };
    look(0);
    const Index parts = result.components.count();
    const std::int64_t exist = n - parts;  // non-trivial eigenvectors
    const std::int64_t wanted = std::min(c, exist);
    // Guards: the convergence of the wanted vectors depends on the gap to the first vector outside the block.
    const std::int64_t width = std::min(exist, wanted + std::max<std::int64_t>(8, (wanted + 1) / 2));

    std::vector<detail::SpectralLevel> levels =
        detail::spectral_levels(detail::spectral_finest(symmetric_weights, result.components, threads),
                                std::max(detail::spectral_dense_size, 4 * width + parts), threads, [&] { look(0); });
    const double full_cost = static_cast<double>(levels.front().num_entries() + n);
    detail::SpectralBlock block;
    Matrix<double> guess;
    if (wanted == 0) levels.clear();
    for (; !levels.empty(); levels.pop_back()) {  // a level is dropped as soon as the next finer one has its guess
        const detail::SpectralLevel& level = levels.back();
        const bool finest = levels.size() == 1;
        const double cost = static_cast<double>(level.num_entries() + level.size()) / full_cost;
        {
            const detail::SpectralSolver solver(level, parts, threads);
            if (level.size() <= detail::spectral_dense_size) {
                block = detail::spectral_dense(solver, width, threads);
            } else {
                guess = detail::spectral_widened(std::move(guess), level.size(), width, options.seed, threads);
                // A coarse level may not eat what the finer ones need: at most a quarter of what is left.
                const double left = static_cast<double>(budget) - work;
                const auto level_budget =
                    static_cast<std::int64_t>(std::max(1.0, (finest ? left : 0.25 * left) / cost));
                std::int64_t spent = 0;
                const double tolerance = cost < detail::spectral_cheap
                                             ? std::min(options.tolerance, detail::spectral_coarse_tolerance)
                                             : options.tolerance;
                block = detail::spectral_iterate(
                    solver, std::move(guess), wanted, tolerance,
                    finest ? level_budget : std::min<std::int64_t>(level_budget, 2000), spent, options.seed, threads,
                    [&](std::int64_t now) { look(static_cast<double>(now) * cost); });
                work += static_cast<double>(spent) * cost;
            }
        }
        look(0);
        if (!finest) guess = detail::spectral_prolong(levels[levels.size() - 2], level, block.vectors);
    }

    result.vectors = Matrix<float>(n, c);
    result.eigenvalues.assign(static_cast<std::size_t>(c), 0.0);
    result.residuals.assign(static_cast<std::size_t>(c), 0.0);
    const std::int64_t found = std::min(c, block.vectors.cols());
    const std::vector<double> signs = detail::tall_signs(block.vectors);
    for (std::int64_t j = 0; j < found; ++j) {
        const auto at = static_cast<std::size_t>(j);
        result.eigenvalues[at] = std::clamp(1 - block.values[at], 0.0, 2.0);
        result.residuals[at] = block.residuals[at];
        for (std::int64_t i = 0; i < n; ++i)
            result.vectors(i, j) = static_cast<float>(block.vectors(i, j) * signs[at]);
    }
    result.run.iterations = static_cast<std::int64_t>(std::ceil(work));
    result.run.converged = detail::spectral_done(block, wanted, options.tolerance);
    if (!result.run.converged) {
        result.run.warnings.push_back(
            "spectral_embedding: stopped after " + std::to_string(result.run.iterations) +
            " products above the tolerance (see residuals); the vectors are usable");
    }
    if (found < c) {
        result.run.warnings.push_back("spectral_embedding: the graph has only " + std::to_string(found) +
                                      " non-trivial eigenvectors; the other columns are zero");
    }
    progress("spectral_embedding", budget, budget);
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_SPECTRAL_IMPL_HPP
