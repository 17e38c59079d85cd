// SPDX-License-Identifier: MIT
#include "filmatlas/layout/hierarchy_start.hpp"

#include "filmatlas/layout/detail/hierarchy_start_impl.hpp"
