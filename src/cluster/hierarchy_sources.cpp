// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/hierarchy_sources.hpp"

#include "filmatlas/cluster/detail/hierarchy_sources_impl.hpp"
