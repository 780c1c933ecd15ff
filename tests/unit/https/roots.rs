//! The file of CA certificates that an administrator names.

use super::site::{Authority, Names, Site, fetch_with, host_params, policy_with, settings};
use smtp_sts_verify::https::{FetchError, FetchFailure, MediaType, Roots};
use std::io::Write as _;
use tempfile::NamedTempFile;

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn identity_of(content: &str) -> Result<String, String> {
    Roots::File(file(content).path().to_owned()).identity().map_err(|e| e.to_string())
}

#[test]
fn the_same_certificates_are_the_same_roots_however_they_are_written_down() {
    let (one, two) = (Authority::new().certificate.pem(), Authority::new().certificate.pem());
    let both = identity_of(&format!("{one}{two}")).unwrap();
    assert!(both.starts_with("sha256:") && both.len() == 71, "{both}");
    assert_eq!(both, identity_of(&format!("# two\n{two}\n\n{one}{two}")).unwrap());
    assert_ne!(both, identity_of(&one).unwrap());
    assert_ne!(identity_of(&one), identity_of(&two));
    assert_eq!(Roots::System.identity().unwrap(), "system");
}

#[tokio::test]
async fn a_file_that_is_no_list_of_certificates_is_named_with_what_was_expected() {
    let good = Authority::new().certificate.pem();
    let cut = good.get(..good.len() / 2).unwrap().to_owned();
    let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for content in ["", "hello\n", &cut, &format!("{good}{cut}"), not_der, &format!("{good}{not_der}"), &key]
    {
        let file = file(content);
        let authority = Authority::new();
        let site = Site::serve(authority.issue(&host_params()), policy_with("")).await;
        let roots = Roots::File(file.path().to_owned());
        let names = Names::at(site.address.ip());
        let error = fetch_with(&names, settings(&site, roots), MediaType::Any).await.unwrap_err();
        assert!(matches!(error, FetchError::NoRoots(_)), "{content:?}: {error}");
        assert_eq!(error.failure(), FetchFailure::Misconfigured);
        let told = error.to_string();
        assert!(told.starts_with(&format!("ca-file {}: ", file.path().display())), "{told}");
        assert!(told.ends_with("expected '-----BEGIN CERTIFICATE-----' blocks of CA certificates"), "{told}");
        assert_eq!(site.connections(), 0);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().join("absent"), directory.path().to_owned(), "/dev/zero".into()] {
        let told = Roots::File(path.clone()).identity().unwrap_err().to_string();
        assert!(told.starts_with(&format!("ca-file {}: ", path.display())), "{told}");
    }
}
