// SPDX-License-Identifier: MIT
#include "filmatlas/validate/label_agreement.hpp"

#include "filmatlas/validate/detail/label_agreement_impl.hpp"
