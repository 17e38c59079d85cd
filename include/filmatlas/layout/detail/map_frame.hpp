// SPDX-License-Identifier: MIT
// Before the guard: in header-only use this brings bodies that need what stands below.
#include "filmatlas/layout/map.hpp"

#ifndef FILMATLAS_LAYOUT_DETAIL_MAP_FRAME_HPP
#define FILMATLAS_LAYOUT_DETAIL_MAP_FRAME_HPP

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/detail/finish.hpp"

/// @file map_frame.hpp
/// @brief How the atlas's map lies in its box.

namespace filmatlas::detail {

/// Moves the middle of the box to the origin and scales the longest half-side to kMapHalfExtent.
inline void map_fit_box(Matrix<float>& y, const std::vector<char>& valid) {
    float extent = 0;
    for (std::int64_t d = 0; d < y.cols(); ++d) {
        const auto [low, high] = layout_span(y, valid, d);
        if (!(low <= high)) return;
        const float middle = low + (high - low) / 2;
        for (std::int64_t i = 0; i < y.rows(); ++i) y(i, d) -= middle;
        extent = std::max(extent, (high - low) / 2);
    }
    const float scale = extent > 0 ? kMapHalfExtent / extent : 0.0F;
    for (float& value : y.values()) value = std::clamp(value * scale, -kMapHalfExtent, kMapHalfExtent);
}

/// Rotates to principal axes, largest variance first, and reflects so that no axis has a negative third
/// moment.
inline void map_orient(Matrix<float>& y, const std::vector<char>& valid) {
    const std::int64_t c = y.cols();
    layout_center(y, valid);
    // Cyclic Jacobi on the c x c scatter matrix.
    std::vector<double> a(static_cast<std::size_t>(c * c), 0);
    std::vector<double> v(static_cast<std::size_t>(c * c), 0);
    const auto at = [c](std::int64_t r, std::int64_t s) { return static_cast<std::size_t>(r * c + s); };
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        if (!valid[static_cast<std::size_t>(i)]) continue;
        for (std::int64_t r = 0; r < c; ++r) {
            for (std::int64_t s = 0; s < c; ++s) {
                a[at(r, s)] += static_cast<double>(y(i, r)) * static_cast<double>(y(i, s));
            }
        }
    }
    for (std::int64_t r = 0; r < c; ++r) v[at(r, r)] = 1;
    for (int sweep = 0; sweep < 30; ++sweep) {
        for (std::int64_t p = 0; p < c; ++p) {
            for (std::int64_t q = p + 1; q < c; ++q) {
                const double off = a[at(p, q)];
                if (std::abs(off) <= 1e-300) continue;
                const double theta = (a[at(q, q)] - a[at(p, p)]) / (2 * off);
                const double t = (theta >= 0 ? 1.0 : -1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1));
                const double cosine = 1 / std::sqrt(t * t + 1);
                const double sine = t * cosine;
                for (std::int64_t k = 0; k < c; ++k) {
                    const double x = a[at(k, p)];
                    const double z = a[at(k, q)];
                    a[at(k, p)] = cosine * x - sine * z;
                    a[at(k, q)] = sine * x + cosine * z;
                }
                for (std::int64_t k = 0; k < c; ++k) {
                    const double x = a[at(p, k)];
                    const double z = a[at(q, k)];
                    a[at(p, k)] = cosine * x - sine * z;
                    a[at(q, k)] = sine * x + cosine * z;
                    const double e = v[at(k, p)];
                    const double f = v[at(k, q)];
                    v[at(k, p)] = cosine * e - sine * f;
                    v[at(k, q)] = sine * e + cosine * f;
                }
            }
        }
    }
    std::vector<std::int64_t> axes(static_cast<std::size_t>(c));
    for (std::int64_t d = 0; d < c; ++d) axes[static_cast<std::size_t>(d)] = d;
    std::stable_sort(axes.begin(), axes.end(),
                     [&](std::int64_t r, std::int64_t s) { return a[at(r, r)] > a[at(s, s)]; });
    std::vector<double> row(static_cast<std::size_t>(c));
    std::vector<double> third(static_cast<std::size_t>(c), 0);
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        for (std::int64_t d = 0; d < c; ++d) {
            double sum = 0;
            for (std::int64_t k = 0; k < c; ++k) {
                sum += static_cast<double>(y(i, k)) * v[at(k, axes[static_cast<std::size_t>(d)])];
            }
            row[static_cast<std::size_t>(d)] = sum;
        }
        for (std::int64_t d = 0; d < c; ++d) {
            const double x = row[static_cast<std::size_t>(d)];
            y(i, d) = static_cast<float>(x);
            if (valid[static_cast<std::size_t>(i)]) third[static_cast<std::size_t>(d)] += x * x * x;
        }
    }
    for (std::int64_t d = 0; d < c; ++d) {
        if (third[static_cast<std::size_t>(d)] >= 0) continue;
        for (std::int64_t i = 0; i < y.rows(); ++i) y(i, d) = -y(i, d);
    }
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_MAP_FRAME_HPP
