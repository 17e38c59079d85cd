// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_ERROR_HPP
#define FILMATLAS_CORE_ERROR_HPP

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "filmatlas/core/config.hpp"

/// @file error.hpp
/// @brief The one exception type of the library: what happened, where, and how to fix it.

namespace filmatlas {

/// Kind of failure. In Python each becomes `filmatlas.FilmAtlasError` plus the builtin named beside it.
enum class ErrorCode {
    InvalidArgument,  ///< a value outside its range (`ValueError`)
    Shape,            ///< sizes that do not fit together (`ValueError`)
    Type,             ///< a wrong dtype or column kind (`TypeError`)
    Io,               ///< the operating system refused (`OSError`)
    Format,           ///< a file's content is malformed (`ValueError`)
    Memory,           ///< a stated limit would be exceeded (`MemoryError`)
    Cancelled,        ///< the progress callback asked to stop (`filmatlas.Cancelled`)
    Internal,         ///< a defect of the library itself (`RuntimeError`)
};

/// Name of a code, e.g. "invalid_argument".
std::string_view to_string(ErrorCode code) noexcept;

/// Where it happened; empty or negative fields are unknown.
struct ErrorContext {
    std::string stage;              ///< function or stage, e.g. "knn_graph"
    std::string file;               ///< path as given by the caller
    std::int64_t row = -1;          ///< text files: 1-based line; arrays: 0-based row
    std::string column;             ///< name of the column, field or option
    std::int64_t byte_offset = -1;  ///< 0-based offset into the file
};

/// Thrown by every function of the library that can fail. The message reads
/// `stage: what [file F, line R, column C, byte B]; remedy`.
class FILMATLAS_API Error : public std::runtime_error {
public:
    Error(ErrorCode code, ErrorContext where, std::string what_happened, std::string remedy = {});

    ErrorCode code() const noexcept { return code_; }
    const ErrorContext& where() const noexcept { return where_; }
    const std::string& what_happened() const noexcept { return what_happened_; }
    /// How to fix it; empty when there is nothing that the caller could do.
    const std::string& remedy() const noexcept { return remedy_; }

private:
    ErrorCode code_;
    ErrorContext where_;
    std::string what_happened_;
    std::string remedy_;
};

/// Throws Error with code InvalidArgument, for option `field` of `stage`.
[[noreturn]] void throw_invalid(std::string_view stage, std::string_view field, std::string what_happened,
                                std::string remedy = {});

/// Throws Error with code Shape.
[[noreturn]] void throw_shape(std::string_view stage, std::string what_happened, std::string remedy = {});

/// Shortest text that reads back as the same double; "nan", "inf", "-inf" otherwise. Locale-free.
std::string to_text(double value);

}  // namespace filmatlas

#ifdef FILMATLAS_HEADER_ONLY
#include "filmatlas/core/detail/error_impl.hpp"
#endif
#endif  // FILMATLAS_CORE_ERROR_HPP
