"""A program that decodes and encodes right beside pages of memory that must not be touched.

One byte read before or behind a payload, or written behind the output buffer, ends the process with a signal. Run by
``test_bounds`` in a process of its own; ``overread`` and ``overwrite`` step over the edge on purpose.
"""

from __future__ import annotations

import ctypes
import mmap
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from scorer.batch import Columns, Kind, Layout
from scorer.wire.decode import Decoder
from scorer.wire.encode_plan import Entries, Run, Source, build
from scorer.wire.framing import Framing
from scorer.wire.murmur2 import partitions
from scorer.wire.plan import Parts
from scorer.wire.reasons import Status
from scorer.wire.utf8 import valid_utf8
from scorer.wire.writing import Output, encode_rows
from tests.wire.support import Value, batch_at, bytes_at, expected, fill, parsed, record_schema, written

_LIBC = ctypes.CDLL(None, use_errno=True)
_PROT_NONE = 0


class Island:
    """A few pages of memory between two pages without any right."""

    def __init__(self, pages: int = 4) -> None:
        self._map = mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.start, self.end = base + mmap.PAGESIZE, base + (pages + 1) * mmap.PAGESIZE
        for page in (base, self.end):
            failed = _LIBC.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), _PROT_NONE)
            if failed:
                raise OSError(ctypes.get_errno(), "mprotect")

    def at_the_end(self, data: bytes) -> int:
        """Copy bytes so that they end where the memory ends; their address."""
        ctypes.memmove(self.end - len(data), data, len(data))
        return self.end - len(data)

    def at_the_start(self, data: bytes) -> int:
        """Copy bytes to where the memory starts; their address."""
        ctypes.memmove(self.start, data, len(data))
        return self.start


SCALARS: list[Any] = [
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "bytes",
    "string",
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "fixed", "name": "Fixed", "size": 9},
    {"type": "enum", "name": "Enum", "symbols": ["one", "two", "three"]},
]


def any_value(kind: Any, chance: random.Random) -> Any:
    """A value of a type, the longest of its kind among them."""
    if isinstance(kind, dict) and kind["type"] == "enum":
        return chance.choice(kind["symbols"])
    if isinstance(kind, dict) and kind["type"] == "fixed":
        return chance.randbytes(kind["size"])
    if isinstance(kind, dict):
        return chance.choice([0, 9223372036854775, -9223372036854775])
    text = "".join(chance.choices("aé中😀", k=chance.choice([0, 1, 2, 3, 5, 8, 13])))
    return {
        "boolean": chance.random() < 0.5,
        "int": chance.choice([0, -64, 2**31 - 1, -(2**31)]),
        "long": chance.choice([0, -64, 2**40, 2**63 - 1, -(2**63)]),
        "float": 0.5,
        "double": chance.random(),
        "bytes": text.encode()[:20],
        "string": text,
    }[kind]


def any_case(chance: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema and a record of it."""
    kinds = chance.sample(SCALARS, chance.randint(1, 4))
    fields: list[tuple[str, Any]] = []
    record: dict[str, Any] = {}
    for number, kind in enumerate(kinds):
        nullable = chance.random() < 0.5
        fields.append((f"f{number}", ["null", kind] if nullable else kind))
        record[f"f{number}"] = None if nullable and chance.random() < 0.3 else any_value(kind, chance)
    return record_schema(*fields), record


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.choice([0, 1, 2, 127, 128, 255, chance.randrange(256)])
    return bytes(changed)


def decode(island: Island, rounds: int) -> int:
    """Decode records, all their truncations and some mutations at both edges; how many."""
    chance = random.Random(1)  # noqa: S311 - the same cases in every run
    done = 0
    for number in range(rounds):
        schema, record = any_case(chance)
        framing = Framing(number % 2)
        good = framing.header(0) + written(schema, record)
        decoder = Decoder({0: parsed(schema)}, framing)
        prefixes = [good[:size] for size in range(len(good))]
        for payload in [good, *prefixes, *(mutated(good, chance) for _ in range(30))]:
            for address in (island.at_the_end(payload), island.at_the_start(payload)):
                decoded = decoder.decode(batch_at(np.array([address]), np.array([len(payload)])))
                if payload == good and decoded.status[0] != Status.OK:
                    raise SystemExit(f"refused {payload!r} of {schema}")
                if payload in prefixes and decoded.status[0] == Status.OK:
                    raise SystemExit(f"took {payload!r} for a record of {schema}")
                done += 1
    return done


def decode_collections(island: Island) -> int:
    """Decode arrays and maps, all their truncations and many mutations at both edges; how many."""
    chance = random.Random(3)  # noqa: S311 - the same cases in every run
    values = ["null", "long", "double", "string", "boolean", "bytes", "float"]
    schema = record_schema(("xs", {"type": "array", "items": "double"}), ("m", {"type": "map", "values": values}))
    decoder = Decoder({0: parsed(schema)}, Framing.BARE, Parts({"xs": 2}, {"m": ("a", "bc")}))
    done = 0
    for size in range(6):
        entries: dict[str, Any] = {
            name: chance.choice([None, 5, 0.5, "text", True]) for name in ("a", "bc", "d")[:size]
        }
        good = written(schema, {"xs": [0.5] * size, "m": entries})
        payloads = [good, *(good[:cut] for cut in range(len(good))), *(mutated(good, chance) for _ in range(400))]
        for payload in payloads:
            for address in (island.at_the_end(payload), island.at_the_start(payload)):
                decoder.decode(batch_at(np.array([address]), np.array([len(payload)])))
                done += 1
    return done


def hash_and_check(island: Island) -> int:
    """Keys of all lengths at both edges, whole and cut inside a character."""
    done = 0
    for size in range(64):
        for key in (b"k" * size, b"k" * size + b"\xc3", b"k" * size + b"\xe4\xb8", b"k" * size + b"\xf0\x9f\x98"):
            for address in (island.at_the_end(key), island.at_the_start(key)):
                partitions(np.array([address]), np.array([len(key)]), 7)
                if valid_utf8(np.array([address]), np.array([len(key)]))[0] != (len(key) == size):
                    raise SystemExit(f"wrong about {key!r}")
                done += 1
    return done


def moved(columns: Columns, layout: Layout, islands: list[Island]) -> None:
    """Move the first row's spans to where memory ends."""
    for slot in range(layout.spans):
        data = bytes_at(int(columns.address[slot, 0]), int(columns.length[slot, 0]))
        columns.address[slot, 0] = islands[slot].at_the_end(data)


def encode_one(
    island: Island, schema: dict[str, Any], layout: Layout, columns: Columns, sources: dict[str, Source], beyond: int
) -> bytes:
    """Encode the first row into a buffer of just the size needed, ``beyond`` bytes of which lie behind the end."""
    program = build(parsed(schema), layout, b"header", sources)
    output = Output(*(np.zeros(1, kind) for kind in "qqqqBiq"))
    run = (output, program.plan, program.plan.constants.ctypes.data, program.bound, columns)
    needed = encode_rows(*run, 0, 0)
    buffer = island.end - needed + beyond
    encode_rows(*run, buffer, needed)
    return bytes_at(buffer, int(output.length[0])).removeprefix(b"header")


def encode(island: Island, rounds: int, beyond: int = 0) -> int:
    """Encode records whose strings end where memory ends into a buffer that ends there too; how many."""
    chance = random.Random(2)  # noqa: S311 - the same cases in every run
    sources = [Island(1) for _ in SCALARS]
    for _ in range(rounds):
        schema, record = any_case(chance)
        layout = Decoder({0: parsed(schema)}, Framing.BARE).layout
        columns, _kept = fill(layout, [expected(schema, record)])
        moved(columns, layout, sources)
        if encode_one(island, schema, layout, columns, {}, beyond) != written(schema, record):
            raise SystemExit(f"wrong bytes for {record} of {schema}")
    return rounds


def encode_collections(island: Island) -> int:
    """Encode arrays of all lengths, and maps of as many entries; how many."""
    for size in range(120):
        names = [f"x{k}" for k in range(size)]
        record: dict[str, Value] = dict.fromkeys(names, 0.5)
        layout = Layout([*((name, Kind.NUMBER) for name in names), ("n", Kind.INTEGER)])
        columns, _kept = fill(layout, [{**record, "n": size}])
        array = record_schema(("xs", {"type": "array", "items": "double"}))
        data = encode_one(island, array, layout, columns, {"xs": Run(tuple(names), "n")}, 0)
        if data != written(array, {"xs": [0.5] * size}):
            raise SystemExit(f"wrong bytes for an array of {size}")
        mapped = record_schema(("xs", {"type": "map", "values": ["null", "double"]}))
        data = encode_one(island, mapped, layout, columns, {"xs": Entries({name: name for name in names})}, 0)
        if data != written(mapped, {"xs": record}):
            raise SystemExit(f"wrong bytes for a map of {size}")
    return 240


def overread(island: Island) -> int:
    """Decode a string whose last byte is behind the end of memory."""
    decoder = Decoder({0: parsed(record_schema(("s", "string")))}, Framing.BARE)
    decoder.decode(batch_at(np.array([island.at_the_end(b"\x10abcdefg")]), np.array([9])))
    return 1


PARTS: dict[str, Callable[[Island], int]] = {
    "decode": lambda island: decode(island, 150),
    "encode": lambda island: encode(island, 500),
    "collections": encode_collections,
    "containers": decode_collections,
    "hash": hash_and_check,
    "overread": overread,
    "overwrite": lambda island: encode(island, 1, beyond=80),
}

if __name__ == "__main__":
    sys.stdout.write(str(PARTS[sys.argv[1]](Island())))
