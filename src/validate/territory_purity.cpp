// SPDX-License-Identifier: MIT
#include "filmatlas/validate/territory_purity.hpp"

#include "filmatlas/validate/detail/territory_purity_impl.hpp"
