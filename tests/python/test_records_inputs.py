# SPDX-License-Identifier: MIT
"""One catalogue from every kind of source: the same records, or an error that says where."""

from __future__ import annotations

import datetime
import json
import pickle
from decimal import Decimal

import numpy as np
import pytest

import filmatlas as fa

ROWS = [
    {"id": "a", "title": "Ikiru", "year": 1952, "genres": ["drama"], "moods": {"quiet": 0.9}, "page": "https://example.org/a"},
    {"id": "b", "title": "Amélie", "year": None, "genres": [], "moods": {}, "page": None},
    {"id": "c", "title": "M", "year": 1931, "genres": ["crime", "noir"], "moods": {"tense": 1, "quiet": 0.25}, "page": "http://example.org/c"},
]  # fmt: skip
KINDS = {"title": "text", "year": "number", "genres": "tags", "moods": "scored_tags", "page": "link"}


def check(records):
    assert records.ids == ["a", "b", "c"]
    assert records.kinds == KINDS
    assert records["title"] == ["Ikiru", "Amélie", "M"]
    np.testing.assert_array_equal(records["year"], [1952, np.nan, 1931])
    assert records["genres"] == [["drama"], [], ["crime", "noir"]]
    assert records["moods"] == [{"quiet": 0.9}, {}, {"tense": 1.0, "quiet": 0.25}]
    assert records["page"] == ["https://example.org/a", None, "http://example.org/c"]
    assert len(records) == 3 and "title" in records and "plot" not in records


def columns():
    return {name: [row[name] for row in ROWS] for name in ROWS[0]}


def test_list_of_dictionaries():
    check(fa.read_records(ROWS))
    check(fa.read_records(row for row in ROWS))
    check(fa.Records(ROWS))


def test_dictionary_of_columns():
    check(fa.read_records(columns()))
    data = columns()
    data["year"] = np.array([1952, np.nan, 1931])
    data["title"] = np.array(data["title"])
    check(fa.read_records(data))


def test_json_lines(tmp_path):
    path = tmp_path / "films.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    check(fa.read_records(path))
    check(fa.read_records(str(path)))


def test_delimited(tmp_path):
    path = tmp_path / "films.csv"
    path.write_text(
        "id,title,year,genres\na,Ikiru,1952,drama\nb,Amélie,,\nc,M,1931,crime|noir\n", encoding="utf-8"
    )
    records = fa.read_records(path, column_kinds={"genres": "tags"})
    assert records["genres"] == [["drama"], [], ["crime", "noir"]]
    np.testing.assert_array_equal(records["year"], [1952, np.nan, 1931])
    (tmp_path / "films.tsv").write_text("id\ttitle\nx\tone, two\n", encoding="utf-8")
    assert fa.read_records(tmp_path / "films.tsv")["title"] == ["one, two"]


def test_pandas():
    pandas = pytest.importorskip("pandas")
    check(fa.read_records(pandas.DataFrame(columns())))
    check(fa.read_records(pandas.DataFrame(columns()).set_index("id")))
    frame = pandas.DataFrame(columns()).astype({"year": "Int64"})
    check(fa.read_records(frame))


def test_polars():
    polars = pytest.importorskip("polars")
    data = columns()
    del data["moods"]
    frame = polars.DataFrame(data)
    for source in (frame, frame.lazy()):
        records = fa.read_records(source)
        assert records["genres"] == [["drama"], [], ["crime", "noir"]]
        assert records.kinds == {name: kind for name, kind in KINDS.items() if name != "moods"}


def test_arrow_and_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    data = columns()
    data["moods"] = pyarrow.array(
        [list(row.items()) for row in data["moods"]], type=pyarrow.map_(pyarrow.string(), pyarrow.float64())
    )
    table = pyarrow.table(data)
    check(fa.read_records(table))
    check(fa.read_records(pyarrow.RecordBatchReader.from_batches(table.schema, table.to_batches())))

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    check(fa.read_records(Stream()))
    parquet.write_table(table, tmp_path / "films.parquet")
    check(fa.read_records(tmp_path / "films.parquet"))
    with pytest.raises(OSError, match="missing"):
        fa.read_records(tmp_path / "missing.parquet")


def test_cells_of_many_types():
    rows = [
        {
            "id": 7,
            "count": np.int16(3),
            "share": Decimal("0.5"),
            "day": datetime.date(1954, 4, 26),
            "raw": b"caf\xc3\xa9",
            "tags": {"b", "a"},
            "list": np.array(["x", "y"]),
            "text": "lone \ud800 surrogate",
            "flag": "yes",
        },
        {"id": 8, "count": float("nan"), "share": 1, "extra": "late column"},
    ]
    records = fa.read_records(rows)
    assert records.ids == ["7", "8"]
    np.testing.assert_array_equal(records["count"], [3, np.nan])
    assert records["day"][0] == "1954-04-26" and records["raw"] == ["café", None]
    assert sorted(records["tags"][0]) == ["a", "b"] and records["list"] == [["x", "y"], []]
    assert "\ufffd" in records["text"][0]
    assert records["extra"] == [None, "late column"]


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([], ValueError, "row"),
        ({}, ValueError, "row"),
        ([1, 2], TypeError, "record 0"),
        ([{"id": "a"}, ["b"]], TypeError, "record 1"),
        ({"id": ["a"], "title": ["x", "y"]}, ValueError, "length"),
        ({"id": "abc"}, TypeError, "'id'"),
        ([{"id": "a", "x": object()}], TypeError, "object"),
        ([{"id": "a", "x": float("inf")}], ValueError, "infinite"),
        ([{"id": "a"}, {"id": "a"}], ValueError, "a"),
        (42, TypeError, "int"),
        (b"bytes", TypeError, "bytes"),
        (np.zeros((2, 2)), TypeError, "ndarray"),
        ("catalogue.docx", ValueError, r"\.jsonl"),
        ("missing.jsonl", OSError, "missing.jsonl"),
    ],
)
def test_what_is_no_catalogue_is_refused(data, error, words):
    with pytest.raises(error, match=words) as info:
        fa.read_records(data)
    assert isinstance(info.value, fa.FilmAtlasError)


def test_malformed_rows_name_their_line(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "a"}\n{"id": "b",}\n{"id": "c"}\n', encoding="utf-8")
    with pytest.raises(fa.FormatError) as info:
        fa.read_records(path)
    assert (info.value.row, info.value.file) == (2, str(path))
    records = fa.read_records(path, on_bad_row="skip")
    assert records.ids == ["a", "c"]
    assert records.cleaning.seen == 3 and records.cleaning.kept == 2
    assert records.cleaning.rejected[0].row == 2 and records.cleaning.retention == pytest.approx(2 / 3)


def test_private_columns():
    records = fa.read_records(ROWS, private_columns=["moods"])
    assert records.private_columns == ["moods"]
    assert "moods" not in records.table(private=False) and "moods" in records.table()
    assert records.with_private(["page"]).private_columns == ["moods", "page"]
    assert records.private_columns == ["moods"]
    with pytest.raises(ValueError, match="nowhere"):
        records.with_private(["nowhere"])
    with pytest.raises(TypeError):
        fa.read_records(ROWS, private_columns="moods")


def test_records_survive_pickling_and_tables():
    records = fa.read_records(ROWS, private_columns=["page"])
    again = pickle.loads(pickle.dumps(records))
    check(again)
    assert again.private_columns == ["page"]
    assert list(records.table().rows())[1]["title"] == "Amélie"
    pandas = pytest.importorskip("pandas")
    frame = records.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and frame["year"][0] == 1952
    check(fa.read_records(frame))
