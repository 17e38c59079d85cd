// SPDX-License-Identifier: MIT
#include "filmatlas/validate/identity_leak.hpp"

#include "filmatlas/validate/detail/identity_leak_impl.hpp"
