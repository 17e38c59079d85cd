// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/hdbscan.hpp"

#include "filmatlas/cluster/detail/hdbscan_impl.hpp"
