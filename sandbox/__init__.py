"""A real Apache Kafka and a real Valkey on this machine, from packages: for the demo, the tests and the benchmarks.
::

    with Kafka.start(brokers=3) as kafka, Valkey.start() as valkey:
        use(kafka.bootstrap, valkey.url)
        kafka.kill(1)
        valkey.freeze()
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
