// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/smooth.hpp"

#include "filmatlas/cluster/detail/smooth_impl.hpp"
