// SPDX-License-Identifier: MIT
#include "filmatlas/embedding/dominance.hpp"

#include "filmatlas/embedding/detail/dominance_impl.hpp"
