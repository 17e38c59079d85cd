// SPDX-License-Identifier: MIT
// Texts without copies. The structures are those of the Arrow C data interface, which is a stable ABI.
#include "texts.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "common.hpp"

namespace filmatlas::python {
namespace {

struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    std::int64_t flags;
    std::int64_t n_children;
    ArrowSchema** children;
    ArrowSchema* dictionary;
    void (*release)(ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    std::int64_t length;
    std::int64_t null_count;
    std::int64_t offset;
    std::int64_t n_buffers;
    std::int64_t n_children;
    const void** buffers;
    ArrowArray** children;
    ArrowArray* dictionary;
    void (*release)(ArrowArray*);
    void* private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
    int (*get_next)(ArrowArrayStream*, ArrowArray*);
    const char* (*get_last_error)(ArrowArrayStream*);
    void (*release)(ArrowArrayStream*);
    void* private_data;
};

/// Releases a structure that this side owns.
template <class Structure>
struct Released {
    Structure value{};
    Released() = default;
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;
    ~Released() {
        if (value.release != nullptr) value.release(&value);
    }
};

/// Appends the views of an array of format "u" (32-bit offsets), "U" (64-bit) or "vu" (views).
void append_views(const ArrowArray& array, std::string_view format, std::vector<std::string_view>& out) {
    const auto* const valid = static_cast<const std::uint8_t*>(array.buffers[0]);
    const auto is_valid = [&](std::int64_t i) {
        const auto at = static_cast<std::uint64_t>(i + array.offset);
        return valid == nullptr || (valid[at / 8] >> at % 8 & 1U) != 0;
    };
    const auto with_offsets = [&](const auto* offsets) {
        const auto* const bytes = static_cast<const char*>(array.buffers[2]);
        for (std::int64_t i = 0; i < array.length; ++i) {
            const auto begin = static_cast<std::size_t>(offsets[i + array.offset]);
            const auto end = static_cast<std::size_t>(offsets[i + array.offset + 1]);
            out.push_back(is_valid(i) && end > begin ? std::string_view(bytes + begin, end - begin)
                                                     : std::string_view());
        }
    };
    if (array.length == 0) return;
    if (format == "u") {
        with_offsets(static_cast<const std::int32_t*>(array.buffers[1]));
    } else if (format == "U") {
        with_offsets(static_cast<const std::int64_t*>(array.buffers[1]));
    } else {
        // 16 bytes each: the length, then the text itself, or four letters, a buffer and an offset.
        const auto* const views = static_cast<const char*>(array.buffers[1]);
        constexpr std::int32_t kInline = 12;
        for (std::int64_t i = 0; i < array.length; ++i) {
            const char* const view = views + 16 * (i + array.offset);
            std::int32_t parts[4];
            std::memcpy(parts, view, sizeof parts);
            const char* const bytes =
                parts[0] <= kInline ? view + 4 : static_cast<const char*>(array.buffers[2 + parts[2]]) + parts[3];
            out.push_back(is_valid(i) && parts[0] > 0
                              ? std::string_view(bytes, static_cast<std::size_t>(parts[0]))
                              : std::string_view());
        }
    }
}

bool is_text_format(const ArrowSchema& schema) {
    const std::string_view format = schema.format;
    return schema.dictionary == nullptr && (format == "u" || format == "U" || format == "vu");
}

/// The structure in a capsule.
template <class Structure>
Structure* unwrap(const py::object& capsule, const char* name) {
    auto* const pointer = static_cast<Structure*>(PyCapsule_GetPointer(capsule.ptr(), name));
    if (pointer == nullptr) throw py::error_already_set();
    return pointer;
}

}  // namespace

std::shared_ptr<TextColumn> TextColumn::of_list(const py::list& texts) {
    auto column = std::make_shared<TextColumn>();
    column->views_.reserve(texts.size());
    for (std::size_t row = 0; row < texts.size(); ++row) {
        PyObject* const text = PyList_GET_ITEM(texts.ptr(), static_cast<Py_ssize_t>(row));
        const bool is_nan = PyFloat_Check(text) && PyFloat_AS_DOUBLE(text) != PyFloat_AS_DOUBLE(text);
        if (text == Py_None || is_nan) {
            column->views_.emplace_back();
            continue;
        }
        Py_ssize_t size = 0;
        const char* const bytes = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
        if (bytes == nullptr) {
            PyErr_Clear();
            throw py::value_error(std::to_string(row));
        }
        column->views_.emplace_back(bytes, static_cast<std::size_t>(size));
    }
    // A list of its own: the caller's may change while it is read without the GIL.
    column->list_ = py::reinterpret_steal<py::object>(PyList_GetSlice(texts.ptr(), 0, PyList_GET_SIZE(texts.ptr())));
    return column;
}

std::shared_ptr<TextColumn> TextColumn::of_arrow(const py::object& source) {
    auto column = std::make_shared<TextColumn>();
    const auto take = [&](ArrowArray& array, std::string_view format) {
        auto owner = std::make_shared<Released<ArrowArray>>();
        owner->value = std::exchange(array, ArrowArray{});  // moved, as the interface asks
        append_views(owner->value, format, column->views_);
        column->owners_.push_back(std::move(owner));
    };
    if (py::hasattr(source, "__arrow_c_stream__")) {
        const py::object capsule = source.attr("__arrow_c_stream__")();
        auto* const stream = unwrap<ArrowArrayStream>(capsule, "arrow_array_stream");
        const auto check = [&](int code) {
            if (code == 0) return;
            const char* const message = stream->get_last_error(stream);
            throw std::runtime_error(message != nullptr ? message : std::strerror(code));
        };
        Released<ArrowSchema> schema;
        check(stream->get_schema(stream, &schema.value));
        if (!is_text_format(schema.value)) return nullptr;
        for (;;) {
            Released<ArrowArray> array;
            check(stream->get_next(stream, &array.value));
            if (array.value.release == nullptr) break;
            take(array.value, schema.value.format);
        }
        return column;
    }
    const auto capsules = source.attr("__arrow_c_array__")().cast<std::pair<py::object, py::object>>();
    auto* const schema = unwrap<ArrowSchema>(capsules.first, "arrow_schema");
    auto* const array = unwrap<ArrowArray>(capsules.second, "arrow_array");
    if (!is_text_format(*schema)) return nullptr;
    take(*array, schema->format);
    return column;
}

void bind_text_columns(py::module_& module) {
    py::class_<TextColumn, std::shared_ptr<TextColumn>>(module, "TextColumn")
        .def(py::init([](const py::list& texts) { return TextColumn::of_list(texts); }), "texts"_a)
        .def_static("of_arrow", &TextColumn::of_arrow, "column"_a)
        .def("__len__", [](const TextColumn& self) { return self.views().size(); })
        .def(
            "__getitem__",
            [](const TextColumn& self, std::size_t row) {
                if (row >= self.views().size()) throw py::index_error();
                const std::string_view text = self.views()[row];
                return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
                    text.data() == nullptr ? "" : text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
            },
            "row"_a);
}

}  // namespace filmatlas::python
