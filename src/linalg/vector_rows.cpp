// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/vector_rows.hpp"

#include "filmatlas/linalg/detail/vector_rows_impl.hpp"
