// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_CONFIG_HPP
#define FILMATLAS_CORE_CONFIG_HPP

/// @file config.hpp
/// @brief Macros that decide between the compiled library and header-only use.
///
/// Every header `x.hpp` declares; `detail/x_impl.hpp` beside it holds the bodies. The compiled library includes the
/// bodies once, in `src/`. With `FILMATLAS_HEADER_ONLY` defined (target `filmatlas::header_only`) each header
/// includes its own bodies and the functions become `inline`.

#ifdef FILMATLAS_HEADER_ONLY
#define FILMATLAS_INLINE inline
#else
#define FILMATLAS_INLINE
#endif

#if defined(_WIN32)
#define FILMATLAS_API
#else
/// Marks what is visible outside a shared build of the library.
#define FILMATLAS_API __attribute__((visibility("default")))
#endif

#endif  // FILMATLAS_CORE_CONFIG_HPP
