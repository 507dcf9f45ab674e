"""TLS to Redis, through a proxy that ends it: the server that the tests run has none of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Valkey
from scorer.errors import RegistryUnavailable
from scorer.registry import pointers
from scorer.registry.client import address, connect
from scorer.registry.keys import Keys

# For localhost, valid for a hundred years, known to everybody: good for this test and for nothing else.
PEM = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEiwj0iD2KuTaMHin
bQyNmzVAaJfmee5rfHlKwQVK2K+hRANCAAQ7RZf3HGh7ql3Ujr4WbAsSTFNHUrmd
xWL8RvvUrPFXqIZHMeKtQaKNffD37V6y4aOpRqcPSOD1pr+oYsL9SwAJ
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUY5qiNFGKf0QY+Rb6h9aC2rAzaoQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA2NDA0NVoYDzIxMjYxMDMw
MDY0MDQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ7RZf3HGh7ql3Ujr4WbAsSTFNHUrmdxWL8RvvUrPFXqIZHMeKtQaKN
ffD37V6y4aOpRqcPSOD1pr+oYsL9SwAJo2kwZzAdBgNVHQ4EFgQUTEtB3Vuc+pxE
LevJQLYDlpyr0qswHwYDVR0jBBgwFoAUTEtB3Vuc+pxELevJQLYDlpyr0qswDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgR/RHh8ZDkFCjssE32gNGF92anBJZ+vugAb+ob/0uIUECIErlkF7+Mnvi
gyZdD6EWME0pADWSjIvPUHaqlsNg2uGj
-----END CERTIFICATE-----
"""


class Ending:
    """Ends TLS and passes everything on to a server without it, one connection after the other."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as client:
                    self._pass_on(client)
            except OSError:  # a client that does not trust us, or has gone
                plain.close()

    def _pass_on(self, client: ssl.SSLSocket) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            while request := client.recv(1 << 16):
                server.sendall(request)
                client.sendall(server.recv(1 << 16))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    file = tmp_path / "localhost.pem"
    file.write_text(PEM)
    return file


@pytest.fixture
def ending(server: Valkey, certificate: Path) -> Iterator[Ending]:
    proxy = Ending(server.port, certificate)
    yield proxy
    proxy.close()


def test_rediss_speaks_tls_with_a_certificate_that_is_known(ending: Ending, certificate: Path, keys: Keys) -> None:
    with connect(f"rediss://localhost:{ending.port}/0?ssl_ca_certs={certificate}") as client:
        assert pointers.read(client, keys).champion is None
        assert address(client) == f"rediss://localhost:{ending.port}/0"


def test_an_unknown_certificate_is_refused(ending: Ending, keys: Keys) -> None:
    client = connect(f"rediss://localhost:{ending.port}/0")
    with client, pytest.raises(RegistryUnavailable, match="certificate verify failed"):
        pointers.read(client, keys)


def test_a_certificate_for_another_name_is_refused(ending: Ending, certificate: Path, keys: Keys) -> None:
    client = connect(f"rediss://127.0.0.1:{ending.port}/0?ssl_ca_certs={certificate}")
    with client, pytest.raises(RegistryUnavailable, match="IP address mismatch"):
        pointers.read(client, keys)


def test_plain_redis_to_a_tls_port_is_an_error(ending: Ending, keys: Keys) -> None:
    with connect(f"redis://localhost:{ending.port}/0") as client, pytest.raises(RegistryUnavailable):
        pointers.read(client, keys)
