"""The mail hosts with TLSA records, and the domains that use them (RFC 7672)."""

import certificates

# Address, certificate, STARTTLS; all names are below hosts.example.
HOSTS = {
    "dane": ("192.0.2.19", "dane", "offered"),
    "danewrong": ("192.0.2.20", "danewrong", "offered"),
    "danemismatch": ("192.0.2.23", "danemismatch", "offered"),
    "daneplain": ("192.0.2.24", "daneplain", "absent"),
    "daneta": ("192.0.2.25", "daneta", "offered"),
    "unusable": ("192.0.2.26", "unusable", "offered"),
    "unusableplain": ("192.0.2.27", "unusable", "absent"),
    "danebogus": ("192.0.2.28", "danebogus", "offered"),
    "danesilent": ("192.0.2.29", "danesilent", "offered"),
    "unusableca": ("192.0.2.30", "unusableca", "offered"),
    "pkix": ("192.0.2.31", "pkix", "offered"),
    "tls12": ("192.0.2.32", "tls12", "offered"),
}

# Where the TLSA answers of two hosts come from: zones of their own, the one bogus, the other without an answer.
BOGUS, SILENT = "_tcp.danebogus.hosts.example", "_tcp.danesilent.hosts.example"

DOMAINS = {
    "danedomain": ["dane"],
    "danewrong": ["danewrong"],
    "dane-fallback": ["danewrong", "dane"],
    "dane-mismatch": ["danemismatch"],
    "dane-plain": ["daneplain"],
    "dane-ta": ["daneta"],
    "dane-aliased": ["danealias"],
    "dane-misplaced": ["danemisplaced"],
    "dane-unusable": ["unusable"],
    "dane-unusable-plain": ["unusableplain"],
    "dane-unusable-ca": ["unusableca"],
    "dane-pkix": ["pkix"],
    "dane-neighbour": ["daneneighbour"],
    "tls12": ["good", "tls12"],
    "dane-half": ["danewrong", "unusable"],
    "dane-half-good": ["unusable", "dane"],
    "dane-mixed": ["dane", "plain"],
    "dane-mixed2": ["danewrong", "plain"],
    "dane-bogus": ["danebogus"],
    "dane-bogus-mixed": ["danebogus", "plain"],
    "dane-silent": ["danesilent"],
}


def pems(known, unknown):
    """Their certificates: but for five, of an authority that nobody trusts."""
    return {
        **{label: unknown.issue(label, [f"{label}.hosts.example"]) for label in ("dane", "danewrong", "daneplain", "unusable", "pkix")},
        "daneta": unknown.issue("daneta", ["daneta.hosts.example"], chain=True),
        **{label: known.issue(label, [f"{label}.hosts.example"]) for label in ("danemismatch", "danebogus", "danesilent", "unusableca", "tls12")},
    }


def records(pems, unknown):
    """Their TLSA records and aliases, lines of the zone hosts.example."""
    right = {label: f"3 1 1 {certificates.spki_sha256(pems[label])}" for label in ("dane", "daneplain")}
    wrong = f"3 1 1 {'00' * 32}"
    # A usage that RFC 7672 does not have, and a digest that is none: nothing that could be checked.
    unusable = [f"1 1 1 {certificates.spki_sha256(pems['unusable'])}", "3 1 1 00112233"]
    tlsa = {
        **{label: [data] for label, data in right.items()},
        "danewrong": [wrong],
        "danemismatch": [wrong],
        "daneta": [f"2 1 1 {unknown.spki_sha256()}"],
        "unusable": unusable,
        "unusableplain": unusable,
        "unusableca": unusable,
        "danemisplaced": [right["dane"]],
        # For other protocols than SMTP (RFC 7672 section 3.1.3).
        "pkix": [f"1 1 1 {certificates.spki_sha256(pems['pkix'])}"],
        # Another name for the address of danewrong, with a TLSA record that fits what is shown there.
        "daneneighbour": [f"3 1 1 {certificates.spki_sha256(pems['danewrong'])}"],
    }
    lines = [f"_25._tcp.{label} TLSA {data}" for label, all_of_it in tlsa.items() for data in all_of_it]
    return "\n".join([*lines, "danealias CNAME dane", "danemisplaced CNAME selfsigned", "daneneighbour A 192.0.2.20"]) + "\n"
