// SPDX-License-Identifier: MIT
#include "filmatlas/labels/gates.hpp"

#include "filmatlas/labels/detail/gates_impl.hpp"
