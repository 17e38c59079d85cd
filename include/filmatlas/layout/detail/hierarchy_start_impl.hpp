// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_HIERARCHY_START_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_HIERARCHY_START_IMPL_HPP

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/detail/start_scale.hpp"
#include "filmatlas/layout/hierarchy_start.hpp"

namespace filmatlas {
namespace detail {

/// Radius of a group's disc as a share of the one of its fair volume, and of the parent's disc that centres begin
/// in.
inline constexpr double kNestDisc = 0.7;
inline constexpr double kNestReach = 0.7;
inline constexpr std::int64_t kNestMostRounds = 200;
inline constexpr std::int64_t kNestPairs = 100'000'000;  ///< pairs looked at per parent, over all rounds
inline constexpr std::size_t kNestMostDiscs = 4096;

/// Radius of a ball of c dimensions whose volume is in proportion to `volume`.
inline double nest_radius(double volume, std::int64_t c) {
    return c == 2 ? std::sqrt(volume) : layout_exp(layout_log(volume) / static_cast<double>(c));
}

/// Pushes overlapping discs apart and keeps them inside a disc around the origin. `at` is (k, c).
inline void nest_relax(Matrix<double>& at, const std::vector<double>& radius, double around) {
    const std::int64_t k = at.rows();
    const std::int64_t c = at.cols();
    if (k < 2 || radius.size() > kNestMostDiscs) return;
    const double smallest = *std::min_element(radius.begin(), radius.end());
    const std::int64_t rounds = std::clamp<std::int64_t>(kNestPairs / (k * k), 10, kNestMostRounds);
    Matrix<double> push(k, c);
    std::vector<double> gap(static_cast<std::size_t>(c));
    for (std::int64_t round = 0; round < rounds; ++round) {
        double worst = 0;
        std::fill(push.values().begin(), push.values().end(), 0.0);
        for (std::int64_t a = 0; a < k; ++a) {
            for (std::int64_t b = a + 1; b < k; ++b) {
                double distance2 = 0;
                for (std::int64_t d = 0; d < c; ++d) {
                    gap[static_cast<std::size_t>(d)] = at(a, d) - at(b, d);
                    distance2 += gap[static_cast<std::size_t>(d)] * gap[static_cast<std::size_t>(d)];
                }
                const double wanted = radius[static_cast<std::size_t>(a)] + radius[static_cast<std::size_t>(b)];
                if (distance2 >= wanted * wanted) continue;
                const double distance = std::sqrt(distance2);
                const double over = wanted - distance;
                worst = std::max(worst, over);
                for (std::int64_t d = 0; d < c; ++d) {
                    // Discs with one centre part along the first axis.
                    const double direction =
                        distance > 0 ? gap[static_cast<std::size_t>(d)] / distance : (d == 0 ? 1.0 : 0.0);
                    push(a, d) += 0.45 * over * direction;
                    push(b, d) -= 0.45 * over * direction;
                }
            }
        }
        if (worst <= 1e-3 * smallest) break;
        for (std::int64_t a = 0; a < k; ++a) {
            double norm2 = 0;
            for (std::int64_t d = 0; d < c; ++d) {
                at(a, d) += push(a, d);
                norm2 += at(a, d) * at(a, d);
            }
            const double most = std::max(0.0, around - radius[static_cast<std::size_t>(a)]);
            if (norm2 <= most * most) continue;
            const double shrink = most / std::sqrt(norm2);
            for (std::int64_t d = 0; d < c; ++d) at(a, d) *= shrink;
        }
    }
}

/// Scales rows around their weighted mean so that the farthest lies at `reach`.
inline void nest_fit(Matrix<double>& at, const std::vector<double>& weight, double reach) {
    const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
    double farthest2 = 0;
    for (std::int64_t d = 0; d < at.cols(); ++d) {
        double mean = 0;
        for (std::int64_t a = 0; a < at.rows(); ++a) mean += weight[static_cast<std::size_t>(a)] * at(a, d);
        for (std::int64_t a = 0; a < at.rows(); ++a) at(a, d) -= mean / total;
    }
    for (std::int64_t a = 0; a < at.rows(); ++a) {
        double norm2 = 0;
        for (std::int64_t d = 0; d < at.cols(); ++d) norm2 += at(a, d) * at(a, d);
        farthest2 = std::max(farthest2, norm2);
    }
    const double scale = farthest2 > 0 ? reach / std::sqrt(farthest2) : 0.0;
    for (double& value : at.values()) value *= scale;
}

/// Ranges of a list of items that share a group, with the place of each group's disc.
struct NestGroups {
    std::vector<std::size_t> begin = {0};  ///< groups + 1
    Matrix<double> center;                 ///< (groups, c)
};

/// Splits every group by the labels of one level and finds places for the parts.
inline NestGroups nest_split(std::vector<Index>& items, const NestGroups& parents, const Matrix<Index>& levels,
                             std::int64_t level, const Matrix<float>& flat) {
    const std::int64_t c = flat.cols();
    NestGroups out;
    std::vector<double> centers;
    for (std::size_t g = 0; g + 1 < parents.begin.size(); ++g) {
        const auto first = items.begin() + static_cast<std::ptrdiff_t>(parents.begin[g]);
        const auto last = items.begin() + static_cast<std::ptrdiff_t>(parents.begin[g + 1]);
        std::sort(first, last, [&](Index a, Index b) {
            return levels(a, level) != levels(b, level) ? levels(a, level) < levels(b, level) : a < b;
        });
        std::vector<double> sums;
        std::vector<double> count;
        for (auto it = first; it != last; ++it) {
            if (it == first || levels(*it, level) != levels(*(it - 1), level)) {
                count.push_back(0);
                sums.resize(sums.size() + static_cast<std::size_t>(c), 0.0);
                if (it != items.begin()) out.begin.push_back(static_cast<std::size_t>(it - items.begin()));
            }
            count.back() += 1;
            for (std::int64_t d = 0; d < c; ++d) {
                sums[sums.size() - static_cast<std::size_t>(c - d)] += static_cast<double>(flat(*it, d));
            }
        }
        Matrix<double> at(static_cast<std::int64_t>(count.size()), c, std::move(sums));
        std::vector<double> radius;
        double total = 0;
        for (std::int64_t a = 0; a < at.rows(); ++a) {
            const double size = count[static_cast<std::size_t>(a)];
            for (std::int64_t d = 0; d < c; ++d) at(a, d) /= size;
            radius.push_back(kNestDisc * nest_radius(size, c));
            total += size;
        }
        nest_fit(at, count, kNestReach * nest_radius(total, c));
        nest_relax(at, radius, nest_radius(total, c));
        for (std::int64_t a = 0; a < at.rows(); ++a) {
            for (std::int64_t d = 0; d < c; ++d) {
                centers.push_back(at(a, d) + parents.center(static_cast<std::int64_t>(g), d));
            }
        }
    }
    out.begin.push_back(items.size());
    const auto groups = static_cast<std::int64_t>(out.begin.size()) - 1;
    out.center = Matrix<double>(groups, c, std::move(centers));
    return out;
}

}  // namespace detail

FILMATLAS_INLINE StartResult hierarchy_start(const Matrix<float>& coordinates, const Matrix<Index>& levels,
                                             const StartOptions& options) {
    if (levels.rows() != coordinates.rows()) {
        throw_shape("hierarchy_start",
                    "`levels` has " + std::to_string(levels.rows()) + " rows for " +
                        std::to_string(coordinates.rows()) + " items",
                    "give the groups of every item at every level, coarse to fine");
    }
    const auto started = std::chrono::steady_clock::now();
    StartResult result;
    result.coordinates = coordinates;
    Matrix<float>& y = result.coordinates;
    std::vector<Index> items;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (detail::start_row_finite(y.row(i))) {
            items.push_back(static_cast<Index>(i));
        } else {
            std::ranges::fill(y.row(i), 0.0F);
        }
    }
    if (items.size() > 1 && levels.cols() > 0 && y.cols() > 0) {
        detail::NestGroups groups;
        groups.begin.push_back(items.size());
        groups.center = Matrix<double>(1, y.cols());
        for (std::int64_t level = 0; level < levels.cols(); ++level) {
            groups = detail::nest_split(items, groups, levels, level, y);
        }
        for (std::size_t g = 0; g + 1 < groups.begin.size(); ++g) {
            const std::size_t count = groups.begin[g + 1] - groups.begin[g];
            Matrix<double> at(static_cast<std::int64_t>(count), y.cols());
            for (std::size_t m = 0; m < count; ++m) {
                for (std::int64_t d = 0; d < y.cols(); ++d) {
                    at(static_cast<std::int64_t>(m), d) = static_cast<double>(y(items[groups.begin[g] + m], d));
                }
            }
            detail::nest_fit(at, std::vector<double>(count, 1.0),
                             detail::kNestDisc * detail::nest_radius(static_cast<double>(count), y.cols()));
            for (std::size_t m = 0; m < count; ++m) {
                for (std::int64_t d = 0; d < y.cols(); ++d) {
                    y(items[groups.begin[g] + m], d) = static_cast<float>(
                        at(static_cast<std::int64_t>(m), d) + groups.center(static_cast<std::int64_t>(g), d));
                }
            }
        }
    }
    std::sort(items.begin(), items.end());
    detail::start_scale(y, items, options.seed);
    result.run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    return result;
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_HIERARCHY_START_IMPL_HPP
