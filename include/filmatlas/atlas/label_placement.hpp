// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_ATLAS_LABEL_PLACEMENT_HPP
#define FILMATLAS_ATLAS_LABEL_PLACEMENT_HPP

#include <string>
#include <string_view>
#include <vector>

#include "filmatlas/atlas/atlas.hpp"

/// @file label_placement.hpp
/// @brief Where and at which zooms each label is drawn; decided once, so that the page never has to test overlaps.
///
/// Zoom z = log2(CSS pixels per map unit). Every label gets one contiguous interval [zoom_min, zoom_max) in which no
/// two shown boxes meet (Been, Daiches & Yap, 2006): children take over from their parent, larger nodes
/// come first, and a label appears at the zoom at which its box fits for good.

namespace filmatlas {

struct PlacedLabel {
    std::vector<std::string> lines;  ///< one or two
    float x = 0, y = 0;              ///< centre of the box, map units
    float width = 0, height = 0;     ///< CSS pixels
    float zoom_min = 0;              ///< shown for zoom_min <= z < zoom_max; never shown when zoom_min >= zoom_max
    float zoom_max = 0;
};

struct LabelPlacement {
    std::vector<PlacedLabel> nodes;  ///< (nodes,)
    std::vector<float> item_zoom;    ///< (n,) zoom from which an item's title is drawn; +inf = never
    float zoom_lowest = 0;           ///< zoom at which the map is 300 px wide: nothing is planned below it
    float zoom_highest = 0;
};

/// Font size in CSS pixels of a level (0 = coarsest): 18, 14, 12, then 11; items 11.
float label_font_size(int level);
/// Width in em of a text in a wide sans-serif face (an upper bound for the page's fonts in common use).
float text_width_em(std::string_view text);

LabelPlacement place_labels(const Atlas& atlas);

}  // namespace filmatlas
#endif  // FILMATLAS_ATLAS_LABEL_PLACEMENT_HPP
