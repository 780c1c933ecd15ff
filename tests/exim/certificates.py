"""A certification authority of our own, and every kind of certificate that a mail host may show."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """Issues certificates into a directory; `trust()` makes it the only CA of this (private) system."""

    def __init__(self, directory, name="Test CA"):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key, [], ca=True)

    def trust(self, bundle="/etc/ssl/certs/ca-certificates.crt"):
        """Replaces the system's CAs, for Exim (tls_verify_certificates = system) and for the program alike."""
        with open(bundle, "wb") as file:
            file.write(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, label, names, expired=False, chain=False):
        """A certificate for `names`; returns the path of a PEM file with key and certificate, and with the
        authority's own certificate if the `chain` is to be shown."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        path = self._write(label, key, self._build(subject, key, names, expired=expired))
        if chain:
            with open(path, "ab") as file:
                file.write(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def spki_sha256(self):
        """The data of a `2 1 1` TLSA record for this authority, in hexadecimal."""
        return _spki_sha256(self.certificate)

    def _build(self, subject, key, names, ca=False, expired=False):
        now = datetime.datetime.utcnow()
        end = now - DAY if expired else now + 30 * DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 60 * DAY)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, label, key, certificate):
        path = os.path.join(self.directory, label + ".pem")
        with open(path, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        return path


def spki_sha256(pem):
    """The data of a `3 1 1` TLSA record for the certificate in a PEM file, in hexadecimal (RFC 6698 section 2.1)."""
    with open(pem, "rb") as file:
        return _spki_sha256(x509.load_pem_x509_certificate(file.read()))


def _spki_sha256(certificate):
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    return digest.finalize().hex()


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
