"""The small DNS world: a signed root and TLD; below it signed, unsigned, bogus and silent zones, served by nsd.

Two unbounds answer: one validates (127.0.0.1; Exim's own resolver), one does not (127.0.0.2; the program's, so that
whatever it knows to be bogus it has found out itself).
"""

import glob
import os
import signal
import subprocess
import time

import dns.message
import dns.query

AUTHORITATIVE, NOBODY = "192.0.2.53", "192.0.2.54"
VALIDATING, PLAIN = "127.0.0.1", "127.0.0.2"
SOA = "@ 60 IN SOA ns.nic.example. hostmaster.nic.example. {serial} 3600 600 86400 60\n"


class Names:
    """Signs the zones and runs the servers. `zones` maps a zone (without the final dot) to its records; a zone below
    another one of them is delegated from there. For a bogus zone the parent has a DS record that fits no key of it; a
    silent one is delegated, as signed, to a server that does not exist.
    """

    def __init__(self, directory, zones, unsigned, bogus, silent=()):
        self.directory = directory
        self.zones = zones
        self.unsigned, self.bogus, self.silent = unsigned, bogus, silent
        self.serial = 1
        self.keys = {}
        self.resolvers = []
        os.makedirs(directory + "/keys")
        for name in ["", "example", *zones]:
            if name not in unsigned:
                self.keys[name] = self._key(name)
        self.anchor = directory + "/root.anchor"
        with open(self.anchor, "w") as file:
            file.write(self._ds(""))
        for name in ["", "example", *zones]:
            self._zone(name)
        self._nsd()
        self._unbound()

    def change(self, zone, records):
        """Publishes other records in one zone; nobody has the old ones in a cache afterwards."""
        self.zones[zone] = records
        self.serial += 1
        self._zone(zone)
        self.nsd.send_signal(signal.SIGHUP)
        self._wait(AUTHORITATIVE, zone, self.serial)
        self._unbound()

    def forget(self):
        """Nobody has anything in a cache: what is asked next stands for its whole TTL."""
        self._unbound()

    def _records(self, name):
        servers = {"ns": AUTHORITATIVE, "silent": NOBODY, **self._more_addresses()}
        addresses = "".join(f"{label}.nic.example. 60 IN {kind(address)} {address}\n" for label, address in servers.items())
        records = self.zones.get(name, addresses)
        for child in [child for child in ["example", *self.zones] if self._parent(child) == name]:
            records += "".join(f"{child}. 60 IN NS {server}.nic.example.\n" for server in self._servers(child))
            if child not in self.unsigned:
                records += self._ds(child)
        return records

    def _servers(self, name):
        """The servers of a zone, labels below nic.example."""
        return ["silent" if name in self.silent else "ns"]

    def _more_addresses(self):
        """Other name servers below nic.example: label and address."""
        return {}

    def _algorithm(self, name):
        """The algorithm of a zone's keys, in the words of dnssec-keygen."""
        return "ECDSAP256SHA256"

    def _signing(self, name):
        """More options of dnssec-signzone for a zone."""
        return []

    def _is_served(self, name):
        """Whether the server of root and top-level domain has this zone, too."""
        return name not in self.silent

    def _more(self, address):
        """What else stands in the configuration of a resolver."""
        return ""

    def _parent(self, child):
        """The zone that delegates another one: the nearest above it."""
        above = child
        while above:
            above = above.partition(".")[2]
            if above in ("", "example", *self.zones):
                return above
        return None

    def _zone(self, name):
        path = f"{self.directory}/{name or 'root'}.zone"
        with open(path, "w") as file:
            servers = "".join(f"@ 60 IN NS {server}.nic.example.\n" for server in self._servers(name))
            file.write(f"$ORIGIN {name}.\n$TTL 60\n" + SOA.format(serial=self.serial) + servers + self._records(name))
        if name in self.unsigned:
            os.replace(path, path + ".signed")
        else:
            keys = f"{self.directory}/keys"
            _run("dnssec-signzone", "-S", "-z", "-q", *self._signing(name), "-K", keys, "-d", keys, "-o", name or ".",
                 "-f", path + ".signed", path)

    def _key(self, name):
        folder = f"{self.directory}/keys"
        before = set(glob.glob(folder + "/*.key"))
        _run("dnssec-keygen", "-q", "-a", self._algorithm(name), "-f", "KSK", "-K", folder, name or ".")
        return (set(glob.glob(folder + "/*.key")) - before).pop()

    def _ds(self, name):
        """The DS record for `name`; for a bogus zone one that no key of it fits."""
        text = _run("dnssec-dsfromkey", "-2", self.keys[name]).strip()
        if name in self.bogus:
            text = text[:-8] + ("00000000" if text[-8:] != "00000000" else "11111111")
        return text + "\n"

    def _nsd(self):
        zones = "".join(
            f'zone:\n name: "{name or "."}"\n zonefile: "{self.directory}/{name or "root"}.zone.signed"\n'
            for name in ["", "example", *self.zones]
            if self._is_served(name)
        )
        with open(self.directory + "/nsd.conf", "w") as file:
            file.write(
                f'server:\n ip-address: {AUTHORITATIVE}\n username: ""\n chroot: ""\n server-count: 1\n'
                f' database: ""\n zonesdir: "{self.directory}"\n pidfile: "{self.directory}/nsd.pid"\n'
                f' xfrdfile: "{self.directory}/xfrd.state"\n xfrdir: "{self.directory}"\n'
                f' zonelistfile: "{self.directory}/zone.list"\n'
                f' logfile: "{self.directory}/nsd.log"\nremote-control:\n control-enable: no\n' + zones
            )
        self.nsd = subprocess.Popen(["nsd", "-d", "-c", self.directory + "/nsd.conf"])
        self._wait(AUTHORITATIVE, "example", self.serial)

    def _unbound(self):
        for resolver in self.resolvers:
            resolver.kill()
            resolver.wait()
        self.resolvers = []
        with open(self.directory + "/hints", "w") as file:
            file.write(f". 60 IN NS ns.nic.example.\nns.nic.example. 60 IN {kind(AUTHORITATIVE)} {AUTHORITATIVE}\n")
        for address, modules in [(VALIDATING, "validator iterator"), (PLAIN, "iterator")]:
            path = f"{self.directory}/unbound-{address}.conf"
            with open(path, "w") as file:
                file.write(
                    f'server:\n interface: {address}\n access-control: 127.0.0.0/8 allow\n access-control: ::/0 allow\n username: ""\n chroot: ""\n'
                    f' directory: "{self.directory}"\n pidfile: ""\n use-syslog: no\n logfile: "{path}.log"\n'
                    f' do-ip6: {"yes" if ":" in address else "no"}\n do-ip4: {"no" if ":" in address else "yes"}\n do-daemonize: no\n num-threads: 1\n root-hints: "{self.directory}/hints"\n'
                    f' module-config: "{modules}"\n trust-anchor-file: "{self.anchor}"\n qname-minimisation: no\n'
                    f"{self._more(address)}remote-control:\n control-enable: no\n"
                )
            self.resolvers.append(subprocess.Popen(["unbound", "-d", "-c", path]))
        for address in (VALIDATING, PLAIN):
            self._wait(address, "example", 1)

    def _wait(self, address, zone, serial):
        query = dns.message.make_query((zone or "") + ".", "SOA")
        for _ in range(200):
            try:
                answer = dns.query.udp(query, address, timeout=0.5).answer
                if answer and answer[0][0].serial >= serial:
                    return
            except (OSError, dns.exception.Timeout):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the name server at {address} does not answer for {zone}")


def kind(address):
    """The type of the record that holds an address."""
    return "AAAA" if ":" in address else "A"


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
