"""SQL from a stranger: what is computed passes, whatever else it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from salesops.book.guard import FUNCTIONS, LONGEST, TABLE_FUNCTIONS, Breach, refuse_expression, tables_read

ROOT = Path(__file__).resolve().parents[2]

# every place of a query in which an expression can stand
PLACES = """
SELECT {} FROM t
SELECT a, {} AS b FROM t
SELECT DISTINCT ON ({}) a FROM t
SELECT a FROM t WHERE {}
SELECT a FROM t GROUP BY {}
SELECT a FROM t GROUP BY GROUPING SETS (({}), ())
SELECT a FROM t GROUP BY CUBE ({})
SELECT a FROM t GROUP BY ALL HAVING {}
SELECT a FROM t QUALIFY {}
SELECT a FROM t ORDER BY {}
SELECT a FROM t LIMIT {}
SELECT a FROM t LIMIT ({}) %
SELECT a FROM t LIMIT 1 OFFSET {}
SELECT count(*) FILTER (WHERE {}) FROM t
SELECT string_agg(a, ',' ORDER BY {}) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY {}) FROM t
SELECT sum({}) OVER () FROM t
SELECT sum(a) OVER (PARTITION BY {}) FROM t
SELECT sum(a) OVER (ORDER BY {}) FROM t
SELECT sum(a) OVER (ORDER BY a ROWS {} PRECEDING) FROM t
SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN CURRENT ROW AND {} FOLLOWING) FROM t
SELECT sum(a) FILTER (WHERE {}) OVER () FROM t
SELECT lag(a, {}) OVER (ORDER BY a) FROM t
SELECT lag(a, 1, {}) OVER (ORDER BY a) FROM t
SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY {})
SELECT first_value(a ORDER BY {}) OVER () FROM t
SELECT CASE WHEN {} THEN 1 END FROM t
SELECT CASE a WHEN 1 THEN {} ELSE 2 END FROM t
SELECT CASE a WHEN 1 THEN 2 ELSE {} END FROM t
SELECT a BETWEEN {} AND 2 FROM t
SELECT a BETWEEN 1 AND {} FROM t
SELECT a IN (1, {}) FROM t
SELECT {} IN (SELECT 1) FROM t
SELECT a = ANY (SELECT {}) FROM t
SELECT a LIKE {} ESCAPE '!' FROM t
SELECT NOT {} FROM t
SELECT {} IS NOT NULL FROM t
SELECT a AND {} FROM t
SELECT a || {} FROM t
SELECT -{} FROM t
SELECT CAST({} AS VARCHAR) FROM t
SELECT TRY_CAST({} AS DATE) FROM t
SELECT TRY({}) FROM t
SELECT {} COLLATE NOCASE FROM t
SELECT {} AT TIME ZONE 'UTC' FROM t
SELECT extract(year FROM {}) FROM t
SELECT a[{}] FROM t
SELECT a[1:{}] FROM t
SELECT [1, {}] FROM t
SELECT {{'x': {}}} FROM t
SELECT MAP {{'x': {}}} FROM t
SELECT ROW(1, {}) FROM t
SELECT [{} FOR x IN a] FROM t
SELECT [x FOR x IN a IF {}] FROM t
SELECT list_transform(a, lambda x: {}) FROM t
SELECT a.concat({}) FROM t
SELECT upper({}) FROM t
SELECT * REPLACE ({} AS a) FROM t
SELECT COLUMNS(c -> {}) FROM t
SELECT (SELECT {}) FROM t
SELECT EXISTS (SELECT {}) FROM t
SELECT ARRAY(SELECT {}) FROM t
SELECT INTERVAL ({}) DAY FROM t
SELECT * FROM (SELECT {}) s
SELECT * FROM t JOIN t u ON {}
SELECT * FROM t ASOF JOIN t u ON u.a >= {}
SELECT * FROM t, LATERAL (SELECT {}) l
SELECT * FROM (VALUES (1), ({})) v
SELECT * FROM unnest([{}]) u
SELECT * FROM range({}) r
SELECT * FROM generate_series(1, {}) r
WITH w AS (SELECT {}) SELECT * FROM w
WITH w AS MATERIALIZED (SELECT {}) SELECT * FROM w
WITH RECURSIVE w AS (SELECT {} UNION ALL SELECT 1 FROM w) SELECT * FROM w
WITH RECURSIVE w AS (SELECT 1 UNION ALL SELECT {} FROM w) SELECT * FROM w
WITH RECURSIVE w(a) USING KEY (a) AS (SELECT 1 UNION SELECT {} FROM w) SELECT * FROM w
SELECT 1 UNION ALL SELECT {}
SELECT 1 EXCEPT SELECT {}
SELECT 1 INTERSECT SELECT 2 UNION ALL BY NAME SELECT {}
SELECT * FROM (SELECT 1 UNION SELECT {}) s
VALUES (1, {})
FROM t SELECT {}
PIVOT t ON a IN (1, 2) USING sum({})
SELECT * FROM t PIVOT (sum({}) FOR a IN (1))
UNPIVOT t ON ({}) AS x INTO NAME n VALUE v
FROM (UNPIVOT t ON COLUMNS(c -> {}) INTO NAME n VALUE v)
""".strip().splitlines()

NO_FUNCTION = ("getvariable('x')", "nextval('s')", "current_setting('threads')", "write_log('x')", "sleep_ms(1)")


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_query_is_overlooked(place: str) -> None:
    """Where any expression may stand, a forbidden function, table function or table is found."""
    assert set(tables_read(place.format("abs(1)"))) <= {"t"}
    with pytest.raises(Breach, match="calls getvariable"):
        tables_read(place.format("getvariable('x')"))
    with pytest.raises(Breach, match="reads from glob"):
        tables_read(place.format("(SELECT 1 FROM glob('*'))"))
    with pytest.raises(Breach, match="'secret' of another place"):
        tables_read(place.format("(SELECT 1 FROM other.secret)"))
    assert "secret" in tables_read(place.format("(SELECT 1 FROM secret)"))


@pytest.mark.parametrize("call", NO_FUNCTION)
@pytest.mark.parametrize("spelled", [str, str.upper, lambda call: '"' + call.replace("(", '"('), "main.{}".format])
def test_no_spelling_of_a_function_is_overlooked(call: str, spelled: object) -> None:
    """Capitals, quotes, a schema and a point before the name change nothing."""
    name = call.partition("(")[0]
    with pytest.raises(Breach, match=rf"(?i)calls {name}"):
        refuse_expression(spelled(call))  # type: ignore[operator]  # each takes the call
    with pytest.raises(Breach, match=rf"(?i)calls {name}"):
        refuse_expression(f"a.{name}()")


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT 1; SELECT 2", "cannot be understood"),
        ("SELECT 1; COPY (SELECT 1) TO 'x'", "cannot be understood"),
        ("COPY (SELECT 1) TO 'x'", "cannot be understood"),
        ("SELECT 1) TO 'x'; --", "cannot be understood"),
        ("SELECT 1) a, (SELECT 2", "is not one whole SELECT"),
        ("SELECT 1) UNION ALL (SELECT 2", "is not one whole SELECT"),
        ("SELECT 1) LIMIT (1", "is not one whole SELECT"),
        ("INSERT INTO t VALUES (1)", "cannot be understood"),
        ("DELETE FROM t", "cannot be understood"),
        ("ATTACH 'x'", "cannot be understood"),
        ("SET threads = 1", "cannot be understood"),
        ("PRAGMA version", "cannot be understood"),
        ("CALL pragma_version()", "cannot be understood"),
        ("INSTALL httpfs", "cannot be understood"),
        ("EXPORT DATABASE 'x'", "cannot be understood"),
        ("EXPLAIN SELECT 1", "cannot be understood"),
        ("PREPARE p AS SELECT 1", "cannot be understood"),
        ("EXECUTE p", "cannot be understood"),
        ("WITH x AS (DELETE FROM t RETURNING *) FROM x", "cannot be understood"),
        ("PIVOT t ON a USING sum(b)", r"a PIVOT without the values of its columns"),
        ("SELECT ?", "is not one whole SELECT"),
        ("SELECT $name", "is not one whole SELECT"),
        ("SHOW TABLES", "has show ref"),
        ("DESCRIBE t", "has show ref"),
        ("SUMMARIZE t", "has show ref"),
        ("FROM (SUMMARIZE t)", "has show ref"),
        ("SELECT DEFAULT", "cannot be understood|has default"),
        ("SELECT a FROM t AT (VERSION => 1)", "'t' of another place"),
        ("FROM information_schema.tables", "'tables' of another place"),
        ("FROM system.main.duckdb_settings", "'duckdb_settings' of another place"),
        ("FROM query('SELECT 1')", "reads from query"),
        ("FROM query_table(['t'])", "reads from query_table"),
        ("FROM read_csv((SELECT 'x'))", "reads from read_csv"),
        ("FROM 'x.csv'.read_text()", "cannot be understood|reads from read_text"),
        ("FROM pragma_table_info('t')", "reads from pragma_table_info"),
        ("FROM duckdb_secrets()", "reads from duckdb_secrets"),
        ("FROM json_execute_serialized_sql('x')", "reads from json_execute_serialized_sql"),
        ("SELECT 1 /* \N{NO-BREAK SPACE} */", "spaces that are none of ASCII"),
        ("SELECT " + "1 +" * 900 + " 1", "nested too deep"),
        ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "memory exhausted"),
        ("SELECT '" + "x" * LONGEST + "'", "may have 100,000"),
        ("", "cannot be understood"),
    ],
)
def test_what_is_no_single_select_is_refused(sql: str, what: str) -> None:
    """Statements of any other kind, two of them, and what only looks like one are refused."""
    with pytest.raises(Breach, match=what):
        tables_read(sql)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("1) FROM t WHERE (1", "cannot be understood"),
        ("1)::INT; DROP TABLE t; SELECT (1", "cannot be understood"),
        ("a -- the bracket that follows is gone", "cannot be understood"),
        ("a /* open", "cannot be understood"),
        ("'open", "cannot be understood"),
        ("a AS b", "cannot be understood"),
        ("(SELECT a FROM t)", "reads 't', and only a query may read a table"),
        ("a IN (FROM 'x.csv')", "reads 'x.csv', and only a query may read a table"),
        ("1 AS VARCHAR), CAST(2", "cannot be understood"),
        ("a) AS VARCHAR) FROM t WHERE CAST((1", "is not one whole expression"),
    ],
)
def test_what_is_no_single_expression_is_refused(sql: str, what: str) -> None:
    """An expression keeps to its brackets, and to the columns of its row."""
    with pytest.raises(Breach, match=what):
        refuse_expression(sql)


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("WITH x AS (SELECT 1) FROM x", set()),
        ("WITH x AS (SELECT 1), y AS (FROM x) FROM X, y", set()),
        ("WITH x AS (FROM y), y AS (SELECT 1) FROM x", {"y"}),
        ("WITH x AS (FROM x) FROM x", {"x"}),
        ("FROM (WITH x AS (SELECT 1) FROM x), x", {"x"}),
        ("FROM x WHERE a IN (WITH x AS (SELECT 1) FROM x)", {"x"}),
        ("WITH RECURSIVE x AS (SELECT 1 UNION ALL FROM x) FROM x", set()),
        ("WITH RECURSIVE x AS (SELECT 1 UNION ALL FROM y), y AS (SELECT 1) FROM x", {"y"}),
        (
            "FROM \"/etc/passwd\" JOIN 'https://example.org/a.csv' USING (a)",
            {"/etc/passwd", "https://example.org/a.csv"},
        ),
        ("SELECT t.a.b, t.* FROM Deals AS t", {"deals"}),
        ("TABLE deals", {"deals"}),
    ],
)
def test_tables_are_told_apart_from_named_queries(sql: str, read: set[str]) -> None:
    """A name of WITH stands for its query only where it is in sight, so that it lends its name to no other table."""
    assert set(tables_read(sql)) == read


def test_where_a_breach_stands_is_told() -> None:
    """The place is counted in characters, also behind letters of several bytes."""
    sql = "SELECT 'Zoë 🚀',\n  getvariable('x')"
    with pytest.raises(Breach) as caught:
        tables_read(sql)
    assert sql[caught.value.at :].startswith("getvariable")
    with pytest.raises(Breach) as caught:
        refuse_expression("'é' ||\n getvariable('x')")
    assert caught.value.at == 8


def test_every_listed_function_is_one() -> None:
    """The list names functions of this DuckDB, and none that reads, waits, draws lots or runs SQL."""
    query = "SELECT DISTINCT function_name, function_type FROM duckdb_functions()"
    kinds = [(name.lower(), kind) for name, kind in duckdb.execute(query).fetchall()]
    assert {name for name, _ in kinds} >= FUNCTIONS | TABLE_FUNCTIONS
    tables = {name for name, kind in kinds if kind in ("table", "table_macro", "pragma")}
    assert tables & FUNCTIONS <= TABLE_FUNCTIONS | {"histogram"}
    harm = re.compile(r"setting|variable|secret|sql|serial|read_|write|sleep|nextval|currval|seed|random|uuid|env")
    assert [name for name in sorted(FUNCTIONS) if harm.search(name)] == []


def _documented() -> Iterator[str]:
    text = (ROOT / "data" / "maps" / "README.md").read_text(encoding="utf-8")
    yield from re.findall(r'select = """\n(.*?)"""', text, re.DOTALL)


@pytest.mark.parametrize("sql", list(_documented()))
def test_the_recipes_pass(sql: str) -> None:
    """Each query that the README of the maps shows is allowed."""
    assert tables_read(sql)
