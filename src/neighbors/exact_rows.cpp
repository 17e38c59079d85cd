// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/exact_rows.hpp"

#include "filmatlas/neighbors/detail/exact_rows_impl.hpp"
