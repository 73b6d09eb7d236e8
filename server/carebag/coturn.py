"""A coturn of one's own for a while, with a certificate of its own: for tests, and to try a relay on one machine."""

import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aioice.ice import get_host_addresses
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from carebag.tied_children import tied

START_S = 20.0
_BINDING_REQUEST = bytes.fromhex("00010000 2112a442") + b"carebag ping"


class NoCoturn(Exception):
    """There is no coturn here, or no address but loopback; says what to do."""


@dataclass(frozen=True)
class Coturn:
    """A running server; one port for UDP and TCP, another for TLS."""

    address: str
    port: int
    tls_port: int
    secret: str
    certificate: Path
    """Its own authority: `SSL_CERT_FILE` for who is to trust it."""
    log: Path

    @property
    def udp(self) -> str:
        return f"turn:{self.address}:{self.port}?transport=udp"

    @property
    def tcp(self) -> str:
        return f"turn:{self.address}:{self.port}?transport=tcp"

    @property
    def tls(self) -> str:
        return f"turns:{self.address}:{self.tls_port}?transport=tcp"


def own_address() -> str:
    """An IPv4 address of this machine that others could reach: a relay never talks to loopback.

    Raises:
        NoCoturn: there is none.
    """
    found = get_host_addresses(use_ipv4=True, use_ipv6=False)
    if not found:
        raise NoCoturn("no address but loopback: a relay needs a real one")
    return found[0]


@contextmanager
def running(folder: Path, secret: str, address: str | None = None) -> Iterator[Coturn]:
    """Start coturn with `use-auth-secret`; it is gone afterwards.

    Raises:
        NoCoturn: `turnserver` is not installed, or it does not start.
    """
    program = shutil.which("turnserver")
    if program is None:
        raise NoCoturn("no turnserver: apt-get install coturn")
    where = address or own_address()
    folder.mkdir(parents=True, exist_ok=True)
    server = Coturn(where, _free_port(where), _free_port(where), secret, folder / "certificate.pem", folder / "log")
    _write_certificate(folder, where)
    config = folder / "turnserver.conf"
    config.touch(mode=0o600)
    config.write_text(_config(server, folder), encoding="utf-8")
    with server.log.open("wb") as log:
        # its own folder as home: nothing of /etc and /var is read or written
        process = subprocess.Popen([program, "-c", config], stdout=log, stderr=log, cwd=folder, preexec_fn=tied())  # noqa: S603
        try:
            _wait(process, server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _config(server: Coturn, folder: Path) -> str:
    return "\n".join(
        (
            f"listening-ip={server.address}",
            f"relay-ip={server.address}",
            f"listening-port={server.port}",
            f"tls-listening-port={server.tls_port}",
            "realm=carebag",
            "use-auth-secret",
            f"static-auth-secret={server.secret}",
            f"cert={folder / 'certificate.pem'}",
            f"pkey={folder / 'key.pem'}",
            "fingerprint",
            "no-cli",
            "no-multicast-peers",
            "no-rfc5780",
            f"userdb={folder / 'users'}",
            f"pidfile={folder / 'pid'}",
            "log-file=stdout",
            "simple-log",
            "",
        )
    )


def _wait(process: subprocess.Popen[bytes], server: Coturn) -> None:
    """Until it answers over UDP and listens for TCP and TLS."""
    until = time.monotonic() + START_S
    while not (_answers(server) and _listens(server, server.port) and _listens(server, server.tls_port)):
        if process.poll() is not None or time.monotonic() > until:
            raise NoCoturn("turnserver does not start:\n" + server.log.read_text("utf-8", "replace")[-2000:])
        time.sleep(0.05)


def _answers(server: Coturn) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect((server.address, server.port))
        try:
            probe.send(_BINDING_REQUEST)
            return len(probe.recv(1500)) > 0
        except OSError:
            return False


def _listens(server: Coturn, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((server.address, port)) == 0


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _write_certificate(folder: Path, address: str) -> None:
    """A certificate for this address that is its own authority, for two days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "carebag test relay")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(Encoding.PEM))
    private = os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(private, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
