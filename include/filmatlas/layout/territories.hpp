// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_TERRITORIES_HPP
#define FILMATLAS_LAYOUT_TERRITORIES_HPP

#include <cstdint>
#include <optional>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"

/// @file territories.hpp
/// @brief Nested territories of a hierarchy's nodes on a finished map in the plane.
///
/// The map is cut into square cells. Land is where the items' density is at least that of one item at its own
/// place. Level by level, a cell of a parent's territory goes to the child with the largest density there, so that
/// children tile their parent without gaps and overlaps; a piece in which none of a node's items stands goes to
/// the sibling with most items in it, else to the one with the longest border. Densities are sums of a quartic
/// kernel in integers: the same bytes everywhere.
///
/// Borders are a topology: an arc is a chain of cell edges between two points where three territories meet, and
/// the nodes on both sides, and all their ancestors that it bounds, use that one arc.

namespace filmatlas {

/// @brief Options of `territories()`.
struct TerritoryOptions {
    /// Cells along the longest side; in [16, 4096]. Unset: three per item's side (the square root of an item's
    /// share of the map), 64 to 1,024.
    std::optional<int> resolution = std::nullopt;
    /// Radius of the finest level's kernel in items' sides; in (0, 64]. Each coarser level's is half of this
    /// longer.
    double reach = 2;
    /// Radius of the kernel that makes land, in items' sides; in (0, 64]. Larger closes gaps between groups.
    double coast = 4;
};
/// @throws Error (InvalidArgument) naming the first bad field.
void validate(const TerritoryOptions& options);

/// How well one level's nodes and territories agree; items without a position are left out.
struct TerritoryLevel {
    std::int64_t nodes = 0;      ///< with at least one item on the map
    std::int64_t one_piece = 0;  ///< of them, whose territory is one piece
    std::int64_t landless = 0;   ///< of them, without a territory
    std::int64_t items = 0;      ///< on the map
    std::int64_t inside = 0;     ///< of them, in their own node's territory
    std::int64_t in_main = 0;    ///< of them, in its main piece: the one that holds most of the node's items
    bool operator==(const TerritoryLevel&) const = default;
};

/// Territories as one topology. Arcs are numbered from 0; in rings `a` stands for an arc as it is and `~a` for the
/// same arc walked backwards. All offsets are of the flat arrays named beside them.
struct Territories {
    int width = 0;          ///< columns of cells
    int height = 0;         ///< rows of cells, y upwards
    double x0 = 0;          ///< left border of the first column
    double y0 = 0;          ///< lower border of the first row
    double cell = 0;        ///< side of a cell
    Matrix<Index> cells;    ///< (height, width) finest node that owns the cell; -1 = sea
    Matrix<double> points;  ///< (p, 2) of all arcs, where they turn
    /// arcs + 1, of `points`; a closed arc ends at the point that it begins with
    std::vector<std::int64_t> arc_begin = {0};
    Matrix<Index> arc_sides;       ///< (arcs, 2) finest node at the left and at the right; -1 = sea
    std::vector<Index> arc_level;  ///< coarsest level at which the two sides differ
    std::vector<Index> ring_arcs;  ///< arcs of all rings; the territory lies at the left
    std::vector<std::int64_t> ring_begin = {0};   ///< rings + 1, of `ring_arcs`
    std::vector<std::int64_t> piece_begin = {0};  ///< pieces + 1, of rings; the first ring is the outer one, others holes
    std::vector<Index> piece_node;                ///< pieces by node, its main piece first, then by items and size
    std::vector<std::int64_t> piece_items;        ///< of the piece's node that stand in it
    std::vector<double> piece_area;               ///< in the map's units
    std::vector<std::int64_t> node_begin = {0};   ///< nodes + 1, of pieces
    std::vector<Index> item_node;                 ///< (n,) finest node on whose land the item stands; -1 = not on the map
    std::vector<float> inside;  ///< (nodes,) share of the node's items that stand in its territory; NaN without items
    std::vector<TerritoryLevel> levels;

    std::int64_t num_arcs() const noexcept { return static_cast<std::int64_t>(arc_level.size()); }
    std::int64_t num_pieces() const noexcept { return static_cast<std::int64_t>(piece_node.size()); }
    bool operator==(const Territories&) const = default;
};

/// Territories of all nodes.
///
/// @param coordinates  (n, 2); rows with NaN are not on the map.
/// @param hierarchy    of the same n items.
/// @throws Error (Shape), (InvalidArgument).
/// Cost: per level, about 300 additions per item; 0.1 s for 15,834 items and three levels.
Territories territories(const Matrix<float>& coordinates, const Hierarchy& hierarchy,
                        const TerritoryOptions& options = {});

/// The same topology with rounder arcs: `rounds` times every point of an arc but its ends moves halfway to the
/// middle of the two beside it, never as far as half a cell from its first place along either axis.
///
/// Cell edges that share no corner are a cell apart along one axis; so arcs that did not meet before do not meet
/// after. Items within half a cell of a border may change sides: the unsmoothed territories say who stands where.
/// Areas are not changed.
/// @throws Error (InvalidArgument) for negative rounds.
Territories smooth_territories(const Territories& territories, int rounds = 8);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/territories_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_TERRITORIES_HPP
