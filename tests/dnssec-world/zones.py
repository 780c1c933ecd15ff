"""The zones of the world: what each is to be, and in what it is broken."""

DAY = 86400
P256, P384, ED25519, ED448 = "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448"
ROOT_IP = "127.53.0.1"
SLD = ["127.53.2.1", "127.53.2.2"]
SUB = ["127.53.2.3"]
FORGE = "127.53.6.1"
TLDS = {"nsec": "127.53.1.1", "nsec3": "127.53.1.2", "optout": "127.53.1.3", "plain": "127.53.1.4"}

BASE = """@ MX 10 mx1
@ A 192.0.2.1
@ TXT "v=spf1 mx -all"
mx1 A 192.0.2.10
mx1 AAAA 2001:db8::10
_25._tcp.mx1 TLSA 3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
_smtp-sts TXT "v=STSv1; policy=require; id=1"
_mta-sts TXT "v=STSv1; id=20260101T000000;"
mta-sts A 192.0.2.20
txt TXT "plain text"
a.ent TXT "below an empty non-terminal"
"""
BIG = " ".join('"' + (f"{i:03d}-" + "x" * 246) + '"' for i in range(24))  # ~6 kB of TXT in one record
MULTI = '"v=STSv1; " "id=2026" "0101; " "" "end"'
ZONES = {}


def zone(name, **differences):
    """Adds a zone: what it differs in from a healthy one, signed with ECDSA P-256 and NSEC.

    keys: kz KSK and ZSK; csk, csk256 one key; kkz, kzz two of one kind; alg2 two algorithms; manykeys 21 keys.
    nsec3: (iterations, salt, opt-out). ds, pre, post: how the DS, the keys and the signed zone are spoilt afterwards
    (see ds_records, collisions and spoil in build.py). base: holds BASE. nsip: served by that misbehaving server. rsa: bits of
    the modulus and of the exponent.
    """
    healthy = dict(alg=P256, keys="kz", nsec3=None, ns=SLD, extra="", post=None, pre=None, ds="ok", signed=True)
    healthy |= dict(start=-DAY, end=30 * DAY, base=True, nsip=None, ttl=300, signer="bind")
    ZONES[name] = dict(name=name) | healthy | differences


# good algorithms, NSEC parent
zone(
    "p256.nsec",
    extra=f"""multi TXT {MULTI}
big TXT {BIG}
UPPER.Case TXT "mixed"
sub.wild2 A 192.0.2.3
many TXT "one"
many TXT "two"
many TXT "three"
ttl0 0 TXT "ttl zero"
""",
)
zone("rsa256.nsec", alg="RSASHA256")
zone("rsa512.nsec", alg="RSASHA512")
zone("p384.nsec", alg=P384)
zone("ed25519.nsec", alg=ED25519)
zone("ed448.nsec", alg=ED448)
zone("rsasha1.nsec", alg="RSASHA1")
zone("rsasha1n3.nsec3", alg="NSEC3RSASHA1", nsec3=(0, "-", False))
for bits, exponent in ((1000, 17), (1024, 17), (2048, 33), (2048, 34)):
    zone(f"rsa{bits}e{exponent}.nsec", alg="RSASHA256", keys="csk", rsa=(bits, exponent), signer="ldns", ds="own")
zone("rsashort2.nsec", alg="RSASHA256", keys="shortzsk", rsa=(512, 17), signer="ldns", ds="own")
zone("csk.nsec", keys="csk")
zone("zskds.nsec", keys="csk256")
# NSEC3
zone("p256.nsec3", nsec3=(0, "-", False))
zone("salt.nsec3", nsec3=(1, "aabbccdd", False))
zone("it100.nsec3", nsec3=(100, "ab", False))
zone("it150.nsec3", nsec3=(150, "ab", False))
for n in (151, 500, 501, 2500):
    zone(f"it{n}.nsec3", nsec3=(n, "ab", False), signer="ldns")
zone("optz.nsec3", nsec3=(0, "-", True))
zone("un.it100.nsec3", signed=False, ds="none")
zone("un.it151.nsec3", signed=False, ds="none")
zone("un.it2500.nsec3", signed=False, ds="none")
zone("sig.it151.nsec3")
# opt-out / unsigned delegations
zone("signed.optout", nsec3=(0, "-", False))
zone("signedn.optout")
zone("unsigned.optout", signed=False, ds="none")
zone("unsigned.nsec", signed=False, ds="none", extra="tosec CNAME txt.p256.nsec.\n")
zone("unsigned.nsec3", signed=False, ds="none")
zone("any.plain", signed=False, ds="none")
zone("island.plain", ds="none")
zone("island.nsec", ds="none")
zone("sub.unsigned.nsec", signed=False, ds="none", ns=SUB)
zone("sigsub.unsigned.nsec", ds="none", ns=SUB)
zone("deep.nsec")
zone("child.deep.nsec")
zone("un.deep.nsec", signed=False, ds="none")
zone("signed.un.deep.nsec", ds="none")
zone("deleg.nsec", noname=("_smtp-sts", "_mta-sts"))
zone("_mta-sts.deleg.nsec", base=False, extra='@ TXT "v=STSv1; id=delegated;"\n')
zone("_smtp-sts.deleg.nsec", base=False, signed=False, ds="none", extra='@ TXT "v=STSv1; id=insecure;"\n')
# time
zone("expired.nsec", start=-60 * DAY, end=-30 * DAY)
zone("future.nsec", start=30 * DAY, end=60 * DAY)
zone("expiredtxt.nsec", post="oldtxt")
zone("soon.nsec", start=-DAY, end=7200, ttl=86400)
# DS problems
zone("wrongds.nsec", ds="wrongdigest")
zone("wrongtag.nsec", ds="wrongtag")
zone("unsignedds.nsec", signed=False, ds="fake")
zone("unsupalg.nsec", ds="alg:200")
zone("unsupalg2.nsec", ds="alg:253")
zone("unsupdigest.nsec", ds="digest:100")
zone("gostdigest.nsec", ds="digest:3")
zone("sha1ds.nsec", ds="sha1")
zone("sha384ds.nsec", ds="sha384")
zone("mixdigest.nsec", ds="ok+digest:100")
zone("mixalg.nsec", ds="ok+alg:200")
zone("mixalgbad.nsec", ds="wrongdigest+alg:200")
zone("ds1bad2ok.nsec", ds="sha1wrong+ok")
zone("ds1ok2bad.nsec", ds="sha1+wrongdigest")
zone("ds2bad4ok.nsec", ds="wrongdigest+sha384")
# broken data
zone("nosig.nsec", post="nosig")
zone("tampered.nsec", post="tamper")
zone("tamperedn3.nsec3", nsec3=(0, "-", False), post="tamper")
zone("badsig.nsec", post="badsig")
zone("fakedenial.nsec", post="fakedenial")
zone("fakedenialn3.nsec3", nsec3=(0, "-", False), post="fakedenial")
zone("nonsec.nsec", post="nonsec")
zone("gap.nsec", post="gap")
zone("nodnskey.nsec", post="nodnskey")
zone("badkeysig.nsec", post="badkeysig")
# a load balancer: the zone denies the DS of mx1 as at a delegation, and holds and signs what stands there
UNSIGNED = 'plain.mx1 TXT "not signed"\n'
zone("glb.nsec", extra=UNSIGNED, post="balanced")
zone("glb.nsec3", nsec3=(0, "-", False), extra=UNSIGNED, post="balanced")
zone("glbbad.nsec", extra=UNSIGNED, post="balancedbad")
# wildcard
WILD = '*.w TXT "v=STSv1; wild"\nexact.w TXT "exact"\n*.wc CNAME txt.p256.nsec.\n*.wbog CNAME txt.tampered.nsec.\n'
zone("wild.nsec", extra=WILD)
zone("wild.nsec3", nsec3=(0, "-", False), extra=WILD)
zone("wildstrip.nsec", extra=WILD, nsip="127.53.3.6")
zone("wildapex.nsec", base=False, extra='* TXT "v=STSv1; apexwild"\n* MX 10 mx.wildapex.nsec.\nmx A 192.0.2.5\n')
# aliases
zone(
    "alias.nsec",
    extra="""sec CNAME txt.p256.nsec3.
sec2 CNAME sec
insec CNAME txt.unsigned.nsec.
insecopt CNAME txt.unsigned.optout.
bog CNAME txt.tampered.nsec.
bogexp CNAME txt.expired.nsec.
nx CNAME nope.p256.nsec3.
nxnsec CNAME nope.p256.nsec.
nodata CNAME mx1.p256.nsec3.
nodatansec CNAME mx1.p256.nsec.
nodatasame CNAME mx1
nxsame CNAME nope
nxinsec CNAME nope.unsigned.nsec.
nodatainsec CNAME mx1.unsigned.nsec.
bacK CNAME tosec.unsigned.nsec.
wild CNAME foo.w.wild.nsec.
loop1 CNAME loop2
loop2 CNAME loop1
dangling CNAME x.nosuchtld.
tosf CNAME txt.servfail.nsec.
""" + "".join(f"c{i} CNAME c{i+1}\n" for i in range(1, 13)) + 'c13 TXT "end of 12-link chain"\n',
)
zone("dname.nsec", extra="d DNAME p256.nsec3.\ndi DNAME unsigned.nsec.\ndb DNAME tampered.nsec.\nds DNAME ent\n")
zone("dname.nsec3", nsec3=(0, "-", False), extra="d DNAME p256.nsec.\n")
# every kind of alias, wildcard, empty name and delegation, under each kind of denial
EVERY = """*.w TXT "wild"
exact.w TXT "exact"
sub.below.w TXT "below an empty name beside a wildcard"
*.a.deepw TXT "wild, two labels above the zone"
*.wmx MX 10 mx1
*.wsame CNAME x.w
*.wnx CNAME nope.p256.nsec3.
*.wnodata CNAME mx1.p256.nsec.
*.wunsigned CNAME txt.unsigned.nsec.
*.wbogus CNAME txt.tampered.nsec.
*.t TXT "beside names below the asterisk"
b.*.t TXT "below the asterisk"
x.y.z TXT "deep"
towild CNAME a.b.w.wild.nsec3.
toempty CNAME y.z
tounder CNAME _mta-sts.deleg.nsec.
todname CNAME txt.d.dname.nsec.
tosigned CNAME txt.sec
tounsigned CNAME txt.un
tods CNAME un
todeep CNAME k1
self CNAME self
dempty DNAME z
dwild DNAME w
dapex DNAME @
dsigned DNAME p256.nsec3.
dunsigned DNAME unsigned.nsec.
dbogus DNAME tampered.nsec.
dtwice DNAME dsigned
dloop DNAME x.dloop
dsigned TXT "at the owner of a DNAME"
""" + "".join(f"k{i} CNAME k{i+1}\n" for i in range(1, 9)) + 'k9 TXT "end of 8-link chain"\n'
for apex, denial in (("every.nsec", None), ("every.nsec3", (3, "abcd", False)), ("every.optout", (0, "-", True))):
    zone(apex, nsec3=denial, extra=EVERY)
    zone(f"sec.{apex}")
    zone(f"un.{apex}", signed=False, ds="none")
    zone(f"sec.below.{apex}")
    zone(f"un.nothing.{apex}", signed=False, ds="none")
    zone(f"_s.{apex}", base=False, extra='@ TXT "signed"\nx TXT "below"\n')
    zone(f"_u.{apex}", base=False, signed=False, ds="none", extra='@ TXT "unsigned"\nx TXT "below"\n')
    zone(f"_tcp.mx9.{apex}", base=False, extra=f"_25 TLSA 3 1 1 {'ab' * 32}\n")
# mx
zone("nullmx.nsec", base=False, extra="@ MX 0 .\n")
zone("nomx.nsec", base=False, extra="@ A 192.0.2.9\n")
zone(
    "mixmx.nsec", base=False, extra="@ MX 10 mx1.p256.nsec.\n@ MX 20 mx1.unsigned.nsec.\n@ MX 30 mx1.tampered.nsec.\n"
)
zone("mxcname.nsec", base=False, extra="@ MX 10 alias\nalias CNAME mx1.p256.nsec.\n")
# keys: rollover, collisions, KeyTrap
zone("roll2ksk.nsec", keys="kkz")
zone("rollpre.nsec", keys="kkz", post="onekeysig")
zone("rollds.nsec", ds="ok+other")
zone("zskroll.nsec", keys="kzz")
zone("algroll.nsec", keys="alg2")
zone("algds2.nsec", ds="ok+otheralg")
zone("collide2.nsec", alg=ED25519, keys="csk", pre="collide:1")
zone("collide3.nsec", alg=ED25519, keys="csk", pre="collide:2")
zone("collide6.nsec", alg=ED25519, keys="csk", pre="collide:5")
zone("sigs4.nsec", post="manysigs:4")
zone("sigs8.nsec", post="manysigs:8")
zone("sigs12.nsec", post="manysigs:12")
zone("sigs100.nsec", post="manysigs:100")
zone("keytrap.nsec", alg=ED25519, keys="csk", pre="collide:40", post="manysigs:120:nogood")
zone("manykeys.nsec", keys="manykeys")
zone("colds.nsec", alg=ED25519, keys="csk", ds="collide:20+ok")
# server behaviour (special.py listens there)
zone("strip.nsec", nsip="127.53.3.1")
zone("servfail.nsec", nsip="127.53.3.2")
zone("timeout.nsec", nsip="127.53.3.3")
zone("lame.nsec", nsip="127.53.3.4")
zone("noedns.nsec", signed=False, ds="none", nsip="127.53.3.5")
zone("tcfail.nsec", nsip="127.53.3.7")
zone("slow.nsec", nsip="127.53.3.8")
zone("halfdead.nsec", ns=["127.53.3.3", "127.53.2.1"])
zone("halfstrip.nsec", ns=["127.53.3.1", "127.53.2.1"])
zone("halfwrong.nsec", ns=["127.53.3.9", "127.53.2.1"])
zone("halfsf.nsec", ns=["127.53.3.2", "127.53.2.1"])
zone("hosted.nsec3", outns="ns1.p256.nsec.", base=True)
zone("strayns.nsec", signed=False, ds="none", nsip="127.53.3.1")
zone("evil.nsec", ds="evil")
