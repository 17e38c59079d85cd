// SPDX-License-Identifier: MIT
#include "filmatlas/text/mask_names.hpp"

#include "filmatlas/text/detail/mask_names_impl.hpp"
