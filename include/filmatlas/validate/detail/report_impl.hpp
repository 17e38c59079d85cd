// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_VALIDATE_DETAIL_REPORT_IMPL_HPP
#define FILMATLAS_VALIDATE_DETAIL_REPORT_IMPL_HPP

#include <algorithm>
#include <array>
#include <cmath>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/report.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::array<Severity, 3> kReportOrder = {Severity::Error, Severity::Warning, Severity::Info};

/// JSON has no NaN and no infinities.
inline std::string report_json_number(double value) { return std::isfinite(value) ? to_text(value) : "null"; }

inline std::string report_json_string(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default: {
                const auto code = static_cast<unsigned char>(c);
                if (code < 0x20) {
                    out += "\\u00";
                    out += kHex[code >> 4U];
                    out += kHex[code & 15U];
                } else {
                    out += c;
                }
            }
        }
    }
    return out + "\"";
}

inline std::string report_html_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

inline std::string report_counts(const Report& report) {
    const auto part = [&report](Severity severity, std::string_view word) {
        const std::int64_t count = report.count(severity);
        std::string text = std::to_string(count);
        text += ' ';
        text += word;
        if (count != 1 && severity != Severity::Info) text += 's';
        return text;
    };
    return part(Severity::Error, "error") + ", " + part(Severity::Warning, "warning") + ", " +
           part(Severity::Info, "passed or noted");
}

inline std::string report_items(const Finding& finding) {
    std::string text;
    for (std::size_t i = 0; i < finding.items.size(); ++i) {
        if (i > 0) text += ", ";
        text += std::to_string(finding.items[i]);
    }
    return text;
}

}  // namespace detail

FILMATLAS_INLINE std::string_view to_string(Severity severity) noexcept {
    switch (severity) {
        case Severity::Info: return "info";
        case Severity::Warning: return "warning";
        case Severity::Error: return "error";
    }
    return "unknown";
}

FILMATLAS_INLINE bool Report::ok() const noexcept { return count(Severity::Error) == 0; }

FILMATLAS_INLINE std::int64_t Report::count(Severity severity) const noexcept {
    return std::count_if(findings.begin(), findings.end(),
                         [severity](const Finding& finding) { return finding.severity == severity; });
}

FILMATLAS_INLINE void Report::append(const Report& other) {
    // By index: a report may be appended to itself.
    const std::size_t count = other.findings.size();
    findings.reserve(findings.size() + count);
    for (std::size_t i = 0; i < count; ++i) findings.push_back(Finding(other.findings[i]));
}

FILMATLAS_INLINE std::string to_text(const Report& report) {
    std::string out;
    for (const Severity severity : detail::kReportOrder) {
        for (const Finding& finding : report.findings) {
            if (finding.severity != severity) continue;
            out += to_string(severity);
            out += " [";
            out += finding.code;
            out += "] ";
            out += finding.message;
            if (!finding.items.empty()) out += " (items " + detail::report_items(finding) + ")";
            out += '\n';
        }
    }
    return out + detail::report_counts(report) + "\n";
}

FILMATLAS_INLINE std::string to_json(const Report& report) {
    std::string out = "{\"ok\":";
    out += report.ok() ? "true" : "false";
    out += ",\"errors\":" + std::to_string(report.count(Severity::Error));
    out += ",\"warnings\":" + std::to_string(report.count(Severity::Warning));
    out += ",\"findings\":[";
    for (std::size_t i = 0; i < report.findings.size(); ++i) {
        const Finding& finding = report.findings[i];
        if (i > 0) out += ',';
        out += "{\"code\":" + detail::report_json_string(finding.code);
        out += ",\"severity\":" + detail::report_json_string(to_string(finding.severity));
        out += ",\"message\":" + detail::report_json_string(finding.message);
        out += ",\"value\":" + (finding.value ? detail::report_json_number(*finding.value) : "null");
        out +=
            ",\"threshold\":" + (finding.threshold ? detail::report_json_number(*finding.threshold) : "null");
        out += ",\"items\":[";
        for (std::size_t k = 0; k < finding.items.size(); ++k) {
            if (k > 0) out += ',';
            out += std::to_string(finding.items[k]);
        }
        out += "]}";
    }
    return out + "]}";
}

FILMATLAS_INLINE std::string to_html(const Report& report, std::string_view title) {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n"
        "<title>";
    out += detail::report_html_text(title);
    out +=
        "</title>\n<style>\n"
        "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 "
        "1rem;color:#1c1e21;"
        "background:#fff}\n"
        "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem "
        ".6rem;"
        "border-bottom:1px solid #ddd}\n"
        "td.number{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em}\n"
        ".error{color:#a40e26;font-weight:600}.warning{color:#8a5a00;font-weight:600}.info{color:#3b6e3b}\n"
        "@media (prefers-color-scheme:dark){body{color:#e4e6eb;background:#18191a}th,td{border-color:#3a3b3c}"
        ".error{color:#ff7b8a}.warning{color:#f0c060}.info{color:#8fd08f}}\n"
        "</style>\n</head>\n<body>\n<h1>";
    out += detail::report_html_text(title);
    out += "</h1>\n<p>" + detail::report_counts(report) +
           "</p>\n<table>\n<thead><tr><th scope=\"col\">Severity</th>"
           "<th scope=\"col\">Check</th><th scope=\"col\">Finding</th><th scope=\"col\">Value</th>"
           "<th scope=\"col\">Bar</th></tr></thead>\n<tbody>\n";
    for (const Severity severity : detail::kReportOrder) {
        for (const Finding& finding : report.findings) {
            if (finding.severity != severity) continue;
            out += "<tr><td class=\"";
            out += to_string(severity);
            out += "\">";
            out += to_string(severity);
            out += "</td><td><code>" + detail::report_html_text(finding.code) + "</code></td><td>" +
                   detail::report_html_text(finding.message);
            if (!finding.items.empty())
                out += "<br><small>Items " + detail::report_items(finding) + "</small>";
            out += "</td><td class=\"number\">" + (finding.value ? to_text(*finding.value) : "") +
                   "</td><td class=\"number\">" + (finding.threshold ? to_text(*finding.threshold) : "") +
                   "</td></tr>\n";
        }
    }
    return out + "</tbody>\n</table>\n</body>\n</html>\n";
}

}  // namespace filmatlas
#endif  // FILMATLAS_VALIDATE_DETAIL_REPORT_IMPL_HPP
