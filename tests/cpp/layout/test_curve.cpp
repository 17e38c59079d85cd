// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/math.hpp"

using namespace filmatlas;

TEST_CASE("curve: a and b are umap-learn's") {
    struct Case {
        double spread, min_dist, a, b;
    };
    // find_ab_params of umap-learn 0.5.12, whose optimiser stops some 1e-7 before the minimum.
    for (const Case& c :
         {Case{1, 0.1, 1.576943460405378, 0.8950608781227859}, Case{1, 0.001, 1.929073395935, 0.791504533427},
          Case{1, 0, 1.932808397343, 0.790494973223}, Case{2, 0.5, 0.258878741287, 1.057499699441},
          Case{0.5, 0.25, 3.706290202421, 1.334167246846}, Case{1, 1, 0.114975683274, 1.929237144082}}) {
        const UmapCurve curve = fit_umap_curve(c.spread, c.min_dist);
        CAPTURE(c.spread);
        CAPTURE(c.min_dist);
        CHECK(std::abs(curve.a / c.a - 1) < 5e-6);
        CHECK(std::abs(curve.b / c.b - 1) < 5e-6);
    }
    const UmapCurve usual = fit_umap_curve();
    CHECK(std::abs(usual.a - 1.576943460405378) < 1e-6);
    CHECK(std::abs(usual.b - 0.8950608781227859) < 1e-6);
    // The minimum itself: scipy's least_squares with all tolerances at 1e-15.
    CHECK(std::abs(usual.a - 1.5769436135700836) < 1e-8);
    CHECK(std::abs(usual.b - 0.8950607195211291) < 1e-8);
    CHECK(std::abs(fit_umap_curve(1, 1).a - 0.11497599098079073) < 1e-8);
}

TEST_CASE("curve: bad arguments are named") {
    CHECK_THROWS_WITH_AS(fit_umap_curve(0, 0), doctest::Contains("spread"), Error);
    CHECK_THROWS_WITH_AS(fit_umap_curve(1, 1.5), doctest::Contains("min_dist"), Error);
    CHECK_THROWS_WITH_AS(fit_umap_curve(1, -0.1), doctest::Contains("min_dist"), Error);
    CHECK_THROWS_AS(fit_umap_curve(std::nan(""), 0.1), Error);
}

TEST_CASE("layout math: exp, log and pow agree with the C library") {
    for (double x = -700; x < 700; x += 0.737) {
        CHECK(std::abs(detail::layout_exp(x) / std::exp(x) - 1) < 1e-15);
    }
    for (double x = 1e-300; x < 1e300; x *= 3.77) {
        CHECK(std::abs(detail::layout_log(x) - std::log(x)) <= 4e-16 * std::max(1.0, std::abs(std::log(x))));
    }
    CHECK(detail::layout_exp(-1000) == 0);
    CHECK(detail::layout_exp(0) == 1);
    CHECK(detail::layout_log(1) == 0);
    CHECK(detail::layout_pow(0, 0.7) == 0);
    for (float b = 0.2F; b < 2; b += 0.3F) {
        for (float x = 1e-20F; x < 1e12F; x *= 2.3F) {
            const double wanted = std::pow(static_cast<double>(x), static_cast<double>(b));
            if (wanted < 1e-36 || wanted > 1e36) continue;
            detail::LayoutVec<8>::F v[2] = {{x, x, x, x, x, x, x, x}, {x, x, x, x, x, x, x, x}};
            detail::layout_pow_lanes<8>(v, b);
            // One unit of the exponent's rounding is worth 2^-24 * log2(x) here.
            CHECK(std::abs(static_cast<double>(v[0][3]) / wanted - 1) < 2e-6 * (1 + std::abs(std::log2(x)) / 8));
            CHECK(v[0][0] == v[1][7]);
        }
    }
}
