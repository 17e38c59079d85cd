// SPDX-License-Identifier: MIT
// Tokens, counts, TF-IDF, the built-in encoder, class terms, keywords, labels.
#include "common.hpp"
#include "convert.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/diversity.hpp"
#include "filmatlas/keywords/node_keywords.hpp"
#include "filmatlas/keywords/rankers.hpp"
#include "filmatlas/keywords/representatives.hpp"
#include "filmatlas/keywords/tags.hpp"
#include "filmatlas/labels/keyword_labels.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/lsa.hpp"
#include "filmatlas/text/stem.hpp"
#include "filmatlas/text/tfidf.hpp"
#include "filmatlas/text/tokenize.hpp"
#include "filmatlas/text/unicode.hpp"
#include "texts.hpp"

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

CountOptions count_options(const TokenFields& tokens, std::int64_t min_df, double max_df,
                           std::optional<std::int64_t> max_features, int num_threads) {
    CountOptions options;
    options.tokens = token_options(tokens);
    options.min_df = min_df;
    options.max_df = max_df;
    options.max_features = max_features;
    options.num_threads = num_threads;
    return options;
}

py::tuple count_fields(CountResult result) {
    return py::make_tuple(py::cast(result.vocabulary), give_csr(std::move(result.counts)), run_dict(result.run));
}

/// Lists of tokens, made by any tokeniser, as a stream.
TokenStream stream_of_lists(const py::list& documents) {
    TokenStream stream;
    py::dict ids;
    for (const py::handle document : documents) {
        const auto fast = py::reinterpret_steal<py::object>(
            PySequence_Fast(document.ptr(), "a tokenizer returned no list of tokens"));
        if (!fast) throw py::error_already_set();
        const Py_ssize_t length = PySequence_Fast_GET_SIZE(fast.ptr());
        for (Py_ssize_t t = 0; t < length; ++t) {
            PyObject* const token = PySequence_Fast_GET_ITEM(fast.ptr(), t);
            PyObject* id = PyDict_GetItemWithError(ids.ptr(), token);
            if (id == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
            if (id == nullptr) {
                if (!PyUnicode_Check(token)) throw py::type_error("a tokenizer returned a token that is no text");
                stream.vocabulary.push_back(py::handle(token).cast<std::string>());
                const py::int_ next(stream.vocabulary.size() - 1);
                if (PyDict_SetItem(ids.ptr(), token, next.ptr()) != 0) throw py::error_already_set();
                id = PyDict_GetItemWithError(ids.ptr(), token);
            }
            stream.ids.push_back(static_cast<Index>(PyLong_AsLong(id)));
        }
        stream.indptr.push_back(static_cast<std::int64_t>(stream.ids.size()));
    }
    return stream;
}

void bind_streams(py::module_& module) {
    py::class_<TokenStream, std::shared_ptr<TokenStream>>(module, "TokenStream")
        .def_property_readonly("num_documents", &TokenStream::num_documents)
        .def_property_readonly("num_tokens", &TokenStream::num_tokens)
        .def("with_options", [](const TokenStream& self, const TokenFields& tokens, int num_threads) {
            const TokenizeOptions options = token_options(tokens);
            return run_released(
                [&] { return std::make_shared<TokenStream>(stream_of_tokens(self, options, num_threads)); });
        }, "tokens"_a, "num_threads"_a);
    module.def(
        "token_stream",
        [](const TextColumn& texts, const TokenFields& tokens, int num_threads) {
            const TokenizeOptions options = token_options(tokens);
            return run_released(
                [&] { return std::make_shared<TokenStream>(token_stream(texts.views(), options, num_threads)); });
        },
        "texts"_a, "tokens"_a, "num_threads"_a);
    module.def(
        "token_stream_of_lists",
        [](const py::list& documents) { return std::make_shared<TokenStream>(stream_of_lists(documents)); },
        "documents"_a);
    module.def(
        "terms_of_stream",
        [](const TokenStream& stream, const TokenFields& tokens) {
            return document_terms(stream, 0, token_options(tokens));
        },
        "stream"_a, "tokens"_a);
    module.def("stemmer_names", [] {
        py::list names;
        for (const std::string_view name : stemmer_names()) names.append(std::string(name));
        return names;
    });
}

void bind_words(py::module_& module) {
    module.def("unicode_version", [] { return std::string(unicode_version()); });
    module.def("has_dictionary_words", &has_dictionary_words);
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
        [](const TextColumn& texts, const TokenFields& tokens, std::int64_t min_df, double max_df,
           std::optional<std::int64_t> max_features, int num_threads, const py::object& progress) {
            const auto options = count_options(tokens, min_df, max_df, max_features, num_threads);
            return count_fields(
                run_released(progress, [&](const Progress& p) { return count_terms(texts.views(), options, p); }));
        },
        "texts"_a, "tokens"_a, "min_df"_a, "max_df"_a, "max_features"_a, "num_threads"_a, "progress"_a);
    module.def(
        "count_terms",
        [](const TokenStream& stream, const TokenFields& tokens, std::int64_t min_df, double max_df,
           std::optional<std::int64_t> max_features, int num_threads, const py::object& progress) {
            const auto options = count_options(tokens, min_df, max_df, max_features, num_threads);
            return count_fields(run_released(progress, [&](const Progress& p) {
                return count_terms(stream_of_tokens(stream, options.tokens, num_threads), options, p);
            }));
        },
        "texts"_a, "tokens"_a, "min_df"_a, "max_df"_a, "max_features"_a, "num_threads"_a, "progress"_a);
    module.def(
        "count_with_vocabulary",
        [](const TextColumn& texts, const Texts& vocabulary, const TokenFields& tokens, int num_threads,
           const py::object& progress) {
            const TokenizeOptions options = token_options(tokens);
            return give_csr(run_released(progress, [&](const Progress& p) {
                return count_with_vocabulary(texts.views(), vocabulary, options, num_threads, p);
            }));
        },
        "texts"_a, "vocabulary"_a, "tokens"_a, "num_threads"_a, "progress"_a);
    module.def(
        "count_with_vocabulary",
        [](const TokenStream& stream, const Texts& vocabulary, const TokenFields& tokens, int num_threads,
           const py::object& progress) {
            const TokenizeOptions options = token_options(tokens);
            return give_csr(run_released(progress, [&](const Progress& p) {
                return count_with_vocabulary(stream_of_tokens(stream, options, num_threads), vocabulary, options,
                                             num_threads, p);
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
        "idf_of_frequencies",
        [](const Array<std::int64_t>& document_frequency, std::int64_t documents, bool use_idf, bool smooth_idf) {
            TfidfOptions options;
            options.use_idf = use_idf;
            options.smooth_idf = smooth_idf;
            return give(inverse_document_frequency(view_1d(document_frequency, "document_frequency"), documents, options));
        },
        py::arg("document_frequency").noconvert(), "documents"_a, "use_idf"_a, "smooth_idf"_a);
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
            [](const LsaEncoder& self, const TextColumn& column, int num_threads, const py::object& progress) {
                const Texts texts = column.strings();
                return give(
                    run_released(progress, [&](const Progress& p) { return encode(self, texts, num_threads, p); }));
            },
            "texts"_a, "num_threads"_a, "progress"_a);

    module.def(
        "fit_lsa",
        [](const TextColumn& column, int n_components, const TokenFields& tokens, std::int64_t min_df, double max_df,
           bool sublinear_tf, bool normalize, int n_iterations, std::uint64_t seed, int num_threads,
           const py::object& progress) {
            const Texts texts = column.strings();
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
        [](const std::vector<Texts>& tags, const std::vector<std::vector<double>>& scores, const Hierarchy& hierarchy,
           int top_n, std::int64_t min_support, double min_lift) {
            TagOptions options;
            options.top_n = top_n;
            options.min_support = min_support;
            options.min_lift = min_lift;
            py::list out;
            for (const auto& node : run_released([&] { return tag_lift(tags, hierarchy, options, scores); })) {
                py::list entries;
                for (const TagLift& tag : node) {
                    entries.append(py::dict("tag"_a = tag.tag, "support"_a = tag.support, "p_in"_a = tag.p_in,
                                            "p_out"_a = tag.p_out, "lift"_a = tag.lift, "score"_a = tag.score));
                    if (!scores.empty()) entries[entries.size() - 1]["mean_score"] = tag.mean_score;
                }
                out.append(std::move(entries));
            }
            return out;
        },
        "tags"_a, "scores"_a, "hierarchy"_a, "top_n"_a, "min_support"_a, "min_lift"_a);
    module.def(
        "max_sum_diverse",
        [](const Array<float>& query, const Array<float>& candidates, int top_n, int pool) {
            return max_sum_diverse(view_1d(query, "max_sum_diverse"), view_2d(candidates, "max_sum_diverse"), top_n, pool);
        },
        py::arg("query").noconvert(), py::arg("candidates").noconvert(), "top_n"_a, "pool"_a);
    module.def(
        "contrast_keywords",
        [](const ClassTerms& terms, std::int64_t row, std::int64_t other, int top_n) {
            return keyword_list(contrast_keywords(terms, row, other, top_n));
        },
        "terms"_a, "row"_a, "other"_a, "top_n"_a);
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
    bind_text_columns(module);
    bind_streams(module);
    bind_words(module);
    bind_encoder(module);
    bind_class_terms(module);
}

}  // namespace filmatlas::python
