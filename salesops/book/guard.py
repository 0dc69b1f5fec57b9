"""What SQL from a stranger may do: compute a table from tables that are named for it, and nothing else.

DuckDB's own parser says what a text means. Whatever is not known here to be harmless is refused: a second
statement, a function that is not listed, a table of another place, any kind of syntax that came later.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from salesops.book.connection import connect

LONGEST = 100_000  # characters

_NODES = frozenset({  # of queries, of tables, and of what belongs to them
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE",
    "BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "TABLE_FUNCTION", "EXPRESSION_LIST", "PIVOT",
    "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
    "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
})  # fmt: skip  # reads as a table
_EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
})  # fmt: skip  # as above
_SPACES = frozenset("\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff\u180e" + "".join(map(chr, range(0x2000, 0x200C))))
_WHOLE, _PART = "SELECT * FROM (\n{}\n)", "SELECT CAST(({}) AS VARCHAR)"
TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})

_GROUPS = """
any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_max_nulls_last arg_min
arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if
count_star countif covar_pop covar_samp entropy favg first fsum geomean geometric_mean group_concat histogram
kahan_sum kurtosis last list listagg mad max max_by mean median min min_by mode product quantile quantile_cont
quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy sem skewness
stddev stddev_pop stddev_samp string_agg sum sum_no_overflow sumkahan var_pop var_samp variance wavg weighted_avg
cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number
"""
_TEXT = """
ascii base64 bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein decode
editdist3 encode ends_with format format_bytes from_base64 from_hex hamming hash hex ilike_escape instr jaccard
jaro_similarity jaro_winkler_similarity lcase left left_grapheme len length length_grapheme levenshtein like_escape
lower lpad ltrim md5 mismatches nfc_normalize not_ilike_escape not_like_escape octet_length ord position prefix printf
regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array
replace reverse right right_grapheme rpad rtrim sha1 sha256 split split_part starts_with str_split str_split_regex
string_split string_split_regex string_to_array strip_accents strlen strpos substr substring substring_grapheme suffix
to_base64 to_hex translate trim ucase unhex unicode upper url_decode url_encode
"""
_NUMBERS = """
abs acos add asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp factorial fdiv floor fmod
gcd greatest greatest_common_divisor isfinite isinf isnan lcm least least_common_multiple ln log log10 log2 mod
multiply pi pow power radians round round_even roundbankers sign signbit sin sqrt subtract tan trunc xor
"""
_DATES = """
age ago century current_date current_localtime current_localtimestamp date_add date_diff date_part date_sub date_trunc
datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms
epoch_ns epoch_us era get_current_time get_current_timestamp hour isodow isoyear julian last_day make_date make_time
make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz microsecond millennium millisecond minute month
monthname nanosecond normalized_interval now quarter second strftime strptime time_bucket timezone timezone_hour
timezone_minute to_centuries to_days to_decades to_hours to_microseconds to_millennia to_milliseconds to_minutes
to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp try_strptime week weekday
weekofyear year yearweek
"""
_LISTS = """
array_append array_concat array_contains array_distinct array_extract array_filter array_has array_has_all
array_has_any array_indexof array_intersect array_length array_pop_back array_pop_front array_position array_prepend
array_reverse array_slice array_sort array_to_string array_transform array_unique array_value cardinality element_at
flatten generate_series list_aggr list_aggregate list_any_value list_append list_apply list_avg list_cat list_concat
list_contains list_count list_distinct list_element list_extract list_filter list_first list_has list_has_all
list_has_any list_indexof list_intersect list_last list_max list_median list_min list_mode list_pack list_position
list_prepend list_product list_reduce list_reverse list_reverse_sort list_select list_slice list_sort list_string_agg
list_sum list_transform list_unique list_value list_where list_zip map map_concat map_contains map_entries map_extract
map_extract_value map_from_entries map_keys map_values range row struct_concat struct_extract struct_extract_at
struct_insert struct_keys struct_pack struct_update struct_values unnest
"""
_OTHERS = """
can_cast_implicitly constant_or_null enum_code enum_first enum_last enum_range from_json from_json_strict json
json_array json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text
json_extract_string json_keys json_merge_patch json_object json_structure json_transform json_transform_strict
json_type json_valid json_value nullif row_to_json to_json typeof union_extract union_tag union_value
"""

FUNCTIONS = frozenset(" ".join((_GROUPS, _TEXT, _NUMBERS, _DATES, _LISTS, _OTHERS)).split())


class Breach(Exception):
    """What is forbidden in a text, as the end of a sentence ("calls read_csv"), and where, counted in characters."""

    def __init__(self, what: str, at: int = 0) -> None:
        super().__init__(what)
        self.at = at


def tables_read(sql: str, functions: Collection[str] = FUNCTIONS, *, qualified: bool = False) -> dict[str, int]:
    """Return the names of the tables that a query reads, in lower case, and where it names each.

    Parameters
    ----------
    functions : collection of str
        The names of the functions that it may call, in lower case.
    qualified : bool
        It may name tables with their schema and database, and they are returned without.

    Raises
    ------
    Breach
        If it is no single SELECT, or does more than to compute from tables.
    """
    return _Judged(sql, _WHOLE, functions, qualified=qualified).tables


def refuse_expression(sql: str) -> None:
    """Raise Breach if a text is no single expression, or does more than to compute from the columns of its row."""
    for name, at in _Judged(sql, _PART, FUNCTIONS).tables.items():
        raise Breach(f"reads '{name}', and only a query may read a table", at)


class _Judged:
    """One text, in the shell in which it is run."""

    def __init__(self, sql: str, shell: str, functions: Collection[str], *, qualified: bool = False) -> None:
        self._sql, self._functions, self._qualified = sql, functions, qualified
        self._before = len(shell.partition("{")[0].encode())
        self.tables: dict[str, int] = {}
        if len(sql) > LONGEST:
            raise Breach(f"has {len(sql):,} characters, and may have {LONGEST:,}")
        if _SPACES & set(sql) and ("--" in sql or "/*" in sql):
            raise Breach("has comments and spaces that are none of ASCII, which parsers take differently")
        statement = self._parsed(shell.format(sql))
        inner = _inside(statement)
        if inner is None or _emptied(statement) != _emptied(_template(shell)):
            raise Breach("is not one whole expression" if shell == _PART else "is not one whole SELECT")
        for part, visible in _parts(inner):
            self._judge(part, visible)

    def _parsed(self, text: str) -> dict[str, Any]:
        found = _serialized(text)
        if found["error"]:
            why = found["error_message"].strip()
            if found.get("error_type") == "not implemented":  # which the parser does not tell apart
                why = "it is no SELECT, or a PIVOT without the values of its columns: PIVOT … ON … IN (…)"
            raise Breach(f"cannot be understood: {why}", self._place(int(found.get("position") or 0)))
        statements = found["statements"]
        if len(statements) != 1:
            raise Breach(f"holds {len(statements)} statements, and may hold one SELECT")
        return dict(statements[0])

    def _judge(self, part: dict[str, Any], visible: frozenset[str]) -> None:
        at = self._place(part.get("query_location", 0))
        kind, known = (part["class"], _EXPRESSIONS) if "class" in part else (part.get("type"), _NODES)
        if isinstance(kind, str) and kind not in known and not kind.endswith("_TYPE_INFO"):
            raise Breach(f"has {kind.replace('_', ' ').lower()}, which no SQL from outside may have", at)
        if "function_name" in part:
            self._judge_function(part["function_name"], at)
        if kind == "BASE_TABLE":
            self._judge_table(part, visible, at)
        if kind == "TABLE_FUNCTION" and part["function"]["function_name"].lower() not in TABLE_FUNCTIONS:
            raise Breach(f"reads from {part['function']['function_name']}", at)

    def _judge_function(self, name: str, at: int) -> None:
        # what stands before the name is a column (name.upper()) or a schema: the parser does not tell them apart
        is_operator = not any(letter.isalnum() or letter == "_" for letter in name)
        if not is_operator and name.lower() not in self._functions and name.lower() not in TABLE_FUNCTIONS:
            raise Breach(f"calls {name}", at)

    def _judge_table(self, part: dict[str, Any], visible: frozenset[str], at: int) -> None:
        name = part["table_name"]
        elsewhere = part["schema_name"] or part["catalog_name"]
        if (elsewhere and not self._qualified) or part["at_clause"]:
            raise Breach(f"reads '{name}' of another place", at)
        if elsewhere or name.lower() not in visible:
            self.tables.setdefault(name.lower(), at)

    def _place(self, location: int) -> int:
        """Return where in the text the parser points to: it counts bytes from the beginning of the shell."""
        encoded = self._sql.encode()
        inside = min(max(location - self._before, 0), len(encoded))
        return len(encoded[:inside].decode(errors="ignore"))


def _parts(node: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield every part of a parsed text, with the names that queries of a WITH have there."""
    left: list[tuple[Any, frozenset[str]]] = [(node, frozenset())]
    while left:
        part, visible = left.pop()
        if isinstance(part, list):
            left.extend((item, visible) for item in part)
        elif isinstance(part, dict):
            for named in part.get("cte_map", {}).get("map", ()):
                left.append((named["value"], visible))
                visible |= {named["key"].lower()}
            if part.get("type") == "RECURSIVE_CTE_NODE":
                visible |= {part["cte_name"].lower()}
            yield part, visible
            left.extend((value, visible) for key, value in part.items() if key != "cte_map")


def _inside(statement: dict[str, Any]) -> Any:
    """Return what stands in the shell, and take it out of the statement; None if it is not there."""
    node = statement["node"]
    if node["type"] != "SELECT_NODE" or len(node["select_list"]) != 1:
        return None
    holder = node["from_table"] if node["from_table"]["type"] == "SUBQUERY" else node["select_list"][0]
    return holder.pop("subquery", None) or holder.pop("child", None)


def _emptied(statement: dict[str, Any]) -> str:
    """Return the shell as text, without places."""
    return json.dumps(_without_places(statement), sort_keys=True)


def _without_places(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_places(value) for key, value in part.items() if key != "query_location"}
    return [_without_places(item) for item in part] if isinstance(part, list) else part


@cache
def _template(shell: str) -> dict[str, Any]:
    statement = dict(_serialized(shell.format("SELECT 1" if shell == _WHOLE else "1"))["statements"][0])
    _inside(statement)
    return statement


def _serialized(text: str) -> dict[str, Any]:
    (written,) = _parser().raw_sql("SELECT json_serialize_sql(?::VARCHAR)", parameters=[text]).fetchone()
    try:
        return dict(json.loads(written))
    except RecursionError:
        raise Breach("is nested too deep") from None


@cache
def _parser() -> Any:
    return connect()
