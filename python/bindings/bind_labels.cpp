// SPDX-License-Identifier: MIT
// Evidence for writers of labels, and the gates that their labels have to pass.
#include "common.hpp"
#include "filmatlas/atlas/label_jobs.hpp"

namespace filmatlas::python {
namespace {

using Texts = std::vector<std::string>;
using KeywordPairs = std::vector<std::pair<std::string, double>>;

std::vector<Keyword> keywords_of(const KeywordPairs& pairs) {
    std::vector<Keyword> out;
    for (const auto& [term, score] : pairs) out.push_back({term, score});
    return out;
}

template <class T>
void read_field(const py::dict& fields, const char* name, T& target) {
    if (fields.contains(name)) target = fields[name].cast<T>();
}

GateOptions gate_options(const py::dict& fields) {
    GateOptions options;
    read_field(fields, "words_per_level", options.words_per_level);
    read_field(fields, "max_characters", options.max_characters);
    read_field(fields, "min_lift", options.min_lift);
    read_field(fields, "min_share", options.min_share);
    read_field(fields, "min_cited", options.min_cited);
    read_field(fields, "figurative", options.figurative);
    read_field(fields, "min_coverage", options.min_coverage);
    read_field(fields, "min_separation", options.min_separation);
    read_field(fields, "relative", options.relative);
    read_field(fields, "max_overlap", options.max_overlap);
    read_field(fields, "child_share", options.child_share);
    read_field(fields, "samples", options.samples);
    read_field(fields, "samples_passed", options.samples_passed);
    read_field(fields, "seed", options.seed);
    read_field(fields, "banned", options.banned);
    read_field(fields, "private_words", options.private_words);
    read_field(fields, "fallback_words", options.fallback_words);
    return options;
}

EvidenceOptions evidence_options(const py::dict& fields) {
    EvidenceOptions options;
    read_field(fields, "keywords", options.keywords);
    read_field(fields, "tags", options.tags);
    read_field(fields, "exemplars", options.exemplars);
    read_field(fields, "borders", options.borders);
    read_field(fields, "excerpt", options.excerpt);
    read_field(fields, "mask_titles", options.mask_titles);
    return options;
}

LabelFacts facts_from(const py::dict& fields) {
    LabelFacts facts;
    read_field(fields, "tags", facts.tags);
    read_field(fields, "tag_scores", facts.tag_scores);
    read_field(fields, "titles", facts.titles);
    read_field(fields, "times", facts.times);
    read_field(fields, "texts", facts.texts);
    read_field(fields, "exemplars", facts.exemplars);
    read_field(fields, "borders", facts.borders);
    if (fields.contains("neighbors")) facts.neighbors = copy_2d(fields["neighbors"].cast<Array<Index>>(), "neighbors");
    read_field(fields, "source_names", facts.source_names);
    if (fields.contains("source_keywords")) {
        for (const auto& source : fields["source_keywords"].cast<std::vector<std::vector<KeywordPairs>>>()) {
            auto& nodes = facts.source_keywords.emplace_back();
            for (const KeywordPairs& pairs : source) nodes.push_back(keywords_of(pairs));
        }
    }
    return facts;
}

/// What judging needs, worked out once.
struct LabelDesk {
    LabelContext context;
    GateOptions gates;
    EvidenceOptions evidence;
    LabelSet fallback;
    LabelBars bars;
};

py::tuple evidence_of(const LabelDesk& desk, Index node, const LabelSet& written) {
    const LabelEvidence evidence = label_evidence(desk.context, written, node, desk.gates, desk.evidence);
    return py::make_tuple(evidence_json(evidence), evidence_hash(evidence));
}

}  // namespace

void bind_labels(py::module_& module) {
    py::class_<LabelSet>(module, "LabelSet")
        .def(py::init([](const Texts& texts) { return LabelSet(std::span<const std::string>(texts)); }), "texts"_a)
        .def("set", [](LabelSet& self, Index node, std::string text) { self.set(node, std::move(text)); }, "node"_a,
             "text"_a)
        .def("__len__", &LabelSet::size)
        .def_property_readonly("texts", [](const LabelSet& self) { return self.texts(); });

    py::class_<LabelDesk, std::shared_ptr<LabelDesk>>(module, "LabelDesk")
        .def_property_readonly("fallback", [](const LabelDesk& self) { return self.fallback.texts(); })
        .def_property_readonly("num_nodes", [](const LabelDesk& self) { return self.context.hierarchy.num_nodes(); })
        .def(
            "keywords",
            [](const LabelDesk& self, Index node) {
                py::list out;
                for (const Keyword& keyword : self.context.keywords.at(static_cast<std::size_t>(node))) {
                    out.append(keyword.term);
                }
                return out;
            },
            "node"_a)
        .def("evidence", &evidence_of, "node"_a, "written"_a)
        .def(
            "check",
            [](const LabelDesk& self, Index node, const std::string& text,
               const std::vector<std::tuple<std::string, std::string, std::vector<Index>>>& because,
               std::optional<double> closeness, double closeness_bar, const LabelSet& written) {
                LabelCandidate candidate{text, {}, closeness, closeness_bar};
                for (const auto& [word, term, items] : because) candidate.because.push_back({word, term, items});
                return verdict_json(run_released(
                    [&] { return check_label(self.context, self.bars, written, node, candidate, self.gates); }));
            },
            "node"_a, "text"_a, "because"_a, "closeness"_a, "closeness_bar"_a, "written"_a)
        .def(
            "support",
            [](const LabelDesk& self, Index node, const std::string& word) {
                py::list out;
                for (const std::string& stem : label_stems(word)) {
                    const Index column = self.context.find_stem(stem);
                    const TermSupport s = column < 0 ? TermSupport{} : self.context.term(node, column);
                    out.append(py::dict("stem"_a = stem, "support"_a = s.support, "p_in"_a = s.p_in, "p_out"_a = s.p_out,
                                        "lift"_a = column < 0 ? 0.0 : s.lift, "z"_a = s.z));
                }
                return out;
            },
            "node"_a, "word"_a)
        .def(
            "jobs",
            [](const LabelDesk& self, const LabelSet& written, const std::vector<Index>& nodes) {
                return run_released(
                    [&] { return label_jobs(self.context, written, nodes, self.gates, self.evidence); });
            },
            "written"_a, "nodes"_a);

    module.def(
        "label_desk",
        [](const Hierarchy& hierarchy, const std::pair<std::int64_t, std::int64_t>& shape,
           const Array<std::int64_t>& indptr, const Array<Index>& indices, const Array<std::int32_t>& values,
           const Texts& vocabulary, const std::vector<KeywordPairs>& keywords, const py::dict& facts,
           const py::dict& gates, const py::dict& evidence, int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            std::vector<std::vector<Keyword>> nodes;
            for (const KeywordPairs& pairs : keywords) nodes.push_back(keywords_of(pairs));
            LabelFacts known = facts_from(facts);
            auto desk = std::make_shared<LabelDesk>();
            desk->gates = gate_options(gates);
            desk->evidence = evidence_options(evidence);
            run_released([&] {
                validate(desk->evidence);
                desk->context =
                    label_context(hierarchy, counts, vocabulary, std::move(nodes), std::move(known), num_threads);
                desk->fallback = fallback_labels(desk->context, desk->gates);
                desk->bars = label_bars(desk->context, desk->fallback, desk->gates);
            });
            return desk;
        },
        "hierarchy"_a, "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(),
        py::arg("values").noconvert(), "vocabulary"_a, "keywords"_a, "facts"_a, "gates"_a, "evidence"_a,
        "num_threads"_a);
    module.def(
        "parse_label_answers",
        [](const std::string& jsonl) {
            py::list out;
            for (const LabelAnswer& answer : parse_label_answers(jsonl)) {
                py::list because;
                for (const LabelReason& reason : answer.candidate.because) {
                    because.append(py::make_tuple(reason.word, reason.term, reason.items));
                }
                out.append(py::make_tuple(answer.node, answer.hash, answer.candidate.text, because));
            }
            return out;
        },
        "jsonl"_a);
}

}  // namespace filmatlas::python
