"""Keys and DS records, sound and spoilt. Real tools make them; they lie in run/keys from one `up` to the next."""

import base64
import glob
import hashlib
import math
import os
import struct
import subprocess

from zones import P256

RUN = f"{os.path.dirname(os.path.abspath(__file__))}/run"


def tool(*command):
    """What a tool of BIND or ldns writes."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make_key(zone, algorithm, ksk, number=0):
    """The base path of a key's two files; made at the first call."""
    directory = f"{RUN}/keys/{zone or 'root'}/{algorithm}-{'ksk' if ksk else 'zsk'}{number}"
    if not glob.glob(f"{directory}/K*.private"):
        os.makedirs(directory, exist_ok=True)
        size = ["-b", "2048"] if "RSA" in algorithm else []
        sep = ["-f", "KSK"] if ksk else []
        tool("dnssec-keygen", "-q", "-K", directory, "-a", algorithm, *size, *sep, zone or ".")
    return glob.glob(f"{directory}/K*.private")[0].removesuffix(".private")


def prime(bits):
    return int(tool("openssl", "prime", "-generate", "-bits", str(bits)))


def make_rsa(zone, bits, exponent_bits, name="rsa"):
    """The same for RSA with a modulus and an exponent of so many bits, which no tool makes."""
    directory = f"{RUN}/keys/{zone}/{name}{bits}-{exponent_bits}"
    if not glob.glob(f"{directory}/K*.private"):
        os.makedirs(directory, exist_ok=True)
        exponent = 2 ** (exponent_bits - 1) + 1
        modulus = 0
        while modulus.bit_length() != bits or math.gcd(exponent, (p - 1) * (q - 1)) != 1:
            p, q = prime((bits + 1) // 2), prime(bits // 2)
            modulus = p * q
        d = pow(exponent, -1, (p - 1) * (q - 1))
        fields = {"Modulus": modulus, "PublicExponent": exponent, "PrivateExponent": d, "Prime1": p, "Prime2": q}
        fields |= {"Exponent1": d % (p - 1), "Exponent2": d % (q - 1), "Coefficient": pow(q, -1, p)}
        octets = {field: value.to_bytes((value.bit_length() + 7) // 8, "big") for field, value in fields.items()}
        public = bytes([len(octets["PublicExponent"])]) + octets["PublicExponent"] + octets["Modulus"]
        dnskey = struct.pack("!HBB", 257, 3, 8) + public
        base = f"{directory}/K{zone}.+008+{tag_of(dnskey):05}"
        with open(f"{base}.key", "w") as output:
            output.write(f"{zone}. IN DNSKEY 257 3 8 {base64.b64encode(public).decode()}\n")
        with open(f"{base}.private", "w") as output:
            output.write("Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\n")
            output.writelines(f"{field}: {base64.b64encode(value).decode()}\n" for field, value in octets.items())
    return glob.glob(f"{directory}/K*.private")[0].removesuffix(".private")


def make_keys(zone, algorithm, kind, rsa=None):
    """The keys that sign DNSKEY, and those that sign the rest, of a kind that zones.py names."""

    def ksk(number=0, algorithm=algorithm):
        return make_key(zone, algorithm, True, number)

    def zsk(number=0, algorithm=algorithm):
        return make_key(zone, algorithm, False, number)

    if rsa:
        return ([ksk()], [make_rsa(zone, *rsa)]) if kind == "shortzsk" else ([make_rsa(zone, *rsa)], [])
    return {
        "kz": lambda: ([ksk()], [zsk()]),
        "csk": lambda: ([ksk()], []),
        "csk256": lambda: ([zsk()], []),
        "kkz": lambda: ([ksk(), ksk(1)], [zsk()]),
        "kzz": lambda: ([ksk()], [zsk(), zsk(1)]),
        "alg2": lambda: ([ksk(), ksk(algorithm="RSASHA256")], [zsk(), zsk(algorithm="RSASHA256")]),
        "manykeys": lambda: ([ksk()], [zsk(number) for number in range(20)]),
    }[kind]()


def dnskey_fields(key):
    """Flags, protocol, algorithm as numbers and the public key in base64."""
    with open(f"{key}.key") as lines:
        record = next(line for line in lines if " DNSKEY " in line)
    flags, protocol, algorithm, *public = record.split(" DNSKEY ")[1].split()
    return int(flags), int(protocol), int(algorithm), "".join(public)


def dnskey_octets(key):
    flags, protocol, algorithm, public = dnskey_fields(key)
    return struct.pack("!HBB", flags, protocol, algorithm) + base64.b64decode(public)


def tag_of(dnskey):
    """RFC 4034, appendix B."""
    total = sum(octet << 8 if place % 2 == 0 else octet for place, octet in enumerate(dnskey))
    return total + (total >> 16 & 0xFFFF) & 0xFFFF


def collisions(key, count):
    """Other keys of the same tag, as RDATA: exchanging words of 16 bits keeps it. They need not be usable."""
    dnskey = dnskey_octets(key)
    prefix, public = dnskey[:4], dnskey[4:]
    found = []
    for i in range(0, 32, 2):
        for j in range(i + 2, 32, 2):
            other = bytearray(public)
            other[i : i + 2], other[j : j + 2] = other[j : j + 2], other[i : i + 2]
            if other != public and other not in found and tag_of(prefix + other) == tag_of(dnskey):
                found.append(other)
            if len(found) == count:
                fields = " ".join(str(field) for field in dnskey_fields(key)[:3])
                return [f"{fields} {base64.b64encode(other).decode()}" for other in found]
    raise LookupError(f"not {count} collisions for {key}")


def ds_of(key, digest="SHA-256"):
    return " ".join(tool("dnssec-dsfromkey", "-a", digest, f"{key}.key").split(" DS ")[1].split())


def ds_over(key, owner):
    """A DS whose digest was made over another owner: to a registrar it is a DS like any other."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in owner.split(".")) + b"\0"
    dnskey = dnskey_octets(key)
    return f"{tag_of(dnskey)} {dnskey_fields(key)[2]} 2 {hashlib.sha256(labels + dnskey).hexdigest()}"


def ds_records(zone, key):
    """The DS records in the parent, spoilt as `ds` of the zone says: words that are joined by a +."""
    name, algorithm = zone["name"], zone["alg"]

    def changed(tag=None, algorithm=None, digest_type=None, digest=None):
        return " ".join(
            new or old for new, old in zip((tag, algorithm, digest_type, digest), ds_of(key).split(" ", 3))
        )

    def records(word):
        kind, _, value = word.partition(":")
        match kind:
            case "none":
                return []
            case "ok":
                return [ds_of(key)]
            case "own":
                return [ds_over(key, name)]
            case "sha1":
                return [ds_of(key, "SHA-1")]
            case "sha384":
                return [ds_of(key, "SHA-384")]
            case "fake":
                return ["12345 13 2 " + "ab" * 32]
            case "other":
                return [ds_of(make_key(name, algorithm, True, 7))]
            case "otheralg":
                return [ds_of(make_key(name, "RSASHA256", True, 7))]
            case "evil":
                return [ds_of(key), ds_over(make_key("p256.nsec", P256, True, 66), "p256.nsec")]
            case "wrongdigest":
                return [changed(digest="00" * 32)]
            case "sha1wrong":
                return [changed(digest_type="1", digest="00" * 20)]
            case "wrongtag":
                return [changed(tag=str(int(ds_of(key).split()[0]) + 1 & 0xFFFF))]
            case "alg":
                return [changed(algorithm=value)]
            case "digest":
                return [changed(digest_type=value)]
            case "collide":
                return [changed(digest=f"{number:02x}" + "11" * 31) for number in range(int(value))]
        raise ValueError(f"{name}: ds {word}")

    return [
        f"{name}. {zone.get('ttl', 300)} IN DS {rdata}" for word in zone["ds"].split("+") for rdata in records(word)
    ]
