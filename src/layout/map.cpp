// SPDX-License-Identifier: MIT
#include "filmatlas/layout/map.hpp"

#include "filmatlas/layout/detail/map_impl.hpp"
