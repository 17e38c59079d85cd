// SPDX-License-Identifier: MIT
// The dense kernels for any processor of the architecture.
#include <cstddef>

#include "filmatlas/linalg/detail/dense_kernels.hpp"

namespace filmatlas::detail {
namespace {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/dense_kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace

extern const DenseKernels dense_kernels_baseline;
constinit const DenseKernels dense_kernels_baseline = dense_table;

}  // namespace filmatlas::detail
