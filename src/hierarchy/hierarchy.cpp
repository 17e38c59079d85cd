// SPDX-License-Identifier: MIT
#include "filmatlas/hierarchy/hierarchy.hpp"

#include "filmatlas/hierarchy/detail/hierarchy_impl.hpp"
