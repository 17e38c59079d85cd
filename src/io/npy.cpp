// SPDX-License-Identifier: MIT
#include "filmatlas/io/npy.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/io/files.hpp"
#include "half.hpp"
#include "zip.hpp"

namespace filmatlas {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::int64_t kMaxHeader = std::int64_t{1} << 20;
constexpr std::int64_t kBlockBytes = std::int64_t{1} << 18;
// Columns of a Fortran-ordered array that are read together, so that the rows of the result are written in
// runs.
constexpr std::int64_t kFortranColumns = 16;
constexpr std::int64_t kFortranBytes = std::int64_t{1} << 26;

/// Where in the file the reader is, for messages.
struct Place {
    std::string path;
    std::string member;
    std::int64_t base = 0;  // file offset of the array's first byte; -1 inside compressed data

    [[noreturn]] void fail(ErrorCode code, std::int64_t offset, std::string what,
                           std::string remedy = {}) const {
        ErrorContext where;
        where.stage = "read_npy";
        where.file = detail::excerpt(path, 4096);
        if (base >= 0 && offset >= 0) where.byte_offset = base + offset;
        if (base < 0 && offset >= 0) what += ", at byte " + std::to_string(offset) + " of the array";
        if (!member.empty()) what = "'" + detail::excerpt(member) + "': " + what;
        throw Error(code, std::move(where), std::move(what), std::move(remedy));
    }
};

std::string readable_bytes(double bytes) {
    static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
        bytes /= 1024;
        ++unit;
    }
    return to_text(std::round(bytes * 10) / 10) + " " + kUnits[unit];
}

// --- element types ---

enum class Element { F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64 };

struct Dtype {
    Element element = Element::F32;
    int size = 4;
    bool swap = false;
};

Dtype parse_dtype(const Place& place, std::int64_t offset, std::string_view descr) {
    const auto refuse = [&](const char* kind) {
        place.fail(ErrorCode::Type, offset, "dtype '" + detail::excerpt(descr) + "' is " + kind,
                   "save a numeric array: array.astype(numpy.float32)");
    };
    std::string_view code = descr;
    char order = '=';
    if (!code.empty() && (code[0] == '<' || code[0] == '>' || code[0] == '|' || code[0] == '=')) {
        order = code[0];
        code.remove_prefix(1);
    }
    if (code.empty()) refuse("not known");
    switch (code[0]) {
        case 'O': refuse("a Python object (a pickle), which is never loaded"); break;
        case 'S':
        case 'a': refuse("a byte string"); break;
        case 'U': refuse("text"); break;
        case 'V': refuse("structured or void"); break;
        case 'M':
        case 'm': refuse("a date or a duration"); break;
        case 'c': refuse("complex"); break;
        case 'b': refuse("boolean"); break;
        default: break;
    }
    struct Known {
        std::string_view code;
        Element element;
        int size;
    };
    static constexpr Known kKnown[] = {
        {"f2", Element::F16, 2}, {"f4", Element::F32, 4}, {"f8", Element::F64, 8}, {"i1", Element::I8, 1},
        {"i2", Element::I16, 2}, {"i4", Element::I32, 4}, {"i8", Element::I64, 8}, {"u1", Element::U8, 1},
        {"u2", Element::U16, 2}, {"u4", Element::U32, 4}, {"u8", Element::U64, 8}};
    for (const Known& known : kKnown) {
        if (code != known.code) continue;
        if (order == '|' && known.size > 1) refuse("without a byte order");
        constexpr bool kLittle = std::endian::native == std::endian::little;
        const bool swap = known.size > 1 && ((order == '<' && !kLittle) || (order == '>' && kLittle));
        return {known.element, known.size, swap};
    }
    refuse("not supported");
    return {};
}

template <class T>
T load(const char* bytes, bool swap) noexcept {
    char raw[sizeof(T)];
    std::memcpy(raw, bytes, sizeof(T));
    if (swap) std::reverse(raw, raw + sizeof(T));
    T value;
    std::memcpy(&value, raw, sizeof(T));
    return value;
}

template <class T>
void convert_as(const char* bytes, std::int64_t count, bool swap, float* out) {
    constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<T>(bytes + i * kSize, swap));
}

/// Converts `count` elements; returns the first whose finite value does not fit float32, or -1.
std::int64_t convert(const Dtype& dtype, const char* bytes, std::int64_t count, float* out) {
    switch (dtype.element) {
        case Element::F16:
            for (std::int64_t i = 0; i < count; ++i) {
                out[i] = detail::half_to_float(load<std::uint16_t>(bytes + 2 * i, dtype.swap));
            }
            break;
        case Element::F32: convert_as<float>(bytes, count, dtype.swap, out); break;
        case Element::F64:
            for (std::int64_t i = 0; i < count; ++i) {
                const double value = load<double>(bytes + 8 * i, dtype.swap);
                // The conversion of a finite value out of range is undefined, and would be an infinity in
                // practice.
                if (std::isfinite(value) &&
                    std::abs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
                    return i;
                }
                out[i] = static_cast<float>(value);
            }
            break;
        case Element::I8: convert_as<std::int8_t>(bytes, count, false, out); break;
        case Element::I16: convert_as<std::int16_t>(bytes, count, dtype.swap, out); break;
        case Element::I32: convert_as<std::int32_t>(bytes, count, dtype.swap, out); break;
        case Element::I64: convert_as<std::int64_t>(bytes, count, dtype.swap, out); break;
        case Element::U8: convert_as<std::uint8_t>(bytes, count, false, out); break;
        case Element::U16: convert_as<std::uint16_t>(bytes, count, dtype.swap, out); break;
        case Element::U32: convert_as<std::uint32_t>(bytes, count, dtype.swap, out); break;
        case Element::U64: convert_as<std::uint64_t>(bytes, count, dtype.swap, out); break;
    }
    return -1;
}

// --- the header ---

struct Header {
    Dtype dtype;
    bool fortran = false;
    std::vector<std::int64_t> shape;
    std::int64_t end = 0;  // offset of the first element
};

/// Parser of the one kind of Python literal that an .npy header may be: a dict of three known keys.
class HeaderParser {
public:
    HeaderParser(const Place& place, std::string_view text, std::int64_t offset)
        : place_(place), text_(text), offset_(offset) {}

    void parse(Header& header) {
        bool has_descr = false;
        bool has_order = false;
        bool has_shape = false;
        const auto once = [this](bool& seen, const char* key) {
            if (std::exchange(seen, true)) bad(std::string("repeated key '") + key + "'");
        };
        expect('{');
        while (peek() != '}') {
            const std::string_view key = quoted("a key");
            expect(':');
            if (key == "descr") {
                once(has_descr, "descr");
                if (peek() == '[' || peek() == '(') {
                    place_.fail(ErrorCode::Type, here(), "the dtype is structured",
                                "save a numeric array: array.astype(numpy.float32)");
                }
                const std::int64_t at = here();
                header.dtype = parse_dtype(place_, at, quoted("a dtype"));
            } else if (key == "fortran_order") {
                once(has_order, "fortran_order");
                header.fortran = boolean();
            } else if (key == "shape") {
                once(has_shape, "shape");
                header.shape = tuple();
            } else {
                bad("unknown key '" + detail::excerpt(key) + "'");
            }
            if (peek() != '}') expect(',');
        }
        expect('}');
        skip_space();
        if (at_ != text_.size()) bad("text after the dictionary");
        if (!has_descr) bad("key 'descr' is missing");
        if (!has_order) bad("key 'fortran_order' is missing");
        if (!has_shape) bad("key 'shape' is missing");
    }

private:
    std::int64_t here() const { return offset_ + static_cast<std::int64_t>(at_); }
    [[noreturn]] void bad(const std::string& what) const {
        place_.fail(ErrorCode::Format, here(), "bad .npy header: " + what,
                    "write the file again with numpy.save");
    }
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    }
    char peek() {
        skip_space();
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    void expect(char c) {
        if (peek() != c) bad(std::string("expected '") + c + "'");
        ++at_;
    }
    std::string_view quoted(const char* what) {
        const char quote = peek();
        if (quote != '\'' && quote != '"') bad(std::string("expected ") + what + " in quotes");
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) bad("unclosed quote");
        const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
        if (value.find('\\') != std::string_view::npos) bad("escape in a string");
        at_ = end + 1;
        return value;
    }
    bool boolean() {
        skip_space();
        for (const auto& [word, value] :
             {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return value;
            }
        }
        bad("fortran_order must be True or False");
    }
    std::vector<std::int64_t> tuple() {
        if (peek() != '(') bad("bad shape: expected a tuple of whole numbers");
        ++at_;
        std::vector<std::int64_t> values;
        bool comma = false;
        while (peek() != ')') {
            if (!values.empty() && !comma) bad("bad shape: expected ',' or ')'");
            if (values.size() == 64) bad("bad shape: more than 64 dimensions");
            std::int64_t value = 0;
            std::size_t digits = 0;
            for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
                const int digit = text_[at_] - '0';
                if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) {
                    bad("bad shape: a dimension does not fit 64 bits");
                }
                value = value * 10 + digit;
            }
            if (digits == 0) bad("bad shape: dimensions are whole numbers of 0 or more");
            if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote them
            values.push_back(value);
            comma = peek() == ',';
            if (comma) ++at_;
        }
        if (values.size() == 1 && !comma) bad("bad shape: a number in parentheses is not a tuple");
        ++at_;
        return values;
    }

    const Place& place_;
    std::string_view text_;
    std::int64_t offset_;
    std::size_t at_ = 0;
};

/// What a file of another kind is, and how to convert it.
std::optional<std::pair<std::string, std::string>> foreign_format(std::string_view start) {
    struct Known {
        std::string_view magic;
        const char* name;
        const char* recipe;
    };
    using namespace std::string_view_literals;
    static constexpr Known kKnown[] = {
        {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file",
         "convert it: numpy.save('x.npy', h5py.File(path)['name'][:])"},
        {"\x1f\x8b"sv, "gzip-compressed", "decompress it first: gunzip"},
        {"(\xb5\x2f\xfd"sv, "zstd-compressed", "decompress it first: unzstd"},
        {"BZh"sv, "bzip2-compressed", "decompress it first: bunzip2"},
        {"PAR1"sv, "a Parquet file",
         "convert it: numpy.save('x.npy', numpy.stack(pandas.read_parquet(path)['name']))"},
        {"ARROW1"sv, "an Arrow file",
         "convert it: numpy.save('x.npy', numpy.stack(pandas.read_feather(path)['name']))"},
        {"\x80\x02"sv, "a pickle, which is never loaded", "load it where you trust it, then numpy.save"},
        {"\x80\x03"sv, "a pickle, which is never loaded", "load it where you trust it, then numpy.save"},
        {"\x80\x04"sv, "a pickle, which is never loaded", "load it where you trust it, then numpy.save"},
        {"\x80\x05"sv, "a pickle, which is never loaded", "load it where you trust it, then numpy.save"},
    };
    for (const Known& known : kKnown) {
        if (start.starts_with(known.magic))
            return std::pair<std::string, std::string>{known.name, known.recipe};
    }
    return std::nullopt;
}

Header read_header(const Place& place, detail::ByteSource& source) {
    std::string start(static_cast<std::size_t>(std::min<std::int64_t>(source.size(), 8)), '\0');
    source.read(start.data(), start.size());
    if (const auto foreign = foreign_format(start)) {
        place.fail(ErrorCode::Format, 0, "not a .npy file but " + foreign->first, foreign->second);
    }
    if (source.size() < 10) {
        place.fail(ErrorCode::Format, 0,
                   "empty or truncated .npy: " + std::to_string(source.size()) +
                       " bytes, its header needs at least 10",
                   "write or download the file again");
    }
    if (!start.starts_with(kMagic))
        place.fail(ErrorCode::Format, 0, "not a .npy file", "write it with numpy.save");
    const int major = static_cast<unsigned char>(start[6]);
    const int minor = static_cast<unsigned char>(start[7]);
    if (major < 1 || major > 3 || minor != 0) {
        place.fail(ErrorCode::Format, 6,
                   ".npy version " + std::to_string(major) + "." + std::to_string(minor) + " is not known",
                   "versions 1.0, 2.0 and 3.0 are");
    }
    const int length_bytes = major == 1 ? 2 : 4;
    unsigned char length_field[4] = {};
    if (source.size() < 8 + length_bytes) place.fail(ErrorCode::Format, 8, "truncated .npy header");
    source.read(length_field, static_cast<std::size_t>(length_bytes));
    const std::int64_t length = std::int64_t{length_field[0]} | std::int64_t{length_field[1]} << 8 |
                                std::int64_t{length_field[2]} << 16 | std::int64_t{length_field[3]} << 24;
    const std::int64_t text_start = 8 + length_bytes;
    if (length > source.size() - text_start || length > kMaxHeader) {
        place.fail(ErrorCode::Format, 8,
                   "the .npy header claims " + std::to_string(length) + " bytes, " +
                       std::to_string(source.size() - text_start) + " follow",
                   length > kMaxHeader ? "at most 1 MiB is read" : "write or download the file again");
    }
    std::string text(static_cast<std::size_t>(length), '\0');
    source.read(text.data(), text.size());
    Header header;
    header.end = text_start + length;
    HeaderParser(place, text, text_start).parse(header);
    return header;
}

// --- the array ---

struct Extent {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
    std::string text;
    for (const std::int64_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text;
}

/// Holds the shape against the bytes that are there and against the budget, before anything is allocated.
Extent check_extent(const Place& place, const Header& header, const detail::ByteSource& source,
                    const NpyOptions& options) {
    if (header.shape.empty() || header.shape.size() > 2) {
        place.fail(ErrorCode::Shape, -1,
                   "the array has " + std::to_string(header.shape.size()) + " dimensions" +
                       (header.shape.empty() ? "" : " (" + shape_text(header.shape) + ")"),
                   "reshape it to (rows, columns)");
    }
    const Extent extent{header.shape[0], header.shape.size() == 2 ? header.shape[1] : 1};
    if (extent.cols == 0)
        place.fail(ErrorCode::Shape, -1, "the array has no columns", "give every row its vector");
    std::int64_t count = 0;
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(extent.rows, extent.cols, &count) ||
        __builtin_mul_overflow(count, std::int64_t{std::max(header.dtype.size, 4)}, &bytes)) {
        place.fail(ErrorCode::Format, -1,
                   "bad shape: " + shape_text(header.shape) + " values do not fit 64 bits");
    }
    const std::int64_t promised = count * header.dtype.size;
    const std::int64_t present = source.size() - header.end;
    const std::string claim = "the header says " + readable_bytes(static_cast<double>(promised)) + " (" +
                              shape_text(header.shape) + " values of " + std::to_string(header.dtype.size) +
                              " bytes = " + std::to_string(promised) + " bytes), " + std::to_string(present) +
                              " bytes follow it";
    if (present < promised)
        place.fail(ErrorCode::Format, header.end, "truncated .npy: " + claim,
                   "write or download the file again");
    if (present > promised && !options.allow_trailing) {
        place.fail(ErrorCode::Format, header.end + promised, "bytes after the array: " + claim,
                   "pass allow_trailing if that is intended");
    }
    if (count > options.max_bytes / 4) {
        place.fail(ErrorCode::Memory, -1,
                   "the array needs " + readable_bytes(4.0 * static_cast<double>(count)) + ", the limit is " +
                       readable_bytes(static_cast<double>(options.max_bytes)),
                   "raise max_bytes");
    }
    return extent;
}

/// Reads elements in file order and hands out blocks of them as float32.
class ElementReader {
public:
    ElementReader(const Place& place, detail::ByteSource& source, const Header& header, Extent extent)
        : place_(place), source_(source), header_(header), extent_(extent) {}

    void read(std::int64_t count, float* out) {
        const std::int64_t block = kBlockBytes / header_.dtype.size;
        buffer_.resize(static_cast<std::size_t>(std::min(count, block) * header_.dtype.size));
        while (count > 0) {
            const std::int64_t take = std::min(count, block);
            source_.read(buffer_.data(), static_cast<std::size_t>(take * header_.dtype.size));
            const std::int64_t unfit = convert(header_.dtype, buffer_.data(), take, out);
            if (unfit >= 0) too_large(unfit);
            position_ += take;
            out += take;
            count -= take;
        }
    }

private:
    [[noreturn]] void too_large(std::int64_t index) const {
        const std::int64_t flat = position_ + index;
        const std::int64_t row = header_.fortran ? flat % extent_.rows : flat / extent_.cols;
        const std::int64_t col = header_.fortran ? flat / extent_.rows : flat % extent_.cols;
        const double value = load<double>(buffer_.data() + 8 * index, header_.dtype.swap);
        place_.fail(ErrorCode::Format, header_.end + flat * header_.dtype.size,
                    "the value " + to_text(value) + " in row " + std::to_string(row) + ", column " +
                        std::to_string(col) + " does not fit float32",
                    "rescale the array");
    }

    const Place& place_;
    detail::ByteSource& source_;
    const Header& header_;
    Extent extent_;
    std::int64_t position_ = 0;
    std::vector<char> buffer_;
};

Matrix<float> read_array(const Place& place, detail::ByteSource& source, const NpyOptions& options) {
    const Header header = read_header(place, source);
    const Extent extent = check_extent(place, header, source, options);
    Matrix<float> values;
    try {
        values = Matrix<float>(extent.rows, extent.cols);
    } catch (const std::bad_alloc&) {
        place.fail(ErrorCode::Memory, -1,
                   "no memory for " + readable_bytes(4.0 * static_cast<double>(extent.rows) *
                                                     static_cast<double>(extent.cols)),
                   "read it in parts");
    }
    ElementReader reader(place, source, header, extent);
    if (!header.fortran || extent.cols == 1) {
        reader.read(extent.rows * extent.cols, values.data());
    } else if (extent.rows > 0) {
        const std::int64_t fit = kFortranBytes / 4 / extent.rows;
        const std::int64_t group = std::clamp<std::int64_t>(fit, 1, std::min(kFortranColumns, extent.cols));
        std::vector<float> columns(static_cast<std::size_t>(group * extent.rows));
        for (std::int64_t first = 0; first < extent.cols; first += group) {
            const std::int64_t count = std::min(group, extent.cols - first);
            reader.read(count * extent.rows, columns.data());
            for (std::int64_t i = 0; i < extent.rows; ++i) {
                float* row = values.row_data(i) + first;
                for (std::int64_t j = 0; j < count; ++j) {
                    row[j] = columns[static_cast<std::size_t>(j * extent.rows + i)];
                }
            }
        }
    }
    source.finish();
    return values;
}

// --- .npz ---

std::string_view array_name(std::string_view member) {
    if (member.ends_with(".npy")) member.remove_suffix(4);
    return member;
}

std::vector<detail::ZipMember> array_members(const FileReader& file) {
    std::vector<detail::ZipMember> arrays;
    bool pickle = false;
    for (detail::ZipMember& member : detail::zip_directory(file)) {
        pickle = pickle || member.name.ends_with(".pkl");
        if (member.name.ends_with(".npy")) arrays.push_back(std::move(member));
    }
    if (arrays.empty()) {
        Place{file.path(), {}, 0}.fail(
            ErrorCode::Format, 0,
            pickle ? "a zip of pickles (a PyTorch file?), which are never loaded"
                   : "no array in the zip file",
            pickle ? "load it where you trust it, then numpy.save" : "write it with numpy.savez");
    }
    return arrays;
}

std::string list_names(const std::vector<detail::ZipMember>& members) {
    constexpr std::size_t kListed = 20;
    std::string text;
    for (std::size_t i = 0; i < std::min(members.size(), kListed); ++i) {
        detail::append_item(text, detail::excerpt(array_name(members[i].name)));
    }
    if (members.size() > kListed) text += " and " + std::to_string(members.size() - kListed) + " more";
    return text;
}

const detail::ZipMember& choose_member(const FileReader& file, const std::vector<detail::ZipMember>& members,
                                       const std::string& wanted) {
    const Place place{file.path(), {}, 0};
    if (wanted.empty()) {
        if (members.size() == 1) return members.front();
        place.fail(ErrorCode::InvalidArgument, -1,
                   "member: not given, and the file has " + std::to_string(members.size()) + " arrays",
                   "choose one of: " + list_names(members));
    }
    const detail::ZipMember* found = nullptr;
    for (const detail::ZipMember& member : members) {
        if (array_name(member.name) != wanted && member.name != wanted) continue;
        if (found != nullptr)
            place.fail(ErrorCode::Format, member.header_offset,
                       "two members are called '" + detail::excerpt(wanted) + "'");
        found = &member;
    }
    if (found == nullptr) {
        place.fail(ErrorCode::InvalidArgument, -1,
                   "member: no array is called '" + detail::excerpt(wanted) + "'",
                   "choose one of: " + list_names(members));
    }
    return *found;
}

bool is_zip(const FileReader& file) {
    if (file.size() < 4) return false;
    char start[4];
    file.read_at(0, start, sizeof start);
    const std::string_view magic(start, sizeof start);
    return magic == std::string_view("PK\x03\x04", 4) || magic == std::string_view("PK\x05\x06", 4);
}

// --- writing ---

std::string npy_header(const char* descr, std::int64_t rows, std::int64_t cols) {
    std::string text = "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(cols) + "), }";
    // The array starts at a multiple of 64 bytes, as NumPy writes it.
    text.append(63 - (10 + text.size()) % 64, ' ');
    text += '\n';
    std::string header(kMagic);
    header += std::string("\x01\x00", 2);
    header += static_cast<char>(text.size() & 255);
    header += static_cast<char>(text.size() >> 8);
    return header + text;
}

/// Writes rows through `encode(value, row, column) -> integer word`, little-endian.
template <class Word, class Encode>
void write_rows(const std::string& path, const char* descr, MatrixView<const float> values, Encode encode) {
    AtomicFile file(path);
    file.write(npy_header(descr, values.rows, values.cols));
    std::string buffer;
    for (std::int64_t i = 0; i < values.rows; ++i) {
        for (std::int64_t j = 0; j < values.cols; ++j) {
            const Word word = encode(values(i, j), i, j);
            for (std::size_t b = 0; b < sizeof(Word); ++b) buffer += static_cast<char>(word >> (8 * b) & 255);
        }
        if (static_cast<std::int64_t>(buffer.size()) >= kBlockBytes) {
            file.write(buffer);
            buffer.clear();
        }
    }
    file.write(buffer);
    file.commit();
}

}  // namespace

Matrix<float> read_npy(const std::string& path, const NpyOptions& options) {
    if (options.max_bytes < 0)
        throw_invalid("read_npy", "max_bytes", "is negative", "use the bytes you can spare");
    const FileReader file(path);
    if (is_zip(file)) {
        const std::vector<detail::ZipMember> members = array_members(file);
        const detail::ZipMember& member = choose_member(file, members, options.member);
        const auto source = detail::open_member(file, member);
        return read_array(Place{path, std::string(array_name(member.name)), source->file_offset()}, *source,
                          options);
    }
    if (!options.member.empty()) {
        Place{path, {}, 0}.fail(
            ErrorCode::InvalidArgument, -1,
            "member: is '" + detail::excerpt(options.member) + "', but this is not a .npz file",
            "leave it empty");
    }
    const auto source = detail::open_plain(file);
    return read_array(Place{path, {}, 0}, *source, options);
}

std::vector<std::string> npz_members(const std::string& path) {
    const FileReader file(path);
    if (!is_zip(file))
        Place{path, {}, 0}.fail(ErrorCode::Format, 0, "not a .npz file", "write it with numpy.savez");
    std::vector<std::string> names;
    for (const detail::ZipMember& member : array_members(file)) names.emplace_back(array_name(member.name));
    return names;
}

void write_npy(const std::string& path, MatrixView<const float> values) {
    write_rows<std::uint32_t>(path, "<f4", values, [](float value, std::int64_t, std::int64_t) {
        return std::bit_cast<std::uint32_t>(value);
    });
}

void write_npy_float16(const std::string& path, MatrixView<const float> values) {
    write_rows<std::uint16_t>(path, "<f2", values, [](float value, std::int64_t row, std::int64_t col) {
        const std::uint16_t half = detail::float_to_half(value);
        if ((half & 0x7FFF) == 0x7C00 && std::isfinite(value)) {
            throw_invalid(
                "write_npy_float16", "values",
                "row " + std::to_string(row) + ", column " + std::to_string(col) + " is " + to_text(value),
                "float16 ends at 65504: rescale, or write float32");
        }
        return half;
    });
}

}  // namespace filmatlas
