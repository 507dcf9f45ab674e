"""A real Apache Kafka and a real Valkey on this machine, from packages: for the demo, the tests and the benchmarks.

>>> from sandbox import Kafka, Valkey
>>> with Kafka.start() as kafka, Valkey.start() as valkey:  # doctest: +SKIP
...     print(kafka.bootstrap, valkey.url)
"""

from sandbox.errors import Corrupt, InUse, NotRunning, PortTaken, SandboxError, StartFailed, Unavailable
from sandbox.kafka import Kafka
from sandbox.services import Services, services
from sandbox.valkey import Valkey

__all__ = [
    "Corrupt",
    "InUse",
    "Kafka",
    "NotRunning",
    "PortTaken",
    "SandboxError",
    "Services",
    "StartFailed",
    "Unavailable",
    "Valkey",
    "services",
]
