// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PROFILE_BINNING_HPP
#define FILMATLAS_PROFILE_BINNING_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/profile/records.hpp"

/// @file binning.hpp
/// @brief Numbers and dates as words, by a declared rule: 1994 becomes "1990s", 142 minutes "long".

namespace filmatlas {

enum class BinRule {
    Width,     ///< bins [origin + i * width, origin + (i + 1) * width)
    Quantile,  ///< `bins` bins of about equally many items, cut at values; equal values stay together
    Edges,     ///< bins between `edges`, and one below and above them
};

/// What of a date is the number.
enum class DatePart { Year, Month };

struct BinOptions {
    std::string column = {};  ///< numbers, or texts that begin with a date: "1994", "1994-10-14"
    BinRule rule = BinRule::Width;
    double width = 10;  ///< > 0
    double origin = 0;
    int bins = 5;                    ///< Quantile: at least 2
    std::vector<double> edges = {};  ///< Edges: ascending, at least one; a value equal to an edge is above it
    std::vector<std::string> names = {};  ///< one per bin, from low to high; empty = `pattern`. Not for Width
    /// Word of a bin without a name: {low}, {high} (where the next begins) and {value} (the number itself,
    /// for rules like "{value}") are replaced; open ends are empty.
    std::string pattern = "{low}s";
    std::string missing = {};  ///< word of a missing value; empty = none
    DatePart date_part = DatePart::Year;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const BinOptions& options);

/// A column of kind Tags, with one word per item (none where missing), called `name`.
/// @throws Error (InvalidArgument) for an unknown column; (Type) for tags, links, and texts that hold no
/// date.
Column binned_column(const Records& records, const BinOptions& options, const std::string& name);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/profile/detail/binning_impl.hpp"
#endif
#endif  // FILMATLAS_PROFILE_BINNING_HPP
