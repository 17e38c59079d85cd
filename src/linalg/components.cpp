// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/components.hpp"

#include "filmatlas/linalg/detail/components_impl.hpp"
