// SPDX-License-Identifier: MIT
#include "filmatlas/text/hashing.hpp"

#include "filmatlas/text/detail/hashing_impl.hpp"
