"""Mail hosts and web servers with the habits of those that real domains have, and their certificates."""

import datetime
import os
import socket
import ssl
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

import certificates
import sinks

DAY = datetime.timedelta(days=1)
ANY_CIPHER = "ALL:@SECLEVEL=0"


class Authority(certificates.Authority):
    """One that also issues what nobody should."""

    def odd(self, label, names, key, ca=False, named=True):
        """A certificate for another kind of key, or one that is an authority's, or has the name as its subject alone."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        return self._write(label, key, self._build(subject, key, names if named else [], ca=ca))

    def intermediate(self):
        """An authority below this one."""
        below = Authority(self.directory, "Intermediate CA")
        below.certificate = self._build(below.name, below.key, [], ca=True)
        return below

    def self_signed(self, label, names):
        """What `openssl req -x509` makes: a certificate that is its own authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = Authority.__new__(Authority)
        own.directory, own.key = self.directory, key
        own.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        return self._write(label, key, own._build(own.name, key, names, ca=True))

    def cross_signed(self, by):
        """Our own name and key in a certificate of another authority, as PEM."""
        builder = self._builder(by.name).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def expire(self):
        """Our own certificate has ended."""
        builder = self._builder(self.name, end=-DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def _builder(self, issuer, end=30 * DAY):
        now = datetime.datetime.utcnow()
        return (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(issuer).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - 60 * DAY).not_valid_after(now + end)
        )


class Certificates:
    """The authorities, of which this private system knows two, and every certificate by label."""

    def __init__(self, directory, web_names):
        self.known, self.unknown = Authority(directory, "Known CA"), Authority(directory, "Unknown CA")
        self.past = Authority(directory, "Past CA")
        self.past.expire()
        self.known.trust()
        with open("/etc/ssl/certs/ca-certificates.crt", "ab") as bundle:
            bundle.write(self.past.certificate.public_bytes(serialization.Encoding.PEM))
        named = lambda label: [f"{label}.hosts.example", f"strict-{label}.hosts.example"]
        known, unknown = self.known, self.unknown
        self.pems = {
            **{label: known.issue(label, named(label)) for label in
               ("good", "other", "plain", "tls10", "dhe", "refusing", "silent", "broken", "elsewhere")},
            **{label: unknown.issue(label, named(label)) for label in
               ("unknown", "aliased", "dane", "danewrong", "daneplain", "unusable", "unusableplain", "empty")},
            "expired": known.issue("expired", named("expired"), expired=True),
            "daneexpired": unknown.issue("daneexpired", named("daneexpired"), expired=True),
            "daneta": unknown.issue("daneta", named("daneta"), chain=True),
            "danetamissing": unknown.issue("danetamissing", named("danetamissing")),
            "rsa1024": known.odd("rsa1024", named("rsa1024"), rsa.generate_private_key(65537, 1024)),
            "p521": known.odd("p521", named("p521"), ec.generate_private_key(ec.SECP521R1())),
            "caleaf": known.odd("caleaf", named("caleaf"), ec.generate_private_key(ec.SECP256R1()), ca=True),
            "selfsigned": unknown.self_signed("selfsigned", named("selfsigned")),
            "cross": known.issue("cross", named("cross")),
            # Web servers.
            **{"web-" + kind: known.issue("web-" + kind, names) for kind, names in web_names.items()
               if kind in ("trusted", "tls11", "h2", "silent")},
            "web-expired": known.issue("web-expired", web_names["expired"], expired=True),
            "web-unknown": unknown.issue("web-unknown", web_names["unknown"]),
            "web-cnonly": known.odd("web-cnonly", web_names["cnonly"], ec.generate_private_key(ec.SECP256R1()), named=False),
            "web-nointermediate": known.intermediate().issue("web-nointermediate", web_names["nointermediate"]),
            "web-wrongname": known.issue("web-wrongname", ["www.example"]),
            "web-p521": known.odd("web-p521", web_names["p521"], ec.generate_private_key(ec.SECP521R1())),
            "web-rsa1024": known.odd("web-rsa1024", web_names["rsa1024"], rsa.generate_private_key(65537, 1024)),
        }
        with open(self.pems["cross"], "ab") as file:
            file.write(known.cross_signed(self.past))
        self.dh = os.path.join(directory, "dh.pem")
        subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", self.dh],
                       check=True, capture_output=True)
        # DHE only was the habit of servers with RSA keys.
        self.pems["dhe"] = known.odd("dhe", named("dhe"), rsa.generate_private_key(65537, 2048))
        self.pems["tls10"] = known.odd("tls10", named("tls10"), rsa.generate_private_key(65537, 2048))
        self.pems["web-tls11"] = known.odd("web-tls11", web_names["tls11"], rsa.generate_private_key(65537, 2048))


class MailHost(sinks.MailHost):
    """One that is silent after it was connected to, or whose TLS is prepared in an odd way."""

    def __init__(self, address, certificate, starttls="offered", prepare=None, port=25):
        self.prepare = prepare
        self.port = port
        super().__init__(address, certificate, starttls)

    def _listen(self):
        return socket.create_server((self.address, self.port), backlog=256)

    def _session(self, connection):
        if self.starttls == "silent":
            time.sleep(5)
            return
        super()._session(connection)

    def _wrap(self, connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.prepare:
            self.prepare(context)
        context.load_cert_chain(self.certificate)
        return context.wrap_socket(connection, server_side=True)


def only(version):
    """Nothing newer than a version of TLS that is no longer in use."""

    def prepare(context):
        context.set_ciphers(ANY_CIPHER)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version

    return prepare


def any_cipher(context):
    context.set_ciphers(ANY_CIPHER)


def dhe_only(parameters):
    def prepare(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_dh_params(parameters)
        context.set_ciphers("DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384")

    return prepare


class WebHost:
    """An HTTPS server on port 443 of one address. `pages` maps the name of a host to what is sent, octets as they stand or a
    function of the connection; `silent` never says a word of TLS."""

    def __init__(self, address, certificate, pages, prepare=None, silent=False):
        self.pages, self.silent = pages, silent
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if prepare:
            prepare(self.context)
        self.context.load_cert_chain(certificate)
        self._listener = socket.create_server((address, 443), backlog=256)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            connection.settimeout(20)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.silent:
                time.sleep(20)
                return
            connection = self.context.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(4096)):
                head += more
            host = [line[5:].strip().decode() for line in head.split(b"\r\n") if line.lower().startswith(b"host:")]
            page = self.pages.get(host[0] if host else None, reply(b"", status="404 Not Found"))
            if callable(page):
                page(connection)
            else:
                connection.sendall(page)
            connection.unwrap()
        except OSError:
            pass  # the client had enough
        finally:
            connection.close()


def reply(body, status="200 OK", kind="text/plain", more=""):
    """An HTTP reply as it is sent."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
    return head.encode() + body


class Vanishing:
    """A page that is there until all of its kind have gone; then nothing is said any more."""

    gone = False

    def __init__(self, octets):
        self.octets = octets

    def __call__(self, connection):
        if self.gone:
            time.sleep(10)
        else:
            connection.sendall(self.octets)


def trickle(octets):
    """Octet by octet, two a second."""

    def send(connection):
        for octet in octets:
            connection.sendall(bytes([octet]))
            time.sleep(0.5)

    return send


def http2(connection):
    """What a server says that speaks HTTP/2 alone: its settings, and that it goes."""
    connection.sendall(bytes.fromhex("000000040000000000" "000008070000000000" "0000000000000001"))
