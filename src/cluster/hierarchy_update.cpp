// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/hierarchy_update.hpp"

#include "filmatlas/cluster/detail/hierarchy_update_impl.hpp"
