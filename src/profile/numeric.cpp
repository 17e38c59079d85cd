// SPDX-License-Identifier: MIT
#include "filmatlas/profile/numeric.hpp"

#include "filmatlas/profile/detail/numeric_impl.hpp"
