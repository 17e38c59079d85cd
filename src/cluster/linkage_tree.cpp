// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/linkage_tree.hpp"

#include "filmatlas/cluster/detail/linkage_tree_impl.hpp"
