// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_NUMERIC_HPP
#define FILMATLAS_PROFILE_NUMERIC_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/profile/records.hpp"

/// @file numeric.hpp
/// @brief Number columns as features beside the vectors, with named scaling and an explicit rule for what is
/// missing.

namespace filmatlas {

/// How the values that are present become features.
enum class NumericScaling {
    Standard,     ///< (x - mean) / standard deviation (of the population)
    MinMax,       ///< (x - min) / (max - min), in [0, 1]
    Rank,         ///< (mean rank of equal values - 1/2) / count, in (0, 1): uniform, immune to outliers
    LogStandard,  ///< Standard of log(1 + x); for counts and money; values must not be negative
};
/// "standard", "minmax", "rank", "log_standard".
std::string_view to_string(NumericScaling scaling) noexcept;

/// What a missing value becomes, after scaling.
enum class MissingNumber {
    Mean,  ///< the mean of the scaled values: says nothing either way
    Zero,  ///< 0: "none"; under Standard the same as Mean
};

struct NumericFeature {
    std::string column;
    NumericScaling scaling = NumericScaling::Standard;
    MissingNumber missing = MissingNumber::Mean;
};

/// What numeric_features() found in one column; center and scale reproduce its scaling for new values, except
/// for ranks.
struct NumericSummary {
    std::string column;
    std::int64_t present = 0;
    std::int64_t missing = 0;
    double center = 0;  ///< subtracted (after the logarithm, for LogStandard)
    double scale = 1;   ///< divided by; 1 for a constant column
    double fill = 0;    ///< feature value that missing numbers got
    /// All present values are equal: the feature is 0 (Rank: 1/2) everywhere and tells nothing.
    bool constant = false;
};

/// (n, f) features, column j for features[j]; always finite. O(n log n) for ranks, else O(n).
/// @param summaries If given, set to one summary per feature.
/// @throws Error (InvalidArgument) naming a column that does not exist; (Type) one that is not of kind
///         Number; (Format) with row and column for an infinite value, or a negative one under LogStandard.
Matrix<float> numeric_features(const Records& records, const std::vector<NumericFeature>& features,
                               std::vector<NumericSummary>* summaries = nullptr);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/profile/detail/numeric_impl.hpp"
#endif
#endif  // FILMATLAS_PROFILE_NUMERIC_HPP
