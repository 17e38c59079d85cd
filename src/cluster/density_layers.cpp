// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/density_layers.hpp"

#include "filmatlas/cluster/detail/density_layers_impl.hpp"
