// SPDX-License-Identifier: MIT
// HDBSCAN: spanning trees, linkage trees, cuts, and what follows from a cut.
#include "common.hpp"
#include "convert.hpp"
#include "filmatlas/cluster/density_layers.hpp"
#include "filmatlas/cluster/density_membership.hpp"
#include "filmatlas/cluster/density_validity.hpp"
#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/cluster/tie_certificate.hpp"

namespace filmatlas::python {
namespace {

HdbscanCutOptions cut_options(const py::dict& fields) {
    HdbscanCutOptions options;
    options.min_cluster_size = fields["min_cluster_size"].cast<double>();
    options.method = selection_method_from_string(fields["cluster_selection_method"].cast<std::string>());
    options.epsilon = fields["cluster_selection_epsilon"].cast<double>();
    options.epsilon_max = fields["cluster_selection_epsilon_max"].cast<double>();
    options.persistence = fields["cluster_selection_persistence"].cast<double>();
    options.max_cluster_size = fields["max_cluster_size"].cast<double>();
    options.allow_single_cluster = fields["allow_single_cluster"].cast<bool>();
    return options;
}

SpanningTreeOptions tree_options(const py::dict& fields) {
    SpanningTreeOptions options;
    options.metric = metric_from_string(fields["metric"].cast<std::string>());
    options.min_samples = fields["min_samples"].cast<int>();
    options.convention = min_samples_convention_from_string(fields["min_samples_convention"].cast<std::string>());
    options.alpha = fields["alpha"].cast<double>();
    options.method = spanning_tree_method_from_string(fields["method"].cast<std::string>());
    if (!fields["memory_limit"].is_none()) options.memory_limit = fields["memory_limit"].cast<std::int64_t>();
    options.num_threads = fields["num_threads"].cast<int>();
    return options;
}

HdbscanOptions fit_options(const py::dict& fields) {
    const SpanningTreeOptions tree = tree_options(fields);
    HdbscanOptions options;
    options.metric = tree.metric;
    options.min_samples = tree.min_samples;
    options.convention = tree.convention;
    options.alpha = tree.alpha;
    options.num_threads = tree.num_threads;
    return options;
}

py::dict places_dict(DensityPlaces places) {
    return py::dict("neighbor"_a = give(std::move(places.neighbor)), "reach"_a = give(std::move(places.reach)),
                    "cluster"_a = give(std::move(places.cluster)), "lambda_"_a = give(std::move(places.lambda)));
}

DensityPlaces places_from(const py::dict& fields) {
    DensityPlaces places;
    places.neighbor = copy_1d(fields["neighbor"].cast<Array<Index>>(), "places");
    places.reach = copy_1d(fields["reach"].cast<Array<double>>(), "places");
    places.cluster = copy_1d(fields["cluster"].cast<Array<Index>>(), "places");
    places.lambda = copy_1d(fields["lambda_"].cast<Array<double>>(), "places");
    return places;
}

void bind_trees(py::module_& module) {
    py::class_<SpanningTree, std::shared_ptr<SpanningTree>>(module, "SpanningTree")
        .def(py::init([](std::int64_t num_items, const Array<Index>& a, const Array<Index>& b,
                         const Array<double>& weight, const Array<double>& core, const Array<Index>& rank,
                         const Array<Index>& invalid_rows, const std::string& method, bool exact, double certified,
                         double excess_bound) {
                 auto tree = std::make_shared<SpanningTree>();
                 tree->num_items = num_items;
                 tree->a = copy_1d(a, "SpanningTree");
                 tree->b = copy_1d(b, "SpanningTree");
                 tree->weight = copy_1d(weight, "SpanningTree");
                 tree->core = copy_1d(core, "SpanningTree");
                 tree->rank = copy_1d(rank, "SpanningTree");
                 tree->invalid_rows = copy_1d(invalid_rows, "SpanningTree");
                 tree->method = method;
                 tree->exact = exact;
                 tree->certified = certified;
                 tree->excess_bound = excess_bound;
                 validate(*tree);
                 return tree;
             }),
             "num_items"_a, py::arg("a").noconvert(), py::arg("b").noconvert(), py::arg("weight").noconvert(),
             py::arg("core").noconvert(), py::arg("rank").noconvert(), py::arg("invalid_rows").noconvert(), "method"_a,
             "exact"_a, "certified"_a, "excess_bound"_a)
        .def_readonly("num_items", &SpanningTree::num_items)
        .def_property_readonly("a", [](py::object self) { return borrow(self.cast<const SpanningTree&>().a, self); })
        .def_property_readonly("b", [](py::object self) { return borrow(self.cast<const SpanningTree&>().b, self); })
        .def_property_readonly("weight",
                               [](py::object self) { return borrow(self.cast<const SpanningTree&>().weight, self); })
        .def_property_readonly("core",
                               [](py::object self) { return borrow(self.cast<const SpanningTree&>().core, self); })
        .def_property_readonly("rank",
                               [](py::object self) { return borrow(self.cast<const SpanningTree&>().rank, self); })
        .def_property_readonly(
            "invalid_rows", [](py::object self) { return borrow(self.cast<const SpanningTree&>().invalid_rows, self); })
        .def_readonly("method", &SpanningTree::method)
        .def_readonly("exact", &SpanningTree::exact)
        .def_readonly("certified", &SpanningTree::certified)
        .def_readonly("excess_bound", &SpanningTree::excess_bound)
        .def_property_readonly("run", [](const SpanningTree& self) { return run_dict(self.run); });

    module.def(
        "spanning_tree",
        [](const py::array& X, const py::dict& options, const Array<double>& weights, const py::object& progress) {
            const SpanningTreeOptions parsed = tree_options(options);
            const auto w = view_1d(weights, "hdbscan");
            if (py::isinstance<Array<float>>(X)) {
                const auto rows = X.cast<Array<float>>();
                const auto view = view_2d(rows, "hdbscan");
                return run_released(progress, [&](const Progress& p) {
                    return std::make_shared<SpanningTree>(spanning_tree(view, parsed, w, p));
                });
            }
            const auto rows = X.cast<Array<double>>();
            const auto view = view_2d(rows, "hdbscan");
            return run_released(progress, [&](const Progress& p) {
                return std::make_shared<SpanningTree>(spanning_tree(view, parsed, w, p));
            });
        },
        "X"_a, "options"_a, py::arg("weights").noconvert(), "progress"_a);
    module.def(
        "spanning_tree_from_distances",
        [](const Array<double>& distances, const py::dict& options, const Array<double>& weights,
           const py::object& progress) {
            const SpanningTreeOptions parsed = tree_options(options);
            const auto view = view_2d(distances, "hdbscan");
            const auto w = view_1d(weights, "hdbscan");
            return run_released(progress, [&](const Progress& p) {
                return std::make_shared<SpanningTree>(spanning_tree_from_distances(view, parsed, w, p));
            });
        },
        py::arg("distances").noconvert(), "options"_a, py::arg("weights").noconvert(), "progress"_a);
    module.def(
        "spanning_tree_from_graph",
        [](std::pair<std::int64_t, std::int64_t> shape, const Array<std::int64_t>& indptr, const Array<Index>& indices,
           const Array<double>& values, const py::dict& options, const Array<double>& weights,
           const py::object& progress) {
            const SpanningTreeOptions parsed = tree_options(options);
            const auto graph = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto w = view_1d(weights, "hdbscan");
            return run_released(progress, [&](const Progress& p) {
                return std::make_shared<SpanningTree>(spanning_tree_from_graph(graph, parsed, w, p));
            });
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "options"_a, py::arg("weights").noconvert(), "progress"_a);
    module.def(
        "spanning_tree_from_knn",
        [](const KnnGraph& graph, const py::dict& options, const Array<double>& weights, const py::object& progress) {
            const SpanningTreeOptions parsed = tree_options(options);
            const auto w = view_1d(weights, "hdbscan");
            return run_released(progress, [&](const Progress& p) {
                return std::make_shared<SpanningTree>(spanning_tree_from_knn(graph, parsed, w, p));
            });
        },
        "graph"_a, "options"_a, py::arg("weights").noconvert(), "progress"_a);
    module.def(
        "spanning_tree_bytes",
        [](std::int64_t n, std::int64_t d, const py::dict& options) {
            return spanning_tree_bytes(n, d, tree_options(options));
        },
        "n"_a, "d"_a, "options"_a);

    py::class_<SingleLinkageTree, std::shared_ptr<SingleLinkageTree>>(module, "SingleLinkageTree")
        .def_property_readonly("linkage", [](const SingleLinkageTree& self) { return give(to_linkage(self).merges); })
        .def(
            "labels_at_distance",
            [](const SingleLinkageTree& self, double distance, double min_cluster_size) {
                return give(labels_at_distance(self, distance, min_cluster_size));
            },
            "distance"_a, "min_cluster_size"_a)
        .def("size_trace", [](const SingleLinkageTree& self) {
            std::vector<double> low;
            std::vector<double> high;
            std::vector<std::int64_t> clusters;
            for (const SizePlateau& plateau : size_trace(self)) {
                low.push_back(plateau.low);
                high.push_back(plateau.high);
                clusters.push_back(plateau.num_clusters);
            }
            return py::make_tuple(give(std::move(low)), give(std::move(high)), give(std::move(clusters)));
        });
    module.def(
        "single_linkage_tree",
        [](const SpanningTree& tree, const std::string& ties, const Array<double>& weights) {
            const auto w = view_1d(weights, "hdbscan");
            const TieRule rule = tie_rule_from_string(ties);
            return run_released(
                [&] { return std::make_shared<SingleLinkageTree>(single_linkage_tree(tree, rule, w)); });
        },
        "tree"_a, "ties"_a, py::arg("weights").noconvert());
}

void bind_cuts(py::module_& module) {
    py::class_<HdbscanCut, std::shared_ptr<HdbscanCut>>(module, "HdbscanCut")
        .def_property_readonly(
            "labels", [](py::object self) { return borrow(self.cast<const HdbscanCut&>().selection.labels, self); })
        .def_property_readonly("probabilities",
                               [](py::object self) {
                                   return borrow(self.cast<const HdbscanCut&>().selection.probabilities, self);
                               })
        .def_property_readonly(
            "persistence",
            [](py::object self) { return borrow(self.cast<const HdbscanCut&>().selection.persistence, self); })
        .def_property_readonly(
            "clusters", [](py::object self) { return borrow(self.cast<const HdbscanCut&>().selection.clusters, self); })
        .def_property_readonly(
            "outlier_scores", [](py::object self) { return borrow(self.cast<const HdbscanCut&>().outlier_scores, self); })
        .def_property_readonly("rows",
                               [](const HdbscanCut& self) {
                                   CondensedRows rows = to_rows(self.tree);
                                   return py::make_tuple(give(std::move(rows.parent)), give(std::move(rows.child)),
                                                         give(std::move(rows.lambda)), give(std::move(rows.child_size)));
                               })
        .def_property_readonly("exemplars",
                               [](const HdbscanCut& self) { return exemplars(self.tree, self.selection); })
        .def_property_readonly("num_items", [](const HdbscanCut& self) { return self.tree.num_items(); });

    module.def(
        "cut_hdbscan",
        [](const SingleLinkageTree& linkage, const py::dict& options) {
            const HdbscanCutOptions parsed = cut_options(options);
            return run_released([&] { return std::make_shared<HdbscanCut>(cut_hdbscan(linkage, parsed)); });
        },
        "linkage"_a, "options"_a);
    module.def(
        "tie_certificate",
        [](const SingleLinkageTree& linkage, const py::dict& options) {
            const HdbscanCutOptions parsed = cut_options(options);
            const std::vector<char> sure = run_released([&] { return tie_certificate(linkage, parsed); });
            return py::bytes(sure.data(), sure.size());
        },
        "linkage"_a, "options"_a);
    module.def(
        "cut_condensed_rows",
        [](const Array<std::int64_t>& parent, const Array<std::int64_t>& child, const Array<double>& lambda,
           const Array<double>& child_size, const py::dict& options, const std::string& ties) {
            CondensedRows rows{copy_1d(parent, "hdbscan"), copy_1d(child, "hdbscan"), copy_1d(lambda, "hdbscan"),
                               copy_1d(child_size, "hdbscan")};
            return std::make_shared<HdbscanCut>(
                cut_hdbscan(condensed_tree_from_rows(rows), cut_options(options), tie_rule_from_string(ties)));
        },
        py::arg("parent").noconvert(), py::arg("child").noconvert(), py::arg("lambda_").noconvert(),
        py::arg("child_size").noconvert(), "options"_a, "ties"_a);
    module.def(
        "cut_to_clusters",
        [](const SingleLinkageTree& linkage, std::int64_t n_clusters, const py::dict& options) {
            const HdbscanCutOptions parsed = cut_options(options);
            FlatCut flat = run_released([&] { return cut_to_clusters(linkage, n_clusters, parsed); });
            const py::dict found("cluster_selection_method"_a = std::string(to_string(flat.options.method)),
                                 "cluster_selection_epsilon"_a = flat.options.epsilon,
                                 "allow_single_cluster"_a = flat.options.allow_single_cluster);
            return py::make_tuple(std::make_shared<HdbscanCut>(std::move(flat.cut)), found, flat.found);
        },
        "linkage"_a, "n_clusters"_a, "options"_a);
    module.def(
        "density_layers",
        [](const SingleLinkageTree& linkage, int max_layers, double min_cluster_size, double min_persistence) {
            LayerOptions options;
            options.max_layers = max_layers;
            options.min_cluster_size = min_cluster_size;
            options.min_persistence = min_persistence;
            auto layers = run_released([&] { return density_layers(linkage, options); });
            py::list out;
            for (DensityLayer& layer : layers) {
                out.append(py::make_tuple(layer.plateau.low, layer.plateau.high,
                                          std::make_shared<HdbscanCut>(std::move(layer.cut))));
            }
            return out;
        },
        "linkage"_a, "max_layers"_a, "min_cluster_size"_a, "min_persistence"_a);
}

void bind_members(py::module_& module) {
    module.def(
        "density_places",
        [](const Array<double>& X, const SpanningTree& tree, const HdbscanCut& cut, const Array<double>& Q,
           const py::dict& options, const Array<double>& weights) {
            const HdbscanOptions parsed = fit_options(options);
            const auto rows = view_2d(X, "predict");
            const auto asked = view_2d(Q, "predict");
            const auto w = view_1d(weights, "predict");
            DensityPlaces places =
                run_released([&] { return density_places(rows, tree, parsed, cut.tree, asked, w); });
            return places_dict(std::move(places));
        },
        py::arg("X").noconvert(), "tree"_a, "cut"_a, py::arg("Q").noconvert(), "options"_a,
        py::arg("weights").noconvert());
    module.def("places_of_fit", [](const HdbscanCut& cut) { return places_dict(places_of_fit(cut.tree)); }, "cut"_a);
    module.def(
        "predict_places",
        [](const py::dict& places, const HdbscanCut& cut) {
            DensityPrediction found = predict_places(places_from(places), cut.tree, cut.selection);
            return py::make_tuple(give(std::move(found.labels)), give(std::move(found.probabilities)),
                                  give(std::move(found.outlier_scores)));
        },
        "places"_a, "cut"_a);
    module.def(
        "membership_vectors",
        [](const Array<double>& X, const Array<double>& Q, const py::dict& places, const HdbscanCut& cut,
           const std::string& metric, int num_threads) {
            const DensityPlaces known = places_from(places);
            const auto rows = view_2d(X, "membership_vectors");
            const auto asked = view_2d(Q, "membership_vectors");
            const Metric parsed = metric_from_string(metric);
            return give(
                run_released([&] { return membership_vectors(rows, asked, known, cut, parsed, num_threads); }));
        },
        py::arg("X").noconvert(), py::arg("Q").noconvert(), "places"_a, "cut"_a, "metric"_a, "num_threads"_a);
    module.def(
        "cluster_centers",
        [](const Array<double>& X, const HdbscanCut& cut, const std::string& metric, int num_threads) {
            const auto rows = view_2d(X, "cluster_centers");
            const Metric parsed = metric_from_string(metric);
            ClusterCenters centers = run_released([&] { return cluster_centers(rows, cut, parsed, num_threads); });
            return py::make_tuple(give(std::move(centers.centroids)), give(std::move(centers.medoids)));
        },
        py::arg("X").noconvert(), "cut"_a, "metric"_a, "num_threads"_a);
    module.def(
        "density_validity",
        [](const Array<double>& X, const Array<Index>& labels, const std::string& metric, int num_threads,
           const py::object& progress) {
            const auto rows = view_2d(X, "density_validity");
            const auto given = view_1d(labels, "density_validity");
            const Metric parsed = metric_from_string(metric);
            DensityValidity found = run_released(progress, [&](const Progress& p) {
                return density_validity(rows, given, parsed, num_threads, p);
            });
            return py::dict("score"_a = found.score, "per_cluster"_a = give(std::move(found.per_cluster)),
                            "sparseness"_a = give(std::move(found.sparseness)),
                            "separation"_a = give(std::move(found.separation)));
        },
        py::arg("X").noconvert(), py::arg("labels").noconvert(), "metric"_a, "num_threads"_a, "progress"_a);
    module.def(
        "relative_validity",
        [](const SpanningTree& tree, const Array<Index>& labels) {
            return relative_validity(tree, view_1d(labels, "relative_validity"));
        },
        "tree"_a, py::arg("labels").noconvert());
}

}  // namespace

void bind_density(py::module_& module) {
    bind_trees(module);
    bind_cuts(module);
    bind_members(module);
}

}  // namespace filmatlas::python
