// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_LINALG_DETAIL_SPARSE_IMPL_HPP
#define FILMATLAS_LINALG_DETAIL_SPARSE_IMPL_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/linalg/sparse.hpp"

namespace filmatlas {
namespace detail {

inline constexpr std::int64_t sparse_grain = 512;  // rows per block of work

/// Two passes over the rows: `count(i)` gives a row's entries, `fill(i, offset)` writes them.
template <class T, class Count, class Fill>
CsrMatrix<T> sparse_build(std::int64_t rows, std::int64_t cols, int num_threads, Count&& count, Fill&& fill) {
    CsrMatrix<T> out;
    out.rows = rows;
    out.cols = cols;
    out.indptr.assign(static_cast<std::size_t>(rows) + 1, 0);
    parallel_for(rows, sparse_grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) out.indptr[static_cast<std::size_t>(i) + 1] = count(i);
    });
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) out.indptr[i + 1] += out.indptr[i];
    out.indices.resize(static_cast<std::size_t>(out.indptr.back()));
    out.values.resize(static_cast<std::size_t>(out.indptr.back()));
    parallel_for(rows, sparse_grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto offset = static_cast<std::size_t>(out.indptr[static_cast<std::size_t>(i)]);
            fill(i, out.indices.data() + offset, out.values.data() + offset);
        }
    });
    return out;
}

/// Calls visit(column, a, b) for the union of two rows, columns ascending.
template <class T, class Visit>
void sparse_merge_rows(const CsrMatrix<T>& a, const CsrMatrix<T>& b, std::int64_t i, Visit&& visit) {
    const auto a_cols = a.row_indices(i);
    const auto b_cols = b.row_indices(i);
    const auto a_values = a.row_values(i);
    const auto b_values = b.row_values(i);
    std::size_t p = 0;
    std::size_t q = 0;
    while (p < a_cols.size() || q < b_cols.size()) {
        if (q == b_cols.size() || (p < a_cols.size() && a_cols[p] < b_cols[q])) {
            visit(a_cols[p], a_values[p], T{0});
            ++p;
        } else if (p == a_cols.size() || b_cols[q] < a_cols[p]) {
            visit(b_cols[q], T{0}, b_values[q]);
            ++q;
        } else {
            visit(a_cols[p], a_values[p], b_values[q]);
            ++p;
            ++q;
        }
    }
}

/// combine(A(i,j), A(j,i)) on the union of the patterns; with `drop_zeros` results equal to 0 are left out.
template <class T, class Combine>
CsrMatrix<T> sparse_with_transpose(const CsrMatrix<T>& a, bool drop_zeros, int num_threads,
                                   Combine&& combine) {
    if (a.rows != a.cols) {
        throw_shape(
            "symmetrize",
            "the matrix has " + std::to_string(a.rows) + " rows and " + std::to_string(a.cols) + " columns",
            "give a square matrix");
    }
    const CsrMatrix<T> b = transpose(a, num_threads);
    const auto count = [&](std::int64_t i) {
        std::int64_t n = 0;
        sparse_merge_rows(a, b, i, [&](Index, T x, T y) { n += !drop_zeros || combine(x, y) != T{0}; });
        return n;
    };
    const auto fill = [&](std::int64_t i, Index* cols, T* values) {
        sparse_merge_rows(a, b, i, [&](Index col, T x, T y) {
            const T value = combine(x, y);
            if (drop_zeros && value == T{0}) return;
            *cols++ = col;
            *values++ = value;
        });
    };
    return sparse_build<T>(a.rows, a.cols, num_threads, count, fill);
}

template <class T, class Scale>
void sparse_scale(CsrMatrix<T>& a, int num_threads, Scale&& scale) {
    parallel_for(a.rows, sparse_grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto first = static_cast<std::size_t>(a.indptr[static_cast<std::size_t>(i)]);
            const auto last = static_cast<std::size_t>(a.indptr[static_cast<std::size_t>(i) + 1]);
            scale(i, a.indices.data() + first, a.values.data() + first, last - first);
        }
    });
}

inline void sparse_check_range(const char* what, std::int64_t begin, std::int64_t end, std::int64_t size) {
    if (0 <= begin && begin <= end && end <= size) return;
    throw_shape(what, "[" + std::to_string(begin) + ", " + std::to_string(end) + ") is not a range within [0, " +
                          std::to_string(size) + ")");
}
inline void sparse_check_ids(const char* what, std::span<const Index> ids, std::int64_t size) {
    for (const Index id : ids) {
        if (id < 0 || id >= size)
            throw_shape(what, "id " + std::to_string(id) + " is outside [0, " + std::to_string(size) + ")");
    }
}

inline void sparse_add_scaled(const Kernels& kernel, double w, const double* x, double* y, std::size_t n) {
    kernel.add_scaled_f64(w, x, y, n);
}
inline void sparse_add_scaled(const Kernels& kernel, float w, const float* x, float* y, std::size_t n) {
    kernel.add_scaled(w, x, y, n);
}

}  // namespace detail

template <class T>
CsrMatrix<T> csr_from_entries(std::int64_t rows, std::int64_t cols, std::vector<SparseEntry<T>> entries) {
    for (const SparseEntry<T>& entry : entries) {
        if (entry.row < 0 || entry.row >= rows || entry.col < 0 || entry.col >= cols) {
            throw_shape("csr_from_entries", "entry (" + std::to_string(entry.row) + ", " +
                                                std::to_string(entry.col) + ") is outside " +
                                                std::to_string(rows) + " x " + std::to_string(cols));
        }
    }
    std::stable_sort(entries.begin(), entries.end(), [](const SparseEntry<T>& a, const SparseEntry<T>& b) {
        return std::pair(a.row, a.col) < std::pair(b.row, b.col);
    });
    CsrMatrix<T> out;
    out.rows = rows;
    out.cols = cols;
    out.indptr.assign(static_cast<std::size_t>(rows) + 1, 0);
    for (std::size_t e = 0; e < entries.size(); ++e) {
        if (e > 0 && entries[e].row == entries[e - 1].row && entries[e].col == entries[e - 1].col) {
            out.values.back() += entries[e].value;
            continue;
        }
        ++out.indptr[static_cast<std::size_t>(entries[e].row) + 1];
        out.indices.push_back(entries[e].col);
        out.values.push_back(entries[e].value);
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) out.indptr[i + 1] += out.indptr[i];
    return out;
}

template <class T>
void validate(const CsrMatrix<T>& a) {
    const auto fail = [](std::int64_t row, std::string what) {
        throw Error(ErrorCode::Format, ErrorContext{"sparse matrix", {}, row, {}, -1}, std::move(what));
    };
    if (a.rows < 0 || a.cols < 0) fail(-1, "negative size");
    if (a.indptr.size() != static_cast<std::size_t>(a.rows) + 1)
        fail(-1, "indptr does not have rows + 1 offsets");
    if (a.indptr.front() != 0 || a.indptr.back() != a.nnz())
        fail(-1, "indptr does not run from 0 to the entries");
    if (a.values.size() != a.indices.size()) fail(-1, "indices and values differ in number");
    for (std::int64_t i = 0; i < a.rows; ++i) {
        const std::int64_t begin = a.indptr[static_cast<std::size_t>(i)];
        const std::int64_t end = a.indptr[static_cast<std::size_t>(i) + 1];
        if (begin > end || end > a.nnz()) fail(i, "offsets do not ascend");
        for (std::int64_t e = begin; e < end; ++e) {
            const Index col = a.indices[static_cast<std::size_t>(e)];
            if (col < 0 || col >= a.cols) fail(i, "column " + std::to_string(col) + " is out of range");
            if (e > begin && col <= a.indices[static_cast<std::size_t>(e) - 1])
                fail(i, "columns do not ascend");
            if (!std::isfinite(a.values[static_cast<std::size_t>(e)])) {
                fail(i, "value of column " + std::to_string(col) + " is not finite");
            }
        }
    }
}

template <class T>
CsrMatrix<T> transpose(const CsrMatrix<T>& a, int num_threads) {
    if (a.rows > std::numeric_limits<Index>::max()) throw_shape("transpose", "too many rows for 32-bit ids");
    // Counting sort by column. A fixed number of row chunks count and then write their own slots, so entries
    // of a column come in ascending row order whatever the threads.
    const std::int64_t chunks = std::clamp<std::int64_t>(a.nnz() / 262144, 1, 8);
    const std::int64_t chunk_rows = (a.rows + chunks - 1) / chunks;
    const auto cols = static_cast<std::size_t>(a.cols);
    std::vector<std::int64_t> slots(static_cast<std::size_t>(chunks) * cols, 0);
    const auto each_chunk = [&](auto&& visit) {
        parallel_blocks(chunks, num_threads, [&](std::int64_t chunk, int) {
            std::int64_t* slot = slots.data() + static_cast<std::size_t>(chunk) * cols;
            const std::int64_t end = std::min(a.rows, (chunk + 1) * chunk_rows);
            for (std::int64_t i = chunk * chunk_rows; i < end; ++i) visit(i, slot);
        });
    };
    each_chunk([&](std::int64_t i, std::int64_t* slot) {
        for (const Index col : a.row_indices(i)) ++slot[col];
    });
    CsrMatrix<T> out;
    out.rows = a.cols;
    out.cols = a.rows;
    out.indptr.assign(cols + 1, 0);
    std::int64_t offset = 0;
    for (std::size_t col = 0; col < cols; ++col) {
        for (std::size_t chunk = 0; chunk < static_cast<std::size_t>(chunks); ++chunk) {
            offset += std::exchange(slots[chunk * cols + col], offset);
        }
        out.indptr[col + 1] = offset;
    }
    out.indices.resize(a.indices.size());
    out.values.resize(a.values.size());
    each_chunk([&](std::int64_t i, std::int64_t* slot) {
        const auto row_cols = a.row_indices(i);
        const auto row_values = a.row_values(i);
        for (std::size_t e = 0; e < row_cols.size(); ++e) {
            const auto place = static_cast<std::size_t>(slot[row_cols[e]]++);
            out.indices[place] = static_cast<Index>(i);
            out.values[place] = row_values[e];
        }
    });
    return out;
}

template <class T, class D>
void multiply_into(const CsrMatrix<T>& a, MatrixView<const D> x, MatrixView<D> out, int num_threads) {
    if (x.rows != a.cols || out.rows != a.rows || out.cols != x.cols) {
        throw_shape("multiply", "a sparse (" + std::to_string(a.rows) + ", " + std::to_string(a.cols) +
                                    ") matrix times (" + std::to_string(x.rows) + ", " +
                                    std::to_string(x.cols) + ") does not give (" + std::to_string(out.rows) +
                                    ", " + std::to_string(out.cols) + ")");
    }
    const Kernels& kernel = kernels();
    const auto width = static_cast<std::size_t>(x.cols);
    parallel_for(a.rows, 64, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto cols = a.row_indices(i);
            const auto values = a.row_values(i);
            D* y = out.row_data(i);
            std::fill(y, y + width, D{0});
            for (std::size_t e = 0; e < cols.size(); ++e) {
                detail::sparse_add_scaled(kernel, static_cast<D>(values[e]), x.row_data(cols[e]), y, width);
            }
        }
    });
}

template <class T>
Matrix<T> multiply(const CsrMatrix<T>& a, MatrixView<const T> x, int num_threads) {
    Matrix<T> out(a.rows, x.cols);
    multiply_into<T, T>(a, x, out.view(), num_threads);
    return out;
}

template <class T>
CsrMatrix<T> symmetrize(const CsrMatrix<T>& a, Symmetrize rule, int num_threads) {
    switch (rule) {
        case Symmetrize::Max:
            return detail::sparse_with_transpose(a, false, num_threads,
                                                 [](T x, T y) { return std::max(x, y); });
        case Symmetrize::Min:
            return detail::sparse_with_transpose(a, true, num_threads,
                                                 [](T x, T y) { return std::min(x, y); });
        case Symmetrize::Sum:
            return detail::sparse_with_transpose(a, false, num_threads, [](T x, T y) { return x + y; });
        case Symmetrize::Mean:
            return detail::sparse_with_transpose(a, false, num_threads,
                                                 [](T x, T y) { return (x + y) * T{0.5}; });
        case Symmetrize::FuzzyUnion: return fuzzy_union(a, 1.0, num_threads);
    }
    throw_invalid("symmetrize", "rule", "is not a member of Symmetrize");
}

template <class T>
CsrMatrix<T> fuzzy_union(const CsrMatrix<T>& a, double mix, int num_threads) {
    if (!(mix >= 0 && mix <= 1))
        throw_invalid("fuzzy_union", "mix", "is " + to_text(mix), "use a value in [0, 1]");
    // In float64, so that a + b and a * b are exact for float32 memberships and the order of a and b cannot
    // show.
    return detail::sparse_with_transpose(a, true, num_threads, [mix](T x, T y) {
        const double both = static_cast<double>(x) * static_cast<double>(y);
        const double either = static_cast<double>(x) + static_cast<double>(y) - both;
        return static_cast<T>(mix * either + (1 - mix) * both);
    });
}

template <class T>
std::vector<double> row_sums(const CsrMatrix<T>& a, int num_threads) {
    std::vector<double> sums(static_cast<std::size_t>(a.rows), 0.0);
    parallel_for(a.rows, detail::sparse_grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            for (const T value : a.row_values(i))
                sums[static_cast<std::size_t>(i)] += static_cast<double>(value);
        }
    });
    return sums;
}

template <class T>
std::vector<double> col_sums(const CsrMatrix<T>& a, int num_threads) {
    return row_sums(transpose(a, num_threads), num_threads);
}

template <class T>
CsrMatrix<T> select_rows(const CsrMatrix<T>& a, std::span<const Index> rows, int num_threads) {
    detail::sparse_check_ids("select_rows", rows, a.rows);
    const auto from = [&](std::int64_t i) { return static_cast<std::int64_t>(rows[static_cast<std::size_t>(i)]); };
    return detail::sparse_build<T>(
        static_cast<std::int64_t>(rows.size()), a.cols, num_threads,
        [&](std::int64_t i) { return static_cast<std::int64_t>(a.row_indices(from(i)).size()); },
        [&](std::int64_t i, Index* cols, T* values) {
            std::ranges::copy(a.row_indices(from(i)), cols);
            std::ranges::copy(a.row_values(from(i)), values);
        });
}

template <class T>
CsrMatrix<T> select_cols(const CsrMatrix<T>& a, std::span<const Index> columns, int num_threads) {
    detail::sparse_check_ids("select_cols", columns, a.cols);
    // Where each old column goes: its places, ascending, from offset[col] on.
    std::vector<std::int64_t> offset(static_cast<std::size_t>(a.cols) + 1, 0);
    for (const Index col : columns) ++offset[static_cast<std::size_t>(col) + 1];
    for (std::size_t col = 0; col < static_cast<std::size_t>(a.cols); ++col) offset[col + 1] += offset[col];
    std::vector<Index> places(columns.size());
    std::vector<std::int64_t> next(offset.begin(), offset.end() - 1);
    for (std::size_t place = 0; place < columns.size(); ++place) {
        const std::int64_t at = next[static_cast<std::size_t>(columns[place])]++;
        places[static_cast<std::size_t>(at)] = static_cast<Index>(place);
    }
    const auto places_of = [&](Index col) {
        const auto at = static_cast<std::size_t>(offset[static_cast<std::size_t>(col)]);
        const auto count = static_cast<std::size_t>(offset[static_cast<std::size_t>(col) + 1]) - at;
        return std::span<const Index>(places.data() + at, count);
    };
    const auto count = [&](std::int64_t i) {
        std::int64_t n = 0;
        for (const Index col : a.row_indices(i)) n += static_cast<std::int64_t>(places_of(col).size());
        return n;
    };
    const auto fill = [&](std::int64_t i, Index* cols, T* values) {
        const auto row_cols = a.row_indices(i);
        const auto row_values = a.row_values(i);
        std::vector<std::pair<Index, T>> entries;
        for (std::size_t e = 0; e < row_cols.size(); ++e) {
            for (const Index place : places_of(row_cols[e])) entries.emplace_back(place, row_values[e]);
        }
        const auto before = [](const auto& x, const auto& y) { return x.first < y.first; };
        if (!std::ranges::is_sorted(entries, before)) std::ranges::sort(entries, before);
        for (const auto& [place, value] : entries) {
            *cols++ = place;
            *values++ = value;
        }
    };
    return detail::sparse_build<T>(a.rows, static_cast<std::int64_t>(columns.size()), num_threads, count, fill);
}

template <class T>
CsrMatrix<T> row_range(const CsrMatrix<T>& a, std::int64_t begin, std::int64_t end) {
    detail::sparse_check_range("row_range", begin, end, a.rows);
    CsrMatrix<T> out;
    out.rows = end - begin;
    out.cols = a.cols;
    const std::int64_t first = a.indptr[static_cast<std::size_t>(begin)];
    const std::int64_t last = a.indptr[static_cast<std::size_t>(end)];
    out.indptr.assign(a.indptr.begin() + begin, a.indptr.begin() + end + 1);
    for (std::int64_t& offset : out.indptr) offset -= first;
    out.indices.assign(a.indices.begin() + first, a.indices.begin() + last);
    out.values.assign(a.values.begin() + first, a.values.begin() + last);
    return out;
}

template <class T>
CsrMatrix<T> col_range(const CsrMatrix<T>& a, std::int64_t begin, std::int64_t end, int num_threads) {
    detail::sparse_check_range("col_range", begin, end, a.cols);
    // A row's columns ascend, so the range is one run of its entries.
    const auto run = [&](std::int64_t i) {
        const auto cols = a.row_indices(i);
        const auto first = std::lower_bound(cols.begin(), cols.end(), begin);
        const auto last = std::lower_bound(first, cols.end(), end);
        return std::pair(first - cols.begin(), last - first);
    };
    return detail::sparse_build<T>(
        a.rows, end - begin, num_threads, [&](std::int64_t i) { return static_cast<std::int64_t>(run(i).second); },
        [&](std::int64_t i, Index* cols, T* values) {
            const auto [first, count] = run(i);
            for (std::ptrdiff_t e = 0; e < count; ++e) {
                const auto at = static_cast<std::size_t>(first + e);
                cols[e] = static_cast<Index>(a.row_indices(i)[at] - begin);
                values[e] = a.row_values(i)[at];
            }
        });
}

template <class T>
void scale_rows(CsrMatrix<T>& a, std::span<const double> factors, int num_threads) {
    if (static_cast<std::int64_t>(factors.size()) != a.rows)
        throw_shape("scale_rows", "needs one factor per row");
    detail::sparse_scale(a, num_threads, [&](std::int64_t i, const Index*, T* values, std::size_t n) {
        const double factor = factors[static_cast<std::size_t>(i)];
        for (std::size_t e = 0; e < n; ++e)
            values[e] = static_cast<T>(static_cast<double>(values[e]) * factor);
    });
}

template <class T>
void scale_cols(CsrMatrix<T>& a, std::span<const double> factors, int num_threads) {
    if (static_cast<std::int64_t>(factors.size()) != a.cols)
        throw_shape("scale_cols", "needs one factor per column");
    detail::sparse_scale(a, num_threads, [&](std::int64_t, const Index* cols, T* values, std::size_t n) {
        for (std::size_t e = 0; e < n; ++e) {
            values[e] =
                static_cast<T>(static_cast<double>(values[e]) * factors[static_cast<std::size_t>(cols[e])]);
        }
    });
}

template <class T>
void normalize_rows(CsrMatrix<T>& a, RowNorm norm, int num_threads) {
    detail::sparse_scale(a, num_threads, [&](std::int64_t, const Index*, T* values, std::size_t n) {
        double total = 0;
        for (std::size_t e = 0; e < n; ++e) {
            const double x = std::abs(static_cast<double>(values[e]));
            total = norm == RowNorm::Max ? std::max(total, x) : total + (norm == RowNorm::L2 ? x * x : x);
        }
        if (norm == RowNorm::L2) total = std::sqrt(total);
        if (!(total > 0)) return;
        for (std::size_t e = 0; e < n; ++e)
            values[e] = static_cast<T>(static_cast<double>(values[e]) / total);
    });
}

#ifndef FILMATLAS_HEADER_ONLY
#define FILMATLAS_SPARSE_INSTANTIATE(T)                                                              \
    template CsrMatrix<T> csr_from_entries(std::int64_t, std::int64_t, std::vector<SparseEntry<T>>); \
    template void validate(const CsrMatrix<T>&);                                                     \
    template CsrMatrix<T> transpose(const CsrMatrix<T>&, int);                                       \
    template Matrix<T> multiply(const CsrMatrix<T>&, MatrixView<const T>, int);                      \
    template void multiply_into(const CsrMatrix<T>&, MatrixView<const T>, MatrixView<T>, int);       \
    template CsrMatrix<T> symmetrize(const CsrMatrix<T>&, Symmetrize, int);                          \
    template CsrMatrix<T> fuzzy_union(const CsrMatrix<T>&, double, int);                             \
    template std::vector<double> row_sums(const CsrMatrix<T>&, int);                                 \
    template std::vector<double> col_sums(const CsrMatrix<T>&, int);                                 \
    template CsrMatrix<T> select_rows(const CsrMatrix<T>&, std::span<const Index>, int);             \
    template CsrMatrix<T> select_cols(const CsrMatrix<T>&, std::span<const Index>, int);             \
    template CsrMatrix<T> row_range(const CsrMatrix<T>&, std::int64_t, std::int64_t);                \
    template CsrMatrix<T> col_range(const CsrMatrix<T>&, std::int64_t, std::int64_t, int);           \
    template void scale_rows(CsrMatrix<T>&, std::span<const double>, int);                           \
    template void scale_cols(CsrMatrix<T>&, std::span<const double>, int);                           \
    template void normalize_rows(CsrMatrix<T>&, RowNorm, int);
FILMATLAS_SPARSE_INSTANTIATE(float)
FILMATLAS_SPARSE_INSTANTIATE(double)
#undef FILMATLAS_SPARSE_INSTANTIATE
template void multiply_into(const CsrMatrix<float>&, MatrixView<const double>, MatrixView<double>, int);
#endif

}  // namespace filmatlas
#endif  // FILMATLAS_LINALG_DETAIL_SPARSE_IMPL_HPP
