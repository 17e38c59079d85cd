// SPDX-License-Identifier: MIT
#include "filmatlas/validate/map_stability.hpp"

#include "filmatlas/validate/detail/map_stability_impl.hpp"
