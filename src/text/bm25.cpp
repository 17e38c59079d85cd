// SPDX-License-Identifier: MIT
#include "filmatlas/text/bm25.hpp"

#include "filmatlas/text/detail/bm25_impl.hpp"
