// SPDX-License-Identifier: MIT
#include "filmatlas/core/sha256.hpp"

#include "filmatlas/core/detail/sha256_impl.hpp"
