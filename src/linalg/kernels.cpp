// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/kernels.hpp"

#include "filmatlas/linalg/detail/kernels_impl.hpp"
