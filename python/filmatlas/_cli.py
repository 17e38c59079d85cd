# SPDX-License-Identifier: MIT
"""The ``filmatlas`` command."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from ._atlas import Atlas, Placement

OK, REPORT_HAS_ERRORS, USAGE, BAD_INPUT, IO_ERROR, INTERNAL, INTERRUPTED, BROKEN_PIPE = (
    0,
    1,
    2,
    3,
    4,
    70,
    130,
    141,
)

_EXIT_CODES = """
exit codes:
  0    done
  1    done, but the report has errors
  2    wrong usage of the command
  3    bad input: the message says what, where and how to fix it
  4    the system refused: files, memory, a missing optional tool
  70   a defect of filmatlas: please report it
  130  interrupted
"""

_MAIN_EXAMPLES = """
examples:
  filmatlas build films.jsonl --out films.fatlas --html films.html
  filmatlas inspect films.fatlas --item "Seven Samurai"
  filmatlas report films.fatlas
"""

_BUILD_EXAMPLES = """
examples:
  # from texts alone: the built-in encoder makes the vectors
  filmatlas build films.jsonl --out films.fatlas --html films.html

  # with vectors of your own (.npy or .npz, row i belongs to record i)
  filmatlas build films.jsonl --embeddings plot.npy --out films.fatlas

  # several vectors per item: similarities split exactly into their shares
  filmatlas build films.jsonl --embeddings plot=a.npy:0.6 --embeddings tags=b.npy:0.4 --out films.fatlas

  # what a film is about: sources with columns, weight and budget of words
  filmatlas build films.jsonl --source plot=overview+tagline:0.6:160 --source keywords:0.4 --out films.fatlas

  # a CSV with tags in one cell, a column that stays at home, given counts
  filmatlas build films.csv --column-kind genres=tags --private-column notes --clusters 8,40,200 --out films.fatlas
"""


class _UsageError(Exception):
    pass


# --- arguments -------------------------------------------------------------------------------------------------


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def _counts(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 8,40,200") from None
    if any(count < 1 for count in counts) or counts != sorted(counts):
        raise argparse.ArgumentTypeError(
            f"{text!r}: counts are positive and ascend, coarse to fine, e.g. 8,40,200"
        )
    return counts


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _split_weight(text: str) -> tuple[str, float | None]:
    head, colon, tail = text.rpartition(":")
    if colon and re.fullmatch(r"\d+(\.\d*)?|\.\d+", tail):
        return head, float(tail)
    return text, None


def _embedding(text: str) -> tuple[str, str, float | None]:
    """[NAME=]PATH[:WEIGHT]"""
    match = re.match(r"([\w.-]+)=(.+)", text)
    name, rest = (match.group(1), match.group(2)) if match else ("", text)
    path, weight = _split_weight(rest)
    return name, path, weight


def _source(text: str) -> dict[str, Any]:
    """NAME[=COLUMN+COLUMN][:WEIGHT[:WORDS]], or a JSON object."""
    if text.lstrip().startswith("{"):
        try:
            source = json.loads(text)
        except json.JSONDecodeError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
        return dict(source)
    parts = text.split(":")
    name, _, columns = parts[0].partition("=")
    if not name or len(parts) > 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME[=COLUMN+COLUMN][:WEIGHT[:WORDS]]")
    source = {"name": name, "columns": tuple(columns.split("+")) if columns else ()}
    try:
        if len(parts) > 1:
            source["weight"] = float(parts[1])
        if len(parts) > 2:
            source["max_tokens"] = int(parts[2])
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: weight and words are numbers, e.g. plot=overview:0.6:160"
        ) from None
    return source


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="filmatlas",
        description="Turns a catalogue (films first) into a semantic atlas: true neighbours, a strict tree with names, "
        "and an offline map.",
        epilog=_MAIN_EXAMPLES + _EXIT_CODES,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="store_true", help="print the version and the build, and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def add(name: str, run: Callable[[Any], int], summary: str, examples: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=summary, epilog=examples + _EXIT_CODES, formatter_class=raw
        )
        command.set_defaults(run=run)
        command.add_argument("--json", action="store_true", help="print one JSON object, errors too")
        return command

    build = add("build", _build, "build an atlas from a catalogue", _BUILD_EXAMPLES)
    _add_build_arguments(build)

    export = add(
        "export",
        _export,
        "write the offline page of an atlas",
        "\nexamples:\n  filmatlas export films.fatlas films.html\n"
        "  filmatlas export films.fatlas site/      # page, tables and report\n",
    )
    export.add_argument("atlas", help="an .fatlas file")
    export.add_argument("out", help="FILE.html for one file, else a folder")
    export.add_argument("--quiet", action="store_true", help="print nothing but errors")
    _add_site_arguments(export)

    report = add(
        "report",
        _report,
        "check every promise of an atlas",
        "\nexamples:\n  filmatlas report films.fatlas\n  filmatlas report films.fatlas --html report.html\n"
        "  filmatlas report films.fatlas --site films.html   # hold a page against the atlas\n",
    )
    report.add_argument("atlas", help="an .fatlas file")
    report.add_argument("--html", metavar="FILE", help="write the report as a page too")
    report.add_argument("--site", metavar="FILE", help="check an exported page against the atlas as well")

    inspect = add(
        "inspect",
        _inspect,
        "show facts, tree and items of an atlas",
        "\nexamples:\n  filmatlas inspect films.fatlas --depth 1\n"
        '  filmatlas inspect films.fatlas --item "Seven Samurai"\n',
    )
    inspect.add_argument("atlas", help="an .fatlas file")
    inspect.add_argument("--item", metavar="ID|TITLE", help="show one item: its path and true neighbours")
    inspect.add_argument("--depth", type=_positive, default=2, help="levels of the tree to show (default 2)")
    inspect.add_argument("-k", type=_positive, default=10, help="neighbours to show (default 10)")

    search = add(
        "search", _search, "find items by title", '\nexamples:\n  filmatlas search films.fatlas "seven sam"\n'
    )
    search.add_argument("atlas", help="an .fatlas file")
    search.add_argument("query", nargs="+", help="words of the title; case and accents do not matter")
    search.add_argument("--limit", type=_positive, default=10, help="most hits (default 10)")

    place = add(
        "place",
        _place,
        "say where new items would be",
        '\nexamples:\n  filmatlas place films.fatlas "a ronin defends a village"\n'
        "  filmatlas place films.fatlas --texts plots.txt --json\n  filmatlas place films.fatlas --vectors new.npy\n",
    )
    place.add_argument("atlas", help="an .fatlas file")
    place.add_argument("text", nargs="*", help="texts (for atlases of the built-in encoder)")
    place.add_argument("--texts", metavar="FILE", help="one text per line; - is the standard input")
    place.add_argument("--vectors", metavar="FILE", help=".npy or .npz of the atlas's dimensions")
    place.add_argument("-k", type=_positive, default=10, help="neighbours that vote (default 10)")
    place.add_argument("--threads", type=_not_negative, default=0, metavar="N", help="workers; 0 = choose")
    return parser


def _add_build_arguments(build: argparse.ArgumentParser) -> None:
    build.add_argument("records", help="the catalogue: .jsonl, .ndjson, .csv, .tsv, .parquet")
    build.add_argument("--out", required=True, metavar="FILE", help="atlas to write, e.g. films.fatlas")
    build.add_argument("--html", metavar="FILE|DIR", help="write the offline page too")

    data = build.add_argument_group("catalogue")
    data.add_argument(
        "--id-column", metavar="NAME", help='column of the ids (default "id", else "*_id", else rows)'
    )
    data.add_argument(
        "--private-column", action="append", default=[], metavar="NAME", help="never leaves in an export"
    )
    data.add_argument(
        "--column-kind", action="append", default=[], type=_pair, metavar="NAME=KIND",
        help="text, tags, scored_tags, number or link (default: inferred)",
    )  # fmt: skip
    data.add_argument(
        "--list-separator", default="|", metavar="TEXT", help="between tags of one CSV cell (default |)"
    )
    data.add_argument(
        "--on-bad-row", choices=("error", "skip"), default="error", help="malformed rows (default error)"
    )
    data.add_argument(
        "--role", action="append", default=[], type=_pair, metavar="ROLE=NAME",
        help="column of a role: title, time, link, summary (default: found)",
    )  # fmt: skip

    vectors = build.add_argument_group("vectors")
    vectors.add_argument(
        "--embeddings", action="append", default=[], type=_embedding, metavar="[NAME=]FILE[:WEIGHT]",
        help=".npy or .npz (file.npz#member); may be repeated with names. Default: the built-in encoder",
    )  # fmt: skip
    vectors.add_argument(
        "--encoder", metavar="MODEL", help="sentence-transformers model that encodes the profiles"
    )
    vectors.add_argument(
        "--source", action="append", default=[], type=_source, metavar="NAME[=COL+COL][:WEIGHT[:WORDS]]",
        help="a source of the profiles; may be repeated (default: tags and long texts)",
    )  # fmt: skip
    vectors.add_argument(
        "--include-titles", action="store_true", help="let a source name the title (titles leak identity)"
    )
    vectors.add_argument("--metric", default="cosine", help="distance of neighbours (default cosine)")
    vectors.add_argument(
        "--on-invalid", choices=("error", "quarantine"), default="error",
        help="items without a usable vector: stop, or carry them through listed (default error)",
    )  # fmt: skip

    tree = build.add_argument_group("tree and page")
    tree.add_argument(
        "--title", default=None, help="title of the atlas (default: name of the catalogue's file)"
    )
    tree.add_argument(
        "--clusters",
        type=_counts,
        metavar="8,40,200",
        help="nodes per level, coarse to fine (default: found)",
    )
    tree.add_argument(
        "--levels", type=_words, metavar="NAME,NAME", help="names of the levels, coarse to fine"
    )
    tree.add_argument(
        "--neighbors", type=_positive, default=15, metavar="K", help="true neighbours kept (default 15)"
    )
    tree.add_argument(
        "--territories", action="store_true", help="a map on which every node owns one piece; its price is reported"
    )
    _add_site_arguments(tree)

    run = build.add_argument_group("run")
    run.add_argument(
        "--seed", type=_not_negative, default=42, metavar="N", help="of all random choices (default 42)"
    )
    run.add_argument(
        "--threads",
        type=_not_negative,
        default=0,
        metavar="N",
        help="workers; 0 = choose. Never changes a byte",
    )
    run.add_argument("--progress", action="store_true", help="show progress where stderr is no terminal, too")
    run.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_site_arguments(parser: Any) -> None:
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME",
        help="public column for the page (default all)",
    )
    parser.add_argument(
        "--attribution", action="append", default=[], metavar="TEXT", help="line for the page's footer"
    )


# --- printing --------------------------------------------------------------------------------------------------


def _clean(text: Any) -> str:
    """Text for a terminal: control characters of foreign files cannot steer it."""
    return "".join(char if char.isprintable() or char == " " else "\ufffd" for char in str(text))


def _print_json(value: Any) -> None:
    plain = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not plain, indent=2))


def _error(arguments: argparse.Namespace, error: BaseException, code: int) -> int:
    fields = error.to_dict() if hasattr(error, "to_dict") else {"message": str(error)}
    if getattr(arguments, "json", False):
        _print_json({"ok": False, "exit_code": code, "error": fields})
    else:
        print(f"filmatlas: error: {_clean(fields['message'])}", file=sys.stderr)
    return code


def _facts(atlas: Atlas) -> dict[str, Any]:
    hierarchy, layout = atlas.hierarchy, atlas.layout
    return {
        "title": atlas.title,
        "items": len(atlas),
        "dimensions": int(atlas.embedding.vectors.shape[1]),
        "encoder": atlas.provenance["encoder"],
        "vectors": {part.name: part.weight for part in atlas.embedding.parts},
        "bad_vectors": len(atlas.embedding.bad_rows),
        "neighbors": {"k": atlas.graph.k, "metric": atlas.graph.metric, "method": atlas.graph.method},
        "levels": {name: len(hierarchy.nodes(level)) for level, name in enumerate(hierarchy.levels)},
        "map": layout.quality.to_dict() if layout.quality else None,
        "version": atlas.provenance["version"],
    }


def _print_facts(facts: dict[str, Any]) -> None:
    levels = ", ".join(f"{count} {name}" for name, count in facts["levels"].items())
    print(
        f"{_clean(facts['title'])}: {facts['items']:,} items, {facts['dimensions']} dimensions ({facts['encoder']})"
    )
    print(f"  tree       {levels}")
    print("  neighbours {k} per item, {metric}, {method}".format(**facts["neighbors"]))
    quality = facts["map"]
    if quality:
        print(
            f"  map        keeps {quality['kept_neighbors'] or 0:.0%} of the {quality['k']} true neighbours, "
            f"trustworthiness {quality['trustworthiness'] or 0:.3f}"
        )
    if facts["bad_vectors"]:
        print(f"  vectors    {facts['bad_vectors']} items have none")


def _counts_line(report: Any) -> str:
    return f"{len(report.errors)} errors, {len(report.warnings)} warnings"


# --- commands --------------------------------------------------------------------------------------------------


def _build(arguments: argparse.Namespace) -> int:
    from . import Atlas, ProgressBar, read_records

    started = time.monotonic()
    given = _given_embeddings(arguments)
    levels = arguments.levels
    if levels and arguments.clusters and len(levels) != len(arguments.clusters):
        raise _UsageError(f"--levels names {len(levels)} levels, --clusters counts {len(arguments.clusters)}")
    if not levels:
        from . import _core

        levels = _core.default_level_names(len(arguments.clusters) if arguments.clusters else 3)
    title = arguments.title or os.path.splitext(os.path.basename(arguments.records))[0]
    bar = ProgressBar(force=arguments.progress)
    bar.enabled = bar.enabled and not arguments.quiet
    try:
        records = read_records(
            arguments.records,
            id_column=arguments.id_column,
            private_columns=arguments.private_column,
            column_kinds=dict(arguments.column_kind),
            list_separator=arguments.list_separator,
            on_bad_row=arguments.on_bad_row,
            progress=bar,
        )
        atlas = Atlas.build(
            records,
            {name: path for name, path, _ in given} or None,
            weights={name: weight for name, _, weight in given if weight is not None} or None,
            sources=arguments.source or None,
            title=title,
            roles=dict(arguments.role),
            encoder=arguments.encoder,
            levels=levels,
            n_clusters=arguments.clusters,
            n_neighbors=arguments.neighbors,
            metric=arguments.metric,
            include_titles=arguments.include_titles,
            on_invalid=arguments.on_invalid,
            map_mode="territories" if arguments.territories else "plain",
            seed=arguments.seed,
            num_threads=arguments.threads,
            progress=bar,
        )
    finally:
        bar.close()
    atlas.save(arguments.out)
    if arguments.html:
        atlas.export(arguments.html, columns=arguments.column or None, attributions=arguments.attribution)
    report = atlas.report()
    cleaning = records.cleaning
    if arguments.json:
        _print_json(
            {
                "ok": report.ok,
                "atlas": arguments.out,
                "html": arguments.html,
                "seconds": round(time.monotonic() - started, 3),
                "cleaning": {
                    "seen": cleaning.seen,
                    "kept": cleaning.kept,
                    "repaired": len(cleaning.repaired),
                    "rejected": [note._asdict() for note in cleaning.rejected],
                },
                **_facts(atlas),
                "report": report.to_dict(),
            }
        )
    elif not arguments.quiet:
        _print_facts(_facts(atlas))
        if cleaning.rejected:
            print(f"  rows       {cleaning.kept} of {cleaning.seen} kept, {len(cleaning.rejected)} rejected")
        for finding in (*report.errors, *report.warnings):
            print(f"  {finding.severity:<10} {_clean(finding.message)}")
        written = arguments.out + (f" and {arguments.html}" if arguments.html else "")
        print(f"wrote {written} in {time.monotonic() - started:.1f} s ({_counts_line(report)})")
    return OK if report.ok else REPORT_HAS_ERRORS


def _given_embeddings(arguments: argparse.Namespace) -> list[tuple[str, str, float | None]]:
    given: list[tuple[str, str, float | None]] = arguments.embeddings
    if len(given) == 1 and not given[0][0]:
        return [("embedding", *given[0][1:])]
    names = [name for name, _, _ in given]
    if len(given) > 1 and (not all(names) or len(set(names)) < len(names)):
        raise _UsageError(
            "several --embeddings need different names: --embeddings plot=a.npy --embeddings tags=b.npy"
        )
    if given and arguments.encoder:
        raise _UsageError("pass --embeddings or --encoder, not both")
    return given


def _export(arguments: argparse.Namespace) -> int:
    from . import Atlas

    atlas = Atlas.load(arguments.atlas)
    atlas.export(arguments.out, columns=arguments.column or None, attributions=arguments.attribution)
    if arguments.json:
        _print_json({"ok": True, "atlas": arguments.atlas, "out": arguments.out, "items": len(atlas)})
    elif not arguments.quiet:
        print(f"wrote {arguments.out}: {len(atlas):,} items")
    return OK


def _report(arguments: argparse.Namespace) -> int:
    from . import Atlas

    atlas = Atlas.load(arguments.atlas)
    report = atlas.report()
    if arguments.site:
        with open(arguments.site, encoding="utf-8") as file:
            report._core.append(atlas.check_html(file.read())._core)
    if arguments.html:
        with open(arguments.html, "w", encoding="utf-8") as file:
            file.write(report.to_html(f"{atlas.title}: report"))
    if arguments.json:
        _print_json(report.to_dict())
    else:
        print("\n".join(_clean(line) for line in str(report).splitlines()))
    return OK if report.ok else REPORT_HAS_ERRORS


def _inspect(arguments: argparse.Namespace) -> int:
    from . import Atlas

    atlas = Atlas.load(arguments.atlas)
    if arguments.item is not None:
        return _inspect_item(atlas, arguments)
    facts, hierarchy, labels = _facts(atlas), atlas.hierarchy, atlas.labels
    shown = [node for node in hierarchy.nodes() if node.level < arguments.depth]
    if arguments.json:
        nodes = [
            {
                "node": node.id,
                "level": hierarchy.levels[node.level],
                "parent": node.parent,
                "size": node.size,
                "label": labels[node.id].text,
                "keywords": labels[node.id].keywords,
            }
            for node in shown
        ]
        _print_json({"ok": True, **facts, "columns": atlas.records.kinds, "nodes": nodes})
        return OK
    _print_facts(facts)
    print()
    # Depth first with a stack: children of a node follow it.
    stack = [node.id for node in reversed(hierarchy.nodes(0))]
    while stack:
        node = hierarchy.node(stack.pop())
        print(f"{'  ' * node.level}{_clean(labels[node.id].text)}  ({node.size})")
        if node.level + 1 < arguments.depth:
            stack.extend(reversed(hierarchy.children(node.id)))
    return OK


def _find(atlas: Atlas, item: str) -> int:
    from ._errors import InvalidArgumentError

    try:
        return atlas.row(item)
    except InvalidArgumentError:
        hits = atlas.search(item, 1)
        if not hits:
            raise
        return hits[0].row


def _inspect_item(atlas: Atlas, arguments: argparse.Namespace) -> int:
    row = _find(atlas, arguments.item)
    neighbors, path = atlas.neighbors(row, arguments.k), atlas.path(row)
    if arguments.json:
        _print_json(
            {
                "ok": True,
                "id": atlas.ids[row],
                "title": atlas.item_title(row),
                "row": row,
                "path": path,
                "neighbors": [_neighbor_dict(neighbor) for neighbor in neighbors],
            }
        )
        return OK
    print(f"{_clean(atlas.item_title(row))}  [{_clean(atlas.ids[row])}]")
    print("  " + _clean(" > ".join(path)))
    for neighbor in neighbors:
        print(f"  {neighbor.similarity:6.3f}  {_clean(neighbor.title)}  [{_clean(neighbor.id)}]")
    return OK


def _neighbor_dict(neighbor: Any) -> dict[str, Any]:
    fields = {"id": neighbor.id, "title": neighbor.title, "row": neighbor.row}
    return {**fields, "similarity": round(neighbor.similarity, 6), "distance": round(neighbor.distance, 6)}


def _search(arguments: argparse.Namespace) -> int:
    from . import Atlas

    atlas = Atlas.load(arguments.atlas)
    hits = atlas.search(" ".join(arguments.query), arguments.limit)
    if arguments.json:
        _print_json({"ok": True, "hits": [hit._asdict() for hit in hits]})
    elif not hits:
        print("nothing found")
    for hit in () if arguments.json else hits:
        print(f"{_clean(hit.title)}  [{_clean(hit.id)}]  {_clean(' > '.join(atlas.path(hit.row)))}")
    return OK


def _placed_items(arguments: argparse.Namespace) -> tuple[Any, list[str]]:
    given = [bool(arguments.text), arguments.texts is not None, arguments.vectors is not None]
    if sum(given) != 1:
        raise _UsageError("pass texts, --texts FILE or --vectors FILE")
    if arguments.vectors is not None:
        from ._embedding import as_vectors

        vectors = as_vectors(arguments.vectors, "place", "vectors")
        return vectors, [f"row {row}" for row in range(vectors.shape[0])]
    texts = arguments.text
    if arguments.texts == "-":
        texts = sys.stdin.read().splitlines()
    elif arguments.texts is not None:
        with open(arguments.texts, encoding="utf-8", errors="replace") as file:
            texts = file.read().splitlines()
    return texts, texts


def _place(arguments: argparse.Namespace) -> int:
    from . import Atlas

    items, names = _placed_items(arguments)
    placements: Sequence[Placement] = Atlas.load(arguments.atlas).place(
        items, k=arguments.k, num_threads=arguments.threads
    )
    if arguments.json:
        _print_json(
            {
                "ok": True,
                "placements": [
                    {
                        "item": name,
                        "path": placement.path,
                        "position": placement.position,
                        "confidence": placement.confidence,
                        "neighbors": [_neighbor_dict(neighbor) for neighbor in placement.neighbors],
                    }
                    for name, placement in zip(names, placements)
                ],
            }
        )
        return OK
    for name, placement in zip(names, placements):
        print(
            f"{_clean(name[:80])}\n  {_clean(' > '.join(placement.path))}  (confidence {placement.confidence:.0%})"
        )
        for neighbor in placement.neighbors[:3]:
            print(f"  {neighbor.similarity:6.3f}  {_clean(neighbor.title)}  [{_clean(neighbor.id)}]")
    return OK


# --- main ------------------------------------------------------------------------------------------------------


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from ._errors import FilmAtlasError, InternalError, MemoryLimitError

    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except _UsageError as error:
        _usage(parser, str(error))
    except KeyboardInterrupt as error:
        if getattr(arguments, "json", False):
            return _error(arguments, type(error)("interrupted"), INTERRUPTED)
        print("filmatlas: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (e.g. `| head`); the interpreter must not complain about the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except InternalError as error:
        return _error(arguments, error, INTERNAL)
    except (OSError, MemoryError, MemoryLimitError, ImportError) as error:
        return _error(arguments, error, IO_ERROR)
    except (FilmAtlasError, ValueError, TypeError, UnicodeError) as error:
        return _error(arguments, error, BAD_INPUT)


def _usage(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    parser.error(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from . import build_info

        info = build_info()
        print(
            f"filmatlas {info['version']} ({info['compiler']}, {info['simd']}, {info['num_threads']} threads)"
        )
        return OK
    if arguments.command is None:
        parser.print_help()
        return USAGE
    return _run(parser, arguments)
