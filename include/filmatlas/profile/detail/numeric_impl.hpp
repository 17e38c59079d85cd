// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_DETAIL_NUMERIC_IMPL_HPP
#define FILMATLAS_PROFILE_DETAIL_NUMERIC_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/profile/numeric.hpp"
#include "filmatlas/profile/records.hpp"

namespace filmatlas {
namespace detail {

/// One present value and its row.
struct NumericValue {
    double value = 0;
    std::size_t row = 0;
};

inline std::vector<NumericValue> numeric_present(const Column& column, NumericScaling scaling) {
    std::vector<NumericValue> present;
    for (std::size_t i = 0; i < column.numbers.size(); ++i) {
        double value = column.numbers[i];
        if (std::isnan(value)) continue;
        const auto refuse = [&](const char* remedy) {
            throw Error(
                ErrorCode::Format,
                ErrorContext{"numeric_features", {}, static_cast<std::int64_t>(i), excerpt(column.name), -1},
                "the value is " + to_text(value), remedy);
        };
        if (std::isinf(value)) refuse("use NaN for a missing number");
        if (scaling == NumericScaling::LogStandard) {
            if (value < 0) refuse("log_standard needs values of 0 or more: use standard or rank");
            value = std::log1p(value);
        }
        present.push_back({value, i});
    }
    return present;
}

/// Sums in halves, so that the mean of a million numbers is as good as that of ten. The depth is log2 of the
/// count.
inline double numeric_sum(const NumericValue* values, std::size_t count, double center, bool squared) {
    double block_sums[64] = {};
    std::size_t depth = 0;
    constexpr std::size_t kBlock = 128;
    for (std::size_t first = 0, block = 0; first < count; first += kBlock, ++block) {
        double sum = 0;
        for (std::size_t i = first; i < std::min(count, first + kBlock); ++i) {
            const double d = values[i].value - center;
            sum += squared ? d * d : d;
        }
        block_sums[depth++] = sum;
        // As many pairs are complete as the block's number has trailing ones.
        for (std::size_t bits = block; (bits & 1) != 0; bits >>= 1) {
            --depth;
            block_sums[depth - 1] += block_sums[depth];
        }
    }
    double total = 0;
    while (depth > 0) total += block_sums[--depth];
    return total;
}

/// Replaces values by (mean rank - 1/2) / count.
inline void numeric_ranks(std::vector<NumericValue>& present) {
    std::sort(present.begin(), present.end(), [](const NumericValue& a, const NumericValue& b) {
        return a.value < b.value || (a.value == b.value && a.row < b.row);
    });
    const auto count = static_cast<double>(present.size());
    for (std::size_t begin = 0; begin < present.size();) {
        std::size_t end = begin;
        const double value = present[begin].value;
        while (end < present.size() && present[end].value == value) ++end;
        const double rank = static_cast<double>(begin + end) / 2;  // mean of begin+1 .. end, less 1/2
        for (; begin < end; ++begin) present[begin].value = rank / count;
    }
}

inline NumericSummary numeric_scale(const Column& column, const NumericFeature& feature, Matrix<float>& out,
                                    std::int64_t j) {
    std::vector<NumericValue> present = numeric_present(column, feature.scaling);
    NumericSummary summary;
    summary.column = column.name;
    summary.present = static_cast<std::int64_t>(present.size());
    summary.missing = static_cast<std::int64_t>(column.numbers.size() - present.size());
    if (!present.empty()) {
        const auto [low, high] = std::minmax_element(
            present.begin(), present.end(),
            [](const NumericValue& a, const NumericValue& b) { return a.value < b.value; });
        const double smallest = low->value;
        const double largest = high->value;
        const auto count = static_cast<double>(present.size());
        summary.constant = smallest == largest;
        if (feature.scaling == NumericScaling::Rank) {
            numeric_ranks(present);
        } else if (feature.scaling == NumericScaling::MinMax) {
            summary.center = smallest;
            // In halves, which are exact: the range of two huge values of opposite sign would overflow.
            const double half = summary.constant ? 0.5 : largest / 2 - smallest / 2;
            summary.scale = 2 * half;
            for (NumericValue& item : present) item.value = (item.value / 2 - smallest / 2) / half;
        } else {
            // Divided by a power of two first, which is exact: squares of values up to 1e300 stay finite.
            const double range = std::max(std::abs(smallest), std::abs(largest));
            const double unit = range == 0 ? 1 : std::ldexp(1.0, std::ilogb(range));
            for (NumericValue& item : present) item.value /= unit;
            const double mean = summary.constant
                                    ? present.front().value
                                    : numeric_sum(present.data(), present.size(), 0, false) / count;
            const double variance = numeric_sum(present.data(), present.size(), mean, true) / count;
            const double deviation = summary.constant || !(variance > 0) ? 1 : std::sqrt(variance);
            for (NumericValue& item : present) item.value = (item.value - mean) / deviation;
            summary.center = mean * unit;
            summary.scale = deviation * unit;
        }
        if (feature.missing == MissingNumber::Mean && feature.scaling != NumericScaling::Standard &&
            feature.scaling != NumericScaling::LogStandard) {
            summary.fill = numeric_sum(present.data(), present.size(), 0, false) / count;
        }
    }
    for (std::int64_t i = 0; i < out.rows(); ++i) out(i, j) = static_cast<float>(summary.fill);
    for (const NumericValue& item : present) {
        out(static_cast<std::int64_t>(item.row), j) = static_cast<float>(item.value);
    }
    return summary;
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(NumericScaling scaling) noexcept {
    switch (scaling) {
        case NumericScaling::Standard: return "standard";
        case NumericScaling::MinMax: return "minmax";
        case NumericScaling::Rank: return "rank";
        case NumericScaling::LogStandard: return "log_standard";
    }
    return "unknown";
}

FILMATLAS_INLINE Matrix<float> numeric_features(const Records& records,
                                                const std::vector<NumericFeature>& features,
                                                std::vector<NumericSummary>* summaries) {
    Matrix<float> out(records.size(), static_cast<std::int64_t>(features.size()));
    std::vector<NumericSummary> found;
    for (std::size_t f = 0; f < features.size(); ++f) {
        const Column& column = records.column(features[f].column);
        if (column.kind != ColumnKind::Number) {
            throw Error(
                ErrorCode::Type, ErrorContext{"numeric_features", {}, -1, detail::excerpt(column.name), -1},
                "the column is of kind " + std::string(to_string(column.kind)), "name a column of numbers");
        }
        if (column.size() != records.size()) {
            throw_shape("numeric_features", "column '" + detail::excerpt(column.name) + "' has " +
                                                std::to_string(column.size()) + " rows, the records " +
                                                std::to_string(records.size()));
        }
        found.push_back(detail::numeric_scale(column, features[f], out, static_cast<std::int64_t>(f)));
    }
    if (summaries != nullptr) *summaries = std::move(found);
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_PROFILE_DETAIL_NUMERIC_IMPL_HPP
