"""The DNS of the table: the small world of tests/exim, and below it zones whose servers have habits, or are two."""

import json
import os
import signal
import subprocess
import sys
import time

import domains
import habits
import names

HERE = os.path.dirname(os.path.abspath(__file__))


class Names(names.Names):
    """`of` maps a zone to the habits of its servers; a zone without has the server of the top-level domain. `ways` maps it to how it
    is signed, if it is in another way than usual. Of some zones there is a second version, with signatures that have expired or with
    what `also` maps it to."""

    def __init__(self, directory, zones, unsigned, of, ways, also):
        self.of, self.ways, self.also = of, ways, also
        super().__init__(directory, zones, unsigned, bogus={zone for zone, way in ways.items() if way == "wrong DS"})

    def it_is_later(self):
        """Some servers have another habit from now on."""
        self.odd.send_signal(signal.SIGUSR1)

    def _algorithm(self, name):
        way = self.ways.get(name, "")
        return way if way in ("RSASHA1", "RSASHA512", "ED25519") else super()._algorithm(name)

    def _signing(self, name):
        return {"NSEC3": ["-3", "-"], "opt-out": ["-3", "-", "-A"]}.get(self.ways.get(name), [])

    def _servers(self, name):
        return [f"odd{number + 1}" for number, _ in enumerate(self.of[name])] if name in self.of else super()._servers(name)

    def _more_addresses(self):
        return {f"odd{number + 1}": address for number, address in enumerate(habits.ODD)}

    def _is_served(self, name):
        return name not in self.of

    def _ds(self, name):
        if self.ways.get(name) == "unknown algorithm":
            return f"{name}. 60 IN DS 12345 200 2 {'AB' * 32}\n"
        return super()._ds(name)

    def _more(self, address):
        # A private zone is one that the resolver was told to be unsigned.
        lines = []
        for zone, records in domains.PRIVATE.items():
            lines += [f' domain-insecure: "{zone}"', f' local-zone: "{zone}." static']
            lines += [f" local-data: '{record}'" for record in records]
        # Zones with other habits have the same addresses: what one does to its connection must not end another's question.
        return "\n".join(lines) + "\n outgoing-range: 900\n num-queries-per-thread: 900\n max-reuse-tcp-queries: 1\n"

    def _nsd(self):
        super()._nsd()
        second = {zone for zone, kinds in self.of.items() if "past" in kinds} | set(self.also)
        for zone in second:
            keys, path = f"{self.directory}/keys", f"{self.directory}/{zone}.zone"
            with open(path) as file, open(path + ".second", "w") as other:
                other.write(file.read() + self.also.get(zone, ""))
            when = [] if zone in self.also else ["-s", _moment(40), "-e", _moment(2)]
            names._run("dnssec-signzone", "-S", "-z", "-q", "-P", *self._signing(zone), *when, "-K", keys, "-d", keys, "-o", zone,
                       "-f", path + ".second.signed", path + ".second")
        self._more_nsd(habits.TRUE, {zone: ".signed" for zone in self.of})
        self._more_nsd(habits.SECOND, {zone: ".second.signed" for zone in second})
        path = self.directory + "/habits.json"
        with open(path, "w") as file:
            json.dump(self.of, file)
        with open(self.directory + "/habits.log", "w") as log:
            self.odd = subprocess.Popen([sys.executable, "-B", HERE + "/habits.py", path], stdout=subprocess.PIPE, stderr=log)
        assert self.odd.stdout.readline() == b"ready\n", open(self.directory + "/habits.log").read()

    def _more_nsd(self, address, zones):
        path = f"{self.directory}/nsd-{address}"
        os.makedirs(path)
        content = "".join(f'zone:\n name: "{zone}"\n zonefile: "{self.directory}/{zone}.zone{end}"\n' for zone, end in zones.items())
        with open(path + ".conf", "w") as file:
            file.write(
                f'server:\n ip-address: {address}\n username: ""\n chroot: ""\n server-count: 1\n database: ""\n'
                f' zonesdir: "{path}"\n pidfile: "{path}/pid"\n xfrdfile: "{path}/xfrd.state"\n xfrdir: "{path}"\n'
                f' zonelistfile: "{path}/zone.list"\n logfile: "{path}/log"\nremote-control:\n control-enable: no\n' + content
            )
        subprocess.Popen(["nsd", "-d", "-c", path + ".conf"])
        self._wait(address, next(iter(zones)), 1)


def _moment(days):
    """So many days ago, as dnssec-signzone reads it."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() - days * 86_400))
