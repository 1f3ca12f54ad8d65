//! Pages and API: what a look changes (nothing), what a button needs, and what the errors say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::{PASSWORD, World};
use reqwest::{Client, Response, header, redirect::Policy};
use serde_json::{Value, json};
use std::net::SocketAddr;

async fn serve(world: &World) -> String {
    let router = warifu_broker::routes(world.broker.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    url
}

fn client() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

fn post(url: String, form: &str) -> reqwest::RequestBuilder {
    client()
        .post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.to_string())
}

/// The form's token on a page.
fn token(html: &str) -> String {
    let rest = html.split("name=\"token\" value=\"").nth(1).unwrap();
    rest.split('"').next().unwrap().to_string()
}

async fn text(response: Response) -> String {
    response.text().await.unwrap()
}

#[tokio::test]
async fn a_look_at_the_link_changes_nothing_and_its_button_approves_once() {
    let world = World::new().await;
    let url = serve(&world).await;
    let order = world.confirming().await;
    let mail = world.script.last();
    let link = mail.text.split("https://broker.example").nth(1).unwrap();
    let link = link.split_whitespace().next().unwrap().trim_end_matches(['>', '。']).to_string();
    let mut html = String::new();
    for _ in 0..3 {
        let response = client().get(format!("{url}{link}")).send().await.unwrap();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"));
        html = text(response).await;
    }
    assert!(html.contains("一泊二食") && html.contains("承認") && !html.contains("<script"));
    assert_eq!(world.state(order).await, "confirming");
    let without = post(format!("{url}{link}"), "token=x&decision=approve").send().await.unwrap();
    assert_eq!(without.status(), 403);
    let form = format!("token={}&decision=perhaps", token(&html));
    assert_eq!(post(format!("{url}{link}"), &form).send().await.unwrap().status(), 422);
    assert_eq!(world.state(order).await, "confirming");
    let form = format!("token={}&decision=approve", token(&html));
    let done = post(format!("{url}{link}"), &form).send().await.unwrap();
    assert!(text(done).await.contains("ご注文を承認しました"));
    assert_eq!(world.state(order).await, "approved");
    let again = post(format!("{url}{link}"), &form).send().await.unwrap();
    assert!(text(again).await.contains("変更はありません"));
    let unknown = client().get(format!("{url}/c/{}", "0".repeat(32))).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn the_members_pages_need_a_login_and_their_own_token() {
    let world = World::new().await;
    let url = serve(&world).await;
    let order = world.confirming().await;
    let away = client().get(format!("{url}/orders")).send().await.unwrap();
    assert_eq!(away.headers()[header::LOCATION], "/login");
    let form = format!("member={}&password=wrong+one", world.member);
    let wrong = post(format!("{url}/login"), &form).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let form = format!("member={}&password={}", world.member, PASSWORD.replace(' ', "+"));
    let login = post(format!("{url}/login"), &form).send().await.unwrap();
    let cookies: Vec<String> = login
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|cookie| cookie.to_str().unwrap().to_string())
        .collect();
    for part in ["HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(cookies.iter().all(|cookie| cookie.contains(part)), "{part}");
    }
    let cookie: Vec<&str> = cookies.iter().map(|c| c.split(';').next().unwrap()).collect();
    let cookie = cookie.join("; ");
    let list = client().get(format!("{url}/orders")).header("cookie", &cookie).send();
    let html = text(list.await.unwrap()).await;
    assert!(html.contains(&world.view(order).await.number) && html.contains("Waits for your"));
    let page = format!("{url}/orders/{order}");
    let forged = post(page.clone(), "token=&decision=cancel").header("cookie", &cookie);
    assert_eq!(forged.send().await.unwrap().status(), 403);
    let form = format!("token={}&decision=cancel", token(&html));
    let done = post(page, &form).header("cookie", &cookie).send().await.unwrap();
    assert!(text(done).await.contains("The order is cancelled."));
    assert_eq!(world.state(order).await, "cancelled");
    // A cookie opens no API: another site's page could have it sent.
    let api = client().get(format!("{url}/v1/orders")).header("cookie", &cookie).send();
    assert_eq!(api.await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_api_orders_searches_and_imports_with_problems_that_name_the_field() {
    let world = World::new().await;
    let url = serve(&world).await;
    let http = client();
    let login = json!({ "member": world.member, "password": PASSWORD });
    let answer = http.post(format!("{url}/v1/login")).json(&login).send().await.unwrap();
    let login: Value = answer.json().await.unwrap();
    let session = login["session"].as_str().unwrap().to_string();
    let wish = json!({ "service": "P-000001/N-1", "quantity": 1, "date": "2026-12-01" });
    let place = || http.post(format!("{url}/v1/orders")).bearer_auth(&session).json(&wish);
    let problem: Value = place().send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (problem["field"].as_str(), problem["status"].as_u64()),
        (Some("idempotency_key"), Some(422))
    );
    let placed = place().header("idempotency-key", "k1").send().await.unwrap();
    assert_eq!(placed.status(), 202);
    let order: Value = placed.json().await.unwrap();
    assert_eq!(order["state"], "held");
    world.pass().await;
    let approve = format!("{url}/v1/orders/{}/approve", order["id"].as_str().unwrap());
    let done = http.post(approve).bearer_auth(&session).send().await.unwrap();
    let done: Value = done.json().await.unwrap();
    assert_eq!(done["outcome"], "approved");
    let found = http.get(format!("{url}/v1/services?words=onsen&place=%E5%88%A5%E5%BA%9C"));
    assert_eq!(found.send().await.unwrap().status(), 200);
    let found: Value = http
        .get(format!("{url}/v1/services?words=%E6%B8%A9%E6%B3%89"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(found["services"][0]["id"], "P-000001/N-1");
    let bad = http.get(format!("{url}/v1/services?colour=red")).send().await.unwrap();
    assert_eq!(bad.headers()[header::CONTENT_TYPE], "application/problem+json");
    let file = "number,kind,name_en,price,currency\nT-1,tea,Tea,x,JPY\n";
    let import = |file: &str, kind: &str| {
        let request = http.put(format!("{url}/v1/provider/services"));
        request.header(header::CONTENT_TYPE, kind).body(file.to_string())
    };
    let nobody = import(file, "text/csv").send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    let faulty = import(file, "text/csv").bearer_auth(&world.provider_token).send().await.unwrap();
    let faulty: Value = faulty.json().await.unwrap();
    assert_eq!(
        (faulty["faults"][0]["line"].as_u64(), faulty["field"].as_str()),
        (Some(2), Some("price"))
    );
    let good = import(&file.replace('x', "9"), "text/csv").bearer_auth(&world.provider_token);
    let good: Value = good.send().await.unwrap().json().await.unwrap();
    assert_eq!(good["services"], 1);
    let kind = import(file, "text/plain").bearer_auth(&world.provider_token).send().await.unwrap();
    assert_eq!(kind.status(), 415);
}

#[tokio::test]
async fn behind_a_web_server_each_caller_has_attempts_of_its_own() {
    let world = World::new().await;
    let url = serve(&world).await;
    let login = async |from: &str, password: &str| {
        let body = json!({"member": world.member, "password": password});
        let asked = client().post(format!("{url}/v1/login")).header("x-forwarded-for", from);
        asked.json(&body).send().await.unwrap().status().as_u16()
    };
    for _ in 0..5 {
        assert_eq!(login("192.0.2.66", "a wrong password").await, 401);
    }
    assert_eq!(login("192.0.2.66", PASSWORD).await, 429);
    // A header that the caller has written itself is no other address.
    assert_eq!(login("198.51.100.1, 192.0.2.66", PASSWORD).await, 429);
    assert_eq!(login("192.0.2.1", PASSWORD).await, 200);
}

#[tokio::test]
async fn a_device_is_made_known_by_the_button_behind_the_mails_link() {
    let world = World::new().await;
    let url = serve(&world).await;
    let asked = post(format!("{url}/device"), &format!("member={}", world.member));
    assert_eq!(asked.send().await.unwrap().status(), 200);
    world.pass().await;
    let mail = world.script.last();
    let link = mail.text.split("https://broker.example").nth(1).unwrap();
    let link = format!("{url}{}", link.lines().next().unwrap());
    let looked = client().get(&link).send().await.unwrap();
    assert!(looked.headers().get(header::SET_COOKIE).is_none());
    assert!(text(looked).await.contains("<form method=\"post\" action=\"/d/B-000001/"));
    let pressed = post(link, "").send().await.unwrap();
    let cookie = pressed.headers()[header::SET_COOKIE].to_str().unwrap().to_string();
    assert!(cookie.starts_with("device=") && cookie.contains("HttpOnly"), "{cookie}");
    let unknown =
        client().get(format!("{url}/d/B-000001/{}", "0".repeat(32))).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}
