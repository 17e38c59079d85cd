// SPDX-License-Identifier: MIT
#include "filmatlas/labels/label_context.hpp"

#include "filmatlas/labels/detail/label_context_impl.hpp"
