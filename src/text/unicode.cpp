// SPDX-License-Identifier: MIT
#include "filmatlas/text/unicode.hpp"

#include "filmatlas/text/detail/unicode_impl.hpp"
