// SPDX-License-Identifier: MIT
#include "filmatlas/linalg/truncated_svd.hpp"

#include "filmatlas/linalg/detail/truncated_svd_impl.hpp"
