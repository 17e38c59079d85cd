// SPDX-License-Identifier: MIT
#include "filmatlas/layout/fuzzy_graph.hpp"

#include "filmatlas/layout/detail/fuzzy_graph_impl.hpp"
