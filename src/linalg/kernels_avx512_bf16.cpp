// SPDX-License-Identifier: MIT
// The kernels for AVX-512 F, BW, DQ, VL, BF16, VNNI; compiled with the flags that stage.cmake gives this file.
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>

#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas::detail {
namespace {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/kernel_vectors.inc"
#include "filmatlas/linalg/detail/kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace

extern const Kernels kernels_avx512_bf16;
constinit const Kernels kernels_avx512_bf16 = table;

}  // namespace filmatlas::detail
#endif
