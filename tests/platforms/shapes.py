"""Configurations of administrators' own, in every shape in which Exim takes them: what ours are made from is what Exim reads, and what
cannot be is said."""

import os
import re
import stat
import subprocess

import exim
import harness
from machines import read, write

CASES = []
case = harness.case
MET = "u@met.signed.example"
FRAGMENTS = "/etc/exim/fragments"
SHAPES = []


def shape(words, *transports, refused=None):
    """Registers a shape: what it makes of the text of a configuration; the transports that ours have to be made from, and what is said of it
    where it is refused."""

    def register(change):
        SHAPES.append((words, change, transports or ("remote_smtp",), refused))
        return change

    return register


def once(text, before, after):
    """The text with one thing in it replaced, which has to be there."""
    assert text.count(before) == 1, (before, text.count(before))
    return text.replace(before, after)


TRANSPORT = "\nremote_smtp:\n  driver = smtp\n"


@shape("options with continuation lines, comments between them, and what looks like a name or a section")
def continued(text):
    return once(text, TRANSPORT, "\nremote_smtp:\n  driver = \\\n    # smtp it is\n    smtp\n  helo_data = ${if eq{1}{1}{helo.example}\\\n"
                "# a comment\n{\\\nbegin transports\\\nremote_smtp:\\\n  driver = smtp\\\n}}\n")


@shape("options in conditions")
def conditional(text):
    return once(text, TRANSPORT, TRANSPORT + ".ifdef _HAVE_TLS\n  helo_data = helo.example\n.else\n  helo_data = wrong.example\n.endif\n"
                ".ifndef NO_SUCH_MACRO\n  connect_timeout = 33s\n.endif\n")


@shape("the name of the transport in a condition", "named_so")
def conditional_name(text):
    return once(text, TRANSPORT, "\n.ifdef NO_SUCH_MACRO\nremote_smtp:\n.else\nnamed_so:\n.endif\n  driver = smtp\n").replace(
        "transport = remote_smtp", "transport = named_so")


@shape("router and transport twice, in the two branches of a condition")
def twice(text):
    text = once(text, TRANSPORT, "\n.ifdef NO_SUCH_MACRO\nremote_smtp:\n  driver = smtp\n.else\nremote_smtp:\n  driver = smtp\n  connect_timeout = 33s\n"
                ".endif\n  data_timeout = 4m\n")
    return once(text, "\ndnslookup:\n", "\n.ifdef NO_SUCH_MACRO\ndnslookup:\n  driver = dnslookup\n  transport = remote_smtp\n.else\n\ndnslookup:\n").replace(
        "  no_more\n\n.endif\n", "  no_more\n\n.endif\n.endif\n", 1).replace("  dnssec_request_domains = *\n  no_more\n\n.endif\n.endif",
                                                                             "  dnssec_request_domains = *\n  no_more\n\n.endif\n\n.endif")


@shape("the first section in a condition that does not hold")
def first_section(text):
    return once(text, "\nbegin acl\n", "\n.ifdef NO_SUCH_MACRO\nbegin local_scan\n.endif\n\nbegin acl\n")


@shape("tabs, spaces before the colon, capital letters, and sections in the singular")
def spaced(text):
    text = once(text, TRANSPORT, "\n\tremote_smtp :\n\tdriver\t=\tsmtp\n").replace("\n  ", "\n\t")
    text = once(text, "\nbegin transports\n", "\nBegin  Transport\n")
    return once(text, "\nbegin routers\n", "\nBEGIN router\n")


@shape("lines that end in CR LF")
def windows(text):
    # Exim itself knows no condition in such lines.
    text = re.sub(r"(?ms)^\.ifdef ROUTER_SMARTHOST$.*?^\.else$", "", text)
    return re.sub(r"(?m)^\.(ifdef|endif).*\n", "", text).replace("\n", "\r\n")


@shape("values in quotes, with spaces at their ends, backslashes and quotes; headers twice")
def quoted(text):
    return once(text, TRANSPORT, TRANSPORT + '  helo_data = " helo.example "\n  dkim_selector = "a\\\\b\\"c\\\\"\n  headers_add = "X-A: \\\\\\\\ 1"\n'
                "  headers_add = X-B: \\\n    2\n")


@shape("transport, options and sections in files that are included, one of them from another, and by a relative name")
def included(text):
    os.makedirs(FRAGMENTS, exist_ok=True)
    head, _, rest = text.partition("\nbegin routers\n")
    routers, _, rest = rest.partition("\nbegin transports\n")
    transports, _, rest = rest.partition("\nbegin retry\n")
    write(FRAGMENTS + "/routers", routers)
    write(FRAGMENTS + "/transports", once(transports, "remote_smtp:\n  driver = smtp\n", f"remote_smtp:\n.include {FRAGMENTS}/smtp\n"))
    write(FRAGMENTS + "/smtp", "  driver = smtp\n.include_if_exists /etc/exim/fragments/none\n  connect_timeout = 33s\n")
    write(FRAGMENTS + "/both", "begin routers\n.include routers\n\nbegin transports\n" + f'.include "{FRAGMENTS}/transports"\n')
    return f"{head}\n.include {FRAGMENTS}/both\n\nbegin retry\n{rest}"


@shape("transports of other names, one after the other, none of them remote_smtp", "out_ten", "out_nine")
def renamed(text):
    text = text.replace("transport = remote_smtp", "transport = out_nine")
    text = once(text, TRANSPORT, "\nout_ten:\n  driver = smtp\n  connect_timeout = 10s\n\nout_nine:\n  driver = smtp\n  connect_timeout = 9s\n")
    return once(text, "\ndnslookup:\n", "\nten:\n  driver = dnslookup\n  domains = ! +local_domains\n  condition = ${if eq{$sender_address_domain}{ten.example}}\n"
                "  transport = out_ten\n  ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8\n  no_more\n\ndnslookup:\n")


@shape("transports that an expansion chooses", "remote_smtp", "forwarded_smtp")
def chosen(text):
    text = once(text, TRANSPORT, TRANSPORT + "  connect_timeout = 9s\n\nforwarded_smtp:\n  driver = smtp\n  connect_timeout = 10s\n")
    return once(text, "\ndnslookup:\n  driver = dnslookup\n  domains = ! +local_domains\n  transport = remote_smtp\n",
                "\ndnslookup:\n  driver = dnslookup\n  domains = ! +local_domains\n  transport = ${if eq {$local_part@$domain} \\\n"
                "     {$original_local_part@$original_domain} \\\n     {remote_smtp} {forwarded_smtp}}\n")


@shape("a transport that nobody can name", refused="chooses its transport by an expansion that names none")
def nameless(text):
    return once(text, "\ndnslookup:\n  driver = dnslookup\n  domains = ! +local_domains\n  transport = remote_smtp\n",
                "\ndnslookup:\n  driver = dnslookup\n  domains = ! +local_domains\n  transport = ${lookup{$domain}lsearch{/etc/transports}}\n")


@shape("sections in a file that a macro names")
def by_macro(text):
    os.makedirs(FRAGMENTS, exist_ok=True)
    head, _, rest = text.partition("\nbegin transports\n")
    transports, _, rest = rest.partition("\nbegin retry\n")
    write(FRAGMENTS + "/transports", transports)
    return f"FRAGMENTS = {FRAGMENTS}\n{head}\nbegin transports\n.include FRAGMENTS/transports\n\nbegin retry\n{rest}"


@case("shapes: whatever shape the configuration has, ours are made from what Exim reads, and it is left as it was")
def every_shape(lab):
    if lab.kind != "enterprise-linux":
        return
    wrong = []
    for words, change, transports, refused in SHAPES:
        lab.clean()
        subprocess.run(["rm", "-rf", FRAGMENTS], check=True)
        write_exactly(lab.exim.live, change(read(lab.exim.live)))
        try:
            tried(lab, transports, refused)
        except (AssertionError, KeyError) as error:
            wrong.append(f"{words}: {error}")
        finally:
            subprocess.run(["rm", "-rf", FRAGMENTS], check=True)
    assert not wrong, "\n".join(wrong)


def tried(lab, transports, refused):
    """One shape."""
    lab.accepted()
    before = lab.tree()
    if refused:
        said = lab.exim.command("enable", status=1)
        assert refused in said, said
        assert lab.tree() == before, lab.changed(lab.tree(), before)
        return
    theirs = {name: lab.transport(name) for name in transports}
    said = lab.exim.command("enable", "enforce", "header")
    lab.accepted()
    for name, options in theirs.items():
        ours = lab.transport("smtp_sts_webpki" + ("" if name == transports[-1] and "remote_smtp" not in transports or name == "remote_smtp" else "_" + name))
        for option in ("helo_data", "connect_timeout", "data_timeout", "dkim_selector", "headers_add"):
            assert options.get(option) == ours.get(option), (name, option, options.get(option), ours.get(option))
        assert "SMTP" not in str(ours) and "X-smtp-sts-verify" in lab.transport(name)["headers_add"], (name, lab.transport(name))
    once = lab.tree()
    assert "refresh" not in lab.exim.command("status")
    lab.exim.command("refresh")
    assert lab.tree() == once, lab.changed(lab.tree(), once)
    harness.delivered(lab, lab.send(MET), MET, "good", "R=smtp_sts_permitted T=smtp_sts_webpki", "CV=yes")
    lab.exim.command("disable")
    assert lab.tree() == before, lab.changed(lab.tree(), before)
    lab.accepted()


@case("shapes: where transports avoid TLS with different hosts, the daemon hears of each what is its own; what callouts avoid is no list of theirs")
def different_lists(lab):
    if lab.kind not in ("enterprise-linux", "cpanel"):
        return
    lab.clean()
    path = lab.sources[lab.kind]
    text = renamed(read(path)) if lab.kind == "enterprise-linux" else read(path)
    ten, nine = ("out_ten", "out_nine") if lab.kind == "enterprise-linux" else ("dkim_remote_smtp", "remote_smtp")
    for name, options in ((ten, "hosts_avoid_tls = ! 192.0.2.9 : *"), (nine, "hosts_avoid_tls = <; 192.0.2.10 ; mx.example\n  hosts_verify_avoid_tls = *")):
        text = once(text, f"\n{name}:\n  driver = smtp\n", f"\n{name}:\n  driver = smtp\n  {options}\n")
    write(path, text)
    lab.exim.rebuild()
    lab.exim.command("enable", "enforce")
    lab.accepted()
    lists = {ten: "! 192.0.2.9 : *", nine: "<; 192.0.2.10 ; mx.example"}
    of_each = {name: "${if inlist{$transport_name}{%s:smtp_sts_told%s}{%s}}" % (name, "" if name == nine else "_" + name, hosts) for name, hosts in lists.items()}
    tell = [name for name in (*lists, "smtp_sts_told", "smtp_sts_told_" + ten) if "avoid=" in lab.transport(name).get("event_action", "")]
    assert len(tell) == 2, tell
    for name in tell:
        told = lab.transport(name)["event_action"].partition("avoid=${quote:${if def:verify_mode{*:}}")[2]
        assert told and all(one in told for one in of_each.values()), lab.transport(name)["event_action"]
        assert told.startswith((of_each[ten] + of_each[nine] + "}", of_each[nine] + of_each[ten] + "}")), told


def write_exactly(path, text):
    """A file with these line ends."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


@case("shapes: a panel's update takes one of its transports away, and brings it back: told, and taken over by refresh")
def fewer(lab):
    if lab.kind != "cpanel":
        return
    lab.clean()
    before = lab.tree()
    lab.exim.command("enable", "enforce", "reports")
    enabled = lab.tree()
    path = lab.sources[lab.kind]
    text = read(path)
    without = re.sub(r"(?ms)^dkim_(lookuphost|remote_smtp):.*?\n\n", "", text)
    assert "dkim_" not in without
    for now in (without, text):
        write(path, now)
        lab.exim.rebuild()
        lab.accepted()
        assert "has changed since /etc/smtp-sts-verify/exim/enforce" in lab.exim.command("status")
        lab.exim.command("refresh")
        lab.accepted()
        assert "changed since" not in lab.exim.command("status")
        names = subprocess.run(["exim", "-bP", "transport_list"], capture_output=True, text=True).stdout
        assert "smtp_sts_webpki\n" in names and ("smtp_sts_webpki_dkim_remote_smtp" in names) == (now == text), names
        harness.delivered(lab, lab.send(MET), MET, "good", "R=smtp_sts_permitted T=smtp_sts_webpki ", "CV=yes")
    assert lab.tree() == enabled, lab.changed(lab.tree(), enabled)
    lab.exim.command("disable")
    assert lab.tree() == before, lab.changed(lab.tree(), before)


@case("shapes: what the platform hides from its users is hidden in what is made from it")
def hidden(lab):
    if lab.kind != "enterprise-linux":
        return
    lab.clean()
    text = read(lab.exim.live)
    write(lab.exim.live, once(text, TRANSPORT, TRANSPORT + "  hide helo_data = secret.example\n"))
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    show = lambda name: subprocess.run([*nobody, "exim", "-bP", "transport", name], capture_output=True, text=True).stdout
    assert "secret" not in show("remote_smtp")
    lab.exim.command("enable")
    assert "helo_data" in show("smtp_sts_webpki") and "secret" not in show("smtp_sts_webpki"), show("smtp_sts_webpki")
    assert lab.transport("smtp_sts_webpki")["helo_data"] == "secret.example"
    # And where the configuration is not everybody's to read, what is made from it is not.
    made = "/etc/smtp-sts-verify/exim/enforce/transport"
    assert stat.S_IMODE(os.stat(made).st_mode) == 0o644
    os.chmod(lab.exim.live, 0o640)
    os.chown(lab.exim.live, 0, os.stat(exim.CACHE).st_gid)
    lab.exim.command("refresh")
    assert stat.S_IMODE(os.stat(made).st_mode) == 0o640 and os.stat(made).st_gid == os.stat(exim.CACHE).st_gid
    harness.delivered(lab, lab.send(MET), MET, "good", "R=smtp_sts_permitted T=smtp_sts_webpki", "CV=yes")


@case("shapes: a condition that counts, and that all routers have, counts each message once, for whichever of the platform's transports")
def counted_once(lab):
    if lab.kind != "enterprise-linux":
        return
    lab.clean()
    count, script = "/var/spool/exim4/count", "/usr/local/bin/count"
    write(script, f"#!/bin/sh\necho one >>{count}\n")
    os.chmod(script, 0o755)
    limit = f"  condition = ${{run{{{script}}}{{yes}}{{no}}}}\n"
    text = once(read(lab.exim.live), TRANSPORT, TRANSPORT + "\nforwarded_smtp:\n  driver = smtp\n  connect_timeout = 33s\n")
    text = once(text, "\ndnslookup:\n  driver = dnslookup\n", "\nforwarded:\n  driver = dnslookup\n  domains = ! +local_domains\n  transport = forwarded_smtp\n"
                "  condition = ${if !eq{$original_domain}{$domain}}\n  condition = ${if !eq{$original_domain}{}}\n" + limit
                + "  ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8\n  dnssec_request_domains = *\n  no_more\n\ndnslookup:\n  driver = dnslookup\n" + limit)
    write(lab.exim.live, text)
    write("/etc/aliases", "forwarded: u@met.signed.example\n")
    lab.accepted()
    lab.exim.command("enable")
    for recipient, router in [(MET, ""), ("forwarded@origin.example", "_forwarded_smtp")]:
        for sets in ("with ours", "without"):
            write(count, "")
            os.chmod(count, 0o666)
            mail = lab.send(recipient)
            assert " => " in mail.log and (sets == "without" or f"R=smtp_sts_permitted T=smtp_sts_webpki{router} " in mail.log), mail.log
            assert read(count) == "one\n", (recipient, sets, read(count), mail.log)
            lab.exim.command("disable" if sets == "with ours" else "enable")


@case("shapes: what a router redirects straight to the one that looks up MX hosts is asked about all the same, or it is said that it is not")
def past_ours(lab):
    if lab.kind not in ("enterprise-linux", "hestia", "directadmin"):
        return
    lab.clean()
    path = lab.sources[lab.kind]
    text = read(path)
    target = "lookuphost" if lab.kind == "directadmin" else "dnslookup"
    router = (f"\nforwarded:\n  driver = redirect\n  local_parts = past\n  domains = +local_domains\n  redirect_router = {target}\n"
              "  data = u@selfsigned.signed.example\n")
    write(path, once(text, "\nbegin transports\n", router + "\nbegin transports\n"))
    lab.exim.rebuild()
    before = lab.tree()
    said = lab.exim.command("enable")
    lab.accepted()
    if lab.kind == "directadmin":
        assert f"What the router forwarded sends on goes past ours, straight to {target} (redirect_router)" in said, said
    else:
        mail = lab.send("past@origin.example")
        assert "R=smtp_sts_permitted T=smtp_sts_webpki defer" in mail.log and not lab.world.messages(), mail.log
        assert "past ours" not in said, said
    lab.exim.command("disable")
    assert lab.tree() == before, lab.changed(lab.tree(), before)
    mail = lab.send("past@origin.example")
    assert f"R={target} T=remote_smtp" in mail.log and lab.world.messages(), mail.log
