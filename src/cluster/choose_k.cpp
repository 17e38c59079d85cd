// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/choose_k.hpp"

#include "filmatlas/cluster/detail/choose_k_impl.hpp"
