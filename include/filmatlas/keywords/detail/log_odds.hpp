// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_KEYWORDS_DETAIL_LOG_ODDS_HPP
#define FILMATLAS_KEYWORDS_DETAIL_LOG_ODDS_HPP

#include <cmath>

/// @file log_odds.hpp
/// @brief How surely a term is commoner here than there, inline.

namespace filmatlas::detail {

/// z of the log-odds ratio of two shares with a common prior (Monroe, Colaresi & Quinn, 2008), where `a` of
/// `n` items hold a term here and `b` of `m` there. The prior is worth ten items of the share in both.
inline double log_odds_z(double a, double n, double b, double m) {
    if (n <= 0 || m <= 0) return 0;
    const double share = (a + b) / (n + m);
    const double yes = 10 * share + 1e-9;
    const double no = 10 * (1 - share) + 1e-9;
    const double delta = std::log((a + yes) / (n - a + no)) - std::log((b + yes) / (m - b + no));
    const double variance = 1 / (a + yes) + 1 / (b + yes);
    return delta / std::sqrt(variance);
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_KEYWORDS_DETAIL_LOG_ODDS_HPP
