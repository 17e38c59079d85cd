// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_BUILD_HPP
#define FILMATLAS_ATLAS_BUILD_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/atlas/atlas.hpp"
#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/profile/compose.hpp"
#include "filmatlas/profile/ingest.hpp"

/// @file build.hpp
/// @brief From records (and vectors, if there are any) to an atlas in one call.

namespace filmatlas {

struct BuildOptions {
    std::string title = "Atlas";
    Roles roles;                  ///< empty roles are found by name and kind, see resolve_roles()
    std::vector<Source> sources;  ///< empty: default_sources(records)
    std::int64_t profile_tokens = 0;  ///< budget of the composed profile; 0 = no limit
    bool include_titles = false;      ///< let a source name the title column (titles leak identity)

    int n_neighbors = 15;              ///< neighbours kept per item, in the full space
    Metric metric = Metric::Cosine;
    std::vector<std::string> level_names = {"macro", "neighborhood", "microcluster"};
    std::optional<std::vector<int>> n_clusters;  ///< one per level, coarse to fine; unset = found within ranges
    int encoder_components = 256;                ///< dimensions of the built-in encoder
    int keywords_per_node = 10;
    int representatives_per_node = 5;
    std::string stop_words = "english";  ///< stop list for keywords and the built-in encoder; "" = none
    OnInvalid on_invalid = OnInvalid::Error;  ///< rows without a usable vector: throw, or carry them through listed
    std::uint64_t seed = 42;
    int num_threads = 0;
    /// The map gives every node of the tree one piece of land that holds all its items, see MapOptions::territories. The
    /// plain map is laid out as well, so that the price can be told: twice the time for maps.
    bool map_territories = false;
    /// Trust and continuity of every item of the map, see QualityOptions::exact_trust: above 30,000 items that costs about
    /// as much as the neighbours do.
    std::optional<bool> exact_trust;
};

/// @throws Error naming the first bad field.
void validate(const BuildOptions& options);

/// Fills empty roles: title = "title", "name" or the first Text column; time = "year" or the first Number column whose
/// name holds "year" or "date"; link = the first Link column; summary = the Text column with the longest mean text.
Roles resolve_roles(const Records& records, Roles wanted);

/// One set of vectors brought along.
struct GivenVectors {
    std::string name = "embedding";
    MatrixView<const float> vectors;
    double weight = 1;
};

/// Runs every stage. Without vectors the built-in encoder (TF-IDF + truncated SVD of the composed profiles) makes them;
/// several sets combine so that similarities split exactly into their shares.
/// Deterministic: the same bytes for any `num_threads` and instruction set.
/// @throws Error of any stage; (Shape) when vectors and records differ in rows.
Atlas build_atlas(IngestResult input, const std::vector<GivenVectors>& vectors = {}, const BuildOptions& options = {},
                  const Progress& progress = {});

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_BUILD_HPP
