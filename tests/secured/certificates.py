"""A small authority for one test run, made with openssl: a server's certificate, and one for each client."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

DAYS = "2"


@dataclass(frozen=True)
class Pair:
    """A certificate, its key, and both with the chain as Java reads them (PKCS 12, password `secret`)."""

    cert: Path
    key: Path
    store: Path


class Authority:
    """Signs in a folder of its own."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.ca, self._key = folder / "ca.pem", folder / "ca.key"
        self._run(
            "req", "-x509", *KEY, "-keyout", str(self._key), "-out", str(self.ca), "-subj", f"/CN={name}",
            "-days", DAYS, "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip
        self.trust = folder / "trust.p12"  # for Java: a store of what is trusted
        subprocess.run(
            ["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", self.ca, "-keystore", self.trust,
             "-storetype", "PKCS12", "-storepass", "secret"],
            check=False, capture_output=True,
        )  # fmt: skip

    def sign(self, name: str, *alternatives: str) -> Pair:
        """A certificate for a common name; servers have alternative names (``DNS:localhost``)."""
        stem = self.folder / name.replace("/", "_").replace(" ", "_")
        cert, key, request, extensions = (stem.with_suffix(s) for s in (".pem", ".key", ".csr", ".ext"))
        extensions.write_text(f"subjectAltName={','.join(alternatives)}\n" if alternatives else "")
        self._run("req", *KEY, "-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}")
        self._run(
            "x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self._key), "-CAcreateserial",
            "-out", str(cert), "-days", DAYS, "-extfile", str(extensions),
        )  # fmt: skip
        store = stem.with_suffix(".p12")
        self._run(
            "pkcs12", "-export", "-in", str(cert), "-inkey", str(key), "-certfile", str(self.ca),
            "-out", str(store), "-passout", "pass:secret",
        )  # fmt: skip
        return Pair(cert, key, store)

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30)


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
