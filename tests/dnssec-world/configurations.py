"""The configurations of the real servers, and the trust anchor in each of their formats."""

from keys import RUN, dnskey_fields, tool
from zones import FORGE, ROOT_IP, SLD, SUB, TLDS, ZONES


def write(file, text):
    with open(f"{RUN}/{file}", "w") as output:
        output.write(text)


def trust_anchors(root_key):
    flags, protocol, algorithm, public = dnskey_fields(root_key)
    key = f"{flags} {protocol} {algorithm}"
    write("root.key", f". 300 IN DNSKEY {key} {public}\n")
    write("root.ds", tool("dnssec-dsfromkey", "-2", f"{root_key}.key"))
    write("delv.anchors", f'trust-anchors {{ . static-key {key} "{public}"; }};\n')
    write("root.hints", f". 3600000 NS a.root.\na.root. 3600000 A {ROOT_IP}\n")


def nsd(part, addresses, zones):
    """An authoritative server; `zones` are pairs of zone and file."""
    interfaces = "".join(f"  ip-address: {address}@53\n" for address in addresses)
    served = "".join(f'zone:\n  name: "{name}"\n  zonefile: "{file}"\n' for name, file in zones)
    write(
        f"conf/nsd-{part}.conf",
        f"""server:
{interfaces}  username: ""
  zonesdir: "{RUN}/zones"
  database: ""
  pidfile: "{RUN}/pid/nsd-{part}.pid"
  logfile: "{RUN}/log/nsd-{part}.log"
  xfrdfile: "{RUN}/nsd-{part}.xfrd"
  zonelistfile: "{RUN}/nsd-{part}.list"
  xfrdir: "{RUN}"
  server-count: 1
  ipv4-edns-size: 1232
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
{served}""",
    )


# What every unbound here has in common; unbound-host takes it alone.
UNBOUND = f"""  do-ip6: no
  do-not-query-localhost: no
  root-hints: "{RUN}/root.hints"
  username: ""
  chroot: ""
  directory: "{RUN}"
"""
UNBOUND_ANCHOR = f'  trust-anchor-file: "{RUN}/root.key"\n'


def unbound(part, address, modules, anchor):
    write(
        f"conf/unbound-{part}.conf",
        f"""server:
{UNBOUND}{anchor}  module-config: "{modules}"
  interface: {address}
  port: 53
  do-daemonize: yes
  pidfile: "{RUN}/pid/unbound-{part}.pid"
  logfile: "{RUN}/log/unbound-{part}.log"
  use-syslog: no
  verbosity: 1
  val-log-level: 2
  num-threads: 1
  access-control: 127.0.0.0/8 allow
  ede: yes
  trust-anchor-signaling: no
  root-key-sentinel: no
remote-control:
  control-enable: no
""",
    )


def named():
    write(
        "conf/named.conf",
        f"""options {{
  directory "{RUN}"; managed-keys-directory "{RUN}";
  pid-file "{RUN}/pid/named.pid"; session-keyfile "{RUN}/session.key";
  listen-on port 5383 {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion yes; allow-query {{ 127.0.0.0/8; }}; allow-recursion {{ 127.0.0.0/8; }};
  dnssec-validation yes; trust-anchor-telemetry no; empty-zones-enable no; querylog no;
}};
include "{RUN}/delv.anchors";
logging {{
  channel f {{ file "{RUN}/log/named.log"; severity info; print-time yes; print-category yes; }};
  category default {{ f; }}; category dnssec {{ f; }};
}};
controls {{ }};
zone "." {{ type hint; file "{RUN}/root.hints"; }};
""",
    )


def dnsmasq():
    write(
        "conf/dnsmasq.conf",
        f"""port=53
listen-address=127.53.8.4
bind-interfaces
no-resolv
no-hosts
server=127.53.8.1
pid-file={RUN}/pid/dnsmasq.pid
log-facility={RUN}/log/dnsmasq.log
user=root
""",
    )


def all_servers():
    second_level = [name for name, zone in ZONES.items() if zone["ns"] != SUB]
    below = [name for name, zone in ZONES.items() if zone["ns"] == SUB]
    nsd("root", [ROOT_IP], [(".", "root")])
    nsd("tld", TLDS.values(), [(name, name) for name in TLDS])
    nsd("sld", SLD, [(name, name) for name in second_level])
    nsd("sub", SUB, [(name, name) for name in below])
    nsd("forge", [FORGE], [("p256.nsec", "forged.p256.nsec")])
    unbound("val", "127.53.8.1", "validator iterator", UNBOUND_ANCHOR)
    unbound("noval", "127.53.8.2", "iterator", "")
    write("conf/host.conf", f'server:\n{UNBOUND}{UNBOUND_ANCHOR}  module-config: "validator iterator"\n')
    named()
    dnsmasq()
