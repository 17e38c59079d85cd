// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CLUSTER_DETAIL_CHOOSE_K_IMPL_HPP
#define FILMATLAS_CLUSTER_DETAIL_CHOOSE_K_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/cluster/choose_k.hpp"
#include "filmatlas/core/error.hpp"

namespace filmatlas {
namespace detail {

/// How far each point lies below the chord of a falling curve, and the index of the farthest (0 where none
/// does).
inline std::pair<std::vector<double>, std::size_t> choose_k_bend(const std::vector<int>& k,
                                                                 const std::vector<double>& inertia) {
    std::vector<double> bend(k.size(), 0.0);
    const auto [low, high] = std::minmax_element(k.begin(), k.end());
    const auto first = static_cast<std::size_t>(low - k.begin());
    const auto last = static_cast<std::size_t>(high - k.begin());
    const double width = k[last] - k[first];
    const double fall = inertia[first] - inertia[last];
    std::size_t best = first;
    if (!(width > 0) || !(fall > 0)) return {std::move(bend), best};
    for (std::size_t i = 0; i < k.size(); ++i) {
        const double x = (k[i] - k[first]) / width;
        const double y = (inertia[i] - inertia[last]) / fall;
        bend[i] = 1.0 - x - y;
        if (bend[i] > bend[best]) best = i;
    }
    return {std::move(bend), best};
}

/// The k of the best finite score; 0 without one.
inline int choose_k_best(const std::vector<int>& k, const std::vector<double>& score, double sign) {
    int best = 0;
    double highest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < k.size(); ++i) {
        const double value = sign * score[i];
        if (!std::isfinite(value)) continue;
        if (best == 0 || value > highest || (value == highest && k[i] < best)) {
            best = k[i];
            highest = value;
        }
    }
    return best;
}

}  // namespace detail

FILMATLAS_INLINE ChooseKResult choose_k(MatrixView<const float> X, std::span<const int> counts,
                                        const ChooseKOptions& options, const Progress& progress) {
    if (counts.empty()) throw_invalid("choose_k", "counts", "are none", "pass at least one number of clusters");
    for (const int k : counts) {
        if (k < 1 || k > X.rows) {
            throw_invalid("choose_k", "counts", "hold " + std::to_string(k) + " for " + std::to_string(X.rows) + " rows",
                          "use 1 .. the number of rows");
        }
    }
    ChooseKResult out;
    SilhouetteOptions scores = options.silhouette;
    scores.num_threads = options.kmeans.num_threads;
    for (const int k : counts) {
        KMeansResult result = kmeans(X, k, options.kmeans, {}, progress);
        const bool defined = k > 1 && k < X.rows;
        const double none = std::numeric_limits<double>::quiet_NaN();
        out.k.push_back(k);
        out.inertia.push_back(result.inertia);
        out.silhouette.push_back(defined ? silhouette(X, result.labels, scores).mean : none);
        out.davies_bouldin.push_back(defined ? davies_bouldin(X, result.labels, scores.num_threads) : none);
        out.calinski_harabasz.push_back(defined ? calinski_harabasz(X, result.labels, scores.num_threads) : none);
        out.converged.push_back(result.run.converged);
        out.labels.push_back(std::move(result.labels));
        progress("choose k", static_cast<std::int64_t>(out.k.size()), static_cast<std::int64_t>(counts.size()));
    }
    auto [bend, elbow] = detail::choose_k_bend(out.k, out.inertia);
    out.bend = std::move(bend);
    out.elbow = out.k[elbow];
    out.best_silhouette = detail::choose_k_best(out.k, out.silhouette, 1.0);
    out.best_davies_bouldin = detail::choose_k_best(out.k, out.davies_bouldin, -1.0);
    out.best_calinski_harabasz = detail::choose_k_best(out.k, out.calinski_harabasz, 1.0);
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_CLUSTER_DETAIL_CHOOSE_K_IMPL_HPP
