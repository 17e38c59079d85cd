// SPDX-License-Identifier: MIT
// Truncated SVD, eigenvectors of graph Laplacians.
#include "common.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/linalg/spectral.hpp"
#include "filmatlas/linalg/truncated_svd.hpp"

namespace filmatlas::python {
namespace {

SvdOptions svd_options(int n_components, int n_iterations, int n_oversamples, std::uint64_t seed, int num_threads) {
    SvdOptions options;
    options.n_components = n_components;
    options.n_iterations = n_iterations;
    options.n_oversamples = n_oversamples;
    options.seed = seed;
    options.num_threads = num_threads;
    return options;
}

py::dict svd_dict(TruncatedSvdResult result) {
    return py::dict("u"_a = give(std::move(result.u)), "singular_values"_a = give(std::move(result.singular_values)),
                    "v"_a = give(std::move(result.v)), "run"_a = run_dict(result.run));
}

/// A matrix whose structure was checked here, because it came from outside.
CsrMatrix<float> checked_csr(const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
                             const Array<Index>& indices, const Array<float>& values) {
    CsrMatrix<float> matrix = copy_csr(shape.first, shape.second, indptr, indices, values);
    validate(matrix);
    return matrix;
}

}  // namespace

void bind_linalg(py::module_& module) {
    module.def(
        "truncated_svd",
        [](const Array<float>& X, int n_components, int n_iterations, int n_oversamples, std::uint64_t seed,
           int num_threads) {
            const auto view = view_2d(X, "truncated_svd");
            const SvdOptions options = svd_options(n_components, n_iterations, n_oversamples, seed, num_threads);
            return svd_dict(run_released([&] { return truncated_svd(view, options); }));
        },
        py::arg("X").noconvert(), "n_components"_a, "n_iterations"_a, "n_oversamples"_a, "seed"_a, "num_threads"_a);
    module.def(
        "truncated_svd_sparse",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<float>& values, int n_components, int n_iterations,
           int n_oversamples, std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto matrix = checked_csr(shape, indptr, indices, values);
            const SvdOptions options = svd_options(n_components, n_iterations, n_oversamples, seed, num_threads);
            return svd_dict(
                run_released(progress, [&](const Progress& p) { return truncated_svd(matrix, options, p); }));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "n_components"_a, "n_iterations"_a, "n_oversamples"_a, "seed"_a, "num_threads"_a, "progress"_a);
    module.def(
        "laplacian_eigenvectors",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<float>& values, int n_components,
           std::optional<std::int64_t> max_work, double tolerance, std::uint64_t seed, int num_threads,
           const py::object& progress) {
            const auto matrix = checked_csr(shape, indptr, indices, values);
            SpectralOptions options;
            options.n_components = n_components;
            options.max_work = max_work;
            options.tolerance = tolerance;
            options.seed = seed;
            options.num_threads = num_threads;
            SpectralResult result =
                run_released(progress, [&](const Progress& p) { return spectral_embedding(matrix, options, p); });
            return py::dict("vectors"_a = give(std::move(result.vectors)),
                            "eigenvalues"_a = give(std::move(result.eigenvalues)),
                            "residuals"_a = give(std::move(result.residuals)),
                            "components"_a = give(std::move(result.components.ids)), "run"_a = run_dict(result.run));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "n_components"_a, "max_work"_a, "tolerance"_a, "seed"_a, "num_threads"_a, "progress"_a);
}

}  // namespace filmatlas::python
