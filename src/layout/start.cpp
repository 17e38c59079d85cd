// SPDX-License-Identifier: MIT
#include "filmatlas/layout/start.hpp"

#include "filmatlas/layout/detail/start_impl.hpp"
