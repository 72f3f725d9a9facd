#!/usr/bin/env python3
"""Services that keep keys, for the tests, on a free port of this machine; the first line printed says where.

    tests/services/run.py --install                        makes the environment for `kms`, pinned, in the cache home
    tests/services/run.py transit DIR [--tls]              a model of the transit engine's documented HTTP API
    tests/services/run.py kms DIR [--tls] [--skew SECONDS] AWS KMS as `moto` has it, and every signature checked by botocore

DIR gets the certificate (`ca.pem`); `DIR/requests` has one line a request, without secrets. Each line on standard input is an
order of the test as JSON, answered by a line; they end with their standard input."""

import argparse
import json
import os
import ssl
import subprocess
import sys
import threading
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent


def cache():
    version = next(l for l in (HERE / "requirements.txt").read_text().splitlines() if l.startswith("moto==")).split("==")[1]
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "callvault" / f"moto-{version}"


def install():
    """Once; a second run finds it."""
    done = cache() / "done"
    if done.exists():
        return
    cache().parent.mkdir(parents=True, exist_ok=True)
    venv.create(cache(), with_pip=True, clear=True)
    subprocess.run([cache() / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", HERE / "requirements.txt"], check=True)
    done.touch()


def certificate(folder):
    """A certificate for 127.0.0.1, signed by an authority that is made for it."""
    import datetime
    import ipaddress
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def made(subject, public, extensions):
        builder = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("the tests")).public_key(public)
                   .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    (folder / "ca.pem").write_bytes(made("the tests", authority.public_key(), [(x509.BasicConstraints(ca=True, path_length=None), True)]))
    (folder / "ca.pem").chmod(0o644)
    leaf = made("here", key.public_key(), [(x509.SubjectAlternativeName(here), False), (x509.BasicConstraints(ca=False, path_length=None), True)])
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.pem").write_bytes(leaf + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    return context


def serve(made, folder, tls):
    server, control = made
    if tls:
        server.socket = certificate(folder).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", flush=True)
    for line in sys.stdin:
        print(json.dumps(control(json.loads(line))), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", nargs="?", choices=["transit", "kms"])
    p.add_argument("folder", nargs="?", type=Path)
    p.add_argument("--tls", action="store_true")
    p.add_argument("--skew", type=int, default=0)
    p.add_argument("--install", action="store_true")
    a = p.parse_args()
    if a.install:
        return install()
    if a.what == "transit":
        import transit
        return serve(transit.server(a.folder), a.folder, a.tls)
    if a.what != "kms" or not a.folder:
        p.error("say what")
    python = cache() / "bin/python"
    if Path(sys.prefix) != cache():
        os.execv(python, [python, *sys.argv])
    import kms
    return serve(kms.server(a.folder, a.skew), a.folder, a.tls)


main()
