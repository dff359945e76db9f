"""The DuckDB macros that read amounts, moments and texts."""

from __future__ import annotations

from storage.aggregation.amounts import PLAIN

_READING = """
CREATE MACRO known(x) AS
    CASE WHEN x IS NULL OR lower(trim(x)) IN ('', 'null') THEN NULL
         ELSE trim(replace(x, chr(0), '')) END;

-- Reading in Python costs time and memory to set up: only where this error says it is needed.
CREATE MACRO odd_amount(x) AS error('odd amount ' || x);

CREATE MACRO odd(x) AS
    CASE WHEN known(x) IS NULL THEN NULL ELSE CAST(odd_amount(x) AS DECIMAL(38, 21)) END;

CREATE MACRO decimals(x) AS
    CASE WHEN strpos(x, '.') = 0 THEN 0
         WHEN strpos(lower(x), 'e') > 0 THEN strpos(lower(x), 'e') - strpos(x, '.') - 1
         ELSE strlen(x) - strpos(x, '.') END
    - coalesce(TRY_CAST(nullif(split_part(lower(x), 'e', 2), '') AS INT), 0);

-- The plain case first. DuckDB rounds half up where an amount has more than 21 decimals, so those
-- are read with all of theirs and rounded half to even; what is left is read in Python.
CREATE MACRO amount(x) AS
    CASE WHEN strlen(x) <= 22 AND NOT contains(x, 'e') AND NOT contains(x, 'E')
         THEN coalesce(TRY_CAST(x AS DECIMAL(38, 21)), odd(x))
         WHEN decimals(x) <= 21
         THEN coalesce(TRY_CAST(x AS DECIMAL(38, 21)), odd(x))
         WHEN decimals(x) <= 37 AND abs(TRY_CAST(x AS DOUBLE)) < 9
         THEN round_even(TRY_CAST(x AS DECIMAL(38, 37)), 21)
         ELSE odd(x) END;

-- A double of at most 15 digits is the nearest to one such decimal only: if nine decimals give it
-- back, they are it. All others go by their shortest text, as Decimal(repr(x)) does.
CREATE MACRO double_amount(x) AS
    CASE WHEN abs(x) < 1e5 AND round(x * 1e9) / 1e9 = x
         THEN CAST(round(x * 1e9) AS DECIMAL(17, 0)) * CAST(0.000000001 AS DECIMAL(21, 21))
         ELSE amount(CAST(x AS VARCHAR)) END;

CREATE MACRO is_long(x) AS
    CASE WHEN strlen(x) <= 22 AND NOT contains(x, 'e') AND NOT contains(x, 'E') THEN false
         ELSE coalesce(decimals(x) > 21, false) END;

CREATE MACRO is_long_double(x) AS
    CASE WHEN abs(x) < 1e5 AND round(x * 1e9) / 1e9 = x THEN false
         ELSE is_long(CAST(x AS VARCHAR)) END;

-- A cast to TIMESTAMP drops the offset, and takes 4/1/25 for a day of the year 4.
CREATE MACRO iso_moment(x) AS
    CASE WHEN substr(x, 5, 1) <> '-' THEN NULL
         WHEN strlen(x) > 16 AND (contains(x, '+') OR strpos(substr(x, 17), '-') > 0)
         THEN TRY_CAST(TRY_CAST(x AS TIMESTAMPTZ) AS TIMESTAMP)
         ELSE TRY_CAST(x AS TIMESTAMP) END;

-- Saves reading two texts: of one form and length, what sorts before comes before.
CREATE MACRO plainly_before(x, y) AS
    y > x AND strlen(y) = strlen(x) AND (strlen(y) IN (10, 19) OR suffix(y, 'Z'))
    AND TRY_CAST(y AS TIMESTAMP) IS NOT NULL;
"""

_IS_WRITTEN = (
    "CREATE MACRO is_written(x) AS coalesce(regexp_full_match("
    f"regexp_replace(x, '[\\s\\x{{a0}}$€£¥()]', '', 'g'), '{PLAIN}'), false);"
)
"""Tells an amount, however large, from what is none."""

MACROS = _READING + _IS_WRITTEN

ODD = "odd amount"
"""How the error begins by which DuckDB meets an amount that it cannot read by itself."""
