"""What may be wrong with a signed zone: each way is a function of its lines that gives other lines."""

import base64
import re

from keys import dnskey_octets, tag_of


class Line(str):
    """One record of a zone file in full form: OWNER TTL CLASS TYPE RDATA..."""

    @property
    def fields(self):
        return self.split()

    @property
    def owner(self):
        return self.fields[0].lower()

    @property
    def rtype(self):
        return self.fields[3]

    def signs(self, rtype):
        return self.rtype == "RRSIG" and self.fields[4] == rtype

    def with_signature(self, change):
        """The same RRSIG with a changed signature."""
        octets = bytearray(base64.b64decode("".join(self.fields[12:])))
        change(octets)
        return Line(" ".join(self.fields[:12] + [base64.b64encode(octets).decode()]))

    def corrupted(self):
        def flip(octets):
            octets[5] ^= 0xFF

        return self.with_signature(flip)


def spoil(way, lines, apex, signed_earlier, ksks, signed_without_mx1):
    """Spoils the signed `lines` of the zone `apex`; `signed_earlier` gives them with signatures that have expired,
    `signed_without_mx1` those of a zone in which mx1 is an unsigned delegation."""
    policy_owners = (f"_smtp-sts.{apex}.", f"txt.{apex}.")

    def is_policy(line):
        return line.owner in policy_owners

    def signs_policy(line):
        return is_policy(line) and line.signs("TXT")

    def without(condition):
        return [line for line in lines if not condition(line)]

    kind, *parameters = way.split(":")
    match kind:
        case "oldtxt":
            return without(signs_policy) + [line for line in signed_earlier() if signs_policy(line)]
        case "nosig":
            return without(signs_policy)
        case "badsig":
            return [line.corrupted() if signs_policy(line) else line for line in lines]
        case "badkeysig":
            return [line.corrupted() if line.signs("DNSKEY") else line for line in lines]
        case "tamper":
            return [tampered(line) if is_policy(line) or line.rtype == "A" else line for line in lines]
        case "fakedenial":
            rest = without(lambda line: is_policy(line) and (line.rtype == "TXT" or line.signs("TXT")))
            return [re.sub(r" TXT\b", "", line) if line.rtype in ("NSEC", "NSEC3") else line for line in rest]
        case "nonsec":
            return without(lambda line: line.rtype == "NSEC" or line.signs("NSEC"))
        case "gap":
            return without(is_policy)
        case "balanced" | "balancedbad":

            def denies(line):
                return line.rtype in ("NSEC", "NSEC3") or line.signs("NSEC") or line.signs("NSEC3")

            def is_unsigned(line):
                return line.owner.startswith("plain.mx1.") and line.rtype == "RRSIG"

            def at_mx1(line):
                return line.owner.endswith(f"mx1.{apex}.")

            held = without(lambda line: denies(line) or is_unsigned(line))
            if kind == "balancedbad":
                held = [line.corrupted() if at_mx1(line) and line.rtype == "RRSIG" else line for line in held]
            return held + [line for line in signed_without_mx1() if denies(line)]
        case "nodnskey":
            return without(lambda line: line.rtype == "DNSKEY" or line.signs("DNSKEY"))
        case "onekeysig":
            tag = str(tag_of(dnskey_octets(ksks[1])))
            return without(lambda line: line.signs("DNSKEY") and line.fields[10] == tag)
        case "manysigs":
            count, keeps_the_good_one = int(parameters[0]), "nogood" not in parameters
            wrong = [more for line in lines if signs_policy(line) for more in wrong_signatures(line, count)]
            return wrong + (lines if keeps_the_good_one else without(signs_policy))
    raise ValueError(f"{apex}: {way}")


def tampered(line):
    if line.rtype == "TXT":
        return re.sub(r'"(.*)"$', r'"TAMPERED \1"', line)
    if line.rtype == "A":
        return re.sub(r"192\.0\.2\.10$", "192.0.2.66", line)
    return line


def wrong_signatures(line, count):
    """So many RRSIGs that differ from this one, and from each other."""

    def spoilt(number):
        def change(octets):
            octets[0] ^= 1 + number % 255
            octets[3] ^= number // 255 + 1

        return change

    return [line.with_signature(spoilt(number)) for number in range(count)]
