// SPDX-License-Identifier: MIT
// The 8-bit kernels for AVX-512 F, BW, DQ, VL, VNNI; compiled with the flags that stage.cmake gives this file.
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>

#include "filmatlas/linalg/int8_kernels.hpp"

namespace filmatlas::detail {
namespace {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/int8_kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace

extern const Int8Kernels int8_kernels_vnni;
constinit const Int8Kernels int8_kernels_vnni = int8_table;

}  // namespace filmatlas::detail
#endif
