//! The page of a service with its pictures (row C1).
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
mod common;

use common::World;
use reqwest::{Client, Response, header};
use std::net::SocketAddr;
use warifu_broker::Import;

/// A PNG of one green pixel, in base64.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn serve(world: &World) -> String {
    let router = warifu_broker::routes(world.broker.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    url
}

async fn get(url: String) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    client.get(url).header("accept-language", "ja").send().await.unwrap()
}

fn file(pictures: &str) -> String {
    format!(
        "number,kind,name_ja,text_ja,price,currency,pictures\n\
         T-1,inn,庭の<b>見える部屋,静かです。,9000,JPY,\"{pictures}\"\n"
    )
}

#[tokio::test]
async fn a_service_is_shown_with_its_pictures_and_nothing_from_elsewhere_is_loaded() {
    let world = World::new().await;
    let url = serve(&world).await;
    let elsewhere = "https://inn.example/garden.png";
    let file = file(&format!("{elsewhere} data:image/png;base64,{PNG}"));
    let import = Import::Csv(file.as_bytes());
    assert_eq!(world.broker.import("P-000001", import).await.unwrap(), Ok(1));
    let page = get(format!("{url}/services/P-000001/T-1")).await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_string();
    assert!(policy.starts_with("default-src 'none'; img-src 'self';"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.contains("静かです。") && !html.contains("<b>見える"));
    assert_eq!(html.matches("<img").count(), 1);
    assert!(html.contains("src=\"/services/P-000001/T-1/pictures/1\""));
    assert!(html.contains(&format!("<a href=\"{elsewhere}\" rel=\"noreferrer\">")));
    let picture = get(format!("{url}/services/P-000001/T-1/pictures/1")).await;
    let of = |name| picture.headers()[name].to_str().unwrap().to_string();
    assert_eq!(of(header::CONTENT_TYPE), "image/png");
    assert_eq!(of(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(of(header::CONTENT_SECURITY_POLICY), "default-src 'none'; sandbox");
    assert!(picture.bytes().await.unwrap().starts_with(b"\x89PNG"));
    for missing in ["T-1/pictures/0", "T-1/pictures/2", "T-9/pictures/1", "T-9"] {
        let answer = get(format!("{url}/services/P-000001/{missing}")).await;
        assert_eq!(answer.status(), 404, "{missing}");
    }
    world.broker.refuse_provider("P-000001").await.unwrap();
    let gone = get(format!("{url}/services/P-000001/T-1/pictures/1")).await;
    assert_eq!(gone.status(), 404);
}

#[tokio::test]
async fn a_picture_that_is_none_is_named_with_its_line_and_changes_nothing() {
    let world = World::new().await;
    for bad in [
        "data:image/svg+xml;base64,PHN2Zy8+".to_string(),
        "data:image/png;base64,PHN2Zy8+".to_string(),
        format!("data:image/png;base64,{PNG}!"),
        format!("data:image/png;base64,{}", "A".repeat(256 * 1024)),
        "http://inn.example/1.png".to_string(),
        ["https://inn.example/1.png"; 9].join(" "),
    ] {
        let file = file(&bad);
        let import = Import::Csv(file.as_bytes());
        let faults = world.broker.import("P-000001", import).await.unwrap().unwrap_err();
        assert_eq!((faults[0].line, faults[0].field.as_str()), (2, "pictures"));
    }
    assert!(world.broker.service("P-000001/N-1").await.is_ok());
}
