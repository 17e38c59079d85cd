// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PYTHON_CONVERT_HPP
#define FILMATLAS_PYTHON_CONVERT_HPP

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "common.hpp"
#include "filmatlas/embedding/embedding.hpp"
#include "filmatlas/profile/compose.hpp"

/// @file convert.hpp
/// @brief Words to enumerators and dictionaries to options.

namespace filmatlas::python {

/// The enumerator of a word. @throws Error (InvalidArgument) naming the words that exist.
template <class Enum>
Enum choose(std::string_view stage, std::string_view field, const std::string& word,
            std::initializer_list<std::pair<std::string_view, Enum>> words) {
    std::string known;
    for (const auto& [name, value] : words) {
        if (name == word) return value;
        known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
    }
    throw_invalid(stage, field, "'" + word + "' is not one of the words it takes", "use one of " + known);
}

inline OnInvalid on_invalid_from(std::string_view stage, const std::string& word) {
    return choose<OnInvalid>(stage, "on_invalid", word,
                             {{"error", OnInvalid::Error}, {"quarantine", OnInvalid::Quarantine}});
}

/// Defined in bind_profile.cpp.
Source source_from(const py::dict& fields);

}  // namespace filmatlas::python
#endif  // FILMATLAS_PYTHON_CONVERT_HPP
