// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/tie_certificate.hpp"

#include "filmatlas/cluster/detail/tie_certificate_impl.hpp"
