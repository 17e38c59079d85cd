// SPDX-License-Identifier: MIT
// Errors, progress, build information, and arrays from files.
#include <chrono>

#include "common.hpp"
#include "filmatlas/core/build_info.hpp"
#include "filmatlas/io/npy.hpp"

namespace filmatlas::python {
namespace {

py::object known(std::int64_t value) { return value < 0 ? py::object(py::none()) : py::object(py::int_(value)); }

// The classes live in Python, so that they can inherit from the builtins.
void raise_in_python(const Error& error) {
    const py::object make = py::module_::import("filmatlas._errors").attr("from_core");
    const ErrorContext& where = error.where();
    const auto text = [](const std::string& value) {
        return py::reinterpret_steal<py::object>(
            PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
    };
    const py::object exception =
        make(std::string(to_string(error.code())), text(error.what()), text(where.stage), text(where.file),
             known(where.row), text(where.column), known(where.byte_offset), text(error.what_happened()),
             text(error.remedy()));
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
}

}  // namespace

Progress make_progress(py::handle callback) {
    const bool silent = callback.is_none();
    return Progress(
        [callback, silent](const Tick& tick) {
            py::gil_scoped_acquire acquired;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            if (silent) return true;
            const py::object answer = callback(tick.stage, tick.done, tick.total);
            return !(answer.ptr() == Py_False);
        },
        std::chrono::milliseconds(50));
}

void bind_core(py::module_& module) {
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) std::rethrow_exception(pointer);
        } catch (const Error& error) {
            try {
                raise_in_python(error);
            } catch (py::error_already_set& failure) {
                failure.restore();
            }
        }
    });

    module.def("build_info", [] {
        const BuildInfo info = build_info();
        return py::dict("version"_a = info.version, "compiler"_a = info.compiler, "architecture"_a = info.architecture,
                        "simd"_a = info.simd, "simd_detected"_a = info.simd_detected,
                        "num_threads"_a = info.num_threads, "debug"_a = info.debug);
    });

    module.def(
        "read_npy",
        [](const std::string& path, const std::string& member, bool allow_trailing) {
            NpyOptions options;
            options.member = member;
            options.allow_trailing = allow_trailing;
            return give(run_released([&] { return read_npy(path, options); }));
        },
        "path"_a, "member"_a, "allow_trailing"_a);
    module.def(
        "npz_members", [](const std::string& path) { return run_released([&] { return npz_members(path); }); }, "path"_a);
    module.def(
        "write_npy",
        [](const std::string& path, const Array<float>& values, bool half) {
            const auto view = view_2d(values, "write_npy");
            run_released([&] { half ? write_npy_float16(path, view) : write_npy(path, view); });
        },
        "path"_a, py::arg("values").noconvert(), "half"_a);
}

}  // namespace filmatlas::python
