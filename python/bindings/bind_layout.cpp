// SPDX-License-Identifier: MIT
// Maps, their quality, reports.
#include "common.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/hierarchy_start.hpp"
#include "filmatlas/layout/local_radii.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/pacmap.hpp"
#include "filmatlas/layout/place.hpp"
#include "filmatlas/layout/pull.hpp"
#include "filmatlas/layout/run.hpp"
#include "filmatlas/layout/territories.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/umap.hpp"
#include "filmatlas/layout/update.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/validate/checks.hpp"
#include "filmatlas/validate/label_agreement.hpp"
#include "filmatlas/validate/layout_quality.hpp"
#include "filmatlas/validate/map_stability.hpp"
#include "filmatlas/validate/report.hpp"
#include "filmatlas/validate/territory_check.hpp"
#include "filmatlas/validate/territory_purity.hpp"

namespace filmatlas::python {
namespace {

/// Attributes that every layout's options have: `init` as a word, `given` as coordinates (which then win over the word).
template <class Options>
py::class_<Options> bind_options(py::module_& module, const char* name) {
    return py::class_<Options>(module, name)
        .def(py::init<>())
        .def_property(
            "init", [](const Options& self) { return std::string(to_string(self.init)); },
            [](Options& self, const std::string& word) { self.init = layout_init_from_string(word); })
        .def_property(
            "given", [](const Options& self) { return give(Matrix<float>(self.given)); },
            [](Options& self, const Array<float>& given) {
                self.init = LayoutInit::Given;
                self.given = copy_2d(given, "init");
            })
        .def_readwrite("n_components", &Options::n_components)
        .def_readwrite("seed", &Options::seed)
        .def_readwrite("num_threads", &Options::num_threads);
}

/// Levels of a hierarchy that pull.
template <class Options>
void bind_levels(py::class_<Options>& options) {
    options
        .def_property(
            "levels", [](const Options& self) { return give(Matrix<Index>(self.levels)); },
            [](Options& self, const Array<Index>& levels) { self.levels = copy_2d(levels, "levels"); })
        .def_readwrite("hierarchy_pull", &Options::hierarchy_pull);
}

FuzzyGraphOptions fuzzy_options(int n_neighbors, double local_connectivity, double set_op_mix_ratio, double bandwidth,
                                std::optional<double> disconnection_distance, int num_threads) {
    FuzzyGraphOptions options;
    options.n_neighbors = n_neighbors;
    options.local_connectivity = local_connectivity;
    options.set_op_mix_ratio = set_op_mix_ratio;
    options.bandwidth = bandwidth;
    options.disconnection_distance = disconnection_distance;
    options.num_threads = num_threads;
    return options;
}

/// A matrix of weights that came from outside.
CsrMatrix<float> weights_of(const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
                            const Array<Index>& indices, const Array<float>& values) {
    CsrMatrix<float> weights = copy_csr(shape.first, shape.second, indptr, indices, values);
    validate(weights);
    return weights;
}

std::shared_ptr<Layout> share(Layout layout) { return std::make_shared<Layout>(std::move(layout)); }

template <class Run, class Options>
void bind_run(py::module_& module, const char* name) {
    py::class_<Run, LayoutRun>(module, name)
        .def(py::init([name](const Array<float>& X, const KnnGraph& graph, const Options& options) {
                 const auto view = view_2d(X, name);
                 return run_released([&] { return std::make_unique<Run>(view, graph, options); });
             }),
             py::arg("X").noconvert(), "graph"_a, "options"_a, py::keep_alive<1, 2>());  // territories read X
}

/// Layouts that stop between rounds.
void bind_runs(py::module_& module) {
    py::class_<LayoutRun>(module, "LayoutRun")
        .def_property_readonly("epoch", &LayoutRun::epoch)
        .def_property_readonly("total_epochs", &LayoutRun::total_epochs)
        .def_property_readonly("coordinates",
                               [](py::object self) { return borrow(self.cast<const LayoutRun&>().coordinates(), self); })
        .def(
            "run",
            [](LayoutRun& self, int epochs, const py::object& progress) {
                run_released(progress, [&](const Progress& p) { self.run(epochs, p); });
            },
            "epochs"_a, "progress"_a)
        .def("layout", [](const LayoutRun& self) { return share(self.layout()); });
    bind_run<UmapRun, UmapOptions>(module, "UmapRun");
    bind_run<TsneRun, TsneOptions>(module, "TsneRun");
    bind_run<MapRun, MapOptions>(module, "MapRun");
}

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

    auto umap_options = bind_options<UmapOptions>(module, "UmapOptions");
    umap_options.def_readwrite("n_neighbors", &UmapOptions::n_neighbors)
        .def_readwrite("min_dist", &UmapOptions::min_dist)
        .def_readwrite("spread", &UmapOptions::spread)
        .def_readwrite("n_epochs", &UmapOptions::n_epochs)
        .def_readwrite("learning_rate", &UmapOptions::learning_rate)
        .def_readwrite("negative_sample_rate", &UmapOptions::negative_sample_rate)
        .def_readwrite("densmap", &UmapOptions::densmap)
        .def_readwrite("dens_lambda", &UmapOptions::dens_lambda)
        .def_readwrite("dens_frac", &UmapOptions::dens_frac)
        .def_readwrite("dens_var_shift", &UmapOptions::dens_var_shift)
        .def_readwrite("repulsion_strength", &UmapOptions::repulsion_strength)
        .def_readwrite("local_connectivity", &UmapOptions::local_connectivity)
        .def_readwrite("set_op_mix_ratio", &UmapOptions::set_op_mix_ratio)
        .def_readwrite("disconnection_distance", &UmapOptions::disconnection_distance)
        .def_readwrite("target_weight", &UmapOptions::target_weight)
        .def_property(
            "labels", [](const UmapOptions& self) { return self.labels; },
            [](UmapOptions& self, const Array<Index>& labels) { self.labels = copy_1d(labels, "labels"); })
        .def_property(
            "mobility", [](const UmapOptions& self) { return self.mobility; },
            [](UmapOptions& self, const Array<float>& mobility) { self.mobility = copy_1d(mobility, "mobility"); });
    bind_levels(umap_options);
    bind_options<TsneOptions>(module, "TsneOptions")
        .def_readwrite("perplexity", &TsneOptions::perplexity)
        .def_readwrite("n_iter", &TsneOptions::n_iter)
        .def_readwrite("early_exaggeration_iter", &TsneOptions::early_exaggeration_iter)
        .def_readwrite("early_exaggeration", &TsneOptions::early_exaggeration)
        .def_readwrite("exaggeration", &TsneOptions::exaggeration)
        .def_readwrite("learning_rate", &TsneOptions::learning_rate)
        .def_readwrite("theta", &TsneOptions::theta)
        .def_property(
            "repulsion", [](const TsneOptions& self) { return std::string(to_string(self.repulsion)); },
            [](TsneOptions& self, const std::string& word) { self.repulsion = tsne_repulsion_from_string(word); });
    auto map_options = bind_options<MapOptions>(module, "MapOptions");
    map_options.def_readwrite("umap_epochs", &MapOptions::umap_epochs)
        .def_readwrite("gather_iter", &MapOptions::gather_iter)
        .def_readwrite("n_iter", &MapOptions::n_iter)
        .def_readwrite("exaggeration", &MapOptions::exaggeration)
        .def_readwrite("perplexity", &MapOptions::perplexity)
        .def_readwrite("nested_start", &MapOptions::nested_start)
        .def_readwrite("territories", &MapOptions::territories);
    bind_levels(map_options);
    bind_options<PacmapOptions>(module, "PacmapOptions")
        .def_readwrite("n_neighbors", &PacmapOptions::n_neighbors)
        .def_readwrite("mid_near_ratio", &PacmapOptions::mid_near_ratio)
        .def_readwrite("further_ratio", &PacmapOptions::further_ratio)
        .def_readwrite("n_iter", &PacmapOptions::n_iter)
        .def_readwrite("learning_rate", &PacmapOptions::learning_rate);
    module.def("default_pacmap_neighbors", &default_pacmap_neighbors, "n"_a);

    const auto def_layout = [&module]<class Options>(const char* name,
                                                     Layout (*make)(MatrixView<const float>, const KnnGraph&,
                                                                    const Options&, const Progress&)) {
        module.def(
            name,
            [name, make](const Array<float>& X, const KnnGraph& graph, const Options& options,
                         const py::object& progress) {
                const auto view = view_2d(X, name);
                return share(run_released(progress, [&](const Progress& p) { return make(view, graph, options, p); }));
            },
            py::arg("X").noconvert(), "graph"_a, "options"_a, "progress"_a);
    };
    def_layout("umap", &umap);
    def_layout("tsne", &tsne);
    def_layout("atlas_map", &atlas_map);
    def_layout("pacmap", &pacmap);

    module.def(
        "smooth_knn",
        [](const KnnGraph& graph, int n_neighbors, double local_connectivity, double bandwidth,
           std::optional<double> disconnection_distance, int num_threads) {
            SmoothKnn scale = smooth_knn(graph, fuzzy_options(n_neighbors, local_connectivity, 1, bandwidth,
                                                              disconnection_distance, num_threads));
            return py::make_tuple(give(std::move(scale.sigma)), give(std::move(scale.rho)));
        },
        "graph"_a, "n_neighbors"_a, "local_connectivity"_a, "bandwidth"_a, "disconnection_distance"_a, "num_threads"_a);
    module.def(
        "fuzzy_graph",
        [](const KnnGraph& graph, int n_neighbors, double local_connectivity, double set_op_mix_ratio, double bandwidth,
           std::optional<double> disconnection_distance, int num_threads) {
            return give_csr(fuzzy_graph(graph, fuzzy_options(n_neighbors, local_connectivity, set_op_mix_ratio, bandwidth,
                                                             disconnection_distance, num_threads)));
        },
        "graph"_a, "n_neighbors"_a, "local_connectivity"_a, "set_op_mix_ratio"_a, "bandwidth"_a,
        "disconnection_distance"_a, "num_threads"_a);
    module.def(
        "log_local_radii",
        [](const KnnGraph& graph, int n_neighbors, int num_threads) {
            return give(log_local_radii(fuzzy_graph(graph, fuzzy_options(n_neighbors, 1, 1, 1, std::nullopt, num_threads)), graph));
        },
        "graph"_a, "n_neighbors"_a, "num_threads"_a);
    module.def(
        "umap_curve",
        [](double spread, double min_dist) {
            const UmapCurve curve = fit_umap_curve(spread, min_dist);
            return py::make_tuple(curve.a, curve.b);
        },
        "spread"_a, "min_dist"_a);
    module.def(
        "pull_to_classes",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<float>& values, const Array<Index>& labels, double target_weight) {
            return give_csr(pull_to_classes(weights_of(shape, indptr, indices, values), view_1d(labels, "labels"),
                                            target_weight));
        },
        "shape"_a, "indptr"_a, "indices"_a, "values"_a, "labels"_a, "target_weight"_a);
    module.def(
        "pull_to_hierarchy",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<float>& values, const Array<Index>& levels, double strength) {
            return give_csr(pull_to_hierarchy(weights_of(shape, indptr, indices, values), copy_2d(levels, "levels"),
                                              strength));
        },
        "shape"_a, "indptr"_a, "indices"_a, "values"_a, "levels"_a, "strength"_a);
    module.def(
        "place_on_map",
        [](const Array<float>& coordinates, const Array<Index>& ids, const Array<float>& distances, int num_threads) {
            return give(place_on_map(copy_2d(coordinates, "place_on_map"), copy_2d(ids, "place_on_map"),
                                     copy_2d(distances, "place_on_map"), num_threads));
        },
        py::arg("coordinates").noconvert(), py::arg("ids").noconvert(), py::arg("distances").noconvert(),
        "num_threads"_a);
    module.def(
        "out_of_map",
        [](const KnnGraph& graph, const Array<Index>& ids, const Array<float>& distances, int num_threads) {
            return give(out_of_map(graph, copy_2d(ids, "out_of_map"), copy_2d(distances, "out_of_map"), num_threads));
        },
        "graph"_a, py::arg("ids").noconvert(), py::arg("distances").noconvert(), "num_threads"_a);
    module.def(
        "update_map",
        [](const Array<float>& X, const KnnGraph& graph, const Array<float>& known, double max_drift, int n_iter,
           double exaggeration, double perplexity, int num_threads, const py::object& progress) {
            const auto view = view_2d(X, "update_map");
            const Matrix<float> places = copy_2d(known, "update_map");
            UpdateOptions options;
            options.max_drift = max_drift;
            options.n_iter = n_iter;
            options.exaggeration = exaggeration;
            options.perplexity = perplexity;
            options.num_threads = num_threads;
            MapUpdate update =
                run_released(progress, [&](const Progress& p) { return update_map(view, graph, places, options, p); });
            return py::make_tuple(share(std::move(update.layout)), update.num_known, update.median_drift,
                                  update.largest_drift);
        },
        py::arg("X").noconvert(), "graph"_a, py::arg("known").noconvert(), "max_drift"_a, "n_iter"_a, "exaggeration"_a,
        "perplexity"_a, "num_threads"_a, "progress"_a);
    module.def(
        "layout_qualities",
        [](const Array<float>& X, const KnnGraph& graph, const Array<float>& coordinates, const std::vector<int>& sizes,
           std::int64_t pair_samples, std::int64_t triplet_samples, const std::optional<Array<Index>>& labels,
           std::optional<bool> exact_trust, std::uint64_t seed, int num_threads, const py::object& progress) {
            const auto view = view_2d(X, "layout_quality");
            const Matrix<float> map = copy_2d(coordinates, "layout_quality");
            QualityOptions options;
            options.pair_samples = pair_samples;
            options.triplet_samples = triplet_samples;
            if (labels) options.labels = {labels->data(), static_cast<std::size_t>(labels->size())};
            options.exact_trust = exact_trust;
            options.seed = seed;
            options.num_threads = num_threads;
            std::vector<LayoutQuality> qualities = run_released(
                progress, [&](const Progress& p) { return layout_qualities(view, graph, map, sizes, options, p); });
            py::list out;
            for (LayoutQuality& quality : qualities) {
                auto owned = std::make_unique<LayoutQuality>(std::move(quality));
                const py::capsule owner(owned.get(), [](void* p) { delete static_cast<LayoutQuality*>(p); });
                out.append(quality_dict(*owned.release(), owner));
            }
            return out;
        },
        py::arg("X").noconvert(), "graph"_a, py::arg("coordinates").noconvert(), "sizes"_a, "pair_samples"_a,
        "triplet_samples"_a, "labels"_a, "exact_trust"_a, "seed"_a, "num_threads"_a, "progress"_a);
}

void bind_territories(py::module_& module) {
    module.def(
        "hierarchy_start",
        [](const Array<float>& coordinates, const Array<Index>& levels, std::uint64_t seed) {
            StartOptions options;
            options.seed = seed;
            return give(hierarchy_start(copy_2d(coordinates, "hierarchy_start"), copy_2d(levels, "levels"), options)
                            .coordinates);
        },
        py::arg("coordinates").noconvert(), py::arg("levels").noconvert(), "seed"_a);

    const auto array = []<class Field>(Field Territories::* field) {
        return [field](py::object self) { return borrow(self.cast<const Territories&>().*field, self); };
    };
    py::class_<Territories, std::shared_ptr<Territories>>(module, "Territories")
        .def_readonly("x0", &Territories::x0)
        .def_readonly("y0", &Territories::y0)
        .def_readonly("cell", &Territories::cell)
        .def_property_readonly("cells", array(&Territories::cells))
        .def_property_readonly("points", array(&Territories::points))
        .def_property_readonly("arc_begin", array(&Territories::arc_begin))
        .def_property_readonly("arc_sides", array(&Territories::arc_sides))
        .def_property_readonly("arc_level", array(&Territories::arc_level))
        .def_property_readonly("ring_arcs", array(&Territories::ring_arcs))
        .def_property_readonly("ring_begin", array(&Territories::ring_begin))
        .def_property_readonly("piece_begin", array(&Territories::piece_begin))
        .def_property_readonly("piece_node", array(&Territories::piece_node))
        .def_property_readonly("piece_items", array(&Territories::piece_items))
        .def_property_readonly("piece_area", array(&Territories::piece_area))
        .def_property_readonly("node_begin", array(&Territories::node_begin))
        .def_property_readonly("item_node", array(&Territories::item_node))
        .def_property_readonly("inside", array(&Territories::inside))
        .def_property_readonly("levels", [](const Territories& self) {
            py::list out;
            for (const TerritoryLevel& level : self.levels) {
                out.append(py::dict("nodes"_a = level.nodes, "one_piece"_a = level.one_piece,
                                    "landless"_a = level.landless, "items"_a = level.items,
                                    "inside"_a = level.inside, "in_main"_a = level.in_main));
            }
            return out;
        });
    module.def(
        "territories",
        [](const Array<float>& coordinates, const Hierarchy& hierarchy, std::optional<int> resolution, double reach,
           double coast) {
            const Matrix<float> map = copy_2d(coordinates, "territories");
            const py::gil_scoped_release release;
            return std::make_shared<Territories>(territories(map, hierarchy, {resolution, reach, coast}));
        },
        py::arg("coordinates").noconvert(), "hierarchy"_a, "resolution"_a, "reach"_a, "coast"_a);
    module.def(
        "smooth_territories",
        [](const Territories& territories, int rounds) {
            return std::make_shared<Territories>(smooth_territories(territories, rounds));
        },
        "territories"_a, "rounds"_a);
    module.def(
        "check_territories",
        [](const Array<float>& coordinates, const Hierarchy& hierarchy, const Territories& territories,
           double max_strays, double min_one_piece) {
            return check_territories(copy_2d(coordinates, "check_territories"), hierarchy, territories, max_strays,
                                     min_one_piece);
        },
        py::arg("coordinates").noconvert(), "hierarchy"_a, "territories"_a, "max_strays"_a, "min_one_piece"_a);
    module.def(
        "territory_purity",
        [](const Territories& territories, const Hierarchy& hierarchy) {
            TerritoryPurity purity = territory_purity(territories, hierarchy);
            return py::make_tuple(give(std::move(purity.nodes)), give(std::move(purity.levels)));
        },
        "territories"_a, "hierarchy"_a);
}

void bind_trust(py::module_& module) {
    module.def(
        "label_agreement",
        [](const Array<Index>& neighbors, const Array<Index>& labels, int k) {
            LabelAgreement found = label_agreement(view_2d(neighbors, "label_agreement"),
                                                   {labels.data(), static_cast<std::size_t>(labels.size())}, k);
            return py::dict("items"_a = found.items, "accuracy"_a = found.accuracy, "agreement"_a = found.agreement,
                            "vote"_a = give(std::move(found.vote)),
                            "agreement_per_item"_a = give(std::move(found.agreement_per_item)));
        },
        py::arg("neighbors").noconvert(), py::arg("labels").noconvert(), "k"_a);
    module.def(
        "map_stability",
        [](const std::vector<Array<float>>& maps, int k, int num_threads, const py::object& progress) {
            std::vector<Matrix<float>> copies;
            for (const Array<float>& map : maps) copies.push_back(copy_2d(map, "map_stability"));
            MapStability found = run_released(
                progress, [&](const Progress& p) { return map_stability(copies, {k, num_threads}, p); });
            return py::dict("pairs"_a = found.pairs, "kept_neighbors"_a = found.kept_neighbors, "moved"_a = found.moved,
                            "kept_per_item"_a = give(std::move(found.kept_per_item)),
                            "moved_per_item"_a = give(std::move(found.moved_per_item)));
        },
        "maps"_a, "k"_a, "num_threads"_a, "progress"_a);
    module.def(
        "stability_rows",
        [](std::int64_t n, double share, std::uint64_t seed, std::uint64_t draw) {
            return give(stability_rows(n, share, seed, draw));
        },
        "n"_a, "share"_a, "seed"_a, "draw"_a);
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

py::dict quality_dict(const LayoutQuality& quality, py::handle owner) {
    const auto per_item = [owner](const auto& values) -> py::object {
        if (values.empty()) return py::none();
        return borrow(values, owner);
    };
    return py::dict("k"_a = quality.k, "kept_neighbors"_a = quality.kept_neighbors,
                    "trustworthiness"_a = quality.trustworthiness, "continuity"_a = quality.continuity,
                    "rank_correlation"_a = quality.rank_correlation, "random_triplets"_a = quality.random_triplets,
                    "label_accuracy"_a = quality.label_accuracy, "label_accuracy_full"_a = quality.label_accuracy_full,
                    "kept_per_item"_a = per_item(quality.kept_per_item),
                    "trust_per_item"_a = per_item(quality.trust_per_item),
                    "continuity_per_item"_a = per_item(quality.continuity_per_item));
}

void bind_layout(py::module_& module) {
    bind_maps(module);
    bind_runs(module);
    bind_reports(module);
    bind_territories(module);
    bind_trust(module);
}

}  // namespace filmatlas::python
