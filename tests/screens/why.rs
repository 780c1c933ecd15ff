//! `why`.

use crate::screen::typed;

#[test]
fn a_reason_is_explained() {
    typed("why dane-usable").shows("why-a-reason");
}
