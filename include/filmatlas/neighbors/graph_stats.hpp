// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_NEIGHBORS_GRAPH_STATS_HPP
#define FILMATLAS_NEIGHBORS_GRAPH_STATS_HPP

#include <cstdint>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/linalg/csr.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

/// @file graph_stats.hpp
/// @brief How a neighbour graph is shaped: hubs, items nobody lists, edges that both ends list.

namespace filmatlas {

/// In high dimensions some items are in very many lists and many in none (Radovanovic, Nanopoulos & Ivanovic, "Hubs
/// in space: popular nearest neighbors in high-dimensional data", JMLR 11, 2010).
struct Hubness {
    /// (n), lists that each item is in; they sum to the number of edges.
    std::vector<std::int64_t> occurrences;
    /// Third standardised moment of the occurrences of the items that have neighbours; 0 where all are equal. Above
    /// about 1.4 data are called hubby.
    double skewness = 0;
    double gini = 0;             ///< 0 = all in equally many lists; towards 1 = a few are in all
    double anti_hub_share = 0;   ///< of the items that have neighbours
    std::vector<Index> anti_hubs;  ///< items with neighbours that are in nobody's list, ascending
    std::vector<Index> hubs;       ///< the most listed, by (occurrences falling, id); at most `max_hubs`
};

/// Items without a valid vector have no neighbours and count nowhere. O(n k).
/// @throws Error (InvalidArgument) for max_hubs < 0; as `validate(graph)`.
Hubness hubness(const KnnGraph& graph, int max_hubs = 10);

/// The edges that both ends list, with their distance: (n, n), symmetric, columns ascending along a row. O(n k log k).
/// Explicit zeros are distances between equal items.
/// @throws Error as `validate(graph)`.
CsrMatrix<float> mutual_graph(const KnnGraph& graph);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/neighbors/detail/graph_stats_impl.hpp"
#endif
#endif  // FILMATLAS_NEIGHBORS_GRAPH_STATS_HPP
