// SPDX-License-Identifier: MIT
#include "filmatlas/layout/place.hpp"

#include "filmatlas/layout/detail/place_impl.hpp"
