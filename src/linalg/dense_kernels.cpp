// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/detail/dense_kernels.hpp"

#include "filmatlas/linalg/detail/dense_kernels_impl.hpp"
