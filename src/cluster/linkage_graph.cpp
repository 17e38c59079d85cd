// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/linkage_graph.hpp"

#include "filmatlas/cluster/detail/linkage_graph_impl.hpp"
