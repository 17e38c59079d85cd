// SPDX-License-Identifier: MIT
#include "filmatlas/text/tokenize.hpp"

#include "filmatlas/text/detail/tokenize_impl.hpp"
