// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_DETAIL_TSNE_SCALE_HPP
#define FILMATLAS_LAYOUT_DETAIL_TSNE_SCALE_HPP

#include <cmath>
#include <cstdint>

#include "filmatlas/core/matrix.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/linalg/csr.hpp"

/// @file tsne_scale.hpp
/// @brief How large a map has to be for t-SNE to feel at home on it.

namespace filmatlas::detail {

/// Factor by which a map is to be stretched so that t-SNE's loss is least among all factors: the bisection of
/// sum_ij (exaggeration p_ij w_ij - w_ij^2 / Z) |y_i - y_j|^2 in the logarithm. `y` has no rows without affinities.
inline double tsne_scale(const CsrMatrix<float>& affinities, const Matrix<float>& y, double exaggeration,
                         int num_threads) {
    Matrix<float> scaled = y;
    Matrix<float> forces;
    const auto balance = [&](double scale) {
        for (std::size_t k = 0; k < y.values().size(); ++k) {
            scaled.values()[k] = static_cast<float>(static_cast<double>(y.values()[k]) * scale);
        }
        const double normaliser = tsne_repulsion(scaled, 0.5, forces, num_threads, TsneRepulsion::Auto);
        double repulsion = 0;
        double attraction = 0;
        for (std::int64_t i = 0; i < y.rows(); ++i) {
            for (std::int64_t d = 0; d < y.cols(); ++d) {
                repulsion += static_cast<double>(scaled(i, d)) * static_cast<double>(forces(i, d));
            }
            const auto ids = affinities.row_indices(i);
            const auto weights = affinities.row_values(i);
            for (std::size_t e = 0; e < ids.size(); ++e) {
                double r2 = 0;
                for (std::int64_t d = 0; d < y.cols(); ++d) {
                    const double gap = static_cast<double>(scaled(i, d)) - static_cast<double>(scaled(ids[e], d));
                    r2 += gap * gap;
                }
                attraction += static_cast<double>(weights[e]) * r2 / (1 + r2);
            }
        }
        // sum_i y_i F_i counts every pair once, the attraction counts both directions.
        return exaggeration * attraction - (normaliser > 0 ? 2 * repulsion / normaliser : 0.0);
    };
    double low = 1e-3;
    double high = 1e3;
    for (int step = 0; step < 16; ++step) {
        const double middle = std::sqrt(low * high);
        (balance(middle) < 0 ? low : high) = middle;
    }
    return std::sqrt(low * high);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_LAYOUT_DETAIL_TSNE_SCALE_HPP
