// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_PULL_IMPL_HPP
#define FILMATLAS_LAYOUT_DETAIL_PULL_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/math.hpp"
#include "filmatlas/layout/pull.hpp"

namespace filmatlas {
namespace detail {

/// Weights times factor(i, j) (symmetric), rows scaled to a largest entry of 1, both directions united. Edges that
/// vanish are left out.
template <class Factor>
CsrMatrix<float> pull_edges(const CsrMatrix<float>& weights, Factor&& factor) {
    std::vector<double> pulled(static_cast<std::size_t>(weights.nnz()));
    std::vector<double> largest(static_cast<std::size_t>(weights.rows), 0);
    for (std::int64_t i = 0; i < weights.rows; ++i) {
        for (auto e = weights.indptr[static_cast<std::size_t>(i)]; e < weights.indptr[static_cast<std::size_t>(i) + 1]; ++e) {
            const auto at = static_cast<std::size_t>(e);
            pulled[at] = static_cast<double>(weights.values[at]) * factor(i, std::int64_t{weights.indices[at]});
            double& most = largest[static_cast<std::size_t>(i)];
            most = std::max(most, pulled[at]);
        }
    }
    CsrMatrix<float> result;
    result.rows = weights.rows;
    result.cols = weights.cols;
    for (std::int64_t i = 0; i < weights.rows; ++i) {
        for (auto e = weights.indptr[static_cast<std::size_t>(i)]; e < weights.indptr[static_cast<std::size_t>(i) + 1]; ++e) {
            const auto at = static_cast<std::size_t>(e);
            const Index j = weights.indices[at];
            // The matrix is symmetric, so the other direction is this weight scaled by the other row.
            const double here = largest[static_cast<std::size_t>(i)];
            const double there = largest[static_cast<std::size_t>(j)];
            if (!(here > 0) || !(there > 0)) continue;
            const double a = pulled[at] / here;
            const double b = pulled[at] / there;
            const auto value = static_cast<float>(a + b - a * b);
            if (!(value > 0)) continue;
            result.indices.push_back(j);
            result.values.push_back(value);
        }
        result.indptr.push_back(result.nnz());
    }
    return result;
}

inline void check_pull(const CsrMatrix<float>& weights, std::int64_t rows, std::string_view stage,
                       std::string_view field) {
    if (weights.rows != rows || weights.cols != rows) {
        throw_shape(stage, "`" + std::string(field) + "` has " + std::to_string(rows) + " rows, the weights are (" +
                               std::to_string(weights.rows) + ", " + std::to_string(weights.cols) + ")");
    }
}

}  // namespace detail

FILMATLAS_INLINE CsrMatrix<float> pull_to_classes(const CsrMatrix<float>& weights, std::span<const Index> labels,
                                                  double target_weight) {
    detail::check_pull(weights, static_cast<std::int64_t>(labels.size()), "pull_to_classes", "labels");
    if (!(target_weight >= 0 && target_weight <= 1)) {
        throw_invalid("pull_to_classes", "target_weight", "is " + to_text(target_weight), "use a value in [0, 1]");
    }
    if (target_weight == 0) return weights;
    const double apart =
        target_weight < 1 ? detail::layout_exp(-5 * target_weight / (1 - target_weight)) : 0.0;
    const double unknown = detail::layout_exp(-std::min(1.0, 2 * target_weight));
    return detail::pull_edges(weights, [&](std::int64_t i, std::int64_t j) {
        const Index a = labels[static_cast<std::size_t>(i)];
        const Index b = labels[static_cast<std::size_t>(j)];
        if (a < 0 || b < 0) return unknown;
        return a == b ? 1.0 : apart;
    });
}

FILMATLAS_INLINE CsrMatrix<float> pull_to_hierarchy(const CsrMatrix<float>& weights, const Matrix<Index>& levels,
                                                    double strength) {
    detail::check_pull(weights, levels.rows(), "pull_to_hierarchy", "levels");
    if (!(strength >= 0) || !std::isfinite(strength)) {
        throw_invalid("pull_to_hierarchy", "strength", "is " + to_text(strength), "use 0 or more");
    }
    const std::int64_t depth = levels.cols();
    if (strength == 0 || depth == 0) return weights;
    std::vector<double> factors;
    for (std::int64_t shared = 0; shared <= depth; ++shared) {
        factors.push_back(
            detail::layout_exp(-strength * (1 - static_cast<double>(shared) / static_cast<double>(depth))));
    }
    return detail::pull_edges(weights, [&](std::int64_t i, std::int64_t j) {
        std::size_t shared = 0;
        for (std::int64_t l = 0; l < depth && levels(i, l) >= 0 && levels(i, l) == levels(j, l); ++l) ++shared;
        return factors[shared];
    });
}

}  // namespace filmatlas
#endif  // FILMATLAS_LAYOUT_DETAIL_PULL_IMPL_HPP
