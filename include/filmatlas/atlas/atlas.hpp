// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_ATLAS_HPP
#define FILMATLAS_ATLAS_ATLAS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filmatlas/embedding/embedding.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/keywords/class_terms.hpp"
#include "filmatlas/labels/labels.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/territories.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"
#include "filmatlas/profile/records.hpp"
#include "filmatlas/text/lsa.hpp"

/// @file atlas.hpp
/// @brief The finished product: a catalogue, its vectors, true neighbours, strict tree, names and map, as one value.

namespace filmatlas {

/// Which columns play which part in searches, panels and exports. Empty = none.
struct Roles {
    std::string title;    ///< what an item is called; always set in a built atlas
    std::string time;     ///< Number column for the range filter, e.g. year
    std::string link;     ///< Link column
    std::string summary;  ///< long Text column
    bool operator==(const Roles&) const = default;
};

/// How the atlas came to be. Holds no clock time and no path: the same input gives the same bytes.
struct Provenance {
    std::string version;       ///< of the library that built it
    std::string options;       ///< JSON of the options as resolved
    std::string records_hash;  ///< SHA-256 of ids and columns
    std::string vectors_hash;  ///< SHA-256 of the vectors as used
    std::string encoder;       ///< "given" or "lsa"
};

/// Text of the profiles that the atlas was built from; what `explain` and keywords rest on.
struct AtlasProfiles {
    std::vector<std::string> source_names;
    std::vector<double> source_weights;                  ///< sum 1
    std::vector<double> token_shares;                    ///< of all kept tokens, per source
    std::vector<std::vector<std::string>> source_texts;  ///< [source][item]
};

/// One row per item everywhere; node ids index `hierarchy.nodes`, `labels`, `keywords`, `representatives`.
struct Atlas {
    std::string title;
    Roles roles;
    Records records;
    CleaningReport cleaning;
    AtlasProfiles profiles;
    Embedding embedding;
    std::optional<LsaEncoder> encoder;  ///< present when the built-in encoder made the vectors
    KnnGraph graph;
    Hierarchy hierarchy;
    std::vector<float> strength;  ///< (n * levels): how clearly an item belongs to its node, see NestedResult
    std::vector<std::vector<Keyword>> keywords;
    Labels labels;
    std::vector<std::vector<Index>> representatives;
    Layout layout;
    Provenance provenance;
    /// What each node owns on the map, before smoothing; absent in files of older versions.
    std::optional<Territories> territories;
    /// Present when the map gives every node one piece of land: what the plain map of the same items would keep, without
    /// figures per item. The difference to `layout.quality` is the price.
    std::optional<LayoutQuality> plain_quality;

    std::int64_t size() const noexcept { return records.size(); }
};

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_ATLAS_HPP
