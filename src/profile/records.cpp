// SPDX-License-Identifier: MIT
#include "filmatlas/profile/records.hpp"

#include "filmatlas/profile/detail/records_impl.hpp"
