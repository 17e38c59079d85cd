// SPDX-License-Identifier: MIT
// The 8-bit kernels for any processor of the architecture: SSE2 on x86-64, portable code elsewhere.
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "filmatlas/linalg/int8_kernels.hpp"

namespace filmatlas::detail {
namespace {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/int8_kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace

extern const Int8Kernels int8_kernels_baseline;
constinit const Int8Kernels int8_kernels_baseline = int8_table;

}  // namespace filmatlas::detail
