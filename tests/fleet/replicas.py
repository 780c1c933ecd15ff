"""Two PostgreSQL instances that replicate, each behind a link of its own that can be cut."""

import os
import subprocess

import postgres
from hosts import wait

PASSWORD = "the password of the replica"


class Space:
    """A network of its own, with a link to ours."""

    number = 0

    def __init__(self):
        Space.number += 1
        self.link, self.address, ours = f"fleet{Space.number}", f"10.77.{Space.number}.2", f"10.77.{Space.number}.1"
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "100000"])
        # Where the process still has our network, the name is in use.
        wait(lambda: os.readlink(f"/proc/{self.process.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a network of its own", 10)
        self._run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.process.pid))
        self._run("ip", "address", "add", f"{ours}/24", "dev", self.link)
        self._run("ip", "link", "set", self.link, "up")
        self.within = ["nsenter", "-t", str(self.process.pid), "--net"]
        for words in (["address", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"],
                      ["route", "add", "default", "via", ours]):
            self._run(*self.within, "ip", *words)
        with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
            file.write("1\n")

    @staticmethod
    def _run(*command):
        subprocess.run(command, check=True, capture_output=True)

    def cut(self):
        """Cuts the link at its far end: nobody here is told."""
        self._run(*self.within, "ip", "link", "set", "eth0", "down")

    def mend(self):
        """Puts it together again."""
        self._run(*self.within, "ip", "link", "set", "eth0", "up")
        gateway = self.address.rsplit(".", 1)[0] + ".1"
        subprocess.run([*self.within, "ip", "route", "replace", "default", "via", gateway], check=True, capture_output=True)

    def stop(self):
        """Ends it; the link goes with it."""
        self.process.kill()
        self.process.wait(10)


class Pair:
    """A primary and its standby."""

    def __init__(self, directory, authority):
        self.directory, self.authority = directory, authority
        self.spaces = [Space(), Space()]
        self.primary = self.instance("one", self.spaces[0])
        self.primary.with_its_database()
        self.primary.sql(f"CREATE ROLE replicator REPLICATION LOGIN PASSWORD '{PASSWORD}'")
        self.standby = None

    def instance(self, name, space, of=None, more=""):
        """An instance in that network."""
        return postgres.Server(self.directory, self.authority, None, name, space.address, within=space.within, of=of, more=more)

    def replicate(self):
        """Begins to."""
        source = self.primary
        more = (f"primary_conninfo = 'host={source.address} port={source.port} user=replicator password=''{PASSWORD}'' sslmode=require "
                "connect_timeout=2 keepalives_idle=2 keepalives_interval=1 keepalives_count=2 application_name=two'\n")
        self.standby = self.instance("two", self.spaces[1], source, more)
        wait(lambda: source.sql("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"), "the standby streams", 30)

    def hosts(self):
        """What stands behind `hosts` of a section."""
        return "[" + ", ".join(f'"localhost-{one.name}@{one.address}:{one.port}"' for one in (self.primary, self.standby) if one) + "]"

    def promote(self):
        """The standby is the primary from now on; the other one is left as it is."""
        self.standby.sql("SELECT pg_promote(true, 20)")
        self.primary, self.standby = self.standby, self.primary

    def synchronous(self, is_so):
        """Whether a commit waits for the standby."""
        self.primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{'two' if is_so else ''}'")
        self.primary.sql("SELECT pg_reload_conf()")

    def stop(self):
        """Ends all of it."""
        for one in (self.standby, self.primary):
            if one:
                one.stop()
        for space in self.spaces:
            space.stop()
