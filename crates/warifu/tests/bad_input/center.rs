//! What anyone can post to a center without a session: a problem that names the field, and nothing
//! changed.

use crate::{network, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_center_refuses_what_is_no_telegram_enrolment_or_renewal() {
    let folder = tempfile::tempdir().unwrap();
    let network = network(folder.path()).await;
    let url = network.url("center");
    let text = |text: &str| text.as_bytes().to_vec();
    let (deep, huge) = ("[".repeat(14_000), vec![b' '; 3 << 20]);
    let deep_object = r#"{"a":"#.repeat(2_000);
    let before = network.stores["center"].store.dump().unwrap();
    for (what, path, body, code, field) in [
        ("no JSON", "/v1/telegram/open", text("{"), "malformed", "open"),
        ("nothing", "/v1/telegram/open", text(""), "malformed", "open"),
        ("deep nesting", "/v1/telegram/open", text(&deep), "malformed", "open"),
        ("deep objects", "/v1/telegram/open", text(&deep_object), "malformed", "open.a"),
        ("invalid UTF-8", "/v1/telegram/open", vec![0xff, 0xfe], "malformed", "open"),
        ("an unknown field", "/v1/telegram/open", text(r#"{"x":1}"#), "malformed", "open.x"),
        ("a large body", "/v1/telegram/open", vec![b' '; 20 << 10], "too_large", "body"),
        ("no session", "/v1/telegram", text("a.b.c"), "malformed", "session"),
        ("deep nesting", "/v1/telegram", text(&deep), "malformed", "session"),
        ("invalid UTF-8", "/v1/telegram", vec![0xff; 9], "malformed", "session"),
        ("a huge body", "/v1/telegram", huge.clone(), "too_large", "body"),
        ("no token", "/v1/enrol", text("{"), "malformed", "enrolment_request"),
        ("deep nesting", "/v1/enrol", text(&deep), "malformed", "enrolment_request"),
        ("invalid UTF-8", "/v1/enrol", vec![0xff, 0xfe], "bad_value", "enrolment_request"),
        ("a huge body", "/v1/enrol", huge.clone(), "too_large", "body"),
        ("no JSON", "/v1/renew", text("{"), "malformed", "renewal"),
        ("deep nesting", "/v1/renew", text(&deep), "malformed", "renewal"),
        ("invalid UTF-8", "/v1/renew", vec![0xff, 0xfe], "malformed", "renewal"),
        ("an unknown field", "/v1/renew", text(r#"{"x":1}"#), "malformed", "renewal.x"),
        ("no token", "/v1/renew", text(r#"{"request":"x"}"#), "malformed", "renewal_request"),
        ("a huge body", "/v1/renew", huge, "too_large", "body"),
    ] {
        let problem = post(&url, path, body).await;
        let shown = (problem.code.as_str(), problem.field.as_deref());
        assert_eq!(shown, (code, Some(field)), "{what} at {path}");
    }
    assert!(network.stores["center"].store.dump().unwrap() == before, "something was kept");
    network.stop().await;
}
