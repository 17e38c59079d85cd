// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_SITE_HPP
#define FILMATLAS_ATLAS_SITE_HPP

#include <string>
#include <vector>

#include "filmatlas/atlas/atlas.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/validate/report.hpp"

/// @file site.hpp
/// @brief The offline page: one HTML file with data, code and style, under a strict content policy.

namespace filmatlas {

struct SiteOptions {
    int n_neighbors = 10;                   ///< neighbours per item on the page, at most graph.k()
    std::vector<std::string> columns;       ///< public columns to export, in this order; empty = all public ones
    std::vector<std::string> attributions;  ///< lines for the page's footer, e.g. data licences
};

/// The page (schema: docs/site-format.md). Only public columns leave; every text is data, never markup.
/// @throws Error (InvalidArgument) naming a column that is unknown or private.
std::string render_site(const Atlas& atlas, const SiteOptions& options = {});

/// Writes the page. A path that ends in .html or .htm is one file; anything else is a folder that gets index.html,
/// items.csv, nodes.csv, neighbors.csv and report.json.
void export_site(const Atlas& atlas, const std::string& path, const SiteOptions& options = {});

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_SITE_HPP
