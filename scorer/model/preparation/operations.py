"""Which function runs which operation of preparation: compiled into the one function that runs every program."""

from __future__ import annotations

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import helper, inlined
from scorer.model.ops import (
    ARITHMETIC_END,
    BINS,
    BOX_COX,
    CLIP,
    CODES_END,
    DATE,
    FIND,
    FUNCTION,
    IMPUTE,
    IS_MISSING,
    LACKS_TEXT,
    LOAD_INTEGER,
    LOAD_NUMBER,
    LOOK_UP,
    MISSING_IF,
    NARROW,
    NORMALISE,
    ONE_HOT,
    ORDINAL,
    PRODUCT,
    QUANTILES,
    REFUSE_CODE,
    REQUIRE,
    SCALE,
    STANDARDISE,
    TAKE,
    YEO_JOHNSON,
)
from scorer.model.preparation.bins import bins
from scorer.model.preparation.clip import clip
from scorer.model.preparation.date import date
from scorer.model.preparation.encode import refuse_code, take
from scorer.model.preparation.float32 import narrow
from scorer.model.preparation.function import function
from scorer.model.preparation.impute import impute
from scorer.model.preparation.is_missing import is_missing, lacks_text
from scorer.model.preparation.load import load, require
from scorer.model.preparation.lookup import find_number, look_up
from scorer.model.preparation.missing_if import missing_if
from scorer.model.preparation.normalise import normalise
from scorer.model.preparation.one_hot import one_hot
from scorer.model.preparation.ordinal import ordinal
from scorer.model.preparation.polynomial import product
from scorer.model.preparation.power import box_cox, yeo_johnson
from scorer.model.preparation.quantiles import quantiles
from scorer.model.preparation.require import require_finite
from scorer.model.preparation.scale import scale
from scorer.model.preparation.standardise import standardise


@inlined
def read_columns(
    ops: Int64s,
    k: int,
    numbers: Floats,
    integers: Int64s,
    address: Int64s,
    length: Int64s,
    valid: Bytes,
    words: Int64s,
    floats: Floats,
    text: Bytes,
    registers: Floats,
    flags: Int64s,
    missing: Int64s,
    rows: Int64s,
    start: int,
    width: int,
    adjoining: bool,
) -> None:
    """Operation ``k``, one that reads columns."""
    code, target, slot, field = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3]
    a, b, c, d = ops[k, 4], ops[k, 5], ops[k, 6], ops[k, 7]
    if code == LOAD_NUMBER:
        load(
            registers, target, numbers, slot, valid, field, floats, c, a, b, rows, start, width, adjoining, flags,
            missing,
        )  # fmt: skip
    elif code == LOAD_INTEGER:
        load(
            registers, target, integers, slot, valid, field, floats, c, a, b, rows, start, width, adjoining, flags,
            missing,
        )  # fmt: skip
    elif code == LOOK_UP:
        look_up(
            registers, target, address, length, slot, valid, field, words, a, text, b, c, d, rows, start, width, flags
        )  # fmt: skip
    elif code == LACKS_TEXT:
        lacks_text(registers, target, valid, field, rows, start, width)
    else:
        require(valid, field, a, b, rows, start, width, flags, missing)


@inlined
def prepare(
    ops: Int64s,
    k: int,
    words: Int64s,
    floats: Floats,
    registers: Floats,
    flags: Int64s,
    missing: Int64s,
    width: int,
) -> None:
    """Operation ``k``, one from register to register."""
    if ops[k, 0] < CODES_END:
        _codes(ops, k, floats, registers, flags, missing, width)
    elif ops[k, 0] < ARITHMETIC_END:
        _arithmetic(ops, k, words, floats, registers, flags, width)
    else:
        _functions(ops, k, floats, registers, flags, missing, width)


@helper
def _codes(ops: Int64s, k: int, floats: Floats, registers: Floats, flags: Int64s, missing: Int64s, width: int) -> None:
    """Categories and gaps."""
    code, target, source, a = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3]
    if code == ONE_HOT:
        one_hot(registers, target, source, a, width)
    elif code == TAKE:
        take(registers, target, source, floats, a, width)
    elif code == FIND:
        find_number(registers, target, source, floats, a, ops[k, 4], ops[k, 5], flags, width)
    elif code == ORDINAL:
        ordinal(registers, target, source, floats[a], floats[a + 1], width)
    elif code == IS_MISSING:
        is_missing(registers, target, source, width)
    elif code == MISSING_IF:
        missing_if(registers, target, source, floats[a], width)
    elif code == REFUSE_CODE:
        refuse_code(registers, target, source, a, missing, width)
    elif code == REQUIRE:
        require_finite(registers, target, source, a, missing, width)


@helper
def _arithmetic(
    ops: Int64s, k: int, words: Int64s, floats: Floats, registers: Floats, flags: Int64s, width: int
) -> None:
    code, target, source, a = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3]
    if code == IMPUTE:
        impute(registers, target, source, floats[a], flags, width)
    elif code == STANDARDISE:
        standardise(registers, target, source, floats[a], floats[a + 1], width)
    elif code == SCALE:
        scale(registers, target, source, floats[a], floats[a + 1], width)
    elif code == CLIP:
        clip(registers, target, source, floats[a], floats[a + 1], flags, width)
    elif code == PRODUCT:
        product(registers, target, words, source, a, width)
    elif code == NORMALISE:
        normalise(registers, target, source, words, a, ops[k, 4], ops[k, 5], width)


@helper
def _functions(
    ops: Int64s, k: int, floats: Floats, registers: Floats, flags: Int64s, missing: Int64s, width: int
) -> None:
    """Functions of one number."""
    code, target, source, a, b, c = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3], ops[k, 4], ops[k, 5]
    if code == BINS:
        bins(registers, target, source, floats, a, b, flags, width)
    elif code == QUANTILES:
        quantiles(registers, target, source, floats, a, b, c, ops[k, 6], flags, width)
    elif code == YEO_JOHNSON:
        yeo_johnson(registers, target, source, floats[a], width)
    elif code == BOX_COX:
        box_cox(registers, target, source, floats[a], b, missing, width)
    elif code == FUNCTION:
        function(registers, target, source, a, b, missing, width)
    elif code == DATE:
        date(registers, target, source, a, b, c, missing, width)
    elif code == NARROW:
        narrow(registers, target, source, a, missing, width)
