"""A real PostgreSQL of our own in a directory: TLS, SCRAM, one role a host. It ends with the test."""

import datetime
import glob
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OWNER = "postgres"


def programs():
    """The directory of the newest PostgreSQL that is installed; None without one."""
    places = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    return os.path.dirname(max(places, key=lambda one: int(one.split("/")[4]))) if places else None


def free_port():
    """A port of loopback that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


class Authority:
    """A certification authority, and what it signs, as PEM files in a directory."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(_name(name), self.key.public_key(), None, is_authority=True)
        self.file = os.path.join(directory, f"{name}.pem")
        self._write(self.file, self.certificate.public_bytes(serialization.Encoding.PEM))

    def _write(self, path, octets, mode=0o644):
        with open(path, "wb") as file:
            file.write(octets)
        os.chmod(path, mode)

    def _sign(self, subject, public_key, alternative, is_authority=False, usage=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(_name(self.name))
                   .public_key(public_key).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=30))
                   .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True))
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, common, is_server):
        """A certificate and its key; the files' paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = None
        if is_server:
            alternative = [x509.DNSName(common), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        usage = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = self._sign(_name(common), key.public_key(), alternative, usage=usage)
        paths = [os.path.join(self.directory, f"{common}-{self.name}.{kind}") for kind in ("crt", "key")]
        self._write(paths[0], certificate.public_bytes(serialization.Encoding.PEM))
        self._write(paths[1], key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                serialization.NoEncryption()), 0o600)
        return paths


class Server:
    """One instance."""

    def __init__(self, directory, authority, port=None, name="data", address="127.0.0.1", certified=None, within=(), of=None, more=""):
        """`within` is what a command begins with that is to run where the server does; `of` is the server whose standby this one is."""
        self.authority, self.port, self.name, self.address, self.within = authority, port or free_port(), name, address, list(within)
        self.home = os.path.join(directory, name)
        os.makedirs(self.home, exist_ok=True)
        self.data = os.path.join(self.home, "data")
        shutil.chown(self.home, OWNER)
        if of:
            of.as_owner("pg_basebackup", "-D", self.data, "-h", of.home, "-p", str(of.port), "-U", "postgres", "--checkpoint=fast",
                        "-X", "stream")
            open(os.path.join(self.data, "standby.signal"), "w").close()
            shutil.chown(os.path.join(self.data, "standby.signal"), OWNER)
        else:
            self.as_owner("initdb", "-D", self.data, "-U", "postgres", "-A", "peer", "--no-sync", "-E", "UTF8",
                          "--locale=C.UTF-8")
        certificate, key = authority.issue(certified or f"localhost-{name}", True)
        for path, target in ((certificate, "server.crt"), (key, "server.key"), (authority.file, "clients.crt")):
            place = os.path.join(self.data, target)
            shutil.copy(path, place)
            shutil.chown(place, OWNER)
            os.chmod(place, 0o600)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.write(f"port = {self.port}\nlisten_addresses = '{address}'\nunix_socket_directories = '{self.home}'\n"
                       "ssl = on\nssl_ca_file = 'clients.crt'\npassword_encryption = 'scram-sha-256'\n"
                       "log_min_messages = warning\nmax_connections = 40\nshared_buffers = 32MB\n" + more)
        with open(os.path.join(self.data, "pg_hba.conf"), "w") as file:
            file.write("local all postgres peer\nlocal replication postgres peer\nhostssl replication replicator all scram-sha-256\n"
                       "hostssl fleet +fleet_by_certificate 127.0.0.1/32 cert\n"
                       "hostssl fleet all all scram-sha-256\n")
        self.log = open(os.path.join(self.home, "log"), "ab")
        self.process, self.environment = None, {}
        self.start()

    def with_its_database(self):
        """The same, with an empty database for the fleet."""
        self.sql("CREATE ROLE fleet_by_certificate NOLOGIN")
        self.sql("CREATE DATABASE fleet")
        return self

    def as_owner(self, program, *arguments, **more):
        command = ["setpriv", "--reuid", OWNER, "--regid", OWNER, "--init-groups", f"{programs()}/{program}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, cwd=self.home, text=True, **more)

    def start(self):
        """Starts it, and waits until it answers."""
        command = [*self.within, "setpriv", "--reuid", OWNER, "--regid", OWNER, "--init-groups", f"{programs()}/postgres", "-D", self.data]
        # A session of its own: a signal to the group reaches each of its processes, and nobody else's.
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=self.home, start_new_session=True,
                                        env={**os.environ, "HOME": self.home, **self.environment})
        for _ in range(300):
            if self._try("SELECT 1", "postgres").returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL does not start: {self.home}/log")

    def _try(self, sql, database):
        command = [f"{programs()}/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.home, "-p",
                   str(self.port), "-U", "postgres", "-d", database]
        command = ["setpriv", "--reuid", OWNER, "--regid", OWNER, "--init-groups", *command]
        return subprocess.run(command, input=sql, capture_output=True, text=True, cwd=self.home)

    def sql(self, sql, database=None):
        """What the ruler of the database gets told, as lines."""
        database = database or ("postgres" if "DATABASE" in sql or "fleet_by" in sql else "fleet")
        done = self._try(sql, database)
        if done.returncode != 0:
            raise AssertionError(f"{sql}: {done.stderr}")
        return done.stdout.strip("\n").splitlines()

    def as_role(self, role, password, sql, database="fleet", address="127.0.0.1"):
        """The same as a role that comes over TLS; (whether it went well, what was said)."""
        command = [f"{programs()}/psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                   f"host=localhost-{self.name} hostaddr={address} port={self.port} connect_timeout=3 dbname={database} user={role} sslmode=verify-full "
                   f"sslrootcert={self.authority.file} channel_binding=require"]
        done = subprocess.run(command, input=sql, capture_output=True, text=True,
                              env={"PGPASSWORD": password, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def hang(self, role, password, sql, database="fleet"):
        """A session of a role that has begun a transaction, has done that in it, and says nothing more: to be killed. No role is the database's ruler."""
        command = [f"{programs()}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                   f"host=localhost-{self.name} hostaddr={self.address} port={self.port} dbname={database} user={role} sslmode=verify-full "
                   f"sslrootcert={self.authority.file} channel_binding=require"]
        if role is None:
            command = ["setpriv", "--reuid", OWNER, "--regid", OWNER, "--init-groups", *command[:-1], "-h", self.home, "-p", str(self.port), "-d", database]
        one = subprocess.Popen(command, cwd=self.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={"PGPASSWORD": password or "", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})
        one.stdin.write(f"BEGIN;\n{sql}\n\\echo it hangs\n")
        one.stdin.flush()
        said = []
        while "it hangs" not in (said or [""])[-1]:
            said.append(one.stdout.readline())
            assert said[-1], "".join(said)
        return one

    def kill(self, how=signal.SIGKILL):
        """Sends a signal to each of its processes; waits for the end if it is one."""
        os.killpg(self.process.pid, how)
        for child in subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True,
                                    text=True).stdout.split():
            try:
                os.kill(int(child), how)
            except ProcessLookupError:
                pass
        if how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self.process.wait(30)

    def stop(self):
        """Ends it at once."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
