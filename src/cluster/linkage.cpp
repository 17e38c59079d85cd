// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/linkage.hpp"

#include "filmatlas/cluster/detail/linkage_impl.hpp"
