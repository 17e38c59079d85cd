// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_MAP_HPP
#define FILMATLAS_LAYOUT_MAP_HPP

#include <cstdint>
#include <optional>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/core/progress.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/run.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/layout/territories.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file map.hpp
/// @brief The atlas's own map: t-SNE that begins where the distances have their order, near its final size.
///
/// Chosen by measurement on sentence embeddings of films and posts (15 neighbours kept / rank correlation of
/// distances): a start by landmarks has most of the order that the plane can hold (.75 on films); beginning near the
/// final size keeps it, which the usual tiny start with early exaggeration loses (films: .245 / .392, from the principal
/// components .245 / .346); a short phase of mild exaggeration lets groups gather; flat similarities over the graph's
/// own neighbours do the rest. A UMAP phase first costs rank correlation and adds nothing, so that it is off by default.

namespace filmatlas {

/// @brief Options of `atlas_map()`.
struct MapOptions {
    /// Columns of the result; 2 or 3.
    int n_components = 2;
    /// Start. Landmarks keeps most of the distances' order; Pca and Spectral less.
    LayoutInit init = LayoutInit::Landmarks;
    /// Rounds of UMAP before t-SNE; >= 0.
    int umap_epochs = 0;
    /// Rounds of t-SNE that gather groups, with 1.5 times the exaggeration below; >= 0. Unset: 60, with a
    /// given start 0.
    std::optional<int> gather_iter = std::nullopt;
    /// Rounds of t-SNE after that; >= 0. More rounds keep slightly more neighbours. Unset: `default_map_rounds()`.
    std::optional<int> n_iter = std::nullopt;
    /// Attraction against repulsion; > 0. 1 keeps most neighbours, larger shows clusters more compactly.
    double exaggeration = 1;
    /// See TsneOptions::perplexity; with a graph of up to 30 neighbours all of them weigh the same.
    double perplexity = 30;
    std::uint64_t seed = 42;  ///< of all random choices
    int num_threads = 0;      ///< workers; 0 = choose for me. Never changes the result.
    /// (n, n_components) finite; read when init is Given; any scale, taken as it is.
    Matrix<float> given = {};
    /// (n, L) groups of the items, coarse to fine, that draw together; empty = none. See `pull_to_hierarchy()`.
    Matrix<Index> levels = {};
    /// >= 0; 0 = the levels pull nothing together. Unset: 0, with `territories` 2.
    std::optional<double> hierarchy_pull = std::nullopt;
    /// Whether the groups of `levels` stand apart from the start, see `hierarchy_start()`. Unset: with `territories`.
    std::optional<bool> nested_start = std::nullopt;
    /// Every node of `levels` (which must nest) is to own a territory in one piece that holds all its items: between
    /// rounds the items outside theirs are set among their relatives. In the plane only.
    bool territories = false;
    /// What counts as a territory.
    TerritoryOptions ground = {};
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const MapOptions& options);
/// Rounds for n items: 250 up to 50,000, then 600, since items of a large map have farther to go. On 117,592 titles (kept of
/// 15 / rank correlation / CPU seconds): 250 .307 / .490 / 8; 500 .326 / .470 / 16; 800 .338 / .458 / 23.
int default_map_rounds(std::int64_t n) noexcept;

/// Half of the larger side of every map that `atlas_map()` returns.
inline constexpr float kMapHalfExtent = 10.0F;

/// Lays the items out for reading: near items are truly near, and regions keep their order.
///
/// @return coordinates (n, n_components). The map's box is centred at the origin, its longest half-side is
///         10. Orientation is fixed: axis 0 is the direction of largest variance, and on each axis the third
///         moment is not negative. Rows of invalid items are NaN. A single item lies at the origin. With
///         `territories`, a warning counts the items that `territories()` will find outside their nodes' main pieces.
/// @throws Error (InvalidArgument), (Shape), (Cancelled).
Layout atlas_map(MatrixView<const float> X, const KnnGraph& graph, const MapOptions& options = {},
                 const Progress& progress = {});

/// `atlas_map()` that stops between rounds, of UMAP and t-SNE alike. With `territories`, `layout()` brings the last strays
/// home each time, and the vectors have to outlive the object.
class MapRun : public LayoutRun {
public:
    /// Graph, similarities and start; no rounds yet. @throws Error as `atlas_map()` does.
    MapRun(MatrixView<const float> X, const KnnGraph& graph, const MapOptions& options = {},
           const Progress& progress = {});
};

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/map_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_MAP_HPP
