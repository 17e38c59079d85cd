// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_REPORT_HPP
#define FILMATLAS_VALIDATE_REPORT_HPP

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file report.hpp
/// @brief Findings of a validation: code, severity, figure, threshold and the items concerned.

namespace filmatlas {

enum class Severity { Info, Warning, Error };

/// "info", "warning", "error".
std::string_view to_string(Severity severity) noexcept;

struct Finding {
    std::string code;  ///< stable, e.g. "hierarchy.path", "export.private_column"
    Severity severity = Severity::Info;
    std::string message;              ///< one sentence with the figures in it
    std::optional<double> value;      ///< what was measured
    std::optional<double> threshold;  ///< what it was held against
    std::vector<Index> items;         ///< rows concerned, at most 20
};

struct Report {
    std::vector<Finding> findings;

    /// No finding of severity Error.
    bool ok() const noexcept;
    std::int64_t count(Severity severity) const noexcept;
    void add(Finding finding) { findings.push_back(std::move(finding)); }
    void append(const Report& other);
};

/// Plain text, one line a finding, errors first; ends with a line of counts.
std::string to_text(const Report& report);
/// JSON object {"ok":…,"errors":…,"warnings":…,"findings":[…]}.
std::string to_json(const Report& report);
/// A self-contained HTML page without scripts; all text escaped.
std::string to_html(const Report& report, std::string_view title);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/validate/detail/report_impl.hpp"
#endif
#endif  // FILMATLAS_VALIDATE_REPORT_HPP
