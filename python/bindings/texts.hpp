// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_PYTHON_TEXTS_HPP
#define FILMATLAS_PYTHON_TEXTS_HPP

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// @file texts.hpp
/// @brief Texts read where they lie: in Python's strings, or in the buffers of an Arrow column.

namespace filmatlas::python {

namespace py = pybind11;

/// Texts of a Python list or an Arrow column, without copies; what they lie in is kept alive.
///
/// Strings outside ASCII keep the UTF-8 form that Python caches in them. Missing values are empty texts.
class TextColumn {
public:
    /// @throws py::value_error naming the row of an element that is no valid text: the caller knows what to do.
    static std::shared_ptr<TextColumn> of_list(const py::list& texts);
    /// Of an object with __arrow_c_stream__ or __arrow_c_array__ (the Arrow PyCapsule interface) that holds utf8,
    /// large_utf8 or string views; null for another type.
    static std::shared_ptr<TextColumn> of_arrow(const py::object& column);

    std::span<const std::string_view> views() const noexcept { return views_; }
    /// Copies, for algorithms that keep the texts.
    std::vector<std::string> strings() const { return {views_.begin(), views_.end()}; }

private:
    std::vector<std::string_view> views_;
    std::vector<std::shared_ptr<void>> owners_;
    py::object list_;
};

void bind_text_columns(py::module_& module);

}  // namespace filmatlas::python
#endif  // FILMATLAS_PYTHON_TEXTS_HPP
