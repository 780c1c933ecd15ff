use super::super::Choices;
use super::*;

fn wrong(text: &str) -> String {
    Choices::parse(text, Path::new("/etc/x.toml")).unwrap_err().to_string()
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    for (text, expected) in [
        (
            "[serve]\nhttp = '127.0.0.1:1'\ndns = '127.0.0.1'\n",
            "line 3: unknown field `dns` in the section [serve], which begins in line 1: dns belongs above all sections, so \
                 above line 1; expected one of `exim`",
        ),
        (
            "postfix = '127.0.0.1:8461'\n",
            "line 1: unknown field `postfix`: postfix belongs in the section [serve], below a line [serve]; expected one of",
        ),
        (
            "[override.'a.test'] # for now\ndeadline = 3\n",
            "line 2: unknown field `deadline` in the section [override.'a.test'], which begins in line 1: deadline belongs above",
        ),
        (
            "[override.'a.test']\nhttp = 'x'\n",
            ": http belongs in the section [serve]; expected one of `require`",
        ),
        (
            "[serve]\nnonsense = 1\n",
            "unknown field `nonsense` in the section [serve], which begins in line 1; expected",
        ),
        ("[serve]\nanswer_within = 9\n", "(Exim waits for 5) in the section [serve]"),
        (
            "[override.'a.test']\nrequire = 'none'\n",
            "missing field `until` in the section [override.'a.test']",
        ),
        (
            "trustanchor = 'x'\n",
            "line 1: unknown field `trustanchor`: did you mean trust_anchor?; expected one of",
        ),
        ("[serve]\nloglevel = 'warn'\n", "begins in line 1: did you mean log_level?; expected one of"),
        (
            "dns = []\n[server]\nhttp = 'x'\n",
            "line 2: there is no section [server]: did you mean [serve]?; there are [serve], [reports], [fleet] and",
        ),
        (
            "[overrides.'a.test']\nignore = true\n",
            "there is no section [overrides]: did you mean [override.\"DOMAIN\"]?",
        ),
        ("[zzz]\n", "line 1: there is no section [zzz]; there are"),
        (
            "[override.a.test]\nignore = true\n",
            ": a domain has to stand in quotation marks: [override.\"a.test\"]; expected one of",
        ),
    ] {
        let said = wrong(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn a_value_of_another_kind_is_told_with_its_key_and_what_belongs_there() {
    for (text, expected) in [
        ("dns = 127\n", "line 1: dns: a text in quotation marks, or a list of them"),
        ("dns = [\n  '127.0.0.1',\n  1,\n]\n", ": dns: a text in quotation marks, or a list of them"),
        (
            "allow_private_addresses = 'yes'\n",
            "allow_private_addresses: invalid type: string \"yes\", expected true or false, without quotation marks",
        ),
        ("deadline = 'soon'\n", "line 1: deadline: "),
        (
            "max_domains = 0\n",
            "line 1: max_domains: with 0 no policy would ever be kept; it has to be 1 at least",
        ),
        (
            "max_domains = 99999999999999999999\n",
            "line 1: max_domains: the number 99999999999999999999 is too large, or too small",
        ),
        (
            "https_port = 70000\n",
            "https_port: invalid value: integer `70000`, expected a nonzero number up to 65535, without",
        ),
        ("mechanisms = ['mtasts']\n", "line 1: mechanisms: 'mtasts' is none of"),
        ("[serve]\nanswer_within = 9\n", "line 2: answer_within: 9 is not between"),
        ("[serve]\nlog_level = 'loud'\n", "log_level: unknown variant `loud` in the section [serve]"),
        (
            "[override.'a.test']\nignore = true\nuntil = 'soon'\nreason = 'r'\n",
            "'soon' is no date like 2026-12-31",
        ),
        (
            "[override.'a.test']\nignore = true\nreason = 'r'\n",
            ": add the day on which it ends, as in until = ",
        ),
    ] {
        let said = wrong(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn what_is_no_toml_is_told_with_what_mends_it() {
    for (text, expected) in [
        (
            "dns: '127.0.0.1'\n",
            "line 1: key with no value, expected `=`; between a key and its value stands =, and no colon",
        ),
        ("dns = \u{201c}127.0.0.1\u{201d}\n", "; quotation marks have to be plain ones: \""),
        (
            "[serve]\nexim = /run/x\n",
            "in the section [serve], which begins in line 1; a text has to stand in quotation marks",
        ),
        ("dns = [\n", "line 1: unclosed array"),
    ] {
        let said = wrong(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn what_is_there_twice_is_told_with_its_first_line() {
    for (text, expected) in [
        (
            "x = 1\n [serve]\nhttp = []\n\n[serve] # again\npostfix = []\n",
            "line 5: duplicate key: the section [serve] is there already, in line 2; put these keys there",
        ),
        ("serve.http = []\n[serve]\n", "line 2: duplicate key: the section [serve] is there already"),
        (
            "dns = []\n# x\ndns = []\n",
            "line 3: duplicate key: dns is set in line 1 already, above all sections",
        ),
        (
            "dns = []\n[serve]\nexim = []\nexim = []\n",
            "line 4: duplicate key: exim is set in line 3 already, in the section [serve], which begins in line 2",
        ),
    ] {
        let said = wrong(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}
