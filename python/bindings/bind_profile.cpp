// SPDX-License-Identifier: MIT
// Records, their ingest, profiles and embeddings.
#include "common.hpp"
#include "convert.hpp"
#include <unordered_map>

#include "filmatlas/profile/binning.hpp"
#include "filmatlas/profile/ingest.hpp"
#include "filmatlas/profile/numeric.hpp"
#include "filmatlas/profile/records.hpp"

namespace filmatlas::python {
namespace {

using Texts = std::vector<std::string>;

py::object column_values(const Column& column, py::handle owner) {
    switch (column.kind) {
        case ColumnKind::Tags:
            return py::cast(column.tags);
        case ColumnKind::Number:
            return borrow(column.numbers, owner);
        case ColumnKind::ScoredTags: {
            py::list rows;
            for (const auto& tags : column.scored_tags) {
                py::list row;
                for (const ScoredTag& tag : tags) row.append(py::make_tuple(tag.tag, tag.score));
                rows.append(std::move(row));
            }
            return rows;
        }
        default: {
            py::list rows;
            for (const std::string& text : column.text) {
                rows.append(text.empty() ? py::object(py::none()) : py::object(py::str(text)));
            }
            return rows;
        }
    }
}

py::list notes(const std::vector<CleaningNote>& values) {
    py::list out;
    for (const CleaningNote& note : values) out.append(py::make_tuple(note.row, note.column, note.reason));
    return out;
}

IngestOptions ingest_options(const std::string& id_column, std::vector<std::string> private_columns,
                             const std::map<std::string, std::string>& column_kinds, const std::string& on_bad_row,
                             const std::string& delimiter, const std::string& list_separator,
                             std::int64_t max_text_bytes) {
    IngestOptions options;
    options.id_column = id_column;
    options.private_columns = std::move(private_columns);
    for (const auto& [name, kind] : column_kinds) {
        options.column_kinds[name] = choose<ColumnKind>("read_records", "column_kinds", kind,
                                                        {{"text", ColumnKind::Text},
                                                         {"tags", ColumnKind::Tags},
                                                         {"scored_tags", ColumnKind::ScoredTags},
                                                         {"number", ColumnKind::Number},
                                                         {"link", ColumnKind::Link}});
    }
    options.on_bad_row = choose<OnBadRow>("read_records", "on_bad_row", on_bad_row,
                                          {{"error", OnBadRow::Error}, {"skip", OnBadRow::Skip}});
    if (delimiter.size() > 1) throw_invalid("read_records", "delimiter", "has to be one ASCII character");
    if (!delimiter.empty()) options.delimiter = delimiter.front();
    options.list_separator = list_separator;
    options.max_text_bytes = max_text_bytes;
    return options;
}

py::tuple as_tuple(IngestResult result) {
    return py::make_tuple(std::make_shared<Records>(std::move(result.records)),
                          std::make_shared<CleaningReport>(std::move(result.cleaning)));
}

}  // namespace

Source source_from(const py::dict& fields) {
    Source source;
    source.name = fields["name"].cast<std::string>();
    source.columns = fields["columns"].cast<std::vector<std::string>>();
    source.weight = fields["weight"].cast<double>();
    source.max_tokens = fields["max_tokens"].cast<std::int64_t>();
    source.min_score = fields["min_score"].cast<double>();
    source.min_lift = fields["min_lift"].cast<double>();
    source.max_items = fields["max_items"].cast<std::int64_t>();
    source.prefix = fields["prefix"].cast<std::string>();
    source.suffix = fields["suffix"].cast<std::string>();
    source.missing = fields["missing"].cast<std::string>();
    source.required = fields["required"].cast<bool>();
    return source;
}

void bind_profile(py::module_& module) {
    py::class_<CleaningReport, std::shared_ptr<CleaningReport>>(module, "CleaningReport")
        .def(py::init<>())
        .def_readonly("seen", &CleaningReport::seen)
        .def_readonly("kept", &CleaningReport::kept)
        .def_property_readonly("repaired", [](const CleaningReport& self) { return notes(self.repaired); })
        .def_property_readonly("rejected", [](const CleaningReport& self) { return notes(self.rejected); });

    py::class_<Records, std::shared_ptr<Records>>(module, "Records")
        .def("__len__", [](const Records& self) { return self.size(); })
        .def_property_readonly("ids", [](const Records& self) { return self.ids; })
        .def_property_readonly("columns",
                               [](const Records& self) {
                                   py::list out;
                                   for (const Column& column : self.columns) {
                                       out.append(py::make_tuple(column.name, std::string(to_string(column.kind)),
                                                                 column.is_public));
                                   }
                                   return out;
                               })
        .def(
            "values",
            [](py::object self, const std::string& name) {
                return column_values(self.cast<const Records&>().column(name), self);
            },
            "name"_a)
        .def(
            "with_private",
            [](const Records& self, const std::vector<std::string>& names) {
                auto copy = std::make_shared<Records>(self);
                for (const std::string& name : names) {
                    self.column(name);  // names the columns that exist
                    for (Column& column : copy->columns) {
                        if (column.name == name) column.is_public = false;
                    }
                }
                return copy;
            },
            "names"_a);

    // One column per tuple (name, kind, is_public, values).
    module.def(
        "records_from_columns",
        [](std::vector<std::string> ids, const py::list& columns) {
            auto records = std::make_shared<Records>();
            records->ids = std::move(ids);
            for (const py::handle item : columns) {
                const auto fields = py::reinterpret_borrow<py::tuple>(item);
                Column column;
                column.name = fields[0].cast<std::string>();
                const auto kind = fields[1].cast<std::string>();
                column.is_public = fields[2].cast<bool>();
                if (kind == "tags") {
                    column.kind = ColumnKind::Tags;
                    column.tags = fields[3].cast<std::vector<std::vector<std::string>>>();
                } else if (kind == "scored_tags") {
                    column.kind = ColumnKind::ScoredTags;
                    for (const auto& row : fields[3].cast<std::vector<std::vector<std::pair<std::string, double>>>>()) {
                        auto& tags = column.scored_tags.emplace_back();
                        for (const auto& [tag, score] : row) tags.push_back({tag, score});
                    }
                } else if (kind == "number") {
                    column.kind = ColumnKind::Number;
                    column.numbers = fields[3].cast<std::vector<double>>();
                } else {
                    column.kind = kind == "link" ? ColumnKind::Link : ColumnKind::Text;
                    for (const py::handle text : fields[3]) {
                        column.text.push_back(text.is_none() ? std::string() : text.cast<std::string>());
                    }
                }
                records->columns.push_back(std::move(column));
            }
            validate(*records);
            return records;
        },
        "ids"_a, "columns"_a);

    module.def(
        "read_records",
        [](const std::string& path, const std::string& id_column, std::vector<std::string> private_columns,
           const std::map<std::string, std::string>& column_kinds, const std::string& on_bad_row,
           const std::string& delimiter, const std::string& list_separator, std::int64_t max_text_bytes,
           const py::object& progress) {
            const auto options = ingest_options(id_column, std::move(private_columns), column_kinds, on_bad_row, delimiter,
                                                list_separator, max_text_bytes);
            return as_tuple(run_released(progress, [&](const Progress& p) { return read_records(path, options, p); }));
        },
        "path"_a, "id_column"_a, "private_columns"_a, "column_kinds"_a, "on_bad_row"_a, "delimiter"_a,
        "list_separator"_a, "max_text_bytes"_a, "progress"_a);
    module.def(
        "parse_records",
        [](const py::bytes& text, const std::string& format, const std::string& name, const std::string& id_column,
           std::vector<std::string> private_columns, const std::map<std::string, std::string>& column_kinds,
           const std::string& on_bad_row, const std::string& delimiter, const std::string& list_separator,
           std::int64_t max_text_bytes, const py::object& progress) {
            const auto options = ingest_options(id_column, std::move(private_columns), column_kinds, on_bad_row, delimiter,
                                                list_separator, max_text_bytes);
            const std::string_view view = text;
            return as_tuple(run_released(progress, [&](const Progress& p) {
                return format == "jsonl" ? parse_jsonl(view, options, name, p) : parse_delimited(view, options, name, p);
            }));
        },
        "text"_a, "format"_a, "name"_a, "id_column"_a, "private_columns"_a, "column_kinds"_a, "on_bad_row"_a,
        "delimiter"_a, "list_separator"_a, "max_text_bytes"_a, "progress"_a);

    py::class_<Profiles, std::shared_ptr<Profiles>>(module, "Profiles")
        .def("__len__", [](const Profiles& self) { return self.texts.size(); })
        .def_property_readonly("texts", [](const Profiles& self) { return self.texts; })
        .def_readonly("source_names", &Profiles::source_names)
        .def_readonly("source_weights", &Profiles::source_weights)
        .def("source_texts", [](const Profiles& self, std::size_t source) { return self.source_texts.at(source); })
        .def("spans",
             [](const Profiles& self, std::size_t item) {
                 py::list out;
                 for (const ProvenanceSpan& span : self.spans.at(item)) {
                     out.append(py::make_tuple(span.source, span.begin, span.end));
                 }
                 return out;
             })
        .def_property_readonly("kept_tokens",
                               [](py::object self) { return borrow(self.cast<const Profiles&>().kept_tokens, self); })
        .def_property_readonly("cut_tokens",
                               [](py::object self) { return borrow(self.cast<const Profiles&>().cut_tokens, self); })
        .def_readonly("dominance", &Profiles::dominance)
        .def_property_readonly("incomplete",
                               [](py::object self) { return borrow(self.cast<const Profiles&>().incomplete, self); })
        .def_property_readonly("report", [](const Profiles& self) {
            py::list out;
            for (const SourceShare& share : self.report) {
                out.append(py::dict("name"_a = share.name, "weight"_a = share.weight, "items"_a = share.items,
                                    "kept_tokens"_a = share.kept_tokens, "cut_tokens"_a = share.cut_tokens,
                                    "cut_items"_a = share.cut_items, "token_share"_a = share.token_share,
                                    "dropped_tags"_a = share.dropped_tags, "repeated_tokens"_a = share.repeated_tokens));
            }
            return out;
        });

    module.def(
        "compose_profiles",
        [](const Records& records, const std::vector<py::dict>& sources, std::int64_t max_tokens, bool include_titles,
           const std::string& title_column, const std::string& separator, const py::object& token_cost,
           bool drop_repeated_sentences, int num_threads) {
            std::vector<Source> parsed;
            for (const py::dict& source : sources) parsed.push_back(source_from(source));
            ComposeOptions options;
            options.max_tokens = max_tokens;
            options.include_titles = include_titles;
            options.title_column = title_column;
            options.separator = separator;
            options.drop_repeated_sentences = drop_repeated_sentences;
            options.num_threads = num_threads;
            if (PyCallable_Check(token_cost.ptr()) != 0) {
                // Python counts each distinct unit once, on this thread and with the GIL held.
                auto known = std::make_shared<std::unordered_map<std::string, std::int64_t>>();
                options.token_cost = [known, &token_cost](std::string_view unit) {
                    const auto [entry, fresh] = known->try_emplace(std::string(unit), 0);
                    if (fresh) entry->second = token_cost(unit).cast<std::int64_t>();
                    return entry->second;
                };
                options.num_threads = 1;
                return std::make_shared<Profiles>(compose_profiles(records, parsed, options));
            }
            options.token_cost = choose<std::int64_t (*)(std::string_view)>(
                "compose_profiles", "count", token_cost.cast<std::string>(),
                {{"words", nullptr}, {"word_pieces", [](std::string_view unit) { return word_piece_estimate(unit); }}});
            return run_released(
                [&] { return std::make_shared<Profiles>(compose_profiles(records, parsed, options)); });
        },
        "records"_a, "sources"_a, "max_tokens"_a, "include_titles"_a, "title_column"_a, "separator"_a, "token_cost"_a,
        "drop_repeated_sentences"_a, "num_threads"_a);
    module.def(
        "binned_column",
        [](const Records& records, const std::string& column, const std::string& rule, double width, double origin,
           int bins, std::vector<double> edges, Texts names, const std::string& pattern, const std::string& missing,
           const std::string& date_part, const std::string& name) {
            BinOptions options;
            options.column = column;
            options.rule = choose<BinRule>(
                "binned_column", "rule", rule,
                {{"width", BinRule::Width}, {"quantile", BinRule::Quantile}, {"edges", BinRule::Edges}});
            options.width = width;
            options.origin = origin;
            options.bins = bins;
            options.edges = std::move(edges);
            options.names = std::move(names);
            options.pattern = pattern;
            options.missing = missing;
            options.date_part = choose<DatePart>("binned_column", "date_part", date_part,
                                                 {{"year", DatePart::Year}, {"month", DatePart::Month}});
            auto out = std::make_shared<Records>(records);
            if (out->find(name) != nullptr) {
                throw_invalid("binned_column", "name", "'" + name + "' is a column already", "choose another name");
            }
            out->columns.push_back(binned_column(records, options, name));
            return out;
        },
        "records"_a, "column"_a, "rule"_a, "width"_a, "origin"_a, "bins"_a, "edges"_a, "names"_a, "pattern"_a,
        "missing"_a, "date_part"_a, "name"_a);
    module.def(
        "default_sources",
        [](const Records& records) {
            py::list out;
            for (const Source& source : default_sources(records)) {
                out.append(py::dict("name"_a = source.name, "columns"_a = source.columns, "weight"_a = source.weight,
                                    "max_tokens"_a = source.max_tokens, "min_score"_a = source.min_score,
                                    "min_lift"_a = source.min_lift, "max_items"_a = source.max_items,
                                    "prefix"_a = source.prefix, "suffix"_a = source.suffix, "missing"_a = source.missing,
                                    "required"_a = source.required));
            }
            return out;
        },
        "records"_a);

    // Features are tuples (column, scaling, missing).
    module.def(
        "numeric_features",
        [](const Records& records, const std::vector<std::tuple<std::string, std::string, std::string>>& features) {
            std::vector<NumericFeature> parsed;
            for (const auto& [column, scaling, missing] : features) {
                parsed.push_back({column,
                                  choose<NumericScaling>("numeric_features", "scaling", scaling,
                                                         {{"standard", NumericScaling::Standard},
                                                          {"minmax", NumericScaling::MinMax},
                                                          {"rank", NumericScaling::Rank},
                                                          {"log_standard", NumericScaling::LogStandard}}),
                                  choose<MissingNumber>("numeric_features", "missing", missing,
                                                        {{"mean", MissingNumber::Mean}, {"zero", MissingNumber::Zero}})});
            }
            std::vector<NumericSummary> summaries;
            Matrix<float> values = run_released([&] { return numeric_features(records, parsed, &summaries); });
            py::list out;
            for (const NumericSummary& summary : summaries) {
                out.append(py::dict("column"_a = summary.column, "present"_a = summary.present,
                                    "missing"_a = summary.missing, "center"_a = summary.center,
                                    "scale"_a = summary.scale, "fill"_a = summary.fill,
                                    "constant"_a = summary.constant));
            }
            return py::make_tuple(give(std::move(values)), out);
        },
        "records"_a, "features"_a);

    py::class_<Embedding, std::shared_ptr<Embedding>>(module, "Embedding")
        .def_property_readonly("vectors",
                               [](py::object self) { return borrow(self.cast<const Embedding&>().vectors, self); })
        .def_readonly("normalized", &Embedding::normalized)
        .def_property_readonly("parts",
                               [](const Embedding& self) {
                                   py::list out;
                                   for (const EmbeddingPart& part : self.parts) {
                                       out.append(py::make_tuple(part.name, part.begin, part.end, part.weight));
                                   }
                                   return out;
                               })
        .def_property_readonly("bad_rows",
                               [](const Embedding& self) {
                                   py::list out;
                                   for (const BadRow& bad : self.bad_rows) {
                                       out.append(py::make_tuple(bad.row, std::string(to_string(bad.reason))));
                                   }
                                   return out;
                               })
        .def(
            "similarity_shares", [](const Embedding& self, Index a, Index b) { return similarity_shares(self, a, b); },
            "a"_a, "b"_a);

    module.def(
        "make_embedding",
        [](const Array<float>& vectors, bool normalize, const std::string& on_invalid, const std::string& name,
           int num_threads) {
            const auto view = view_2d(vectors, "make_embedding");
            EmbeddingOptions options;
            options.normalize = normalize;
            options.on_invalid = on_invalid_from("make_embedding", on_invalid);
            options.name = name;
            options.num_threads = num_threads;
            return run_released([&] { return std::make_shared<Embedding>(make_embedding(view, options)); });
        },
        py::arg("vectors").noconvert(), "normalize"_a, "on_invalid"_a, "name"_a, "num_threads"_a);
    module.def(
        "combine_embeddings",
        [](const SourceFields& sources, bool renormalize_missing, const std::string& on_invalid,
           const std::string& fusion, int num_threads) {
            const std::vector<EmbeddingSource> parts = embedding_sources(sources, "combine_embeddings");
            CombineOptions options;
            options.renormalize_missing = renormalize_missing;
            options.on_invalid = on_invalid_from("combine_embeddings", on_invalid);
            options.fusion = fusion_from("combine_embeddings", fusion);
            options.num_threads = num_threads;
            return run_released([&] { return std::make_shared<Embedding>(combine_embeddings(parts, options)); });
        },
        "sources"_a, "renormalize_missing"_a, "on_invalid"_a, "fusion"_a, "num_threads"_a);
}

}  // namespace filmatlas::python
