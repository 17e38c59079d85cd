// SPDX-License-Identifier: MIT
#include "filmatlas/profile/compose.hpp"

#include "filmatlas/profile/detail/compose_impl.hpp"
