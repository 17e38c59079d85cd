// SPDX-License-Identifier: MIT
#include "filmatlas/validate/report.hpp"

#include "filmatlas/validate/detail/report_impl.hpp"
