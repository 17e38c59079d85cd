// SPDX-License-Identifier: MIT
#include "filmatlas/labels/keyword_labels.hpp"

#include "filmatlas/labels/detail/keyword_labels_impl.hpp"
