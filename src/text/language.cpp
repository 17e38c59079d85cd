// SPDX-License-Identifier: MIT
#include "filmatlas/text/language.hpp"

#include "filmatlas/text/detail/language_impl.hpp"
