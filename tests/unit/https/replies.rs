//! Which replies bring a policy: 200, plain, in one piece; everything else brings none.

use super::site::{
    Act, Authority, Names, Site, TEXT, fetch, fetch_as, fetch_with, host_params, policy_with, say, settings,
};
use smtp_sts_verify::https::{FetchError, FetchFailure, MediaType};

#[tokio::test]
async fn no_status_but_200_brings_a_policy_and_none_leads_elsewhere() {
    let authority = Authority::new();
    let elsewhere = Site::serve(authority.issue(&host_params()), policy_with("")).await;
    for code in [
        201, 202, 203, 204, 205, 206, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 403, 404, 410,
        451, 500, 502, 503, 599, 999,
    ] {
        let reply = format!(
            "HTTP/1.1 {code} Whatever\r\nLocation: https://policy.example:{}/\r\nRefresh: 0\r\nContent-Length: 0\r\n\r\n",
            elsewhere.address.port()
        );
        let site = Site::serve(authority.issue(&host_params()), vec![say(reply), Act::Close]).await;
        let names = Names::at(site.address.ip());
        let error = fetch_with(&names, settings(&site, authority.roots()), MediaType::Any).await.unwrap_err();
        assert!(matches!(error, FetchError::Status { code: found, .. } if found == code), "{code}: {error}");
        assert_eq!(error.failure(), FetchFailure::Refused);
        assert_eq!((site.connections(), site.requests().len()), (1, 1), "{code}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_compressed_body_is_refused_by_its_head() {
    for encoding in ["gzip", "br", "zstd", "deflate", "x-gzip", "identity, gzip", "GZIP", ""] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n");
        let fetched = fetch(vec![say(head), Act::Forever(vec![0; 4_096])]).await;
        assert!(matches!(fetched, Err(FetchError::ContentEncoding { .. })), "{encoding}: {fetched:?}");
    }
    for encoding in ["identity", "Identity"] {
        assert!(fetch(policy_with(&format!("Content-Encoding: {encoding}\r\n"))).await.is_ok());
    }
}

#[tokio::test]
async fn plain_text_is_demanded_where_the_dialect_demands_it() {
    for plain in [
        "text/plain",
        "Text/Plain",
        "TEXT/PLAIN; charset=US-ASCII; x-extra=ignored",
        "text/plain;charset=UTF-8",
        "text/plain; charset=utf-8",
        "text/plain; charset=iso-8859-1",
        "text/plain ; charset=x",
        "text/plain ;charset=x",
        "text/plain;",
    ] {
        let reply = policy_with(&format!("Content-Type: {plain}\r\n"));
        assert_eq!(fetch_as(reply, MediaType::TextPlain).await.unwrap(), TEXT, "{plain}");
    }
    for other in [
        "Content-Type: text/html\r\n",
        "Content-Type: application/octet-stream\r\n",
        "Content-Type: application/octet-stream+text/plain\r\n",
        "Content-Type: application/json+text/plain\r\n",
        "Content-Type: text/plain+\r\n",
        "Content-Type: text/plainx\r\n",
        "Content-Type: not a media type\r\n",
        "Content-Type: text/plain, text/html\r\n",
        "Content-Type: text/plain\r\nContent-Type: text/html\r\n",
        "Content-Type: \r\n",
        "",
    ] {
        let fetched = fetch_as(policy_with(other), MediaType::TextPlain).await;
        assert!(matches!(fetched, Err(FetchError::ContentType { .. })), "{other:?}: {fetched:?}");
        assert_eq!(fetch_as(policy_with(other), MediaType::Any).await.unwrap(), TEXT, "{other:?}");
    }
}

#[tokio::test]
async fn a_body_may_be_framed_in_each_of_the_three_ways() {
    let text = || say(TEXT);
    let chunked = format!("{:x}\r\n{}\r\n0\r\nX: trailer\r\n\r\n", TEXT.len(), String::from_utf8_lossy(TEXT));
    for reply in [
        policy_with(""),
        vec![say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), say(&chunked), Act::Close],
        vec![say("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"), say(&chunked), Act::Hang],
        vec![say("HTTP/1.1 200 OK\r\n\r\n"), text(), Act::Close],
        vec![say("HTTP/1.0 200 OK\r\nServer: old\r\n\r\n"), text(), Act::Close],
        vec![say("HTTP/1.1 200\r\n\r\n"), text(), Act::Close],
        [policy_with(""), vec![say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")]].concat(),
    ] {
        assert_eq!(fetch(reply.clone()).await.unwrap(), TEXT, "{reply:?}");
    }
}

/// The end of a body is the end of TLS, where nothing else says it: whoever cuts the connection ends nothing.
#[tokio::test]
async fn a_body_that_was_cut_off_is_no_policy() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nv=STS",
    ] {
        // The script ends without `Close`: TCP goes down, and TLS is not told.
        let error = fetch(vec![say(head), say(TEXT)]).await.unwrap_err();
        assert!(
            matches!(error, FetchError::Interrupted { .. } | FetchError::Malformed { .. }),
            "{head:?}: {error}"
        );
    }
    let short =
        fetch(vec![say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), say(TEXT), Act::Close]).await;
    assert!(matches!(short, Err(FetchError::Interrupted { .. })), "{short:?}");
}

#[tokio::test]
async fn what_is_not_strictly_http_1_1_is_no_policy() {
    let text = String::from_utf8_lossy(TEXT);
    let length = format!("Content-Length: {}\r\n", TEXT.len());
    for (what, reply) in [
        ("HTTP/0.9", format!("{text}\r\n")),
        ("nothing", String::new()),
        ("another protocol", "220 mx.policy.example ESMTP\r\n".into()),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()),
        ("version 2.0", format!("HTTP/2.0 200 OK\r\n{length}\r\n{text}")),
        ("version 1.2", format!("HTTP/1.2 200 OK\r\n{length}\r\n{text}")),
        ("version 11", format!("HTTP/11 200 OK\r\n{length}\r\n{text}")),
        ("lower case", format!("http/1.1 200 OK\r\n{length}\r\n{text}")),
        ("two digits", format!("HTTP/1.1 20 OK\r\n{length}\r\n{text}")),
        ("four digits", format!("HTTP/1.1 2000 OK\r\n{length}\r\n{text}")),
        ("status 000", format!("HTTP/1.1 000 OK\r\n{length}\r\n{text}")),
        ("a status of letters", format!("HTTP/1.1 abc OK\r\n{length}\r\n{text}")),
        ("two blanks", format!("HTTP/1.1  200 OK\r\n{length}\r\n{text}")),
        ("a folded line", format!("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n{length}\r\n{text}")),
        ("a folded first line", format!("HTTP/1.1 200 OK\r\n X: a\r\n{length}\r\n{text}")),
        ("a blank before the colon", format!("HTTP/1.1 200 OK\r\nX : a\r\n{length}\r\n{text}")),
        ("no colon", format!("HTTP/1.1 200 OK\r\nX\r\n{length}\r\n{text}")),
        ("no name", format!("HTTP/1.1 200 OK\r\n: a\r\n{length}\r\n{text}")),
        ("a NUL in a name", format!("HTTP/1.1 200 OK\r\nX\0: a\r\n{length}\r\n{text}")),
        ("a NUL in a value", format!("HTTP/1.1 200 OK\r\nX: a\0\r\n{length}\r\n{text}")),
        ("a bare CR in a value", format!("HTTP/1.1 200 OK\r\nX: a\rY: b\r\n{length}\r\n{text}")),
        ("a bare CR after the status", format!("HTTP/1.1 200 OK\rX: a\r\n{length}\r\n{text}")),
        ("two lengths", format!("HTTP/1.1 200 OK\r\n{length}Content-Length: 5\r\n\r\n{text}")),
        ("one length twice", format!("HTTP/1.1 200 OK\r\n{length}{length}\r\n{text}")),
        ("a list of lengths", format!("HTTP/1.1 200 OK\r\nContent-Length: 37, 37\r\n\r\n{text}")),
        ("a negative length", format!("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{text}")),
        ("a length with a sign", format!("HTTP/1.1 200 OK\r\nContent-Length: +37\r\n\r\n{text}")),
        ("a length in hexadecimal", format!("HTTP/1.1 200 OK\r\nContent-Length: 0x25\r\n\r\n{text}")),
        ("an empty length", format!("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n{text}")),
        ("a length and chunks", format!("HTTP/1.1 200 OK\r\n{length}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")),
        ("chunks twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".into()),
        ("chunks in a list", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".into()),
        ("compressed chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".into()),
        ("an unknown coding", format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n{text}")),
        ("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".into()),
        ("a chunk without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naa\r\n0\r\n\r\n".into()),
        ("a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".into()),
    ] {
        let fetched = fetch(vec![say(&reply), Act::Close]).await;
        let failure = fetched.expect_err(what).failure();
        let expected = if what == "nothing" { FetchFailure::Unreachable } else { FetchFailure::Refused };
        assert_eq!(failure, expected, "{what}");
    }
}

#[tokio::test]
async fn a_strangers_words_are_shown_on_one_harmless_line() {
    for reply in [
        policy_with("Content-Encoding: \u{1b}[31m\u{9b}gzip\r\n"),
        policy_with(&format!("Content-Encoding: {}\r\n", "long".repeat(1_000))),
        policy_with("Transfer-Encoding: \u{202e}x\r\n"),
        policy_with("Content-Type: \u{feff}text/html\r\n"),
        vec![say("HTTP/1.1 200 OK\u{1b}]0;title\u{7}\r\n\r\n")],
    ] {
        let error = fetch_as(reply, MediaType::TextPlain).await.unwrap_err().to_string();
        assert!(error.bytes().all(|b| (b' '..=b'~').contains(&b)), "{error:?}");
        assert!(error.len() < 400, "{error}");
    }
}
