// SPDX-License-Identifier: MIT
#include "filmatlas/core/simd.hpp"

#include "filmatlas/core/detail/simd_impl.hpp"
