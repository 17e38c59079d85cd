// SPDX-License-Identifier: MIT
#include "filmatlas/profile/ingest.hpp"

#include "filmatlas/core/detail/quote.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/core/parallel.hpp"
#include "filmatlas/io/files.hpp"
#include "raw_table.hpp"

namespace filmatlas {
namespace {

std::string lower_extension(const std::string& path) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos || path.find('/', dot) != std::string::npos) return {};
    std::string extension = path.substr(dot);
    for (char& c : extension) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return extension;
}

char choose_delimiter(const std::string& path, const IngestOptions& options) {
    if (options.delimiter != '\0') return options.delimiter;
    return lower_extension(path) == ".tsv" ? '\t' : ',';
}

}  // namespace

void validate(const IngestOptions& options) {
    if (options.max_text_bytes < 0)
        throw_invalid("ingest", "max_text_bytes", "is negative", "use 0 for no limit");
    if (options.list_separator.empty()) throw_invalid("ingest", "list_separator", "is empty", "use e.g. '|'");
    resolve_num_threads(options.num_threads);
}

IngestResult parse_jsonl(std::string_view text, const IngestOptions& options, const std::string& name,
                         const Progress& progress) {
    validate(options);
    return detail::assemble(detail::read_json_lines(text, options, name, progress), options);
}

IngestResult read_jsonl(const std::string& path, const IngestOptions& options, const Progress& progress) {
    validate(options);
    return parse_jsonl(read_file(path), options, path, progress);
}

IngestResult parse_delimited(std::string_view text, const IngestOptions& options, const std::string& name,
                             const Progress& progress) {
    validate(options);
    return detail::assemble(
        detail::read_delimited_rows(text, choose_delimiter(name, options), options, name, progress), options);
}

IngestResult read_delimited(const std::string& path, const IngestOptions& options, const Progress& progress) {
    validate(options);
    return parse_delimited(read_file(path), options, path, progress);
}

IngestResult read_records(const std::string& path, const IngestOptions& options, const Progress& progress) {
    const std::string extension = lower_extension(path);
    if (extension == ".jsonl" || extension == ".ndjson") return read_jsonl(path, options, progress);
    if (extension == ".csv" || extension == ".tsv") return read_delimited(path, options, progress);
    throw_invalid("read_records", "path",
                  "'" + detail::excerpt(path) + "' has the extension '" + detail::excerpt(extension) + "'",
                  extension == ".gz"
                      ? "decompress it first: gunzip"
                      : "known are .jsonl, .ndjson, .csv and .tsv; for other names call read_jsonl or "
                        "read_delimited");
}

}  // namespace filmatlas
