// SPDX-License-Identifier: MIT
#include "filmatlas/text/utf8.hpp"

#include "filmatlas/text/detail/utf8_impl.hpp"
