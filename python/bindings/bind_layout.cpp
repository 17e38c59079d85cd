// SPDX-License-Identifier: MIT
// Maps, their quality, reports.
#include "common.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/umap.hpp"
#include "filmatlas/validate/checks.hpp"
#include "filmatlas/validate/layout_quality.hpp"
#include "filmatlas/validate/report.hpp"

namespace filmatlas::python {
namespace {

using GivenStart = std::optional<Array<float>>;

/// Start of a layout: coordinates win over the word.
template <class Options>
void set_start(Options& options, const std::string& init, const GivenStart& given) {
    options.init = layout_init_from_string(init);
    if (given) {
        options.init = LayoutInit::Given;
        options.given = copy_2d(*given, "init");
    }
}

py::dict quality_dict(const LayoutQuality& quality, py::handle owner) {
    return py::dict("k"_a = quality.k, "kept_neighbors"_a = quality.kept_neighbors,
                    "trustworthiness"_a = quality.trustworthiness, "continuity"_a = quality.continuity,
                    "rank_correlation"_a = quality.rank_correlation,
                    "kept_per_item"_a = borrow(quality.kept_per_item, owner));
}

std::shared_ptr<Layout> share(Layout layout) { return std::make_shared<Layout>(std::move(layout)); }

void bind_maps(py::module_& module) {
    py::class_<Layout, std::shared_ptr<Layout>>(module, "Layout")
        .def(py::init([](const Array<float>& coordinates, const std::string& method, const std::string& init) {
                 auto layout = std::make_shared<Layout>();
                 layout->coordinates = copy_2d(coordinates, "Layout");
                 layout->method = method;
                 layout->init = init;
                 return layout;
             }),
             py::arg("coordinates").noconvert(), "method"_a, "init"_a)
        .def_property_readonly("coordinates",
                               [](py::object self) { return borrow(self.cast<const Layout&>().coordinates, self); })
        .def_readonly("method", &Layout::method)
        .def_readonly("init", &Layout::init)
        .def_property_readonly(
            "quality", [](py::object self) { return quality_dict(self.cast<const Layout&>().quality, self); })
        .def_property_readonly("run", [](const Layout& self) { return run_dict(self.run); });

    module.def(
        "umap",
        [](const Array<float>& X, const KnnGraph& graph, int n_neighbors, double min_dist, double spread, int n_components,
           std::optional<int> n_epochs, double learning_rate, int negative_sample_rate, double repulsion_strength,
           double local_connectivity, double set_op_mix_ratio, const std::string& init, const GivenStart& given,
           std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto view = view_2d(X, "umap");
            UmapOptions options;
            options.n_neighbors = n_neighbors;
            options.min_dist = min_dist;
            options.spread = spread;
            options.n_components = n_components;
            options.n_epochs = n_epochs;
            options.learning_rate = learning_rate;
            options.negative_sample_rate = negative_sample_rate;
            options.repulsion_strength = repulsion_strength;
            options.local_connectivity = local_connectivity;
            options.set_op_mix_ratio = set_op_mix_ratio;
            options.seed = seed;
            options.num_threads = num_threads;
            set_start(options, init, given);
            return share(run_released(progress, [&](const Progress& p) { return umap(view, graph, options, p); }));
        },
        py::arg("X").noconvert(), "graph"_a, "n_neighbors"_a, "min_dist"_a, "spread"_a, "n_components"_a, "n_epochs"_a,
        "learning_rate"_a, "negative_sample_rate"_a, "repulsion_strength"_a, "local_connectivity"_a,
        "set_op_mix_ratio"_a, "init"_a, "given"_a, "seed"_a, "num_threads"_a, "progress"_a);
    module.def(
        "tsne",
        [](const Array<float>& X, const KnnGraph& graph, double perplexity, int n_components, int n_iter,
           std::optional<int> early_exaggeration_iter, double early_exaggeration, double exaggeration,
           std::optional<double> learning_rate, double theta, const std::string& init, const GivenStart& given,
           std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto view = view_2d(X, "tsne");
            TsneOptions options;
            options.perplexity = perplexity;
            options.n_components = n_components;
            options.n_iter = n_iter;
            options.early_exaggeration_iter = early_exaggeration_iter;
            options.early_exaggeration = early_exaggeration;
            options.exaggeration = exaggeration;
            options.learning_rate = learning_rate;
            options.theta = theta;
            options.seed = seed;
            options.num_threads = num_threads;
            set_start(options, init, given);
            return share(run_released(progress, [&](const Progress& p) { return tsne(view, graph, options, p); }));
        },
        py::arg("X").noconvert(), "graph"_a, "perplexity"_a, "n_components"_a, "n_iter"_a, "early_exaggeration_iter"_a,
        "early_exaggeration"_a, "exaggeration"_a, "learning_rate"_a, "theta"_a, "init"_a, "given"_a, "seed"_a,
        "num_threads"_a, "progress"_a);
    module.def(
        "atlas_map",
        [](const Array<float>& X, const KnnGraph& graph, int n_components, const std::string& init,
           const GivenStart& given, int umap_epochs, std::optional<int> gather_iter, int n_iter, double exaggeration,
           double perplexity, std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto view = view_2d(X, "atlas_map");
            MapOptions options;
            options.n_components = n_components;
            options.umap_epochs = umap_epochs;
            options.gather_iter = gather_iter;
            options.n_iter = n_iter;
            options.exaggeration = exaggeration;
            options.perplexity = perplexity;
            options.seed = seed;
            options.num_threads = num_threads;
            set_start(options, init, given);
            return share(run_released(progress, [&](const Progress& p) { return atlas_map(view, graph, options, p); }));
        },
        py::arg("X").noconvert(), "graph"_a, "n_components"_a, "init"_a, "given"_a, "umap_epochs"_a,
        "gather_iter"_a, "n_iter"_a, "exaggeration"_a, "perplexity"_a, "seed"_a, "num_threads"_a, "progress"_a);
    module.def(
        "place_on_map",
        [](const Array<float>& coordinates, const Array<Index>& ids, const Array<float>& distances) {
            return give(place_on_map(copy_2d(coordinates, "place_on_map"), copy_2d(ids, "place_on_map"),
                                     copy_2d(distances, "place_on_map")));
        },
        py::arg("coordinates").noconvert(), py::arg("ids").noconvert(), py::arg("distances").noconvert());
    module.def(
        "layout_quality",
        [](const Array<float>& X, const KnnGraph& graph, const Array<float>& coordinates, int k,
           std::int64_t pair_samples, std::optional<bool> exact_trust, std::uint64_t seed, int num_threads,
           const py::object& progress) {
            const auto view = view_2d(X, "layout_quality");
            const Matrix<float> map = copy_2d(coordinates, "layout_quality");
            QualityOptions options;
            options.k = k;
            options.pair_samples = pair_samples;
            options.exact_trust = exact_trust;
            options.seed = seed;
            options.num_threads = num_threads;
            LayoutQuality quality =
                run_released(progress, [&](const Progress& p) { return layout_quality(view, graph, map, options, p); });
            const py::array kept = give(std::move(quality.kept_per_item));
            py::dict out = quality_dict(quality, py::none());
            out["kept_per_item"] = kept;
            return out;
        },
        py::arg("X").noconvert(), "graph"_a, py::arg("coordinates").noconvert(), "k"_a, "pair_samples"_a,
        "exact_trust"_a, "seed"_a, "num_threads"_a, "progress"_a);
}

void bind_reports(py::module_& module) {
    py::class_<Report, std::shared_ptr<Report>>(module, "Report")
        .def(py::init<>())
        .def_property_readonly("ok", &Report::ok)
        .def_property_readonly("findings",
                               [](const Report& self) {
                                   py::list out;
                                   for (const Finding& finding : self.findings) {
                                       out.append(py::dict("code"_a = finding.code,
                                                           "severity"_a = std::string(to_string(finding.severity)),
                                                           "message"_a = finding.message, "value"_a = finding.value,
                                                           "threshold"_a = finding.threshold,
                                                           "items"_a = finding.items));
                                   }
                                   return out;
                               })
        .def("append", &Report::append, "other"_a)
        .def("to_text", [](const Report& self) { return to_text(self); })
        .def("to_json", [](const Report& self) { return to_json(self); })
        .def(
            "to_html", [](const Report& self, const std::string& title) { return to_html(self, title); }, "title"_a);

    module.def(
        "check_hierarchy", [](const Hierarchy& hierarchy) { return check_hierarchy(hierarchy); }, "hierarchy"_a);
    module.def(
        "check_graph", [](const KnnGraph& graph) { return check_graph(graph, graph.size()); }, "graph"_a);
    module.def(
        "check_layout", [](const Layout& layout) { return check_layout(layout, layout.coordinates.rows()); },
        "layout"_a);
    module.def(
        "check_embedding",
        [](const Embedding& embedding) { return check_embedding(embedding, embedding.vectors.rows()); }, "embedding"_a);
}

}  // namespace

void bind_layout(py::module_& module) {
    bind_maps(module);
    bind_reports(module);
}

}  // namespace filmatlas::python
