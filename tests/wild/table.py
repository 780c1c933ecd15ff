"""The table of the wild: how it is read, and how what was seen is compared with it.

One line a domain, its columns parted by tabs. The words for what becomes of its mail:

    verified  delivered over TLS that DANE or a certification authority verified, as it has to be
    delivers  delivered, over TLS or not
    waits     a temporary failure: it is tried again
    returns   a permanent failure: the sender gets it back
    -         this mail server is not tried
"""

import collections
import dataclasses
import re

from domains import WITH_TLSA

EXIM = ("alone", "run", "at once", "15 minutes", "4 hours")
POSTFIX = ("alone", "at once", "15 minutes", "4 hours")
ARRIVES = ("delivers", "verified")
WORDS = (*ARRIVES, "waits", "returns", "-")
# What may stand against mail that the mail server alone would have delivered; nothing else may.
# For each, what the program may say; where the mail server itself gives up, it says nothing.
REASONS = {
    "policy": ("mx-not-in-policy", "mx-not-in-dns"),
    "tlsa": (),
    "null-mx": ("null-mx",),
    "bogus": ("dnssec-bogus", "tlsa-bogus", "dnssec-stripped", "deadline"),
    "withheld": ("dns-unreachable", "tlsa-unreachable", "deadline"),
}
HEADER = ["domain", *("exim " + words for words in EXIM), *("postfix " + words for words in POSTFIX),
          "stands against it", "fault", "why"]


@dataclasses.dataclass
class Row:
    """One line: words by mail server and moment, the reason or "-", the fault, and where the expectation comes from."""

    domain: str
    exim: dict
    postfix: dict
    reason: str
    fault: str
    why: str

    @property
    def by_exim(self):
        return self.exim["alone"] != "-"

    @property
    def by_postfix(self):
        return self.postfix["alone"] != "-"

    def waits(self):
        """Whether somebody's mail does not arrive though the mail server alone would deliver it."""
        return any(
            words["alone"] in ARRIVES and any(word not in ARRIVES for word in words.values())
            for words in (self.exim, self.postfix)
        )


class Seen:
    """What was seen: by mail server and moment, domain to outcome."""

    def __init__(self):
        self.exim, self.postfix = {}, {}
        self.again = {}  # a moment at which a few were tried once more, and the column that says what has to become of them

    def write(self, path):
        """What was seen as lines of the table, with the log's lines behind them, for whoever looks for what went wrong."""
        with open(path, "w") as file:
            everybody = {domain for seen in (self.exim, self.postfix) for words in seen.values() for domain in words}
            for domain in sorted(everybody):
                cells = [seen[words][domain].word if domain in seen[words] else "-"
                         for seen, moments in ((self.exim, EXIM), (self.postfix, POSTFIX)) for words in moments]
                file.write("\t".join([domain, *cells]) + "\n")
                for name, seen in (("exim", self.exim), ("postfix", self.postfix)):
                    for words, outcomes in seen.items():
                        if domain in outcomes:
                            file.write(f"\t{name} {words}: {outcomes[domain].line}\n")


def read(path):
    """The lines of the table."""
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    assert lines[0] == HEADER, f"{path}: the columns are {HEADER}"
    rows = []
    for line in lines[1:]:
        assert len(line) == len(HEADER) and all(line), f"{path}: {line}"
        words = line[1:10]
        assert all(word in WORDS for word in words), f"{path}: {line}"
        row = Row(line[0], dict(zip(EXIM, words[:5])), dict(zip(POSTFIX, words[5:])), *line[10:])
        assert (row.reason in REASONS) == row.waits(), f"{path}: {row.domain}: {row.reason} is no reason for this"
        rows.append(row)
    return rows


def is_about(rows, domains):
    """The table has each domain once, and no reason that the domain does not give: the table cannot excuse what is not there."""
    named, published = [row.domain for row in rows], {domain.name: domain for domain in domains}
    assert len(set(named)) == len(named) and len(published) == len(domains), "a domain stands there twice"
    assert set(named) == set(published), f"in one place only: {set(named) ^ set(published)}"
    for row in rows:
        if row.reason != "-":
            assert stands(row.reason, published[row.domain]), f"{row.domain}: nothing there is {row.reason}"


def stands(reason, domain):
    """Whether a domain publishes what a reason speaks of."""
    if reason == "policy":
        octets = getattr(domain.page, "octets", domain.page)
        return isinstance(octets, bytes) and b"mode: enforce" in octets
    if reason == "tlsa":
        mail_hosts = domain.next_hop or (domain.records if domain.signed else "")
        return " TLSA " in mail_hosts or any(re.search(rf"\b{host}\.hosts\.example", mail_hosts) for host in WITH_TLSA)
    if reason == "null-mx":
        return bool(re.search(r"MX 0 \.$", domain.records, re.M))
    return domain.signed or not domain.zone  # bogus, withheld: nothing is in a zone that is proven to be unsigned


def compare(rows, seen):
    """Prints each difference and the summary; the exit status."""
    failed, broken = 0, 0
    for row in rows:
        differences = []
        for name, expected, outcomes in (("Exim", row.exim, seen.exim), ("Postfix", row.postfix, seen.postfix)):
            if expected["alone"] == "-":
                continue
            tried = {moment: expected[column] for moment, column in seen.again.items() if row.domain in outcomes[moment]}
            expected = {**expected, **tried}
            alone = outcomes["alone"][row.domain].word
            for words, word in expected.items():
                outcome = outcomes[words][row.domain]
                if outcome.word != word and not (outcome.word == "verified" and word == "delivers"):
                    differences.append(f"{name}, {words}: {outcome.word}{f' ({outcome.told})' if outcome.told else ''}, "
                                       f"expected {word}: {outcome.line}")
                if alone in ARRIVES and outcome.word not in ARRIVES and row.reason == "-":
                    broken += 1
                if outcome.told and row.reason != "-" and outcome.told not in REASONS[row.reason]:
                    differences.append(f"{name}, {words}: says {outcome.told}, but what stands against it is {row.reason}")
        if differences:
            failed += 1
            print("\n     ".join([f"FAIL {row.domain}: {row.fault}", *differences]))
    for moment in seen.again:
        print(f"{len(seen.exim[moment])} of them were tried again after {moment}, by both")
    waiting = [row for row in rows if row.waits()]
    reasons = collections.Counter(row.reason for row in waiting)
    print(f"{len(rows)} lines, {len(waiting)} of which wait where the mail server alone delivers: "
          + ", ".join(f"{reasons[reason]} {reason}" for reason in REASONS))
    print(f"{broken} mails waited without a reason that counts")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0
