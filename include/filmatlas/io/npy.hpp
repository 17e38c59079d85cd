// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_IO_NPY_HPP
#define FILMATLAS_IO_NPY_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "filmatlas/core/config.hpp"
#include "filmatlas/core/matrix.hpp"

/// @file npy.hpp
/// @brief NumPy arrays from disk: .npy (versions 1.0 to 3.0) and .npz members, without pickles.

namespace filmatlas {

struct NpyOptions {
    std::string member;           ///< .npz only: which array (its name without ".npy"); empty = the only one
    bool allow_trailing = false;  ///< accept bytes after the array
    /// Largest result in bytes (4 per value). A compressed file can promise far more than it holds.
    std::int64_t max_bytes = std::int64_t{1} << 36;
};

/// Reads a two-dimensional numeric array as float32 (a one-dimensional one becomes one column).
///
/// Accepts float16, float32, float64, signed and unsigned integers of 8 to 64 bits, either byte order, C and
/// Fortran order; the file is read and converted block-wise (a file that shrinks meanwhile is an error, not a
/// crash).
/// `.npz`: stored and deflated members, checksums verified, also beyond 4 GiB. What is promised is held
/// against the file's size before anything is allocated. Files are told apart by content, not by name.
/// @throws Error (Io) when it cannot be read; (Format) with the byte offset when the header or size is wrong,
///         or a float64 value does not fit float32 (row and column named); (Type) for object, string, complex
///         and other dtypes; (Shape) for no or more than two dimensions, or no columns; (Memory) beyond
///         `max_bytes`; (InvalidArgument) listing the members when the choice is missing or wrong.
Matrix<float> read_npy(const std::string& path, const NpyOptions& options = {});

/// Names of the arrays in a .npz file, in file order, without ".npy". @throws Error (Io), (Format).
std::vector<std::string> npz_members(const std::string& path);

/// Writes a C-order little-endian float32 .npy (version 1.0), atomically.
void write_npy(const std::string& path, MatrixView<const float> values);
/// The same, rounded to float16 (to nearest, ties to even). @throws Error (InvalidArgument) naming row and
/// column of a finite value beyond 65504.
void write_npy_float16(const std::string& path, MatrixView<const float> values);

}  // namespace filmatlas
#endif  // FILMATLAS_IO_NPY_HPP
