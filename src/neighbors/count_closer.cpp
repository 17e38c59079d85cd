// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/count_closer.hpp"

#include "filmatlas/neighbors/detail/count_closer_impl.hpp"
