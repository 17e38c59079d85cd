// SPDX-License-Identifier: MIT
#include "filmatlas/neighbors/knn_index_file.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/io/container.hpp"
#include "filmatlas/io/files.hpp"

namespace filmatlas {
namespace {

constexpr int kSchema = 1;
constexpr const char* kFormat = "filmatlas-knn-index";
constexpr const char* kStage = "KnnIndex";
static_assert(std::endian::native == std::endian::little, "sections are written as they lie in memory");

template <class T>
Section section_of(const char* name, const char* dtype, const Matrix<T>& values) {
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    return {name, dtype, {values.rows(), values.cols()}, std::string(bytes, values.values().size() * sizeof(T))};
}

Container container_of(const KnnIndex& index) {
    const KnnIndexState& state = index.state();
    const KnnIndexOptions& options = state.options;
    Container out;
    out.meta = JsonValue::make_object();
    out.meta.set("format", kFormat);
    out.meta.set("schema", kSchema);
    out.meta.set("metric", to_string(options.metric));
    out.meta.set("method", to_string(options.method));
    out.meta.set("links", options.links);
    out.meta.set("target_recall", options.target_recall);
    out.meta.set("target_k", options.target_k);
    if (options.ef) out.meta.set("ef", *options.ef);
    out.meta.set("seed", std::to_string(options.seed));  // 64 bits are more than a JSON number is sure to hold
    out.meta.set("full_precision", state.full_precision);
    JsonValue quality = JsonValue::make_object();
    quality.set("ef", state.quality.ef);
    quality.set("k", state.quality.k);
    quality.set("recall", state.quality.recall);
    quality.set("low", state.quality.low);
    quality.set("high", state.quality.high);
    quality.set("rows", state.quality.rows);
    out.meta.set("quality", std::move(quality));
    out.sections.push_back(section_of("vectors", "f32", state.vectors));
    out.sections.push_back(section_of("neighbors", "i32", state.neighbors));
    return out;
}

class Reader {
public:
    Reader(const Container& container, const std::string& path) : container_(container), path_(path) {}

    [[noreturn]] void damaged(std::string what) const {
        throw Error(ErrorCode::Format, ErrorContext{kStage, path_, -1, {}, -1}, std::move(what),
                    "make the index anew from its vectors");
    }
    const JsonValue& member(const JsonValue& object, const char* key) const {
        const JsonValue* value = object.find(key);
        if (value == nullptr) damaged(std::string("the header lacks '") + key + "'");
        return *value;
    }
    std::string text(const JsonValue& object, const char* key) const {
        const JsonValue& value = member(object, key);
        if (!value.is_string()) damaged(std::string("the header's '") + key + "' is no text");
        return value.text;
    }
    double number(const JsonValue& object, const char* key) const {
        const JsonValue& value = member(object, key);
        if (!value.is_number()) damaged(std::string("the header's '") + key + "' is no number");
        return value.number;
    }
    int integer(const JsonValue& object, const char* key) const {
        const double value = number(object, key);
        if (value != std::trunc(value) || std::abs(value) > static_cast<double>(std::numeric_limits<int>::max())) {
            damaged(std::string("the header's '") + key + "' is no integer");
        }
        return static_cast<int>(value);
    }
    template <class T>
    Matrix<T> matrix(const char* name, const char* dtype) const {
        const Section& section = container_.section(name);
        if (section.dtype != dtype || section.shape.size() != 2) {
            damaged(std::string("section '") + name + "' is no " + dtype + " matrix");
        }
        Matrix<T> out(section.shape[0], section.shape[1]);
        if (section.bytes.size() != out.values().size() * sizeof(T)) {
            damaged(std::string("section '") + name + "' has another size than its shape");
        }
        if (!section.bytes.empty()) std::memcpy(out.data(), section.bytes.data(), section.bytes.size());
        return out;
    }

private:
    const Container& container_;
    const std::string& path_;
};

KnnIndex index_from(Container container, const std::string& path, int num_threads, const Progress& progress) {
    const Reader in(container, path);
    const JsonValue& meta = container.meta;
    if (in.text(meta, "format") != kFormat) in.damaged("the file holds a " + in.text(meta, "format"));
    if (in.integer(meta, "schema") != kSchema) {
        throw Error(ErrorCode::Format, ErrorContext{kStage, path, -1, {}, -1},
                    "the index has schema " + std::to_string(in.integer(meta, "schema")) + ", this version reads " +
                        std::to_string(kSchema),
                    "make the index anew from its vectors");
    }
    KnnIndexState state;
    KnnIndexOptions& options = state.options;
    options.metric = metric_from_string(in.text(meta, "metric"));
    options.method = knn_index_method_from_string(in.text(meta, "method"));
    options.links = in.integer(meta, "links");
    options.target_recall = in.number(meta, "target_recall");
    options.target_k = in.integer(meta, "target_k");
    if (meta.find("ef") != nullptr) options.ef = in.integer(meta, "ef");
    const std::string seed = in.text(meta, "seed");
    const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), options.seed);
    if (error != std::errc() || end != seed.data() + seed.size()) in.damaged("the header's 'seed' is no integer");
    options.num_threads = num_threads;
    const JsonValue& full = in.member(meta, "full_precision");
    if (full.kind != JsonValue::Kind::Bool) in.damaged("the header's 'full_precision' is not true or false");
    state.full_precision = full.boolean;
    const JsonValue& quality = in.member(meta, "quality");
    state.quality.ef = in.integer(quality, "ef");
    state.quality.k = in.integer(quality, "k");
    state.quality.recall = in.number(quality, "recall");
    state.quality.low = in.number(quality, "low");
    state.quality.high = in.number(quality, "high");
    state.quality.rows = in.integer(quality, "rows");
    state.vectors = in.matrix<float>("vectors", "f32");
    state.neighbors = in.matrix<Index>("neighbors", "i32");
    container.sections.clear();
    return KnnIndex(std::move(state), progress);
}

}  // namespace

std::string pack_knn_index(const KnnIndex& index) { return pack_container(container_of(index)); }

KnnIndex unpack_knn_index(std::string_view bytes, const std::string& path, int num_threads, const Progress& progress) {
    return index_from(unpack_container(bytes, path), path, num_threads, progress);
}

void save_knn_index(const KnnIndex& index, const std::string& path) { write_container(path, container_of(index)); }

KnnIndex load_knn_index(const std::string& path, int num_threads, const Progress& progress) {
    return index_from(read_container(path), path, num_threads, progress);
}

}  // namespace filmatlas
