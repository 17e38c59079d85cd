// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_SRC_ATLAS_KEYWORD_COUNTS_HPP
#define FILMATLAS_SRC_ATLAS_KEYWORD_COUNTS_HPP

#include <string>
#include <vector>

#include "filmatlas/core/progress.hpp"
#include "filmatlas/profile/compose.hpp"
#include "filmatlas/profile/records.hpp"
#include "filmatlas/text/counts.hpp"

namespace filmatlas::detail {

/// Terms that may name a node, counted per item: words and pairs of words of the texts, and whole tags ("coming of
/// age" is one term, and no pair joins the end of one tag to the start of the next).
///
/// Only columns that are public are read, whatever the sources name: keywords leave in every export.
CountResult count_keyword_terms(const Records& records, const std::vector<Source>& sources,
                                const ComposeOptions& compose, const CountOptions& counting,
                                const Progress& progress);

}  // namespace filmatlas::detail
#endif  // FILMATLAS_SRC_ATLAS_KEYWORD_COUNTS_HPP
