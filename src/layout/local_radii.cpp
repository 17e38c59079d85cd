// SPDX-License-Identifier: MIT
#include "filmatlas/layout/local_radii.hpp"

#include "filmatlas/layout/detail/local_radii_impl.hpp"
