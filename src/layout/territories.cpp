// SPDX-License-Identifier: MIT
#include "filmatlas/layout/territories.hpp"

#include "filmatlas/layout/detail/territories_impl.hpp"
