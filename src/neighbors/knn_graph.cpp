// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/knn_graph.hpp"

#include "filmatlas/neighbors/detail/knn_graph_impl.hpp"
