// SPDX-License-Identifier: MIT
// Tokens, counts, TF-IDF, the built-in encoder, class terms, keywords, labels.
#include "common.hpp"
#include "convert.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/diversity.hpp"
#include "filmatlas/keywords/node_keywords.hpp"
#include "filmatlas/keywords/representatives.hpp"
#include "filmatlas/keywords/tags.hpp"
#include "filmatlas/labels/keyword_labels.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/lsa.hpp"
#include "filmatlas/text/tfidf.hpp"
#include "filmatlas/text/unicode.hpp"

namespace filmatlas::python {
namespace {

using Texts = std::vector<std::string>;

ClassTfidfOptions class_options(bool bm25_weighting, bool reduce_frequent_words, Texts seed_words,
                                double seed_multiplier, int num_threads) {
    ClassTfidfOptions options;
    options.bm25_weighting = bm25_weighting;
    options.reduce_frequent_words = reduce_frequent_words;
    options.seed_words = std::move(seed_words);
    options.seed_multiplier = seed_multiplier;
    options.num_threads = num_threads;
    return options;
}

py::list keyword_list(const std::vector<Keyword>& keywords) {
    py::list out;
    for (const Keyword& keyword : keywords) out.append(py::make_tuple(keyword.term, keyword.score));
    return out;
}

std::vector<Keyword> keywords_from(const std::vector<std::pair<std::string, double>>& pairs) {
    std::vector<Keyword> out;
    for (const auto& [term, score] : pairs) out.push_back({term, score});
    return out;
}

void bind_words(py::module_& module) {
    module.def("unicode_version", [] { return std::string(unicode_version()); });
    module.def("lower", [](const std::string& text) { return lower(text); }, "text"_a);
    module.def("fold", [](const std::string& text) { return fold(text); }, "text"_a);
    module.def(
        "stop_list",
        [](const std::string& name) {
            py::list out;
            for (const std::string_view word : stop_list(name)) out.append(std::string(word));
            return out;
        },
        "name"_a);
    module.def(
        "tokenize",
        [](const std::string& text, const TokenFields& tokens) { return tokenize(text, token_options(tokens)); },
        "text"_a, "tokens"_a);
    module.def(
        "count_terms",
        [](const Texts& texts, const TokenFields& tokens, std::int64_t min_df, double max_df,
           std::optional<std::int64_t> max_features, int num_threads, const py::object& progress) {
            CountOptions options;
            options.tokens = token_options(tokens);
            options.min_df = min_df;
            options.max_df = max_df;
            options.max_features = max_features;
            options.num_threads = num_threads;
            CountResult result =
                run_released(progress, [&](const Progress& p) { return count_terms(std::span<const std::string>(texts), options, p); });
            return py::make_tuple(py::cast(result.vocabulary), give_csr(std::move(result.counts)), run_dict(result.run));
        },
        "texts"_a, "tokens"_a, "min_df"_a, "max_df"_a, "max_features"_a, "num_threads"_a, "progress"_a);
    module.def(
        "count_with_vocabulary",
        [](const Texts& texts, const Texts& vocabulary, const TokenFields& tokens, int num_threads,
           const py::object& progress) {
            const TokenizeOptions options = token_options(tokens);
            return give_csr(run_released(progress, [&](const Progress& p) {
                return count_with_vocabulary(texts, vocabulary, options, num_threads, p);
            }));
        },
        "texts"_a, "vocabulary"_a, "tokens"_a, "num_threads"_a, "progress"_a);
    module.def(
        "inverse_document_frequency",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values, bool use_idf, bool smooth_idf) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            TfidfOptions options;
            options.use_idf = use_idf;
            options.smooth_idf = smooth_idf;
            return give(inverse_document_frequency(counts, options));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "use_idf"_a, "smooth_idf"_a);
    module.def(
        "tfidf",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values, const Array<double>& idf, bool sublinear_tf,
           bool l2_normalize, int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto idf_view = view_1d(idf, "tfidf");
            TfidfOptions options;
            options.sublinear_tf = sublinear_tf;
            options.l2_normalize = l2_normalize;
            options.num_threads = num_threads;
            return give_csr(run_released([&] { return tfidf(counts, idf_view, options); }));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        py::arg("idf").noconvert(), "sublinear_tf"_a, "l2_normalize"_a, "num_threads"_a);
}

void bind_encoder(py::module_& module) {
    py::class_<LsaEncoder, std::shared_ptr<LsaEncoder>>(module, "LsaEncoder")
        .def_property_readonly("dimensions", &LsaEncoder::dimensions)
        .def_property_readonly("vocabulary", [](const LsaEncoder& self) { return self.vocabulary; })
        .def_property_readonly("idf", [](py::object self) { return borrow(self.cast<const LsaEncoder&>().idf, self); })
        .def_property_readonly("components",
                               [](py::object self) { return borrow(self.cast<const LsaEncoder&>().components, self); })
        .def_property_readonly(
            "singular_values",
            [](py::object self) { return borrow(self.cast<const LsaEncoder&>().singular_values, self); })
        .def(
            "encode",
            [](const LsaEncoder& self, const Texts& texts, int num_threads, const py::object& progress) {
                return give(
                    run_released(progress, [&](const Progress& p) { return encode(self, texts, num_threads, p); }));
            },
            "texts"_a, "num_threads"_a, "progress"_a);

    module.def(
        "fit_lsa",
        [](const Texts& texts, int n_components, const TokenFields& tokens, std::int64_t min_df, double max_df,
           bool sublinear_tf, bool normalize, int n_iterations, std::uint64_t seed, int num_threads,
           const py::object& progress) {
            LsaOptions options;
            options.n_components = n_components;
            options.tokens = token_options(tokens);
            options.min_df = min_df;
            options.max_df = max_df;
            options.sublinear_tf = sublinear_tf;
            options.normalize = normalize;
            options.n_iterations = n_iterations;
            options.seed = seed;
            options.num_threads = num_threads;
            LsaFit fit = run_released(progress, [&](const Progress& p) { return fit_lsa(texts, options, p); });
            return py::dict("encoder"_a = std::make_shared<LsaEncoder>(std::move(fit.encoder)),
                            "vectors"_a = give(std::move(fit.vectors)),
                            "empty_texts"_a = give(std::move(fit.empty_texts)), "run"_a = run_dict(fit.run));
        },
        "texts"_a, "n_components"_a, "tokens"_a, "min_df"_a, "max_df"_a, "sublinear_tf"_a, "normalize"_a,
        "n_iterations"_a, "seed"_a, "num_threads"_a, "progress"_a);
}

void bind_class_terms(py::module_& module) {
    py::class_<ClassTerms, std::shared_ptr<ClassTerms>>(module, "ClassTerms")
        .def_property_readonly("vocabulary", [](const ClassTerms& self) { return self.vocabulary; })
        .def_property_readonly(
            "counts", [](py::object self) { return borrow_csr(self.cast<const ClassTerms&>().counts, self); })
        .def_property_readonly(
            "weights", [](py::object self) { return borrow_csr(self.cast<const ClassTerms&>().weights, self); })
        .def_property_readonly(
            "class_sizes", [](py::object self) { return borrow(self.cast<const ClassTerms&>().class_sizes, self); })
        .def(
            "keywords", [](const ClassTerms& self, Index row, int top_n) { return keyword_list(self.keywords(row, top_n)); },
            "row"_a, "top_n"_a);

    module.def(
        "class_tfidf",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int32_t>& values, const Texts& vocabulary,
           const py::object& groups, bool bm25_weighting, bool reduce_frequent_words, Texts seed_words,
           double seed_multiplier, int num_threads) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            const auto options =
                class_options(bm25_weighting, reduce_frequent_words, std::move(seed_words), seed_multiplier, num_threads);
            if (py::isinstance<Hierarchy>(groups)) {
                const auto& hierarchy = groups.cast<const Hierarchy&>();
                return run_released([&] {
                    return std::make_shared<ClassTerms>(class_tfidf(counts, vocabulary, hierarchy, options));
                });
            }
            const auto labels = groups.cast<Array<Index>>();
            const auto label_view = view_1d(labels, "class_tfidf");
            return run_released(
                [&] { return std::make_shared<ClassTerms>(class_tfidf(counts, vocabulary, label_view, options)); });
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "vocabulary"_a, "groups"_a, "bm25_weighting"_a, "reduce_frequent_words"_a, "seed_words"_a, "seed_multiplier"_a,
        "num_threads"_a);
    module.def(
        "class_idf",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int64_t>& values, const Texts& vocabulary, bool bm25_weighting,
           Texts seed_words, double seed_multiplier) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            return give(class_idf(counts, vocabulary,
                                  class_options(bm25_weighting, false, std::move(seed_words), seed_multiplier, 0)));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        "vocabulary"_a, "bm25_weighting"_a, "seed_words"_a, "seed_multiplier"_a);
    module.def(
        "class_weights",
        [](const std::pair<std::int64_t, std::int64_t>& shape, const Array<std::int64_t>& indptr,
           const Array<Index>& indices, const Array<std::int64_t>& values, const Array<double>& idf,
           bool reduce_frequent_words) {
            const auto counts = copy_csr(shape.first, shape.second, indptr, indices, values);
            return give_csr(class_weights(counts, view_1d(idf, "class_weights"), reduce_frequent_words));
        },
        "shape"_a, py::arg("indptr").noconvert(), py::arg("indices").noconvert(), py::arg("values").noconvert(),
        py::arg("idf").noconvert(), "reduce_frequent_words"_a);
    module.def(
        "node_keywords",
        [](const ClassTerms& terms, const Hierarchy& hierarchy, int top_n, double contrast, double coverage, int min_items,
           double max_item_share, bool fold_duplicates, int num_threads) {
            KeywordOptions options;
            options.top_n = top_n;
            options.contrast = contrast;
            options.coverage = coverage;
            options.min_items = min_items;
            options.max_item_share = max_item_share;
            options.fold_duplicates = fold_duplicates;
            options.num_threads = num_threads;
            py::list out;
            for (const auto& keywords : run_released([&] { return node_keywords(terms, hierarchy, options); })) {
                out.append(keyword_list(keywords));
            }
            return out;
        },
        "terms"_a, "hierarchy"_a, "top_n"_a, "contrast"_a, "coverage"_a, "min_items"_a, "max_item_share"_a,
        "fold_duplicates"_a, "num_threads"_a);
    module.def(
        "keyword_labels",
        [](const Hierarchy& hierarchy, const std::vector<std::vector<std::pair<std::string, double>>>& keywords,
           std::vector<int> words_per_level, const std::string& separator, int max_characters) {
            std::vector<std::vector<Keyword>> nodes;
            for (const auto& node : keywords) nodes.push_back(keywords_from(node));
            LabelOptions options;
            options.words_per_level = std::move(words_per_level);
            options.separator = separator;
            options.max_characters = max_characters;
            py::list out;
            for (const NodeLabel& label : keyword_labels(hierarchy, nodes, options)) out.append(label.text);
            return out;
        },
        "hierarchy"_a, "keywords"_a, "words_per_level"_a, "separator"_a, "max_characters"_a);
    module.def(
        "representatives",
        [](const Hierarchy& hierarchy, const Array<float>& vectors, int count, int num_threads) {
            const auto view = view_2d(vectors, "representatives");
            return run_released([&] { return representatives(hierarchy, view, count, num_threads); });
        },
        "hierarchy"_a, py::arg("vectors").noconvert(), "count"_a, "num_threads"_a);
    module.def(
        "tag_lift",
        [](const std::vector<Texts>& tags, const Hierarchy& hierarchy, int top_n, std::int64_t min_support,
           double min_lift) {
            TagOptions options;
            options.top_n = top_n;
            options.min_support = min_support;
            options.min_lift = min_lift;
            py::list out;
            for (const auto& node : run_released([&] { return tag_lift(tags, hierarchy, options); })) {
                py::list entries;
                for (const TagLift& tag : node) {
                    entries.append(py::dict("tag"_a = tag.tag, "support"_a = tag.support, "p_in"_a = tag.p_in,
                                            "p_out"_a = tag.p_out, "lift"_a = tag.lift, "score"_a = tag.score));
                }
                out.append(std::move(entries));
            }
            return out;
        },
        "tags"_a, "hierarchy"_a, "top_n"_a, "min_support"_a, "min_lift"_a);
    module.def(
        "maximal_marginal_relevance",
        [](const Array<float>& query, const Array<float>& candidates, int top_n, double diversity) {
            return maximal_marginal_relevance(view_1d(query, "maximal_marginal_relevance"),
                                              view_2d(candidates, "maximal_marginal_relevance"), top_n, diversity);
        },
        py::arg("query").noconvert(), py::arg("candidates").noconvert(), "top_n"_a, "diversity"_a);
}

}  // namespace

void bind_text(py::module_& module) {
    bind_words(module);
    bind_encoder(module);
    bind_class_terms(module);
}

}  // namespace filmatlas::python
