// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LAYOUT_PLACE_HPP
#define FILMATLAS_LAYOUT_PLACE_HPP

#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file place.hpp
/// @brief New items on a finished map: where they belong, and whether they belong on it at all.
///
/// Neighbours of one item often lie in several places of the map, and their mean is in none of them. So an item goes
/// where most of its neighbours are together: it minimises the sum over its neighbours of log(1 + |y - y_j|^2 / s^2),
/// the attraction of t-SNE (a Cauchy location estimate), with s of the order of the map's own spacing. On sentence
/// embeddings of films a tenth of which was placed, that keeps 26 % of the neighbours; the weighted mean keeps 5 %.
///
/// Each row depends on itself and the map alone: items placed one by one and together get the same bytes, and placing
/// moves nothing that is on the map.

namespace filmatlas {

/// Distance that counts as near on a map: 0.6 times the side of an item's share of the box that holds the middle nine
/// tenths of each axis. 0 for maps without extent.
double map_spacing(const Matrix<float>& coordinates);

/// Positions of new items.
///
/// A new item at distance 0 of a neighbour lands exactly on it (on the first, when there are several). Ids of -1 and
/// neighbours without a position are skipped; a row without neighbours becomes NaN.
/// @param coordinates         (n, c) of the map.
/// @param neighbor_ids        (m, k) rows of the map.
/// @param neighbor_distances  (m, k) ascending, >= 0.
/// @return (m, c).
/// @throws Error (Shape), (InvalidArgument) for an id outside the map.
/// Cost: O(n) for the map, then about 3 us per item with 15 neighbours.
Matrix<float> place_on_map(const Matrix<float>& coordinates, const Matrix<Index>& neighbor_ids,
                           const Matrix<float>& neighbor_distances, int num_threads = 0);

/// How little new items look like those on the map: ln(d / sqrt(g (t + g) / 2)) + f - c. d is the distance to the nearest
/// of the item's neighbours, t the mean of theirs to their nearest, and g the mean of that over the whole map: far for the
/// map, and far for its surroundings (the local outlier factor of Breunig et al., 2000, takes these alone, and among near
/// twins everything is far). f is the share of the neighbours' distances to their neighbours that are shorter than theirs
/// to the item, and c the share of the neighbours' neighbours that are among the item's own: those of an item of a new
/// kind are nearer to others, and do not know one another.
///
/// The map's own items score about 0 to 1: `out_of_map(graph, graph.indices, graph.distances)` says what is usual.
/// docs/layout.md has figures for items of classes that are not on the map. Logarithms end at a thousandth and a
/// thousandfold, so that twins, and items of a map of twins alone, get finite scores; NaN without neighbours. Does not
/// depend on the unit of distances.
/// @param graph               of the map's items, at least one column.
/// @param neighbor_ids        (m, k) rows of the graph; at most graph.k() columns are compared.
/// @param neighbor_distances  (m, k) ascending, in the graph's metric.
/// @throws Error (Shape), (InvalidArgument).
/// Cost: O(n) for the map, then about 2 us per item with 15 neighbours.
std::vector<float> out_of_map(const KnnGraph& graph, const Matrix<Index>& neighbor_ids,
                              const Matrix<float>& neighbor_distances, int num_threads = 0);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/layout/detail/place_impl.hpp"
#endif
#endif  // FILMATLAS_LAYOUT_PLACE_HPP
