// SPDX-License-Identifier: MIT
// The whole: build, store, ask, audit, export.
#include "common.hpp"
#include "convert.hpp"
#include "filmatlas/atlas/atlas.hpp"
#include "filmatlas/atlas/audit.hpp"
#include "filmatlas/atlas/build.hpp"
#include "filmatlas/atlas/query.hpp"
#include "filmatlas/atlas/site.hpp"
#include "filmatlas/atlas/store.hpp"
#include "filmatlas/atlas/tables.hpp"
#include "filmatlas/labels/labels.hpp"

namespace filmatlas::python {
namespace {

py::list neighbor_list(const std::vector<Neighbor>& neighbors) {
    py::list out;
    for (const Neighbor& neighbor : neighbors) {
        out.append(py::make_tuple(neighbor.row, neighbor.distance, neighbor.similarity));
    }
    return out;
}

py::list placement_list(const std::vector<Placement>& placements) {
    py::list out;
    for (const Placement& placement : placements) {
        out.append(py::dict("neighbors"_a = neighbor_list(placement.neighbors), "path"_a = placement.path,
                            "position"_a = placement.position, "confidence"_a = placement.confidence));
    }
    return out;
}

py::dict explanation_dict(const Explanation& explanation) {
    py::list shares;
    for (const SourceShareOfPair& share : explanation.shares) shares.append(py::make_tuple(share.source, share.share));
    py::list terms;
    for (const SharedTerm& term : explanation.shared_terms) {
        terms.append(py::make_tuple(term.term, term.weight, term.sources));
    }
    return py::dict("similarity"_a = explanation.similarity, "exact_shares"_a = explanation.exact_shares,
                    "shares"_a = shares, "shared_terms"_a = terms, "neighbor_rank"_a = explanation.neighbor_rank,
                    "common_node"_a = explanation.common_node);
}

SiteOptions site_options(int n_neighbors, std::vector<std::string> columns, std::vector<std::string> attributions) {
    SiteOptions options;
    options.n_neighbors = n_neighbors;
    options.columns = std::move(columns);
    options.attributions = std::move(attributions);
    return options;
}

BuildOptions build_options(const std::string& title, const py::dict& roles, const std::vector<py::dict>& sources,
                           const py::kwargs& fields) {
    BuildOptions options;
    options.title = title;
    options.roles.title = roles["title"].cast<std::string>();
    options.roles.time = roles["time"].cast<std::string>();
    options.roles.link = roles["link"].cast<std::string>();
    options.roles.summary = roles["summary"].cast<std::string>();
    for (const py::dict& source : sources) options.sources.push_back(source_from(source));
    options.profile_tokens = fields["profile_tokens"].cast<std::int64_t>();
    options.include_titles = fields["include_titles"].cast<bool>();
    options.n_neighbors = fields["n_neighbors"].cast<int>();
    options.metric = metric_from_string(fields["metric"].cast<std::string>());
    options.level_names = fields["level_names"].cast<std::vector<std::string>>();
    options.n_clusters = fields["n_clusters"].cast<std::optional<std::vector<int>>>();
    options.encoder_components = fields["encoder_components"].cast<int>();
    options.keywords_per_node = fields["keywords_per_node"].cast<int>();
    options.representatives_per_node = fields["representatives_per_node"].cast<int>();
    options.stop_words = fields["stop_words"].cast<std::string>();
    options.on_invalid = on_invalid_from("build", fields["on_invalid"].cast<std::string>());
    options.seed = fields["seed"].cast<std::uint64_t>();
    options.num_threads = fields["num_threads"].cast<int>();
    options.map_territories = fields["map_territories"].cast<bool>();
    options.exact_trust = fields["exact_trust"].cast<std::optional<bool>>();
    return options;
}

void bind_value(py::module_& module) {
    const auto inside = py::return_value_policy::reference_internal;
    py::class_<Atlas, std::shared_ptr<Atlas>>(module, "Atlas")
        .def("__len__", &Atlas::size)
        .def_readonly("title", &Atlas::title)
        .def_property_readonly("roles",
                               [](const Atlas& self) {
                                   return py::dict("title"_a = self.roles.title, "time"_a = self.roles.time,
                                                   "link"_a = self.roles.link, "summary"_a = self.roles.summary);
                               })
        .def_property_readonly("records", [](const Atlas& self) -> const Records& { return self.records; }, inside)
        .def_property_readonly("cleaning", [](const Atlas& self) -> const CleaningReport& { return self.cleaning; },
                               inside)
        .def_property_readonly("embedding", [](const Atlas& self) -> const Embedding& { return self.embedding; }, inside)
        .def_property_readonly(
            "encoder",
            [](py::object self) -> py::object {
                const auto& atlas = self.cast<const Atlas&>();
                if (!atlas.encoder) return py::none();
                return py::cast(&*atlas.encoder, py::return_value_policy::reference_internal, self);
            })
        .def_property_readonly("graph", [](const Atlas& self) -> const KnnGraph& { return self.graph; }, inside)
        .def_property_readonly("hierarchy", [](const Atlas& self) -> const Hierarchy& { return self.hierarchy; }, inside)
        .def_property_readonly("layout", [](const Atlas& self) -> const Layout& { return self.layout; }, inside)
        .def_property_readonly(
            "territories",
            [](py::object self) -> py::object {
                const auto& atlas = self.cast<const Atlas&>();
                if (!atlas.territories) return py::none();
                return py::cast(&*atlas.territories, py::return_value_policy::reference_internal, self);
            })
        .def_property_readonly(
            "plain_quality",
            [](py::object self) -> py::object {
                const auto& plain = self.cast<const Atlas&>().plain_quality;
                if (!plain) return py::none();
                return quality_dict(*plain, self);
            })
        .def_property_readonly("strength",
                               [](py::object self) {
                                   const auto& atlas = self.cast<const Atlas&>();
                                   return borrow(atlas.strength.data(), {atlas.size(), atlas.hierarchy.num_levels()},
                                                 self);
                               })
        .def_property_readonly("labels",
                               [](const Atlas& self) {
                                   py::list out;
                                   for (const NodeLabel& label : self.labels) {
                                       out.append(py::make_tuple(label.text, std::string(to_string(label.origin)),
                                                                 label.keywords));
                                   }
                                   return out;
                               })
        .def(
            "with_labels",
            [](const Atlas& self, const std::vector<std::string>& texts, const std::vector<bool>& written) {
                if (texts.size() != self.labels.size() || written.size() != texts.size()) {
                    throw_shape("with_labels", std::to_string(texts.size()) + " labels for " +
                                                   std::to_string(self.labels.size()) + " nodes");
                }
                auto copy = std::make_shared<Atlas>(self);
                for (std::size_t node = 0; node < texts.size(); ++node) {
                    NodeLabel& label = copy->labels[node];
                    if (label.text == texts[node]) continue;
                    label.text = texts[node];
                    label.origin = written[node] ? LabelOrigin::Writer : LabelOrigin::Keywords;
                }
                for (const LabelIssue& issue : label_issues(copy->hierarchy, copy->labels)) {
                    if (issue.kind == LabelIssueKind::TooLong) continue;  // shown in part, and reported
                    throw_invalid("with_labels", "labels", issue.message, "mend this label");
                }
                return copy;
            },
            "texts"_a, "written"_a)
        .def_property_readonly("keywords",
                               [](const Atlas& self) {
                                   py::list out;
                                   for (const auto& node : self.keywords) {
                                       py::list terms;
                                       for (const Keyword& keyword : node) {
                                           terms.append(py::make_tuple(keyword.term, keyword.score));
                                       }
                                       out.append(std::move(terms));
                                   }
                                   return out;
                               })
        .def_property_readonly("representatives", [](const Atlas& self) { return self.representatives; })
        .def_property_readonly("profiles",
                               [](const Atlas& self) {
                                   return py::dict("source_names"_a = self.profiles.source_names,
                                                   "source_weights"_a = self.profiles.source_weights,
                                                   "token_shares"_a = self.profiles.token_shares);
                               })
        .def(
            "source_texts",
            [](const Atlas& self, std::size_t source) { return self.profiles.source_texts.at(source); }, "source"_a)
        .def_property_readonly("provenance", [](const Atlas& self) {
            const Provenance& from = self.provenance;
            return py::dict("version"_a = from.version, "options"_a = from.options, "records_hash"_a = from.records_hash,
                            "vectors_hash"_a = from.vectors_hash, "encoder"_a = from.encoder);
        });
}

void bind_build_and_store(py::module_& module) {
    // Vectors are tuples (name, array, weight).
    module.def(
        "build_atlas",
        [](const Records& records, const CleaningReport& cleaning,
           const std::vector<std::tuple<std::string, Array<float>, double>>& vectors, const std::string& title,
           const py::dict& roles, const std::vector<py::dict>& sources, const py::object& progress,
           const py::kwargs& fields) {
            const BuildOptions options = build_options(title, roles, sources, fields);
            std::vector<GivenVectors> given;
            for (const auto& [name, array, weight] : vectors) given.push_back({name, view_2d(array, "build"), weight});
            IngestResult input{records, cleaning};
            return run_released(progress, [&](const Progress& p) {
                return std::make_shared<Atlas>(build_atlas(std::move(input), given, options, p));
            });
        },
        "records"_a, "cleaning"_a, "vectors"_a, "title"_a, "roles"_a, "sources"_a, "progress"_a);
    module.def(
        "save_atlas", [](const Atlas& atlas, const std::string& path) { run_released([&] { save_atlas(atlas, path); }); },
        "atlas"_a, "path"_a);
    module.def(
        "load_atlas",
        [](const std::string& path) {
            return run_released([&] { return std::make_shared<Atlas>(load_atlas(path)); });
        },
        "path"_a);
    module.def(
        "pack_atlas", [](const Atlas& atlas) { return py::bytes(run_released([&] { return pack_atlas(atlas); })); },
        "atlas"_a);
    module.def(
        "unpack_atlas",
        [](const py::bytes& bytes) {
            const std::string_view view = bytes;
            return run_released([&] { return std::make_shared<Atlas>(unpack_atlas(view)); });
        },
        "bytes"_a);
}

void bind_questions(py::module_& module) {
    module.def(
        "find_item", [](const Atlas& atlas, const std::string& id) { return find_item(atlas, id); }, "atlas"_a, "id"_a);
    module.def(
        "item_title", [](const Atlas& atlas, Index row) { return item_title(atlas, row); }, "atlas"_a, "row"_a);
    module.def(
        "search_titles",
        [](const Atlas& atlas, const std::string& query, int limit) {
            py::list out;
            for (const SearchHit& hit : search_titles(atlas, query, limit)) {
                out.append(py::make_tuple(hit.row, hit.score));
            }
            return out;
        },
        "atlas"_a, "query"_a, "limit"_a);
    module.def(
        "item_neighbors",
        [](const Atlas& atlas, Index row, int k) { return neighbor_list(item_neighbors(atlas, row, k)); }, "atlas"_a,
        "row"_a, "k"_a);
    module.def(
        "explain",
        [](const Atlas& atlas, Index a, Index b, int max_terms) {
            return explanation_dict(explain(atlas, a, b, max_terms));
        },
        "atlas"_a, "a"_a, "b"_a, "max_terms"_a);
    module.def(
        "place_vectors",
        [](const Atlas& atlas, const Array<float>& vectors, int k, int num_threads) {
            const auto view = view_2d(vectors, "place");
            return placement_list(run_released([&] { return place_vectors(atlas, view, k, num_threads); }));
        },
        "atlas"_a, py::arg("vectors").noconvert(), "k"_a, "num_threads"_a);
    module.def(
        "place_texts",
        [](const Atlas& atlas, const std::vector<std::string>& texts, int k, int num_threads) {
            return placement_list(run_released([&] { return place_texts(atlas, texts, k, num_threads); }));
        },
        "atlas"_a, "texts"_a, "k"_a, "num_threads"_a);
}

void bind_export(py::module_& module) {
    module.def(
        "validate_atlas",
        [](const Atlas& atlas) {
            return run_released([&] { return std::make_shared<Report>(validate_atlas(atlas)); });
        },
        "atlas"_a);
    module.def(
        "validate_site",
        [](const Atlas& atlas, const std::string& html) {
            return run_released([&] { return std::make_shared<Report>(validate_site(atlas, html)); });
        },
        "atlas"_a, "html"_a);
    module.def(
        "render_site",
        [](const Atlas& atlas, int n_neighbors, std::vector<std::string> columns, std::vector<std::string> attributions) {
            const auto options = site_options(n_neighbors, std::move(columns), std::move(attributions));
            return run_released([&] { return render_site(atlas, options); });
        },
        "atlas"_a, "n_neighbors"_a, "columns"_a, "attributions"_a);
    module.def(
        "export_site",
        [](const Atlas& atlas, const std::string& path, int n_neighbors, std::vector<std::string> columns,
           std::vector<std::string> attributions) {
            const auto options = site_options(n_neighbors, std::move(columns), std::move(attributions));
            run_released([&] { export_site(atlas, path, options); });
        },
        "atlas"_a, "path"_a, "n_neighbors"_a, "columns"_a, "attributions"_a);
    module.def("items_csv", [](const Atlas& atlas) { return run_released([&] { return items_csv(atlas); }); }, "atlas"_a);
    module.def("nodes_csv", [](const Atlas& atlas) { return run_released([&] { return nodes_csv(atlas); }); }, "atlas"_a);
    module.def(
        "neighbors_csv", [](const Atlas& atlas) { return run_released([&] { return neighbors_csv(atlas); }); }, "atlas"_a);
}

}  // namespace

void bind_atlas(py::module_& module) {
    bind_value(module);
    bind_build_and_store(module);
    bind_questions(module);
    bind_export(module);
}

}  // namespace filmatlas::python
