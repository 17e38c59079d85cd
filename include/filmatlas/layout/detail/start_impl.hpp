// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_START_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_START_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/layout/detail/landmark_start.hpp"
#include "filmatlas/layout/detail/start_scale.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/linalg/pca.hpp"
#include "filmatlas/linalg/spectral.hpp"

namespace filmatlas {
namespace detail {

/// Of the eigenvectors: what is finer than this the optimiser moves in its first rounds. Between 0.02 and 0.3 no figure of
/// the maps of films, posts, digits and letters changes by more than their seeds do; the products halve.
inline constexpr double kStartTolerance = 0.3;
/// How far from the largest component the farthest one is wanted, where all discs together have the area of one of
/// radius 1; half as far again, a few times, while the average item's component has to move by more than a thirtieth of it
/// to find its place free.
inline constexpr double kStartSpread = 2;
inline constexpr double kStartCrowding = 0.03;
inline constexpr int kStartWidenings = 8;
/// Components beyond this many are set on a spiral around the others instead of being fitted one by one.
inline constexpr std::size_t kStartFitted = 4096;

inline void validate_start(const StartOptions& options) {
    if (options.n_components < 1 || options.n_components > 16) {
        throw_invalid("layout_start", "n_components", "is " + std::to_string(options.n_components),
                      "use 1 to 16");
    }
}

/// Principal components of some rows, padded with zero columns; (members, c).
inline Matrix<float> start_pca_rows(MatrixView<const float> X, const std::vector<Index>& members, int c,
                                    const StartOptions& options) {
    const auto m = static_cast<std::int64_t>(members.size());
    Matrix<float> result(m, c);
    const std::int64_t rank = std::min<std::int64_t>({c, X.cols, m - 1});
    if (rank < 1) return result;
    Matrix<float> copy;
    MatrixView<const float> rows = X;
    if (m != X.rows) {
        copy = Matrix<float>(m, X.cols);
        for (std::int64_t i = 0; i < m; ++i) {
            const auto from = X.row(members[static_cast<std::size_t>(i)]);
            std::copy(from.begin(), from.end(), copy.row(i).begin());
        }
        rows = copy.view();
    }
    PcaOptions pca_options;
    pca_options.n_components = static_cast<int>(rank);
    pca_options.seed = options.seed;
    pca_options.num_threads = options.num_threads;
    const PcaResult fitted = pca(rows, pca_options);
    const std::int64_t columns = std::min<std::int64_t>(rank, fitted.transformed.cols());
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t d = 0; d < columns; ++d) result(i, d) = fitted.transformed(i, d);
    }
    return result;
}

struct StartDisc {
    std::vector<double> center;
    double radius = 0;
};

/// Smallest t >= t0 at which a disc on the ray t * direction touches none of the others.
inline double start_free_place(std::span<const StartDisc> placed, const std::vector<double>& direction,
                               double radius, double t0) {
    std::vector<std::pair<double, double>> taken;
    for (const StartDisc& disc : placed) {
        double along = 0;
        double squared = 0;
        for (std::size_t d = 0; d < direction.size(); ++d) {
            along += direction[d] * disc.center[d];
            squared += disc.center[d] * disc.center[d];
        }
        const double reach = (radius + disc.radius) * 1.05;
        const double under = along * along - squared + reach * reach;
        if (under <= 0) continue;
        const double half = std::sqrt(under);
        if (along + half > t0) taken.emplace_back(along - half, along + half);
    }
    std::sort(taken.begin(), taken.end());
    double t = t0;
    for (const auto& [from, to] : taken) {
        if (from > t) break;
        t = std::max(t, to);
    }
    return t;
}

/// Places the discs, largest first: at its offset, where the farthest one is `spread` away, or beyond that on the ray.
/// @return how far items were moved outwards on average.
inline double start_place_discs(const std::vector<std::vector<Index>>& components,
                                const std::vector<std::vector<double>>& offsets, double farthest, double spread,
                                std::int64_t total, std::vector<StartDisc>& discs) {
    const std::size_t c = offsets.front().size();
    // Golden-angle rotation, for components whose mean gives no direction.
    constexpr double kCos = -0.73736887807831986;
    constexpr double kSin = 0.67549029426152362;
    double turn_x = 1;
    double turn_y = 0;
    double reach = 0;  // radius of the circle that holds all placed discs
    double spiral_area = 0;
    double pushed = 0;
    for (std::size_t k = 0; k < components.size(); ++k) {
        StartDisc& disc = discs[k];
        disc.radius = std::sqrt(static_cast<double>(components[k].size()) / static_cast<double>(total));
        disc.center.assign(c, 0);
        const double next_x = turn_x * kCos - turn_y * kSin;
        turn_y = turn_x * kSin + turn_y * kCos;
        turn_x = next_x;
        if (k == 0) {
            reach = disc.radius;
            continue;
        }
        double norm2 = 0;
        for (const double v : offsets[k]) norm2 += v * v;
        std::vector<double> direction(c, 0);
        double t = 0;
        if (k < kStartFitted) {
            if (norm2 > 0) {
                for (std::size_t d = 0; d < direction.size(); ++d)
                    direction[d] = offsets[k][d] / std::sqrt(norm2);
            } else {
                direction[0] = c == 1 ? (turn_x < 0 ? -1.0 : 1.0) : turn_x;
                if (c > 1) direction[1] = turn_y;
            }
            const double wanted = farthest > 0 ? std::sqrt(norm2) / farthest * spread : 0.0;
            t = start_free_place({discs.data(), k}, direction, disc.radius, wanted);
            pushed += (t - wanted) * static_cast<double>(components[k].size()) / static_cast<double>(total);
            reach = std::max(reach, t + disc.radius);
        } else {
            direction[0] = c == 1 ? (turn_x < 0 ? -1.0 : 1.0) : turn_x;
            if (c > 1) direction[1] = turn_y;
            spiral_area += 2 * disc.radius * disc.radius;
            t = std::sqrt((reach + disc.radius) * (reach + disc.radius) + spiral_area);
        }
        for (std::size_t d = 0; d < direction.size(); ++d) disc.center[d] = t * direction[d];
    }
    return pushed;
}

/// Centres of the components' discs, largest first; see spectral_start().
inline std::vector<StartDisc> start_place_components(MatrixView<const float> X,
                                                     const std::vector<std::vector<Index>>& components,
                                                     std::int64_t total, const StartOptions& options) {
    const int c = options.n_components;
    const auto count = static_cast<std::int64_t>(components.size());
    Matrix<float> means(count, X.cols);
    std::vector<Index> all(components.size());
    std::iota(all.begin(), all.end(), Index{0});
    std::vector<double> sum(static_cast<std::size_t>(X.cols));
    for (std::int64_t k = 0; k < count; ++k) {
        const auto& members = components[static_cast<std::size_t>(k)];
        std::fill(sum.begin(), sum.end(), 0.0);
        for (const Index i : members) {
            const auto row = X.row(i);
            for (std::size_t d = 0; d < row.size(); ++d) sum[d] += static_cast<double>(row[d]);
        }
        for (std::size_t d = 0; d < sum.size(); ++d) {
            means(k, static_cast<std::int64_t>(d)) =
                static_cast<float>(sum[d] / static_cast<double>(members.size()));
        }
    }
    const Matrix<float> plane = start_pca_rows(means.view(), all, c, options);

    std::vector<StartDisc> discs(components.size());
    double farthest = 0;
    std::vector<std::vector<double>> offsets(components.size());
    for (std::int64_t k = 0; k < count; ++k) {
        double norm2 = 0;
        auto& offset = offsets[static_cast<std::size_t>(k)];
        for (int d = 0; d < c; ++d) {
            offset.push_back(static_cast<double>(plane(k, d)) - static_cast<double>(plane(0, d)));
            norm2 += offset.back() * offset.back();
        }
        farthest = std::max(farthest, std::sqrt(norm2));
    }
    double spread = kStartSpread;
    for (int widening = 0; start_place_discs(components, offsets, farthest, spread, total, discs) > kStartCrowding * spread &&
                           widening < kStartWidenings;
         ++widening) {
        spread *= 1.5;
    }
    return discs;
}

/// Rows and columns of `members` (ascending) out of a matrix in which they are a union of components.
inline CsrMatrix<float> start_submatrix(const CsrMatrix<float>& weights, const std::vector<Index>& members,
                                        const std::vector<Index>& local) {
    CsrMatrix<float> sub;
    sub.rows = sub.cols = static_cast<std::int64_t>(members.size());
    for (const Index i : members) {
        const auto ids = weights.row_indices(i);
        const auto values = weights.row_values(i);
        for (std::size_t e = 0; e < ids.size(); ++e) {
            sub.indices.push_back(local[static_cast<std::size_t>(ids[e])]);
            sub.values.push_back(values[e]);
        }
        sub.indptr.push_back(sub.nnz());
    }
    return sub;
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(LayoutInit init) noexcept {
    switch (init) {
        case LayoutInit::Spectral: return "spectral";
        case LayoutInit::Pca: return "pca";
        case LayoutInit::Landmarks: return "landmarks";
        case LayoutInit::Given: return "given";
    }
    return "unknown";
}

FILMATLAS_INLINE LayoutInit layout_init_from_string(std::string_view name) {
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca, LayoutInit::Landmarks, LayoutInit::Given}) {
        if (to_string(init) == name) return init;
    }
    throw_invalid("layout", "init", "is '" + std::string(name) + "'", "use spectral, pca, landmarks or given");
}

namespace detail {

/// Principal components of the finite rows, then `improve(members, plane)`, scaled.
template <class Improve>
StartResult start_in_one(MatrixView<const float> X, const StartOptions& options, Improve&& improve) {
    validate_start(options);
    StartResult result;
    result.coordinates = Matrix<float>(X.rows, options.n_components);
    std::vector<Index> members;
    for (std::int64_t i = 0; i < X.rows; ++i) {
        if (start_row_finite(X.row(i))) members.push_back(static_cast<Index>(i));
    }
    if (members.empty()) return result;
    Matrix<float> plane = start_pca_rows(X, members, options.n_components, options);
    improve(members, plane);
    for (std::size_t k = 0; k < members.size(); ++k) {
        const auto from = plane.row(static_cast<std::int64_t>(k));
        std::copy(from.begin(), from.end(), result.coordinates.row(members[k]).begin());
    }
    start_scale(result.coordinates, members, options.seed);
    return result;
}

}  // namespace detail

FILMATLAS_INLINE StartResult pca_start(MatrixView<const float> X, const StartOptions& options) {
    return detail::start_in_one(X, options, [](const std::vector<Index>&, Matrix<float>&) {});
}

FILMATLAS_INLINE StartResult landmark_start(MatrixView<const float> X, Metric metric, const StartOptions& options,
                                            const Progress& progress) {
    return detail::start_in_one(X, options, [&](const std::vector<Index>& members, Matrix<float>& plane) {
        detail::landmark_scale(X, members, metric, options.seed, options.num_threads, plane, progress);
    });
}

FILMATLAS_INLINE StartResult spectral_start(MatrixView<const float> X, const CsrMatrix<float>& weights,
                                            const StartOptions& options, const Progress& progress) {
    detail::validate_start(options);
    const std::int64_t n = X.rows;
    const int c = options.n_components;
    if (weights.rows != n || weights.cols != n) {
        throw_shape("spectral_start", "the weights are (" + std::to_string(weights.rows) + ", " +
                                          std::to_string(weights.cols) + ") for " + std::to_string(n) +
                                          " items");
    }
    StartResult result;
    result.coordinates = Matrix<float>(n, c);

    // Connected components; items without a vector are in none.
    std::vector<Index> component(static_cast<std::size_t>(n), -1);
    std::vector<std::vector<Index>> components;
    std::vector<Index> all;
    std::vector<Index> queue;
    for (std::int64_t i = 0; i < n; ++i) {
        if (!detail::start_row_finite(X.row(i))) continue;
        all.push_back(static_cast<Index>(i));
        if (component[static_cast<std::size_t>(i)] >= 0) continue;
        const auto id = static_cast<Index>(components.size());
        queue.assign(1, static_cast<Index>(i));
        component[static_cast<std::size_t>(i)] = id;
        for (std::size_t head = 0; head < queue.size(); ++head) {
            for (const Index j : weights.row_indices(queue[head])) {
                if (component[static_cast<std::size_t>(j)] >= 0) continue;
                component[static_cast<std::size_t>(j)] = id;
                queue.push_back(j);
            }
        }
        std::sort(queue.begin(), queue.end());
        components.push_back(queue);
    }
    if (all.empty()) return result;
    std::stable_sort(components.begin(), components.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    result.num_components = static_cast<std::int64_t>(components.size());

    std::vector<detail::StartDisc> discs(1);
    discs[0].radius = 1;
    discs[0].center.assign(static_cast<std::size_t>(c), 0);
    if (components.size() > 1) {
        discs = detail::start_place_components(X, components, static_cast<std::int64_t>(all.size()), options);
    }
    std::vector<Index> local(static_cast<std::size_t>(n), 0);
    for (std::size_t k = 0; k < components.size(); ++k) {
        const auto& members = components[k];
        Matrix<float> own;
        if (members.size() > 2 * (static_cast<std::size_t>(c) + 1)) {
            SpectralOptions spectral;
            spectral.n_components = c;
            spectral.tolerance = detail::kStartTolerance;
            spectral.seed = options.seed;
            spectral.num_threads = options.num_threads;
            SpectralResult found;
            if (static_cast<std::int64_t>(members.size()) == n) {
                found = spectral_embedding(weights, spectral, progress);
            } else {
                for (std::size_t m = 0; m < members.size(); ++m) {
                    local[static_cast<std::size_t>(members[m])] = static_cast<Index>(m);
                }
                found = spectral_embedding(detail::start_submatrix(weights, members, local), spectral, progress);
            }
            result.run.iterations += found.run.iterations;
            result.run.converged = result.run.converged && found.run.converged;
            own = std::move(found.vectors);
        } else {
            own = detail::start_pca_rows(X, members, c, options);
        }
        // Centred, the farthest item on the disc's rim.
        std::vector<double> mean(static_cast<std::size_t>(c), 0);
        for (std::int64_t m = 0; m < own.rows(); ++m) {
            for (int d = 0; d < c; ++d) mean[static_cast<std::size_t>(d)] += static_cast<double>(own(m, d));
        }
        for (double& value : mean) value /= static_cast<double>(own.rows());
        double farthest = 0;
        for (std::int64_t m = 0; m < own.rows(); ++m) {
            double norm2 = 0;
            for (int d = 0; d < c; ++d) {
                const double v = static_cast<double>(own(m, d)) - mean[static_cast<std::size_t>(d)];
                norm2 += v * v;
            }
            farthest = std::max(farthest, std::sqrt(norm2));
        }
        const double scale = farthest > 0 ? discs[k].radius / farthest : 0.0;
        for (std::size_t m = 0; m < members.size(); ++m) {
            for (int d = 0; d < c; ++d) {
                const double v = static_cast<double>(own(static_cast<std::int64_t>(m), d)) -
                                 mean[static_cast<std::size_t>(d)];
                result.coordinates(members[m], d) =
                    static_cast<float>(discs[k].center[static_cast<std::size_t>(d)] + v * scale);
            }
        }
    }
    detail::start_scale(result.coordinates, all, options.seed);
    if (!result.run.converged) {
        result.run.warnings.push_back(
            "spectral_start: the eigensolver reached its work limit; its best vectors are used");
    }
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_START_IMPL_HPP
