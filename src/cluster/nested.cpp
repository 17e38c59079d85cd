// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/nested.hpp"

#include "filmatlas/cluster/detail/nested_impl.hpp"
