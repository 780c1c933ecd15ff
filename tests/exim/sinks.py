"""Mail hosts that take everything and remember what they were given, and a web host for policies."""

import dataclasses
import http.server
import socket
import ssl
import threading


@dataclasses.dataclass
class Message:
    """One message as a host took it."""

    sender: str
    recipients: list
    text: str
    encrypted: bool

    def header(self, name):
        """The value of the only header field of that name, unfolded; None if there is none."""
        values = [value for field, value in self.headers() if field.lower() == name.lower()]
        assert len(values) < 2, f"{len(values)} header fields {name}"
        return values[0] if values else None

    def headers(self):
        """Name and value of each header field, in order."""
        fields = []
        for line in self.text.split("\r\n\r\n")[0].split("\r\n"):
            if line[:1] in (" ", "\t"):
                fields[-1] = (fields[-1][0], fields[-1][1] + " " + line.strip())
            else:
                name, _, value = line.partition(":")
                fields.append((name, value.strip()))
        return fields


def family(address):
    """IPv6 or IPv4."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class MailHost:
    """An SMTP server on port 25 of one address.

    `starttls` is "offered", "absent", "refused" (454) or "broken" (220, then no TLS); it and `certificate` may be
    changed at any time and count from the next connection on.
    """

    def __init__(self, address, certificate, starttls="offered"):
        self.address = address
        self.certificate = certificate
        self.starttls = starttls
        self.oldest_tls = False  # nothing newer than TLS 1.2
        self.unknown = {}  # recipient: the reply to who names it, instead of 250
        self.messages = []
        self.envelopes = []  # (sender, recipient, encrypted) of every RCPT, also of mail that never came
        self.sni = []
        self.greeted = []  # address and name of each client, after TLS once more
        self._listener = self._listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _listen(self):
        return socket.create_server((self.address, 25), family=family(self.address), backlog=64)

    def forget(self):
        """Forgets what came so far."""
        self.messages, self.envelopes, self.sni = [], [], []
        self.greeted = []

    def _accept(self):
        while True:
            connection, _ = self._listener.accept()
            connection.settimeout(30)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        try:
            self._session(connection)
        except (OSError, ssl.SSLError):
            pass  # the client hung up, or liked our certificate as little as it should
        finally:
            connection.close()

    def _session(self, connection):
        encrypted = False
        sender, recipients = "", []
        stream = connection.makefile("rwb")

        def say(*lines):
            for number, line in enumerate(lines):
                separator = " " if number == len(lines) - 1 else "-"
                stream.write(f"{line[:3]}{separator}{line[4:]}\r\n".encode())
            stream.flush()

        say("220 sink ESMTP")
        while raw := stream.readline():
            line = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
            verb = line[:4].upper()
            if verb == "EHLO":
                self.greeted.append((connection.getpeername()[0], line[5:]))
                offer = [] if encrypted or self.starttls == "absent" else ["250 STARTTLS"]
                say("250 sink", "250 8BITMIME", "250 SMTPUTF8", *offer, "250 HELP")
            elif verb == "STAR":
                if self.starttls == "refused":
                    say("454 TLS not available")
                    continue
                say("220 go ahead")
                if self.starttls == "broken":
                    stream.write(b"this is not TLS\r\n" * 8)
                    stream.flush()
                    return
                connection = self._wrap(connection)
                stream = connection.makefile("rwb")
                encrypted = True
            elif verb == "MAIL":
                sender, recipients = line[10:], []
                say("250 ok")
            elif verb == "RCPT":
                address = line[8:].split(">")[0].lstrip("<")
                if address in self.unknown:
                    say(self.unknown[address])
                    continue
                recipients.append(line[8:])
                self.envelopes.append((sender, line[8:], encrypted))
                say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                text = self._data(stream)
                if text is None:
                    return
                self.messages.append(Message(sender, recipients, text, encrypted))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _data(self, stream):
        lines = []
        for raw in iter(stream.readline, b""):
            if raw == b".\r\n":
                return "".join(lines)
            lines.append(raw.decode("utf-8", "backslashreplace").removeprefix("."))
        return None

    def _wrap(self, connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        if self.oldest_tls:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.sni_callback = lambda _socket, name, _context: self.sni.append(name)
        return context.wrap_socket(connection, server_side=True)


@dataclasses.dataclass
class Page:
    """One answer of a policy host. `trickle` sends the body octet by octet, two a second."""

    body: bytes
    status: int = 200
    type: str = "text/plain"
    location: str | None = None
    trickle: bool = False


class PolicyHost:
    """An HTTPS server on port 443 of one address that serves `pages`, host name and path to Page, and remembers how
    often somebody came, `connections`, and what was asked, `asked`: host name and path."""

    def __init__(self, address, certificate):
        self.pages = {}
        self.forget()
        host = self

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 64
            address_family = family(address)

            def get_request(self):
                host.connections += 1
                return super().get_request()

            def handle_error(self, *_arguments):
                pass  # a client that does not like our certificate

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                question = (self.headers.get("Host", "").split(":")[0], self.path)
                host.asked.append(question)
                self._answer(host.pages.get(question, Page(b"", status=404)))

            def _answer(self, page):
                self.send_response(page.status)
                self.send_header("Content-Type", page.type)
                self.send_header("Content-Length", str(len(page.body)))
                if page.location:
                    self.send_header("Location", page.location)
                self.end_headers()
                try:
                    for octet in page.body if page.trickle else ():
                        self.wfile.write(bytes([octet]))
                        threading.Event().wait(0.5)
                    self.wfile.write(b"" if page.trickle else page.body)
                except OSError:
                    self.close_connection = True  # the client had enough

            def log_message(self, *_arguments):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server = Server((address, 443), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def forget(self):
        """Forgets who came so far."""
        self.connections, self.asked = 0, []
