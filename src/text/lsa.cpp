// SPDX-License-Identifier: MIT
#include "filmatlas/text/lsa.hpp"

#include "filmatlas/text/detail/lsa_impl.hpp"
