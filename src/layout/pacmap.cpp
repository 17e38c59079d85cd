// SPDX-License-Identifier: MIT
#include "filmatlas/layout/pacmap.hpp"

#include "filmatlas/layout/detail/pacmap_impl.hpp"
