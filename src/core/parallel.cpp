// SPDX-License-Identifier: MIT
#include "filmatlas/core/parallel.hpp"

#include "filmatlas/core/detail/parallel_impl.hpp"
