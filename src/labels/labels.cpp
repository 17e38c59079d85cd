// SPDX-License-Identifier: MIT
#include "filmatlas/labels/labels.hpp"

#include "filmatlas/labels/detail/labels_impl.hpp"
