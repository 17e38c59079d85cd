// SPDX-License-Identifier: MIT
// npy.hpp
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "filmatlas/core/random.hpp"
#include "filmatlas/core/utf8.hpp"
#include "filmatlas/io/files.hpp"
#include "filmatlas/io/npy.hpp"
#include "io/support.hpp"

using namespace filmatlas;
using filmatlas_test::error_of;
using filmatlas_test::message_of;
using filmatlas_test::TempDir;
using filmatlas_test::throws_error;

namespace {

std::string header(const std::string& dict, int major = 1, std::string magic = "\x93NUMPY") {
    std::string text = dict + "\n";
    std::string out = std::move(magic);
    out += static_cast<char>(major);
    out += '\0';
    for (int i = 0; i < (major == 1 ? 2 : 4); ++i) out += static_cast<char>(text.size() >> (8 * i) & 255);
    return out + text;
}

std::string dict(const std::string& descr, const std::string& shape, bool fortran = false) {
    return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
           ", 'shape': " + shape + ", }";
}

template <class T>
std::string raw(const std::vector<T>& values, bool swap = false) {
    std::string out;
    for (const T value : values) {
        char bytes[sizeof(T)];
        std::memcpy(bytes, &value, sizeof(T));
        if (swap) std::reverse(bytes, bytes + sizeof(T));
        out.append(bytes, sizeof(T));
    }
    return out;
}

/// One member of a zip file made by hand; the fields that tests falsify are parameters.
struct ZipEntry {
    std::string name;
    std::string data;
    bool deflate = false;
    bool encrypted = false;
    bool zip64 = false;
    bool bad_crc = false;
    std::int64_t claimed_size = -1;
};

std::string little(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 255);
    return out;
}

std::string deflated(const std::string& data) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(compressBound(static_cast<uLong>(data.size())) + 64, '\0');
    std::string input = data;
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zip(const std::vector<ZipEntry>& entries) {
    std::string out;
    std::string directory;
    for (const ZipEntry& entry : entries) {
        const std::string body = entry.deflate ? deflated(entry.data) : entry.data;
        std::uint64_t crc = ::crc32(0, reinterpret_cast<const Bytef*>(entry.data.data()),
                                    static_cast<uInt>(entry.data.size()));
        if (entry.bad_crc) crc ^= 1;
        const std::uint64_t size =
            entry.claimed_size < 0 ? entry.data.size() : static_cast<std::uint64_t>(entry.claimed_size);
        const std::size_t offset = out.size();
        const std::string common = little(entry.encrypted ? 1 : 0, 2) + little(entry.deflate ? 8 : 0, 2) +
                                   little(0, 4) + little(crc, 4);
        const std::string sizes = entry.zip64 ? little(0xFFFFFFFF, 4) + little(0xFFFFFFFF, 4)
                                              : little(body.size(), 4) + little(size, 4);
        const std::string extra =
            entry.zip64 ? little(1, 2) + little(16, 2) + little(size, 8) + little(body.size(), 8) : "";
        const std::string lengths = little(entry.name.size(), 2) + little(extra.size(), 2);
        out += little(0x04034b50, 4) + little(20, 2) + common + sizes + lengths + entry.name + extra + body;
        directory += little(0x02014b50, 4) + little(20, 2) + little(20, 2) + common + sizes + lengths +
                     little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(offset, 4) +
                     entry.name + extra;
    }
    const std::size_t start = out.size();
    out += directory;
    return out + little(0x06054b50, 4) + little(0, 4) + little(entries.size(), 2) +
           little(entries.size(), 2) + little(directory.size(), 4) + little(start, 4) + little(0, 2);
}

/// Not AtomicFile: its syncs would make thousands of small files slow.
void put(const std::string& path, const std::string& bytes) {
    std::remove(path.c_str());  // truncating an existing file makes some file systems wait for the disk
    FILE* file = std::fopen(path.c_str(), "wb");
    REQUIRE(file != nullptr);
    CHECK(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    std::fclose(file);
}

/// Writes the bytes and reads them as an array.
struct Fixture {
    TempDir dir;
    Matrix<float> read(const std::string& bytes, const NpyOptions& options = {}) const {
        put(dir / "a", bytes);
        return read_npy(dir / "a", options);
    }
    template <class... Texts>
    bool refuses(ErrorCode code, const std::string& bytes, const Texts&... texts) const {
        const auto attempt = [&] { read(bytes); };
        const bool ok = throws_error(code, attempt, texts...);
        if (!ok) MESSAGE(message_of(attempt));
        return ok;
    }
};

const std::string kGood = header(dict("<f4", "(2, 3)")) + raw(std::vector<float>{1, 2, 3, 4, 5, 6});

}  // namespace

TEST_CASE_FIXTURE(Fixture, "npy: all numeric types, both byte orders, both layouts give the same matrix") {
    const std::vector<int> c_order = {0, 1, 2, 3, 4, 5};
    const std::vector<int> f_order = {0, 3, 1, 4, 2, 5};
    const auto check = [&]<class T>(T, const std::string& code) {
        for (const bool swap : {false, true}) {
            for (const bool fortran : {false, true}) {
                const auto& order = fortran ? f_order : c_order;
                const std::string bytes = header(dict((swap ? ">" : "<") + code, "(2, 3)", fortran)) +
                                          raw(std::vector<T>(order.begin(), order.end()), swap);
                const Matrix<float> m = read(bytes);
                REQUIRE(m.rows() == 2);
                REQUIRE(m.cols() == 3);
                CHECK(m.values() == std::vector<float>{0, 1, 2, 3, 4, 5});
            }
        }
    };
    static_assert(std::endian::native == std::endian::little);
    check(float{}, "f4");
    check(double{}, "f8");
    check(std::int16_t{}, "i2");
    check(std::int32_t{}, "i4");
    check(std::int64_t{}, "i8");
    check(std::uint16_t{}, "u2");
    check(std::uint32_t{}, "u4");
    check(std::uint64_t{}, "u8");
    CHECK(read(header(dict("|i1", "(3,)")) + raw(std::vector<std::int8_t>{-128, 0, 127})).values() ==
          std::vector<float>{-128, 0, 127});
    CHECK(read(header(dict("|u1", "(1, 2)")) + std::string("\x00\xFF", 2)).values() ==
          std::vector<float>{0, 255});
    // 1.0, -2.0, 65504, 2^-24, infinity
    CHECK(read(header(dict("<f2", "(5, 1)")) +
               raw(std::vector<std::uint16_t>{0x3C00, 0xC000, 0x7BFF, 1, 0x7C00}))
              .values() == std::vector<float>{1, -2, 65504, 0x1p-24F, INFINITY});
}

TEST_CASE_FIXTURE(Fixture, "npy: versions 1 to 3, one dimension, no rows, Python 2 shapes") {
    for (const int major : {1, 2, 3}) {
        CHECK(read(header(dict("<f4", "(1, 2)"), major) + raw(std::vector<float>{7, 8})).values() ==
              std::vector<float>{7, 8});
    }
    const Matrix<float> column = read(header(dict("<f4", "(2,)")) + raw(std::vector<float>{7, 8}));
    CHECK(column.rows() == 2);
    CHECK(column.cols() == 1);
    const Matrix<float> none = read(header(dict("<f8", "(0, 384)")));
    CHECK(none.rows() == 0);
    CHECK(none.cols() == 384);
    CHECK(read(header("{\"shape\":(2L,1L),\"fortran_order\":False,\"descr\":\"<f4\"}") +
               raw(std::vector<float>{1, 2}))
              .rows() == 2);
}

TEST_CASE_FIXTURE(Fixture, "npy: truncated and foreign files are named") {
    CHECK(refuses(ErrorCode::Format, "", "empty or truncated .npy: 0 bytes", "at least 10"));
    CHECK(refuses(ErrorCode::Format, "\x93NUMPY", "6 bytes"));
    CHECK(refuses(ErrorCode::Format, kGood.substr(0, 8), "8 bytes"));
    CHECK(refuses(ErrorCode::Format, "hello world, this is text", "not a .npy file"));
    CHECK(refuses(ErrorCode::Format, "\x80\x04\x95 pickle bytes", "pickle", "never loaded"));
    CHECK(refuses(ErrorCode::Format, "\x89HDF\r\n\x1a\n        ", "HDF5", "h5py"));
    CHECK(refuses(ErrorCode::Format, "\x1f\x8b\x08 some gzip bytes", "gunzip"));
    CHECK(refuses(ErrorCode::Format, "PAR1............", "Parquet"));
    CHECK(refuses(ErrorCode::Format, header(dict("<f4", "(1, 1)"), 9), "version 9.0", "1.0, 2.0 and 3.0",
                  "byte 6"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_npy(dir.path()); }, "is a directory"));
    CHECK(throws_error(ErrorCode::Io, [&] { read_npy(dir / "absent.npy"); }, "No such file"));
}

TEST_CASE_FIXTURE(Fixture, "npy: header lengths are held against the file") {
    std::string bytes = kGood;
    bytes[8] = bytes[9] = '\xFF';
    CHECK(refuses(ErrorCode::Format, bytes, "claims 65535 bytes", "byte 8"));
    std::string huge = header(dict("<f4", "(1, 1)"), 2) + raw(std::vector<float>{1});
    for (int i = 8; i < 12; ++i) huge[static_cast<std::size_t>(i)] = '\xFF';
    CHECK(refuses(ErrorCode::Format, huge, "claims 4294967295 bytes"));
    CHECK(refuses(ErrorCode::Format, huge.substr(0, 11), "truncated .npy header"));
}

TEST_CASE_FIXTURE(Fixture, "npy: the header is parsed strictly") {
    const std::string body = raw(std::vector<float>{1, 2, 3, 4});
    for (const char* shape :
         {"(-1, 4)", "(True, 4)", "(1.0, 4)", "(1, 4", "1, 4", "[1, 4]", "(1 4)", "(4)", "(1, , 4)",
          "('1', 4)", "(99999999999999999999, 4)", "(0x1, 4)", "(,)", "None"}) {
        CHECK(refuses(ErrorCode::Format, header(dict("<f4", shape)) + body, "bad", "byte"));
    }
    CHECK(refuses(ErrorCode::Format, header(dict("<f4", std::string(60000, '(') + ")")) + body, "bad shape"));
    for (const char* text : {
             "{'descr': '<f4', 'fortran_order': False, }",
             "{'descr': '<f4', 'shape': (2, 2), }",
             "{'fortran_order': False, 'shape': (2, 2), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'shape': (2, 2), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'extra': 1, }",
             "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 2), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), } garbage",
             "{'descr': '<\\x664', 'fortran_order': False, 'shape': (2, 2), }",
             "{'descr': \"<f4', 'fortran_order': False, 'shape': (2, 2), }",
             "__import__('os').system('true')",
             "{'descr' '<f4', 'fortran_order': False, 'shape': (2, 2), }",
             "",
         }) {
        CHECK(refuses(ErrorCode::Format, header(text) + body, "bad .npy header", "byte"));
    }
}

TEST_CASE_FIXTURE(Fixture, "npy: sizes are checked before memory is asked for") {
    CHECK(refuses(ErrorCode::Format, header(dict("<f4", "(4294967296, 4294967296)")),
                  "4294967296 x 4294967296"));
    CHECK(refuses(ErrorCode::Format, header(dict("<f8", "(2305843009213693952, 1)")), "do not fit 64 bits"));
    CHECK(refuses(ErrorCode::Format, header(dict("<f4", "(1000000000000, 1)")) + std::string(48, 'x'),
                  "the header says 3.6 TiB", "48 bytes follow"));
    CHECK(refuses(ErrorCode::Format, kGood.substr(0, kGood.size() - 1), "truncated", "23 bytes follow"));
    CHECK(refuses(ErrorCode::Format, kGood + "x", "bytes after the array", "allow_trailing"));
    NpyOptions trailing;
    trailing.allow_trailing = true;
    CHECK(read(kGood + "x", trailing).rows() == 2);
    NpyOptions budget;
    budget.max_bytes = 20;
    CHECK(throws_error(ErrorCode::Memory, [&] { read(kGood, budget); }, "max_bytes"));
    budget.max_bytes = 24;
    CHECK(read(kGood, budget).rows() == 2);
}

TEST_CASE_FIXTURE(Fixture, "npy: shapes that are no matrix") {
    CHECK(refuses(ErrorCode::Shape, header(dict("<f4", "()")) + raw(std::vector<float>{1}), "0 dimensions"));
    CHECK(refuses(ErrorCode::Shape, header(dict("<f4", "(1, 1, 1)")) + raw(std::vector<float>{1}),
                  "(1 x 1 x 1)", "reshape"));
    CHECK(refuses(ErrorCode::Shape, header(dict("<f4", "(1000000000000000, 0)")), "no columns"));
}

TEST_CASE_FIXTURE(Fixture, "npy: other dtypes are refused by name") {
    for (const auto& [descr, name] :
         std::vector<std::pair<std::string, std::string>>{{"|O", "never loaded"},
                                                          {"<U5", "text"},
                                                          {"|S3", "byte string"},
                                                          {"|V8", "void"},
                                                          {"<M8[ns]", "date"},
                                                          {"<m8", "duration"},
                                                          {"<c8", "complex"},
                                                          {"|b1", "boolean"},
                                                          {"<f16", "not supported"},
                                                          {"|f4", "byte order"},
                                                          {"<f3", "not supported"},
                                                          {"", "not known"},
                                                          {"<", "not known"},
                                                          {"f", "not supported"}}) {
        CHECK(refuses(ErrorCode::Type, header(dict(descr, "(1, 1)")) + std::string(16, '\0'), name, "byte"));
    }
    CHECK(refuses(ErrorCode::Type,
                  header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1), }") + "1234",
                  "structured"));
}

TEST_CASE_FIXTURE(Fixture,
                  "npy: a double beyond float32 is refused with row and column; NaN and infinities pass") {
    std::vector<double> values(12, 1.0);
    values[7] = 1e39;
    CHECK(
        refuses(ErrorCode::Format, header(dict("<f8", "(4, 3)")) + raw(values), "1e+39", "row 2, column 1"));
    CHECK(refuses(ErrorCode::Format, header(dict(">f8", "(4, 3)", true)) + raw(values, true), "1e+39",
                  "row 3, column 1"));
    const Matrix<float> kept =
        read(header(dict("<f8", "(1, 4)")) +
             raw(std::vector<double>{NAN, INFINITY, -INFINITY, 3.4028234663852886e38}));
    CHECK(std::isnan(kept(0, 0)));
    CHECK(kept(0, 1) == INFINITY);
    CHECK(kept(0, 2) == -INFINITY);
    CHECK(kept(0, 3) == std::numeric_limits<float>::max());
}

TEST_CASE_FIXTURE(Fixture, "npy: arrays larger than a block, in both layouts") {
    const std::int64_t rows = 3001;
    const std::int64_t cols = 53;
    std::vector<double> c_order;
    std::vector<double> f_order;
    for (std::int64_t i = 0; i < rows * cols; ++i) c_order.push_back(static_cast<double>(i % 9973) / 8);
    for (std::int64_t j = 0; j < cols; ++j) {
        for (std::int64_t i = 0; i < rows; ++i)
            f_order.push_back(c_order[static_cast<std::size_t>(i * cols + j)]);
    }
    const std::vector<float> expected(c_order.begin(), c_order.end());
    CHECK(read(header(dict("<f8", "(3001, 53)")) + raw(c_order)).values() == expected);
    CHECK(read(header(dict("<f8", "(3001, 53)", true)) + raw(f_order)).values() == expected);
    const std::string packed = zip({{"x.npy", header(dict("<f8", "(3001, 53)", true)) + raw(f_order), true}});
    CHECK(packed.size() < 1000000);
    CHECK(read(packed).values() == expected);
}

TEST_CASE_FIXTURE(Fixture, "npy: written arrays read back equal, strided views too") {
    Matrix<float> values(5, 4);
    for (std::int64_t i = 0; i < 20; ++i)
        values.values()[static_cast<std::size_t>(i)] = static_cast<float>(i) / 3;
    write_npy(dir / "w.npy", values.view());
    CHECK(read_npy(dir / "w.npy") == values);
    CHECK(read_file(dir / "w.npy").size() % 4 == 0);
    CHECK(read_file(dir / "w.npy").find('\n') % 64 == 63);  // the data start at a multiple of 64 bytes
    write_npy(dir / "s.npy", MatrixView<const float>(values.data() + 1, 5, 2, 4));
    const Matrix<float> part = read_npy(dir / "s.npy");
    CHECK(part.cols() == 2);
    CHECK(part(4, 1) == values(4, 2));
    write_npy(dir / "e.npy", MatrixView<const float>(nullptr, 0, 3));
    CHECK(read_npy(dir / "e.npy").cols() == 3);
    CHECK(throws_error(ErrorCode::Io, [&] { write_npy(dir / "no/w.npy", values.view()); }, "No such file"));
}

TEST_CASE_FIXTURE(Fixture, "npy: float16 rounds to nearest even, and every half survives a round trip") {
    std::vector<std::uint16_t> bits;
    for (int b = 0; b < 65536; ++b) {
        if ((b >> 10 & 31) != 31) bits.push_back(static_cast<std::uint16_t>(b));
    }
    const Matrix<float> decoded =
        read(header(dict("<f2", "(1, " + std::to_string(bits.size()) + ")")) + raw(bits));
    write_npy_float16(dir / "h.npy", decoded.view());
    const std::string bytes = read_file(dir / "h.npy");
    CHECK(bytes.substr(bytes.size() - 2 * bits.size()) == raw(bits));

    // Each float between two neighbouring halves goes to the nearer one; the middle to the even one.
    std::vector<float> between;
    std::vector<float> wanted;
    for (std::size_t i = 0; i + 1 < 0x7BFF; ++i) {
        const float low = decoded.values()[i];
        const float high = decoded.values()[i + 1];
        const float middle = (low + high) / 2;
        between.insert(between.end(), {std::nextafterf(middle, low), middle, std::nextafterf(middle, high)});
        wanted.insert(wanted.end(), {low, i % 2 == 0 ? low : high, high});
    }
    write_npy_float16(dir / "r.npy", MatrixView<const float>(between.data(), std::ssize(between), 1));
    CHECK(read_npy(dir / "r.npy").values() == wanted);
    Matrix<float> large(2, 1, {1, 65519.99F});
    write_npy_float16(dir / "l.npy", large.view());
    CHECK(read_npy(dir / "l.npy")(1, 0) == 65504);
    large(1, 0) = 65520;
    CHECK(throws_error(
        ErrorCode::InvalidArgument, [&] { write_npy_float16(dir / "l.npy", large.view()); },
        "row 1, column 0", "65504"));
    CHECK(read_npy(dir / "l.npy")(1, 0) == 65504);
}

TEST_CASE_FIXTURE(Fixture, "npz: stored, deflated and zip64 members; the choice among several") {
    const std::string other = header(dict("<i4", "(1, 1)")) + raw(std::vector<int>{9});
    for (const bool compress : {false, true}) {
        for (const bool zip64 : {false, true}) {
            const std::string bytes = zip(
                {{"x.npy", kGood, compress, false, zip64}, {"../../y.npy", other, compress, false, zip64}});
            NpyOptions options;
            options.member = "x";
            CHECK(read(bytes, options).values() == std::vector<float>{1, 2, 3, 4, 5, 6});
            options.member = "../../y.npy";
            CHECK(read(bytes, options)(0, 0) == 9);
            CHECK(npz_members(dir / "a") == std::vector<std::string>{"x", "../../y"});
            CHECK(refuses(ErrorCode::InvalidArgument, bytes, "2 arrays", "choose one of: x, ../../y"));
            options.member = "z";
            CHECK(throws_error(
                ErrorCode::InvalidArgument, [&] { read(bytes, options); }, "no array is called 'z'",
                "x, ../../y"));
        }
    }
    CHECK(read(zip({{"only.npy", kGood}, {"notes.txt", "hello"}})).rows() == 2);
    NpyOptions member;
    member.member = "x";
    CHECK(throws_error(ErrorCode::InvalidArgument, [&] { read(kGood, member); }, "not a .npz"));
    CHECK(throws_error(ErrorCode::Format, [&] { npz_members(dir / "a"); }, "not a .npz"));
}

TEST_CASE_FIXTURE(Fixture, "npz: damage and bombs are refused") {
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood, true, true}}), "encrypted"));
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood, true, false, false, true}}), "CRC-32"));
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood, false, false, false, true}}), "CRC-32"));
    CHECK(refuses(ErrorCode::Format, zip({{"archive/data.pkl", "x"}}), "PyTorch"));
    CHECK(refuses(ErrorCode::Format, zip({}), "no array"));
    NpyOptions x;
    x.member = "x";
    CHECK(throws_error(
        ErrorCode::Format, [&] { read(zip({{"x.npy", kGood}, {"x.npy", kGood}}), x); }, "two members"));
    // 100 GB promised by a few bytes, and smaller lies in either direction.
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood, true, false, true, false, 100'000'000'000}}),
                  "more than deflated data can hold"));
    const auto size = static_cast<std::int64_t>(kGood.size());
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood, true, false, false, false, size + 24}}),
                  "bytes after the array"));
    CHECK(refuses(ErrorCode::Format,
                  zip({{"x.npy", header(dict("<f4", "(1, 12)")) + std::string(24, '\0'), true, false, false,
                        false, size + 25}}),
                  "less than"));
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood + "more", true, false, false, false, size}}),
                  "more than the"));
    CHECK(refuses(ErrorCode::Format, zip({{"x.npy", kGood, false, false, false, false, size + 1}}),
                  "promises"));
    const std::string good = zip({{"x.npy", kGood, true}});
    for (std::size_t cut = 4; cut < good.size(); ++cut) {
        if (!error_of([&] { read(good.substr(0, cut)); })) FAIL_CHECK(cut);
    }
}

TEST_CASE_FIXTURE(Fixture, "npy: random changes never crash and never read more than is there") {
    const std::string packed = zip({{"x.npy", kGood, true}, {"y.npy", kGood}});
    RandomStream stream(3, "npy_fuzz");
    int refused = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = round % 2 == 0 ? kGood : packed;
        for (std::uint64_t c = 0; c <= stream.next() % 3; ++c) {
            const std::size_t at = stream.next() % bytes.size();
            if (stream.next() % 8 == 0) {
                bytes.resize(std::max<std::size_t>(at, 1));
            } else {
                bytes[at] = static_cast<char>(stream.next());
            }
        }
        put(dir / "fuzz", bytes);
        NpyOptions options;
        options.member = round % 2 == 0 ? "" : "x";
        options.max_bytes = 1 << 20;
        if (const auto error = error_of([&] { read_npy(dir / "fuzz", options); })) {
            ++refused;
            CHECK(is_valid_utf8(error->what()));
        }
    }
    CHECK(refused > 1500);
    CHECK(refused < 3000);
}
