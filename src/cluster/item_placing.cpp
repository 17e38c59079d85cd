// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/item_placing.hpp"

#include "filmatlas/cluster/detail/item_placing_impl.hpp"
