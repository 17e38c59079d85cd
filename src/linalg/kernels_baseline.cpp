// SPDX-License-Identifier: MIT
// The kernels for any processor of the architecture: SSE2 on x86-64, portable code elsewhere.
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "filmatlas/linalg/kernels.hpp"

namespace filmatlas::detail {
namespace {
#define FILMATLAS_KERNEL_FN inline
#include "filmatlas/linalg/detail/kernel_vectors.inc"
#include "filmatlas/linalg/detail/kernels.inc"
#undef FILMATLAS_KERNEL_FN
}  // namespace

extern const Kernels kernels_baseline;
constinit const Kernels kernels_baseline = table;

}  // namespace filmatlas::detail
