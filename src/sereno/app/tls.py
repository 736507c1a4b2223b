"""TLS of the pages: a certificate of the site, or one that the node makes for itself; and who may do without."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sereno.model import ConfigurationError, Fault, OperationError

from .plant.load import Plant
from .plant.loopback import is_loopback
from .plant.schema import WebTable
from .platform import write_private

LIFETIME_DAYS = 820
RENEW_BEFORE_DAYS = 30
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL)
_OPENSSL_CONFIG = """[req]
distinguished_name = subject
x509_extensions = extensions
prompt = no
[subject]
CN = {name}
[extensions]
subjectAltName = {names}
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
"""


@dataclass(frozen=True, slots=True)
class Tls:
    """What the web server needs: `certificate` is PEM text, for clients on this machine that pin it."""

    context: ssl.SSLContext
    certificate: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate as browsers show it: pairs of hexadecimal digits with colons."""
        first = _PEM.search(self.certificate)
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[0] if first else "")).hexdigest().upper()
        return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def check_listening(plant: Plant, host: str) -> None:
    """Raises ConfigurationError if pages or the native protocol would leave this machine without TLS."""
    if plant.web.encrypted:
        return
    _check_loopback(plant, host)
    if plant.native.enabled:
        _check_loopback(plant, plant.native.host, "[native] ")


def _check_loopback(plant: Plant, host: str, table: str = "") -> None:
    if is_loopback(host):
        return
    raise ConfigurationError(
        [
            Fault(
                str(plant.path),
                f"{table}listening on {host or 'every address'} without TLS is refused: "
                "passwords and commands would cross the network in the clear",
                fix='Set [web] tls_certificate and tls_key, or tls = "generate"; or listen on 127.0.0.1.',
            )
        ]
    )


def prepare_tls(plant: Plant, folder: Path, host: str) -> Tls | None:
    """The certificate that the plant file asks for, made in `folder` if it is to be generated; None = no TLS.

    Blocks. Raises ConfigurationError, OperationError.
    """
    if not plant.web.encrypted:
        return None
    if plant.web.tls == "generate":
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        if not (certificate.exists() and key.exists() and _still_good(certificate)):
            _generate(certificate, key, _names(plant.web, host))
    else:
        certificate, key = (plant.path.parent / str(p) for p in (plant.web.tls_certificate, plant.web.tls_key))
    return _load(plant, certificate, key)


def allowed_hosts(web: WebTable, host: str) -> tuple[str, ...]:
    """Names under which the pages may be asked for besides the loopback ones; "*" stands for any bare address."""
    if is_loopback(host):
        return tuple(web.hosts)
    return (*web.hosts, host, socket.gethostname().lower(), "*")


def _load(plant: Plant, certificate: Path, key: Path) -> Tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if os.name == "posix" and key.stat().st_mode & 0o007:
            raise _fault(plant, f"the key {key} can be read by everybody", f"Run chmod 600 {key}.")
        context.load_cert_chain(certificate, key, password=lambda: "")  # never a prompt
        return Tls(context, certificate.read_text("ascii"))
    except ssl.SSLError as error:
        reason = error.reason or "not PEM"
        raise _fault(
            plant, f"{certificate} and {key} are no certificate and its key without password: {reason}"
        ) from None
    except OSError as error:
        raise _fault(plant, f"{error.filename or certificate}: {error.strerror}") from None


def _fault(plant: Plant, found: str, fix: str = "") -> ConfigurationError:
    return ConfigurationError([Fault(f"{plant.path} [web]", found, fix=fix)])


def _names(web: WebTable, host: str) -> list[str]:
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname().lower(), *web.hosts]
    if not is_loopback(host) and host not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        names.append(host)
    return list(dict.fromkeys(names))


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _generate(certificate: Path, key: Path, names: list[str]) -> None:
    folder = certificate.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    request = folder / "request.cnf"
    alternatives = ", ".join(_alternative(name) for name in names)
    request.write_text(_OPENSSL_CONFIG.format(name=names[3][:64], names=alternatives), encoding="ascii")
    made = _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"),
        *("-days", str(LIFETIME_DAYS), "-config", str(request), "-keyout", "-", "-out", "-"),
    )
    blocks = {found[1]: found[0] for found in _PEM.finditer(made.stdout)}
    request.unlink()
    if made.returncode or "CERTIFICATE" not in blocks:
        raise OperationError(f"openssl could not make a certificate: {made.stderr.strip()[-300:]}")
    write_private(key, next(text for kind, text in blocks.items() if kind.endswith("PRIVATE KEY")))
    write_private(certificate, blocks["CERTIFICATE"])


def _still_good(certificate: Path) -> bool:
    """False if it ends soon; kept where openssl is missing."""
    if shutil.which("openssl") is None:
        return True
    seconds = RENEW_BEFORE_DAYS * 86400
    return _openssl("x509", "-checkend", str(seconds), "-noout", "-in", str(certificate)).returncode == 0


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("openssl")
    if program is None:
        raise OperationError(
            'tls = "generate" needs the openssl program, which is not installed; '
            "install it, or set [web] tls_certificate and tls_key"
        )
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
