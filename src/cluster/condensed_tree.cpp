// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/condensed_tree.hpp"

#include "filmatlas/cluster/detail/condensed_tree_impl.hpp"
