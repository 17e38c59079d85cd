// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_MAP_STABILITY_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_MAP_STABILITY_IMPL_HPP

#include <Eigen/Core>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/validate/layout_quality.hpp"
#include "filmatlas/validate/map_stability.hpp"

namespace filmatlas {
namespace detail {

inline constexpr const char* stability_stage = "map_stability";

/// Places of some rows, centred and scaled to a radius of 1; a map that is one point stays there. Sums are in the order of
/// the rows.
inline Matrix<double> stability_places(const Matrix<float>& map, const std::vector<Index>& rows) {
    Matrix<double> places(static_cast<std::int64_t>(rows.size()), map.cols());
    const auto count = static_cast<double>(rows.size());
    double squares = 0;
    for (std::int64_t d = 0; d < places.cols(); ++d) {
        double mean = 0;
        for (const Index row : rows) mean += static_cast<double>(map(row, d));
        mean /= count;
        for (std::int64_t r = 0; r < places.rows(); ++r) {
            places(r, d) = static_cast<double>(map(rows[static_cast<std::size_t>(r)], d)) - mean;
            squares += places(r, d) * places(r, d);
        }
    }
    const double radius = std::sqrt(squares / count);
    for (double& x : places.values()) x = radius > 0 ? x / radius : 0.0;
    return places;
}

/// Distances of the rows of two maps once the second is turned or mirrored onto the first.
inline std::vector<double> stability_moves(const Matrix<double>& a, const Matrix<double>& b) {
    const std::int64_t c = a.cols();
    Eigen::MatrixXd between = Eigen::MatrixXd::Zero(c, c);
    for (std::int64_t r = 0; r < a.rows(); ++r) {
        for (std::int64_t d = 0; d < c; ++d) {
            for (std::int64_t e = 0; e < c; ++e) between(d, e) += b(r, d) * a(r, e);
        }
    }
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(between, Eigen::ComputeFullU | Eigen::ComputeFullV);
    const Eigen::MatrixXd turn = svd.matrixU() * svd.matrixV().transpose();
    std::vector<double> moves(static_cast<std::size_t>(a.rows()));
    for (std::int64_t r = 0; r < a.rows(); ++r) {
        double squares = 0;
        for (std::int64_t e = 0; e < c; ++e) {
            double gap = a(r, e);
            for (std::int64_t d = 0; d < c; ++d) gap -= b(r, d) * turn(d, e);
            squares += gap * gap;
        }
        moves[static_cast<std::size_t>(r)] = std::sqrt(squares);
    }
    return moves;
}

/// The k nearest of some rows among themselves.
inline Matrix<Index> stability_neighbors(const Matrix<float>& map, const std::vector<Index>& rows, int k, int num_threads) {
    Matrix<float> part(static_cast<std::int64_t>(rows.size()), map.cols());
    for (std::int64_t r = 0; r < part.rows(); ++r) {
        const auto from = map.row(rows[static_cast<std::size_t>(r)]);
        std::copy(from.begin(), from.end(), part.row(r).begin());
    }
    return map_neighbors(part, k, num_threads);
}

}  // namespace detail

FILMATLAS_INLINE void validate(const MapStabilityOptions& options) {
    if (options.k < 1)
        throw_invalid(detail::stability_stage, "k", "is " + std::to_string(options.k), "use at least 1");
    if (options.num_threads < 0) {
        throw_invalid(detail::stability_stage, "num_threads", "is " + std::to_string(options.num_threads),
                      "use 0 (choose for me) or a positive number");
    }
}

FILMATLAS_INLINE MapStability map_stability(std::span<const Matrix<float>> maps, const MapStabilityOptions& options,
                                            const Progress& progress) {
    using detail::stability_stage;
    validate(options);
    if (maps.size() < 2) {
        throw_invalid(stability_stage, "maps", "there is " + std::to_string(maps.size()),
                      "pass two or more maps of the same items, of other seeds or subsamples");
    }
    const std::int64_t n = maps.front().rows();
    for (std::size_t a = 1; a < maps.size(); ++a) {
        if (maps[a].rows() == n && maps[a].cols() == maps.front().cols()) continue;
        throw_shape(stability_stage, "map 0 is (" + std::to_string(n) + ", " + std::to_string(maps.front().cols()) +
                                         ") and map " + std::to_string(a) + " (" + std::to_string(maps[a].rows()) + ", " +
                                         std::to_string(maps[a].cols()) + ")",
                    "items that a map leaves out have rows of NaN");
    }
    const auto there = [](std::span<const float> place) {
        return std::all_of(place.begin(), place.end(), [](float v) { return std::isfinite(v); });
    };
    const auto size = static_cast<std::size_t>(n);
    std::vector<double> kept(size, 0);
    std::vector<double> moved(size, 0);
    std::vector<std::int64_t> times(size, 0);
    MapStability out;
    const auto all_pairs = static_cast<std::int64_t>(maps.size() * (maps.size() - 1) / 2);
    std::int64_t done = 0;
    for (std::size_t a = 0; a < maps.size(); ++a) {
        for (std::size_t b = a + 1; b < maps.size(); ++b) {
            progress(stability_stage, done++, all_pairs);
            std::vector<Index> rows;
            for (std::int64_t i = 0; i < n; ++i) {
                if (there(maps[a].row(i)) && there(maps[b].row(i))) rows.push_back(static_cast<Index>(i));
            }
            if (rows.size() < 3) continue;
            ++out.pairs;
            const Matrix<Index> first = detail::stability_neighbors(maps[a], rows, options.k, options.num_threads);
            const Matrix<Index> second = detail::stability_neighbors(maps[b], rows, options.k, options.num_threads);
            const std::vector<double> moves = detail::stability_moves(detail::stability_places(maps[a], rows),
                                                                      detail::stability_places(maps[b], rows));
            for (std::size_t r = 0; r < rows.size(); ++r) {
                const auto near = first.row(static_cast<std::int64_t>(r));
                const auto others = second.row(static_cast<std::int64_t>(r));
                const auto shared = std::count_if(near.begin(), near.end(), [&](Index j) {
                    return std::find(others.begin(), others.end(), j) != others.end();
                });
                const auto i = static_cast<std::size_t>(rows[r]);
                kept[i] += static_cast<double>(shared) / static_cast<double>(near.size());
                moved[i] += moves[r];
                ++times[i];
            }
        }
    }
    progress(stability_stage, all_pairs, all_pairs);
    out.kept_per_item.assign(size, std::numeric_limits<float>::quiet_NaN());
    out.moved_per_item = out.kept_per_item;
    double kept_sum = 0;
    double moved_sum = 0;
    std::int64_t count = 0;
    for (std::size_t i = 0; i < size; ++i) {
        if (times[i] == 0) continue;
        out.kept_per_item[i] = static_cast<float>(kept[i] / static_cast<double>(times[i]));
        out.moved_per_item[i] = static_cast<float>(moved[i] / static_cast<double>(times[i]));
        kept_sum += kept[i];
        moved_sum += moved[i];
        count += times[i];
    }
    if (count > 0) {
        out.kept_neighbors = kept_sum / static_cast<double>(count);
        out.moved = moved_sum / static_cast<double>(count);
    }
    return out;
}

FILMATLAS_INLINE std::vector<Index> stability_rows(std::int64_t n, double share, std::uint64_t seed, std::uint64_t draw) {
    if (n < 1) throw_invalid(detail::stability_stage, "n", "is " + std::to_string(n), "use at least 1");
    if (!(share > 0 && share <= 1)) {
        throw_invalid(detail::stability_stage, "share", "is " + std::to_string(share), "use a value in (0, 1]");
    }
    // The items with the smallest keys: a draw without replacement.
    std::vector<std::pair<std::uint64_t, Index>> keys;
    RandomStream stream(seed, "map_stability.rows", draw);
    for (std::int64_t i = 0; i < n; ++i) keys.emplace_back(stream.next(), static_cast<Index>(i));
    const auto count = std::clamp<std::int64_t>(std::llround(share * static_cast<double>(n)), 1, n);
    std::nth_element(keys.begin(), keys.begin() + (count - 1), keys.end());
    std::vector<Index> rows;
    for (std::int64_t r = 0; r < count; ++r) rows.push_back(keys[static_cast<std::size_t>(r)].second);
    std::sort(rows.begin(), rows.end());
    return rows;
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_MAP_STABILITY_IMPL_HPP
