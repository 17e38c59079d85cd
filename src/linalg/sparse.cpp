// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/sparse.hpp"

#include "filmatlas/linalg/detail/sparse_impl.hpp"
