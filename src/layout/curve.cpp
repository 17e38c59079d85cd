// SPDX-License-Identifier: MIT
#include "filmatlas/layout/curve.hpp"

#include "filmatlas/layout/detail/curve_impl.hpp"
