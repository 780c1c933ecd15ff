"""Attackers between the verifier and its resolver, and the rule that each of them tries.

Each is a function of the query, its owner and its type that gives a reply, or None where it lets the genuine one pass.
Whatever it gives, the verifier ends with the genuine data or with an error. Forged data carries the word FORGED.
"""

import dns.flags
import dns.message
import dns.rdatatype as T
import dns.rrset

from messages import COUNTERFEIT, RECURSIVE, addressed, ask, covering_nsec3, empty, forward, name, question, rrset
from messages import without_security

POLICY, VICTIM = name("_smtp-sts.p256.nsec."), name("p256.nsec.")
OPTOUT_POLICY = name("_smtp-sts.signed.optout.")
UNSIGNED_SOA = rrset("unsigned.nsec. 60 SOA ns1.unsigned.nsec. hostmaster.unsigned.nsec. 1 3600 600 864000 60")
FORGED = "v=STSv1; policy=none; id=FORGED"


def with_answer(query, records):
    reply = empty(query)
    reply.answer = records
    return reply


def with_authority(query, records, rcode=0):
    reply = empty(query, rcode)
    reply.authority = records
    return reply


def forged(query, owner=POLICY):
    return with_answer(query, [rrset(f'{owner} 300 TXT "{FORGED}"')])


def is_policy(owner, rtype):
    return (owner, rtype) == (POLICY, T.TXT)


async def passes(query, owner, rtype):
    """None: the control."""
    return None


async def strips_all(query, owner, rtype):
    """A signed zone's data counts only with a signature."""
    return addressed(without_security(await ask(owner, rtype)), query)


async def forges(query, owner, rtype):
    """The same, for data that were never there."""
    if is_policy(owner, rtype):
        return forged(query)


async def denies_with_a_foreign_soa(query, owner, rtype):
    """What an insecure zone says counts in that zone alone."""
    if is_policy(owner, rtype):
        return with_authority(query, [UNSIGNED_SOA])


async def denies_with_nothing(query, owner, rtype):
    """An absence needs a proof."""
    if is_policy(owner, rtype):
        return empty(query)


async def denies_the_name_with_nothing(query, owner, rtype):
    """An RCODE is no proof."""
    if is_policy(owner, rtype):
        return empty(query, 3)


async def denies_with_the_signed_soa(query, owner, rtype):
    """A signed SOA proves nothing about another name."""
    if is_policy(owner, rtype):
        return with_authority(query, (await ask(VICTIM, T.SOA)).answer)


async def gives_ds_of_an_unknown_algorithm(query, owner, rtype):
    """A DS counts only for its own owner."""
    if is_policy(owner, rtype):
        return forged(query)
    if (owner, rtype) == (VICTIM, T.DS):
        reply = with_answer(query, (await ask(name("unsupalg.nsec."), T.DS)).answer)
        reply.authority = [UNSIGNED_SOA]
        return reply


async def gives_ds_of_an_own_zone(query, owner, rtype):
    """The same, where the digest was made for the victim's name and the zone is signed anew."""
    if (owner, rtype) == (VICTIM, T.DS):
        reply = with_answer(query, (await ask(name("evil.nsec."), T.DS)).answer)
        reply.authority = [UNSIGNED_SOA]
        return reply
    if owner.is_subdomain(VICTIM):
        reply = await ask(owner, rtype, COUNTERFEIT)
        reply.flags |= dns.flags.RA
        return addressed(reply, query)


async def invents_a_cut(query, owner, rtype):
    """NS records without proof make no zone cut."""
    if is_policy(owner, rtype):
        return forged(query)
    if (owner, rtype) == (POLICY, T.NS):
        return with_answer(query, [rrset(f"{POLICY} 300 NS ns.evil.nsec.")])


async def invents_a_cut_under_opt_out(query, owner, rtype):
    """Only the zone right above a name can say that it has no DS."""
    if owner == OPTOUT_POLICY and rtype == T.TXT:
        return forged(query, OPTOUT_POLICY)
    if owner == OPTOUT_POLICY and rtype == T.NS:
        return with_answer(query, [rrset(f"{OPTOUT_POLICY} 300 NS ns.evil.nsec.")])
    if owner == OPTOUT_POLICY and rtype == T.DS:
        soa = (await ask(name("optout."), T.SOA)).answer
        return with_authority(query, soa + covering_nsec3("optout", OPTOUT_POLICY))


async def denies_a_wildcard_answer(query, owner, rtype):
    """An NXDOMAIN denies the wildcard too."""
    if (owner, rtype) == (name("a.b.w.wild.nsec."), T.TXT):
        genuine = (await ask(owner, rtype)).authority
        nsec = [r for r in genuine if r.rdtype == T.NSEC or r.rdtype == T.RRSIG and r.covers == T.NSEC]
        return with_authority(query, nsec, rcode=3)


async def replays_a_wildcard(query, owner, rtype):
    """A wildcard's answer needs the proof that nothing closer exists."""
    if (owner, rtype) == (name("exact.w.wild.nsec."), T.TXT):
        genuine = await ask(name("zzz.w.wild.nsec."), T.TXT)
        reply = with_answer(query, [dns.rrset.from_rdata_list(owner, r.ttl, list(r)) for r in genuine.answer])
        reply.authority = genuine.authority
        return reply


async def swaps(query, owner, rtype):
    """Data count only at their own owner."""
    if is_policy(owner, rtype):
        return with_answer(query, (await ask(name("_smtp-sts.rsa256.nsec."), T.TXT)).answer)


async def redirects(query, owner, rtype):
    """An alias needs a signature of its own."""
    if is_policy(owner, rtype):
        genuine = (await ask(name("txt.rsa256.nsec."), T.TXT)).answer
        return with_answer(query, [rrset(f"{owner} 300 CNAME txt.rsa256.nsec.")] + genuine)


async def injects(query, owner, rtype):
    """A signature covers the whole RRset."""
    if is_policy(owner, rtype):
        reply = await ask(owner, rtype)
        for genuine in reply.answer:
            if genuine.rdtype == T.TXT:
                genuine.add(rrset(f'{owner} 300 TXT "{FORGED}"')[0])
        return addressed(reply, query)


async def raises_ttls(query, owner, rtype):
    """Nothing lives longer than its signature and its original TTL say."""
    if is_policy(owner, rtype):
        reply = await ask(owner, rtype)
        for genuine in reply.answer:
            genuine.ttl = 604800
        return addressed(reply, query)


async def fails_the_chain(query, owner, rtype):
    """Silence about DS and DNSKEY makes nothing insecure."""
    if is_policy(owner, rtype):
        return forged(query)
    if owner.is_subdomain(VICTIM) and rtype in (T.DS, T.DNSKEY):
        return empty(query, 2)


async def denies_every_ns(query, owner, rtype):
    """Nor does the absence of NS records."""
    if is_policy(owner, rtype):
        return forged(query)
    if rtype == T.NS:
        return empty(query)


async def denies_ds_with_a_sibling(query, owner, rtype):
    """A denial counts only for what it covers."""
    if is_policy(owner, rtype):
        return forged(query)
    if (owner, rtype) == (VICTIM, T.DS):
        return with_authority(query, (await ask(name("unsigned.nsec."), T.DS)).authority)


# In the order of their addresses, from 127.53.7.1 on, and under the names of attacks-expected.tsv.
ATTACKERS = {
    "pass": passes,
    "stripall": strips_all,
    "forge_unsigned": forges,
    "neg_soa": denies_with_a_foreign_soa,
    "neg_empty": denies_with_nothing,
    "nx_empty": denies_the_name_with_nothing,
    "neg_secsoa": denies_with_the_signed_soa,
    "ds_unsup": gives_ds_of_an_unknown_algorithm,
    "ds_evil": gives_ds_of_an_own_zone,
    "ns_cut": invents_a_cut,
    "optout_cut": invents_a_cut_under_opt_out,
    "wild_nx": denies_a_wildcard_answer,
    "wild_replay": replays_a_wildcard,
    "swap": swaps,
    "cname": redirects,
    "inject": injects,
    "ttl": raises_ttls,
    "sf_ds": fails_the_chain,
    "ns_denied": denies_every_ns,
    "ds_othernsec": denies_ds_with_a_sibling,
}


def on_the_path(attacker):
    """The attacker in front of the recursive server, which never checks anything."""

    async def handler(query, wire):
        reply = await attacker(query, *question(query))
        if reply is not None:
            return reply
        unchecked = dns.message.from_wire(wire)
        unchecked.flags |= dns.flags.CD
        return await forward(unchecked.to_wire(), RECURSIVE)

    return handler
