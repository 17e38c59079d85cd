// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/tags.hpp"

#include "filmatlas/keywords/detail/tags_impl.hpp"
