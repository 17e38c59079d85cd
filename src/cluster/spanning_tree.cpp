// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/spanning_tree.hpp"

#include "filmatlas/cluster/detail/spanning_tree_impl.hpp"
