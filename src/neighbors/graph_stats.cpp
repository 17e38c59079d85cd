// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/graph_stats.hpp"

#include "filmatlas/neighbors/detail/graph_stats_impl.hpp"
