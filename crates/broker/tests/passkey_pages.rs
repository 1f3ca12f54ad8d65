//! The pages around passkeys over HTTP: cookies, tokens, and what a page may load. A real browser is in
//! the tests of the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{
    PASSWORD, World,
    authenticator::{Authenticator, attestation},
};
use reqwest::{Client, Response, header, redirect::Policy};
use serde_json::Value;
use std::net::SocketAddr;
use warifu_protocol::encode::b64;

/// A browser at the broker's pages.
struct Browser {
    url: String,
    cookies: Vec<(String, String)>,
}

impl Browser {
    async fn at(world: &World) -> Browser {
        let router = warifu_broker::routes(world.broker.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Browser { url, cookies: Vec::new() }
    }

    async fn ask(&mut self, path: &str, form: Option<String>) -> Response {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let url = format!("{}{path}", self.url);
        let request = match form {
            None => http.get(url),
            Some(form) => http
                .post(url)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form),
        };
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        let response = request.header("cookie", cookies).send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            for part in ["HttpOnly", "SameSite=Strict", "Secure"] {
                assert!(cookie.contains(part), "{cookie}");
            }
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.into(), value.into()));
        }
        response
    }

    async fn page(&mut self, path: &str) -> String {
        let response = self.ask(path, None).await;
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    }

    async fn post(&mut self, path: &str, form: &str) -> Response {
        self.ask(path, Some(form.to_string())).await
    }

    async fn log_in(&mut self, world: &World) {
        let form = format!("member={}&password={}", world.member, PASSWORD.replace(' ', "+"));
        assert_eq!(self.post("/login", &form).await.status(), 303);
    }

    /// The token of the page's forms.
    async fn token(&mut self) -> String {
        let html = self.page("/passkeys").await;
        let rest = html.split("name=\"token\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_string()
    }
}

#[tokio::test]
async fn a_passkey_is_added_used_named_and_removed_on_the_pages() {
    let world = World::new().await;
    let mut browser = Browser::at(&world).await;
    let away = browser.ask("/passkeys", None).await;
    assert_eq!(away.headers()[header::LOCATION], "/login");
    browser.log_in(&world).await;
    let token = browser.token().await;
    let wrong = browser.post("/passkeys/begin", &format!("token={token}&password=x")).await;
    assert_eq!(wrong.status(), 401);
    let password = PASSWORD.replace(' ', "+");
    let form = format!("token={token}&password={password}");
    let forged = browser.post("/passkeys/begin", &form.replace("token=", "token=x")).await;
    assert_eq!(forged.status(), 403);
    let begun = browser.post("/passkeys/begin", &form).await;
    let options: Value = begun.json().await.unwrap();
    let phone = Authenticator::es256("https://broker.example", "broker.example");
    let challenge = options["challenge"].as_str().unwrap();
    let client_data = b64(phone.client_data("webauthn.create", challenge).as_bytes());
    let object = b64(&attestation(phone.data(true)));
    let form = format!("token={token}&name=phone&client_data={client_data}&attestation={object}");
    let forged = browser.post("/passkeys", &form.replace("token=", "token=x")).await;
    assert_eq!(forged.status(), 403);
    assert_eq!(browser.post("/passkeys", &form).await.status(), 303);
    let html = browser.page("/passkeys").await;
    assert!(html.contains("value=\"phone\"") && !html.contains("style="));
    let again = browser.post("/passkeys", &form).await;
    assert_eq!(again.status(), 409);
    assert!(again.text().await.unwrap().contains("open for too long"));
    // Out, and in again with the passkey.
    browser.post("/logout", &format!("token={token}&decision=cancel")).await;
    let begun: Value = browser.post("/login/passkey/begin", "").await.json().await.unwrap();
    let client_data = phone.client_data("webauthn.get", begun["challenge"].as_str().unwrap());
    let data = phone.data(false);
    let form = format!(
        "id={}&client_data={}&authenticator_data={}&signature={}&user={}",
        b64(&phone.id),
        b64(client_data.as_bytes()),
        b64(&data),
        b64(&phone.sign(&data, &client_data)),
        options["user"]["id"].as_str().unwrap(),
    );
    let entered = browser.post("/login/passkey", &form).await;
    assert_eq!(
        (entered.status().as_u16(), &entered.headers()[header::LOCATION]),
        (303, &"/orders".parse().unwrap())
    );
    let replayed = browser.post("/login/passkey", &form).await;
    assert_eq!(replayed.status(), 409);
    assert!(replayed.headers().get(header::SET_COOKIE).is_none());
    let token = browser.token().await;
    let handle = world.broker.passkeys(&world.member).await.unwrap()[0].handle.clone();
    let change = format!("/passkeys/{handle}");
    for (form, status) in [
        ("token=x&decision=remove&name=".to_string(), 403),
        (format!("token={token}&decision=name&name=+"), 422),
        (format!("token={token}&decision=name&name=the+%3Cb%3Eold"), 303),
    ] {
        assert_eq!(browser.post(&change, &form).await.status(), status, "{form}");
    }
    let html = browser.page("/passkeys").await;
    assert!(html.contains("value=\"the ") && !html.contains("<b>old"));
    let form = format!("token={token}&decision=remove&name=");
    assert_eq!(browser.post(&change, &form).await.status(), 303);
    assert_eq!(browser.post(&change, &form).await.status(), 404);
    assert!(browser.page("/passkeys").await.contains("You have none yet."));
}

#[tokio::test]
async fn one_script_of_this_site_and_none_on_the_other_pages() {
    let world = World::new().await;
    world.confirming().await;
    let mut browser = Browser::at(&world).await;
    let script = browser.ask("/passkey.js", None).await;
    assert_eq!(script.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    let login = browser.ask("/login", None).await;
    let policy = |response: &Response| {
        response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_string()
    };
    let strict = policy(&login);
    assert!(strict.starts_with("default-src 'none'; script-src 'self'; connect-src 'self';"));
    assert!(!strict.contains("unsafe"));
    let html = login.text().await.unwrap();
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("<script src=\"/passkey.js\" defer></script>"));
    // Without the script there is a form for number and password, and none that does not work.
    assert!(html.contains("action=\"/login\">"));
    assert!(html.contains("data-begin=\"/login/passkey/begin\" hidden>"));
    browser.log_in(&world).await;
    let orders = browser.ask("/orders", None).await;
    assert!(!policy(&orders).contains("script-src"));
    assert!(!orders.text().await.unwrap().contains("<script"));
}
