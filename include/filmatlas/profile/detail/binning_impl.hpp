// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_DETAIL_BINNING_IMPL_HPP
#define FILMATLAS_PROFILE_DETAIL_BINNING_IMPL_HPP

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/profile/binning.hpp"

namespace filmatlas {
namespace detail {

/// Year or month of a text that begins with an ISO date (year, year-month, year-month-day); NaN for others.
inline double binning_date(std::string_view text, DatePart part) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    int year = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), year);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || digits != 4) return kNone;
    if (part == DatePart::Year) return text.size() == 4 || text[4] == '-' || text[4] == ' ' ? year : kNone;
    int month = 0;
    if (text.size() < 7 || text[4] != '-') return kNone;
    const auto [stop, wrong] = std::from_chars(text.data() + 5, text.data() + 7, month);
    if (wrong != std::errc() || stop != text.data() + 7 || month < 1 || month > 12) return kNone;
    return month;
}

inline std::vector<double> binning_values(const Records& records, const BinOptions& options) {
    const Column& column = records.column(options.column);
    if (column.kind == ColumnKind::Number) return column.numbers;
    ErrorContext where;
    where.stage = "binned_column";
    where.column = excerpt(column.name);
    if (column.kind != ColumnKind::Text) {
        throw Error(ErrorCode::Type, std::move(where), "is of kind " + std::string(to_string(column.kind)),
                    "numbers and dates have bins");
    }
    std::vector<double> values;
    for (std::size_t i = 0; i < column.text.size(); ++i) {
        values.push_back(binning_date(column.text[i], options.date_part));
        if (std::isnan(values.back()) && !column.text[i].empty()) {
            where.row = static_cast<std::int64_t>(i);
            throw Error(ErrorCode::Type, std::move(where), "'" + excerpt(column.text[i]) + "' is no ISO date",
                        "write dates as 1994-10-14");
        }
    }
    return values;
}

/// Lower ends of all bins but the first, ascending and distinct.
inline std::vector<double> binning_edges(std::vector<double> values, const BinOptions& options) {
    if (options.rule == BinRule::Edges) return options.edges;
    std::erase_if(values, [](double value) { return std::isnan(value); });
    std::sort(values.begin(), values.end());
    std::vector<double> edges;
    for (int b = 1; b < options.bins && !values.empty(); ++b) {
        const std::size_t at =
            values.size() * static_cast<std::size_t>(b) / static_cast<std::size_t>(options.bins);
        const double edge = values[std::min(at, values.size() - 1)];
        if (edge > values.front() && (edges.empty() || edge > edges.back())) edges.push_back(edge);
    }
    return edges;
}

inline std::string binning_word(std::string_view pattern, double low, double high, double value) {
    std::string out(pattern);
    const auto replace = [&out](std::string_view key, double number) {
        const std::string text = std::isfinite(number) ? number_text(number) : std::string();
        for (std::size_t at = out.find(key); at != std::string::npos; at = out.find(key, at + text.size()))
            out.replace(at, key.size(), text);
    };
    replace("{low}", low);
    replace("{high}", high);
    replace("{value}", value);
    return out;
}

}  // namespace detail

FILMATLAS_INLINE void validate(const BinOptions& options) {
    const auto refuse = [](const char* field, std::string what, const char* remedy) {
        throw_invalid("binned_column", field, std::move(what), remedy);
    };
    if (options.rule == BinRule::Width) {
        if (!(options.width > 0) || !std::isfinite(options.width))
            refuse("width", "is " + to_text(options.width), "use a number above 0");
        if (!std::isfinite(options.origin))
            refuse("origin", "is " + to_text(options.origin), "use a finite number");
        if (!options.names.empty()) refuse("names", "are given for bins of a width", "use pattern, or edges");
    } else if (options.rule == BinRule::Quantile) {
        if (options.bins < 2) refuse("bins", "is " + std::to_string(options.bins), "use 2 or more");
        if (!options.names.empty() && options.names.size() != static_cast<std::size_t>(options.bins))
            refuse("names", "are " + std::to_string(options.names.size()), "give one per bin");
    } else {
        if (options.edges.empty()) refuse("edges", "are missing", "give at least one");
        for (std::size_t i = 0; i < options.edges.size(); ++i) {
            if (!std::isfinite(options.edges[i]) || (i > 0 && options.edges[i] <= options.edges[i - 1]))
                refuse("edges", "do not ascend", "sort them, each once");
        }
        if (!options.names.empty() && options.names.size() != options.edges.size() + 1)
            refuse("names", "are " + std::to_string(options.names.size()), "give one more than edges");
    }
}

FILMATLAS_INLINE Column binned_column(const Records& records, const BinOptions& options,
                                      const std::string& name) {
    validate(options);
    const std::vector<double> values = detail::binning_values(records, options);
    const std::vector<double> edges =
        options.rule == BinRule::Width ? std::vector<double>{} : detail::binning_edges(values, options);
    constexpr double kOpen = std::numeric_limits<double>::infinity();
    Column out;
    out.name = name;
    out.kind = ColumnKind::Tags;
    out.is_public = records.column(options.column).is_public;
    out.tags.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::string word = options.missing;
        if (!std::isnan(values[i])) {
            if (options.rule == BinRule::Width) {
                const double low =
                    options.origin + std::floor((values[i] - options.origin) / options.width) * options.width;
                word = detail::binning_word(options.pattern, low, low + options.width, values[i]);
            } else {
                const auto bin = static_cast<std::size_t>(
                    std::upper_bound(edges.begin(), edges.end(), values[i]) - edges.begin());
                word = !options.names.empty()
                           ? options.names[bin]
                           : detail::binning_word(options.pattern, bin == 0 ? -kOpen : edges[bin - 1],
                                                  bin == edges.size() ? kOpen : edges[bin], values[i]);
            }
        }
        if (!word.empty()) out.tags[i].push_back(std::move(word));
    }
    return out;
}

}  // namespace filmatlas
#endif  // FILMATLAS_PROFILE_DETAIL_BINNING_IMPL_HPP
