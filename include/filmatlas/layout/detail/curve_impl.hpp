// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_CURVE_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_CURVE_IMPL_HPP

#include <cmath>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/math.hpp"

namespace filmatlas {

FILMATLAS_INLINE UmapCurve fit_umap_curve(double spread, double min_dist) {
    if (!(spread > 0) || !std::isfinite(spread)) {
        throw_invalid("umap", "spread", "is " + to_text(spread), "use a positive number");
    }
    if (!(min_dist >= 0 && min_dist <= spread)) {
        throw_invalid("umap", "min_dist", "is " + to_text(min_dist),
                      "use a value from 0 to spread = " + to_text(spread));
    }
    constexpr int kPoints = 300;
    const auto target = [&](double x) {
        return x < min_dist ? 1.0 : detail::layout_exp(-(x - min_dist) / spread);
    };
    const auto loss = [&](double a, double b) {
        double sum = 0;
        for (int i = 0; i < kPoints; ++i) {
            const double x = 3.0 * spread * i / (kPoints - 1);
            const double r = 1.0 / (1.0 + a * detail::layout_pow(x, 2 * b)) - target(x);
            sum += r * r;
        }
        return sum;
    };
    // Step of Gauss-Newton at (a, b), the diagonal raised by `damping`.
    const auto step_at = [&](double a, double b, double damping, double& step_a, double& step_b) {
        double aa = 0, ab = 0, bb = 0, ga = 0, gb = 0;
        for (int i = 1; i < kPoints; ++i) {  // at x = 0 the curve is 1 whatever a and b are
            const double x = 3.0 * spread * i / (kPoints - 1);
            const double p = detail::layout_pow(x, 2 * b);
            const double f = 1.0 / (1.0 + a * p);
            const double da = -p * f * f;
            const double db = -2.0 * a * p * detail::layout_log(x) * f * f;
            const double r = f - target(x);
            aa += da * da;
            ab += da * db;
            bb += db * db;
            ga += da * r;
            gb += db * r;
        }
        aa *= 1 + damping;
        bb *= 1 + damping;
        const double det = aa * bb - ab * ab;
        step_a = -(bb * ga - ab * gb) / det;
        step_b = -(aa * gb - ab * ga) / det;
    };
    // Levenberg-Marquardt from scipy's start (1, 1), scaled to the unit of x.
    double a = detail::layout_pow(spread, -2.0);
    double b = 1;
    double step_a = 0;
    double step_b = 0;
    double damping = 1e-3;
    double current = loss(a, b);
    for (int round = 0; round < 500 && damping < 1e6; ++round) {
        step_at(a, b, damping, step_a, step_b);
        const bool inside = a + step_a > 0 && b + step_b > 0;
        const double next = inside ? loss(a + step_a, b + step_b) : current;
        if (next < current) {
            a += step_a;
            b += step_b;
            current = next;
            damping *= 0.1;
        } else {
            damping *= 10;
        }
    }
    // The sum of squares is flat to the last bit around its minimum; the gradient is not.
    for (int round = 0; round < 100; ++round) {
        step_at(a, b, 0, step_a, step_b);
        if (!(std::abs(step_a) < 1e-3 * a && std::abs(step_b) < 1e-3 * b)) break;
        a += step_a;
        b += step_b;
        if (std::abs(step_a) <= 1e-14 * a && std::abs(step_b) <= 1e-14 * b) break;
    }
    return {a, b};
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_CURVE_IMPL_HPP
