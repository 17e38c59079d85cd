// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/node_figures.hpp"

#include "filmatlas/cluster/detail/node_figures_impl.hpp"
