// SPDX-License-Identifier: MIT
// The dense kernels for AVX-512; compiled with the flags that stage.cmake gives this file.
#include <cstddef>

#if defined(__x86_64__)
#include "filmatlas/linalg/detail/dense_kernels.hpp"

namespace filmatlas::detail {
namespace {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/dense_kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace

extern const DenseKernels dense_kernels_avx512;
constinit const DenseKernels dense_kernels_avx512 = dense_table;

}  // namespace filmatlas::detail
#endif
