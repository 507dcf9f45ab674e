"""What the writer of a program and the function that runs it agree on: codes, flags and sizes, in no file format."""

from __future__ import annotations

BLOCK = 256
"""Rows per block: a register is 2 KiB, so the registers in use stay in the nearest cache."""

STRIDE = BLOCK + 8
"""Float64 values from one register to the next. A power of two would map all of them onto the same cache lines."""

WIDTH = 8
"""Columns of ``ops``."""

# Operations that read the event's columns.
LOAD_NUMBER = 0
LOAD_INTEGER = 1
LOAD_NOTHING = 2
LOOK_UP = 3
LACKS_TEXT = 4
LOADS_END = 8
# Preparation: categories and gaps.
ONE_HOT = 8
ORDINAL = 9
FIND = 10
TAKE = 11
REFUSE_CODE = 12
REQUIRE = 13
IS_MISSING = 14
MISSING_IF = 15
CODES_END = 16
# Preparation: arithmetic.
IMPUTE = 16
STANDARDISE = 17
SCALE = 18
CLIP = 19
PRODUCT = 20
NORMALISE = 21
ARITHMETIC_END = 24
# Preparation: functions of one number.
BINS = 24
QUANTILES = 25
YEO_JOHNSON = 26
BOX_COX = 27
FUNCTION = 28
DATE = 29
NARROW = 30
PREPARATION_END = 32
# Kernels and links.
LINEAR = 32
TREES = 33
SIGMOID = 34
SOFTMAX = 35
EXP = 36
# Combining scores.
COPY = 40
AVERAGE = 41
MARGIN_OF = 42
ISOTONIC = 43
SHARES = 44
CHOOSE = 45
ABOVE = 46
LOG_ODDS = 47
# Trees: their columns, and what becomes of their sums.
TREAT = 48
SLOPE = 49
LOG1P_EXP = 50
SIGNED_SQUARE = 51
SIGMOID_FLOAT32 = 52
SOFTMAX_FLOAT32 = 53
EXP_FLOAT32 = 54

IMPUTED = 1
"""Flag: a missing value was replaced by the one that the version holds for it."""
CLIPPED = 2
"""Flag: a value was moved to the nearest allowed one."""
UNSEEN = 4
"""Flag: a category did not occur in the training data."""
MISSING = 8
"""Flag: an input had no value, whatever the version did about it."""
OUTSIDE = 16
"""Flag: a number was below all or above all of the training data, by the version's profile."""

UNSEEN_CODE = -1
MISSING_CODE = -2
"""What LOOK_UP writes instead of a category's code."""

HEAD = 6
"""The first words of every program: the rows that numbers, integers, spans and ``valid`` must have, the scores that a
row gets, and the register of the first."""
