// SPDX-License-Identifier: MIT
#include "filmatlas/text/near_duplicates.hpp"

#include "filmatlas/text/detail/near_duplicates_impl.hpp"
