"""What several readers understand of reports that came by mail: each in the shape of sessions.Session.expected, by domain."""

import json
import os
import subprocess

import exim

READERS = exim.TOP + "/target/reports/readers"
PARSEDMARC = """
import json, sys
from parsedmarc import parse_report_email
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        report = parse_report_email(file.read(), offline=True)
    assert report["report_type"] == "smtp_tls", report["report_type"]
    print(json.dumps(report["report"], default=str))
"""


EXAMPLE = exim.TOP + "/fixtures/corpora/tls_report/whole.json"
PARSEDMARC_OF_JSON = """
import json, sys
from parsedmarc import parse_smtp_tls_report_json
with open(sys.argv[1]) as file:
    print(json.dumps(parse_smtp_tls_report_json(file.read()), default=str))
"""


def example(program):
    """The report with three policies that `document` in src/reports writes, read by us and by parsedmarc: what each made of it."""
    understood = {}
    done = subprocess.run([program, "reports", "read", "--format", "json", EXAMPLE], capture_output=True, text=True)
    understood["reports read"] = _of_ours(json.loads(done.stdout)["reports"][0])[1]
    python = READERS + "/bin/python"
    if os.path.exists(python):
        understood["parsedmarc"] = _of_parsedmarc(_lines([python, "-c", PARSEDMARC_OF_JSON, EXAMPLE])[0])[1]
    return understood


def all_of(program, files, reader):
    """Each reader's name with what it understood, and what is wrong on the way."""
    understood, failed = {}, []
    ours, findings = by_us(program, files)
    understood["reports read"] = ours
    failed += findings
    python = READERS + "/bin/python"
    if os.path.exists(python):
        lines = _lines([python, "-c", PARSEDMARC, *files])
        understood["parsedmarc"] = {domain: what for domain, what in map(_of_parsedmarc, lines)}
    else:
        print("tests/reports: skipped: parsedmarc (tests/reports/fetch brings it)")
    mail_auth = READERS + "/mail-auth"
    if not os.path.exists(mail_auth):
        print("tests/reports: skipped: mail-auth (tests/reports/fetch DIRECTORY --all brings it)")
    for one in filter(os.path.exists, [mail_auth, reader or ""]):
        understood[os.path.basename(one)] = {domain: what for domain, what in map(_of_rfc, _lines([one, *files]))}
    return understood, failed


def by_us(program, files):
    """Our own reader: `reports read`, and its findings."""
    done = subprocess.run([program, "reports", "read", "--format", "json", *files], capture_output=True, text=True)
    told = json.loads(done.stdout)
    findings = [f"reports read finds {finding}" for report in told["reports"] for finding in report["findings"]]
    findings += [f"reports read cannot read {problem}" for problem in told["unread"]]
    if len(told["reports"]) != len(files):
        findings.append(f"reports read reads {len(told['reports'])} of {len(files)} reports")
    return {domain: what for domain, what in map(_of_ours, told["reports"])}, findings


def _of_ours(report):
    told = [(p["type"], p["domain"], p["successful_sessions"], p["failed_sessions"], [(f["result"], f["sessions"]) for f in p["failures"]])
            for p in report["policies"]]
    return _domain(report["id"]), _summed(told)


def _summed(told):
    """Kind and domain of each policy, successes, failures, and these by result: a detail each. The policies in order."""
    policies = []
    for kind, about, successes, failed, details in sorted(told):
        failures = {}
        for result, number in details:
            failures[result] = failures.get(result, 0) + number
        assert failed == sum(failures.values()), told
        policies.append((kind, about, successes, failures))
    return policies


def _domain(identifier):
    """The domain that a report is about stands in its id, whatever its policies say."""
    return identifier.split(".", 1)[1].rsplit(".", 1)[0]


def _lines(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _of_rfc(report):
    """JSON in the RFC's own keys (RFC 8460 section 4.4)."""
    told = [(p["policy"]["policy-type"], p["policy"]["policy-domain"], p["summary"]["total-successful-session-count"],
             p["summary"]["total-failure-session-count"],
             [(f["result-type"], f["failed-session-count"]) for f in p.get("failure-details", [])]) for p in report["policies"]]
    return _domain(report["report-id"]), _summed(told)


def _of_parsedmarc(report):
    told = [(p["policy_type"], p["policy_domain"], p["successful_session_count"], p["failed_session_count"],
             [(f["result_type"], f["failed_session_count"]) for f in p.get("failure_details", [])]) for p in report["policies"]]
    return _domain(report["report_id"]), _summed(told)
