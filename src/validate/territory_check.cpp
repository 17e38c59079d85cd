// SPDX-License-Identifier: MIT
#include "filmatlas/validate/territory_check.hpp"

#include "filmatlas/validate/detail/territory_check_impl.hpp"
