// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/int8_kernels.hpp"

#include "filmatlas/linalg/detail/int8_kernels_impl.hpp"
