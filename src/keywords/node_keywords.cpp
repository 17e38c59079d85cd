// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/node_keywords.hpp"

#include "filmatlas/keywords/detail/node_keywords_impl.hpp"
