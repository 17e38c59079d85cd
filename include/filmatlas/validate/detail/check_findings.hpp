// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_CHECK_FINDINGS_HPP
#define FILMATLAS_VALIDATE_DETAIL_CHECK_FINDINGS_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/validate/report.hpp"

/// @file check_findings.hpp
/// @brief Breaches and figures as findings.

namespace filmatlas::detail {

/// Counts breaches of one promise and keeps the first 20 rows.
class CheckCount {
public:
    void add(std::int64_t item) {
        ++count_;
        if (items_.size() < 20) items_.push_back(static_cast<Index>(item));
    }
    std::int64_t count() const noexcept { return count_; }

    /// One finding: `passed` when nothing was counted, else "<count> <broken>" with `severity`.
    void report(Report& out, std::string code, Severity severity, const std::string& passed,
                const std::string& broken) {
        Finding finding;
        finding.code = std::move(code);
        finding.severity = count_ == 0 ? Severity::Info : severity;
        finding.message = count_ == 0 ? passed : std::to_string(count_) + " " + broken;
        finding.value = static_cast<double>(count_);
        finding.threshold = 0;
        finding.items = items_;
        out.add(std::move(finding));
    }

private:
    std::int64_t count_ = 0;
    std::vector<Index> items_;
};

/// A figure held against a bar: Info while `good`.
inline void check_figure(Report& out, std::string code, Severity severity, bool good, double value,
                         double threshold, std::string message) {
    Finding finding;
    finding.code = std::move(code);
    finding.severity = good ? Severity::Info : severity;
    finding.message = std::move(message);
    finding.value = value;
    finding.threshold = threshold;
    out.add(std::move(finding));
}

inline std::string check_percent(double share) {
    const auto tenths = static_cast<std::int64_t>(share * 1000 + 0.5);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

}  // namespace filmatlas::detail
#endif  // FILMATLAS_VALIDATE_DETAIL_CHECK_FINDINGS_HPP
