"""Attackers between the verifier and its resolver, and the rule that each of them tries.

Each is a function of the query, its owner and its type that gives a reply, or None where it lets the genuine one pass.
Whatever it gives, the verifier ends with the genuine data or with an error. Forged data carries the word FORGED.
"""

import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype as T
import dns.rrset

from messages import COUNTERFEIT, RECURSIVE, addressed, ask, covering_nsec3, empty, forward, name, question, rrset
from messages import without_security

POLICY_NAME, VICTIM_NAME = "_smtp-sts.p256.nsec.", "p256.nsec."
POLICY, VICTIM = name(POLICY_NAME), name(VICTIM_NAME)
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


def renamed(records, owner):
    return [dns.rrset.from_rdata_list(owner, r.ttl, list(r)) for r in records]


def forges_and_answers_ds(victim, zone, answer):
    """Forged data at the victim's name, and for the DS of the zone what `answer` makes of the query."""

    async def attacker(query, owner, rtype):
        if (owner, rtype) == (name(victim), T.TXT):
            return forged(query, owner)
        if (owner, rtype) == (name(zone), T.DS):
            return await answer(query, owner)

    return attacker


def denies_ds_like(other, rtype=T.DS, rcode=0):
    """The genuine denial of another name or type, given for the DS."""

    async def answer(query, owner):
        return with_authority(query, (await ask(name(other), rtype)).authority, rcode)

    return answer


async def drops_ds(query, owner):
    reply = without_security(await ask(owner, T.DS))
    reply.answer = []
    return addressed(reply, query)


async def aliases_ds(query, owner):
    return with_answer(query, [rrset(f"{owner} 300 CNAME unsigned.nsec.")])


def denies_like(victim, other, rcode=3):
    """The genuine denial of another name, given for the victim's."""

    async def attacker(query, owner, rtype):
        if owner == name(victim) and rtype == T.TXT:
            return with_authority(query, (await ask(name(other), T.TXT)).authority, rcode)

    return attacker


def gives_records_of(victim, other, rtype):
    """Genuine records of another name, with their signatures and denials, given under the victim's."""

    async def attacker(query, owner, asked):
        if owner == name(victim) and asked == T.TXT:
            genuine = await ask(name(other), rtype)
            reply = with_answer(query, renamed(genuine.answer, owner))
            reply.authority = genuine.authority
            return reply

    return attacker


def edits_signatures(victim, **fields):
    """The genuine answer, with other values in fields of its RRSIG."""

    async def attacker(query, owner, rtype):
        if owner == name(victim) and rtype == T.TXT:
            reply = await ask(owner, rtype)
            for at, records in enumerate(reply.answer):
                if records.rdtype == T.RRSIG:
                    edited = [signature.replace(**fields) for signature in records]
                    reply.answer[at] = dns.rrset.from_rdata_list(records.name, records.ttl, edited)
            return addressed(reply, query)

    return attacker


async def adds_a_key(query, owner, rtype):
    """A key counts only within the signed RRset."""
    if owner.is_subdomain(VICTIM) and rtype == T.DNSKEY:
        reply = await ask(owner, rtype)
        reply.answer += (await ask(owner, rtype, COUNTERFEIT)).answer
        return addressed(reply, query)
    if is_policy(owner, rtype):
        return addressed(await ask(owner, rtype, COUNTERFEIT), query)


async def adds_a_ds(query, owner, rtype):
    """A DS counts only within the signed RRset."""
    if (owner, rtype) == (VICTIM, T.DS):
        reply = await ask(owner, rtype)
        for genuine in (await ask(name("evil.nsec."), T.DS)).answer:
            if genuine.rdtype == T.DS:
                reply.answer += renamed([genuine], owner)
        return addressed(reply, query)
    if owner.is_subdomain(VICTIM):
        return addressed(await ask(owner, rtype, COUNTERFEIT), query)


async def redirects_the_zone(query, owner, rtype):
    """A DNAME needs a signature over its own owner."""
    if is_policy(owner, rtype):
        genuine = (await ask(name("dunsigned.every.nsec."), T.DNAME)).answer
        synthesised = rrset(f"{owner} 300 CNAME _smtp-sts.unsigned.nsec.")
        return with_answer(query, renamed(genuine, VICTIM) + [synthesised])


async def moves_the_answer(query, owner, rtype):
    """The answer is in the answer section."""
    if is_policy(owner, rtype):
        reply = await ask(owner, rtype)
        reply.authority, reply.answer = reply.answer, []
        return addressed(reply, query)


async def answers_in_another_class(query, owner, rtype):
    """Records of another class do not count."""
    if is_policy(owner, rtype):
        reply = await ask(owner, rtype)
        other = rrset(f'{owner} 300 TXT "{FORGED}"')
        other.rdclass = dns.rdataclass.CH
        reply.answer.append(other)
        return addressed(reply, query)


async def claims_authentic_data(query, owner, rtype):
    """The AD flag is somebody's word."""
    if is_policy(owner, rtype):
        reply = forged(query)
        reply.flags |= dns.flags.AD | dns.flags.AA
        return reply


async def cuts_replies_off(query, owner, rtype):
    """What was cut off is not read, over UDP or TCP."""
    if is_policy(owner, rtype):
        reply = forged(query)
        reply.flags |= dns.flags.TC
        return reply


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
    # The DS of the zone, denied or replaced, with forged data below it.
    "ds_dropped": forges_and_answers_ds(POLICY_NAME, VICTIM_NAME, drops_ds),
    "ds_alias": forges_and_answers_ds(POLICY_NAME, VICTIM_NAME, aliases_ds),
    "ds_nxdomain": forges_and_answers_ds(POLICY_NAME, VICTIM_NAME, denies_ds_like("nope.nsec.", rcode=3)),
    "ds_childside": forges_and_answers_ds(
        "txt.sec.every.nsec.", "sec.every.nsec.", denies_ds_like("sec.every.nsec.", T.CAA)
    ),
    "ds_childside3": forges_and_answers_ds(
        "txt.every.nsec3.", "every.nsec3.", denies_ds_like("every.nsec3.", T.CAA)
    ),
    "ds_optout": forges_and_answers_ds("txt.every.optout.", "every.optout.", denies_ds_like("nope.optout.")),
    "ds_cut_nearby": forges_and_answers_ds(
        "_s.every.nsec.", "_s.every.nsec.", denies_ds_like("_u.every.nsec.")
    ),
    "ds_cut_nearby3": forges_and_answers_ds(
        "_s.every.optout.", "_s.every.optout.", denies_ds_like("_u.every.optout.")
    ),
    "ds_added": adds_a_ds,
    "key_added": adds_a_key,
    # Genuine denials of something else: from above a cut, from a DNAME's owner, of a neighbour.
    "nsec_above_cut": denies_like("txt.sec.every.nsec.", "sec0.every.nsec."),
    "nsec_of_dname": denies_like("txt.dsigned.every.nsec.", "dsigned0.every.nsec."),
    "nsec3_above_cut": denies_like("txt.sec.every.nsec3.", "q.every.nsec3."),
    "nsec3_neighbour": denies_like("exact.w.every.nsec3.", "q.exact.w.every.nsec3."),
    "optout_neighbour": denies_like("exact.w.every.optout.", "q.exact.w.every.optout."),
    "nsec_of_ent": denies_like("x.y.z.every.nsec.", "y.z.every.nsec."),
    # Genuine records of something else.
    "wild_replay3": gives_records_of("exact.w.every.nsec3.", "q.w.every.nsec3.", T.TXT),
    "wild_replay_optout": gives_records_of("exact.w.every.optout.", "q.w.every.optout.", T.TXT),
    "wild_ent": gives_records_of("below.w.every.nsec.", "q.w.every.nsec.", T.TXT),
    "wild_ent3": gives_records_of("below.w.every.nsec3.", "q.w.every.nsec3.", T.TXT),
    "cname_moved": gives_records_of("txt.every.nsec.", "tounsigned.every.nsec.", T.CNAME),
    "dname_moved": redirects_the_zone,
    # Fields of a signature.
    "sig_labels": edits_signatures(POLICY_NAME, labels=2),
    "sig_signer": edits_signatures(POLICY_NAME, signer=name("nsec.")),
    "sig_expired": edits_signatures("_smtp-sts.expired.nsec.", expiration=2**31 - 1),
    # The message around the records.
    "section": moves_the_answer,
    "class": answers_in_another_class,
    "ad_flag": claims_authentic_data,
    "truncated": cuts_replies_off,
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
