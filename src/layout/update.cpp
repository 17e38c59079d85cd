// SPDX-License-Identifier: MIT
#include "filmatlas/layout/update.hpp"

#include "filmatlas/layout/detail/update_impl.hpp"
