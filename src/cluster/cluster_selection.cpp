// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/cluster_selection.hpp"

#include "filmatlas/cluster/detail/cluster_selection_impl.hpp"
