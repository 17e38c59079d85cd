// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_ERROR_IMPL_HPP
#define FILMATLAS_CORE_DETAIL_ERROR_IMPL_HPP

#include <charconv>
#include <cmath>
#include <utility>

#include "filmatlas/core/error.hpp"

namespace filmatlas {

FILMATLAS_INLINE std::string_view to_string(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::InvalidArgument: return "invalid_argument";
        case ErrorCode::Shape: return "shape";
        case ErrorCode::Type: return "type";
        case ErrorCode::Io: return "io";
        case ErrorCode::Format: return "format";
        case ErrorCode::Memory: return "memory";
        case ErrorCode::Cancelled: return "cancelled";
        case ErrorCode::Internal: return "internal";
    }
    return "unknown";
}

namespace detail {

FILMATLAS_INLINE std::string error_message(const ErrorContext& where, const std::string& what_happened,
                                           const std::string& remedy) {
    std::string text;
    if (!where.stage.empty()) text += where.stage + ": ";
    text += what_happened;
    std::string place;
    const auto add = [&place](const std::string& part) { place += place.empty() ? part : ", " + part; };
    if (!where.file.empty()) add("file " + where.file);
    if (where.row >= 0) add((where.file.empty() ? "row " : "line ") + std::to_string(where.row));
    if (!where.column.empty()) add("column " + where.column);
    if (where.byte_offset >= 0) add("byte " + std::to_string(where.byte_offset));
    if (!place.empty()) text += " [" + place + "]";
    if (!remedy.empty()) text += "; " + remedy;
    return text;
}

}  // namespace detail

FILMATLAS_INLINE Error::Error(ErrorCode code, ErrorContext where, std::string what_happened, std::string remedy)
    : std::runtime_error(detail::error_message(where, what_happened, remedy)),
      code_(code),
      where_(std::move(where)),
      what_happened_(std::move(what_happened)),
      remedy_(std::move(remedy)) {}

FILMATLAS_INLINE void throw_invalid(std::string_view stage, std::string_view field, std::string what_happened,
                                    std::string remedy) {
    ErrorContext where;
    where.stage = std::string(stage);
    std::string text = field.empty() ? std::move(what_happened) : std::string(field) + ": " + what_happened;
    throw Error(ErrorCode::InvalidArgument, std::move(where), std::move(text), std::move(remedy));
}

FILMATLAS_INLINE void throw_shape(std::string_view stage, std::string what_happened, std::string remedy) {
    ErrorContext where;
    where.stage = std::string(stage);
    throw Error(ErrorCode::Shape, std::move(where), std::move(what_happened), std::move(remedy));
}

FILMATLAS_INLINE std::string to_text(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char buffer[40];
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
    return std::string(buffer, result.ptr);
}

}  // namespace filmatlas
#endif  // FILMATLAS_CORE_DETAIL_ERROR_IMPL_HPP
