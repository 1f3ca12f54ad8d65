//! A real HylaFAX server takes our pages, gives them back as they were drawn, and keeps nothing
//! after `clear` (row C7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use warifu_gateways::fax::{
    hylafax::{Hylafax, HylafaxSettings},
    page::{Page, ROWS, Typeface, WIDTH},
};
use warifu_ports::fax::{CardSheet, Fax, FaxError, FaxJob, FaxState, Known};
use warifu_testkit::{
    Scanner,
    fax::{CARD_NUMBER, FaxPage, HylafaxServer, printed},
};
use warifu_types::UnixTime;

const NUMBER: &str = "5551234";

fn sheet() -> CardSheet {
    CardSheet {
        number: "W-48213-77".into(),
        provider: "Ryokan Tsubaki 旅館 椿".into(),
        holder_name: "YAMADA HANAKO 山田花子".to_owned().into(),
        card_number: "4929731685204137".to_owned().into(),
        card_expiry: "2028-12".to_owned().into(),
        written: UnixTime(1_795_289_250),
    }
}

fn typeface() -> Typeface {
    Typeface::find().expect("install the package fonts-noto-cjk (./test does)")
}

fn gateway(server: &HylafaxServer) -> Hylafax {
    gateway_with(server, |_| {})
}

fn gateway_with(server: &HylafaxServer, change: impl FnOnce(&mut HylafaxSettings)) -> Hylafax {
    let mut settings = HylafaxSettings::here(server.address()).unwrap();
    settings.password = Some(HylafaxServer::PASSWORD.to_owned().into());
    settings.admin_password = Some(HylafaxServer::ADMIN_PASSWORD.to_owned().into());
    change(&mut settings);
    Hylafax::new(settings, typeface())
}

/// The server's number of a job.
fn number(job: &FaxJob) -> u32 {
    job.0.split(':').next().unwrap().parse().unwrap()
}

/// A TIFF after libtiff has decoded it.
fn decoded(tiff: &Path) -> FaxPage {
    let page = FaxPage::decode(tiff);
    assert_eq!((page.width, page.rows), (WIDTH as usize, ROWS as usize));
    page
}

#[test]
fn a_page_is_decoded_by_libtiff_bit_by_bit_and_read_by_ocr() {
    let folder = TempDir::new().unwrap();
    let page = Page::draw(&typeface(), &sheet()).unwrap();
    let file = folder.path().join("page.tif");
    fs::write(&file, page.tiff().as_slice()).unwrap();
    let told = printed("tiffinfo", &[&file]);
    for part in [
        "Image Width: 1728",
        "Resolution: 204, 98 pixels/inch",
        "Bits/Sample: 1",
        "CCITT Group 4",
        "min-is-white",
        "Page Number: 0-1",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let read = decoded(&file);
    assert!(read.bits == page.bits(), "libtiff decodes other pixels than were drawn");
    let black: u32 = read.bits.iter().map(|byte| byte.count_ones()).sum();
    assert!((10_000..400_000).contains(&black), "{black} black pixels");
    let english = read.read("eng");
    for part in ["4929 7316 8520 4137", "W-48213-77", "YAMADA HANAKO", "12 / 2028", "2026-11-21"] {
        assert!(english.contains(part), "no {part:?} in {english}");
    }
    let japanese = read.read("jpn").replace([' ', '\u{3000}'], "");
    for part in ["山田花子", "旅館椿", "カード番号", "有効期限", "使用後は破棄"]
    {
        assert!(japanese.contains(part), "no {part:?} in {japanese}");
    }
}

#[test]
fn every_digit_of_a_card_number_is_read_by_ocr() {
    let (folder, typeface) = (TempDir::new().unwrap(), typeface());
    // Sevens are the hardest at this resolution, and look like strokes.
    for card in [
        "4929731685204133",
        "4532719406835722",
        "7858809949291026",
        "3765061761767341",
        "8086983005698308",
        "1234567890123456789",
    ] {
        let mut shown = sheet();
        shown.card_number = card.to_owned().into();
        let file = folder.path().join(card);
        fs::write(&file, Page::draw(&typeface, &shown).unwrap().tiff().as_slice()).unwrap();
        let mut read = decoded(&file).read_line(CARD_NUMBER);
        read.retain(|c| !c.is_whitespace());
        assert_eq!(read, card);
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let typeface = typeface();
    let refused = |change: &dyn Fn(&mut CardSheet)| {
        let mut changed = sheet();
        change(&mut changed);
        let refused = Page::draw(&typeface, &changed).unwrap_err();
        assert!(matches!(refused, FaxError::Page(_)), "{refused:?}");
    };
    refused(&|sheet| sheet.holder_name = "Ω𓀀".to_owned().into());
    refused(&|sheet| sheet.holder_name = "A\nB".to_owned().into());
    refused(&|sheet| sheet.provider = "旅館".repeat(60));
    refused(&|sheet| sheet.card_number = "4111-1111".to_owned().into());
    refused(&|sheet| sheet.card_expiry = "12/28".to_owned().into());
    refused(&|sheet| sheet.written = UnixTime(u64::MAX));
    let mut long = sheet();
    long.card_number = "1234567890123456789".to_owned().into();
    long.holder_name = "VERY LONG NAME OF A PERSON WITH MANY NAMES".to_owned().into();
    Page::draw(&typeface, &long).unwrap();
}

#[tokio::test]
async fn a_page_is_queued_once_read_back_and_cleared() {
    let server = HylafaxServer::start();
    let fax = gateway(&server);
    assert_eq!(fax.find("order-48213").await, Ok(Known::Nothing));
    let job = fax.submit("order-48213", NUMBER, &sheet()).await.unwrap();
    assert_eq!(fax.find("order-48213").await, Ok(Known::Job(job.clone())));
    assert_eq!(fax.find("order-4821").await, Ok(Known::Nothing));
    assert_eq!(fax.submit("order-48213", NUMBER, &sheet()).await.unwrap(), job, "the same job");
    assert_eq!(fax.state(&job).await.unwrap(), FaxState::Waiting);
    let documents = server.files("docq");
    assert_eq!((documents.len(), server.files("sendq").len()), (1, 1), "{documents:?}");
    let queued = fs::read_to_string(&server.files("sendq")[0]).unwrap();
    for part in ["number:5551234", "jobtag:order-48213", "resolution:98", "maxtries:3"] {
        assert!(queued.contains(part), "no {part} in {queued}");
    }
    let page = Page::draw(&typeface(), &sheet()).unwrap();
    assert!(decoded(&documents[0]).bits == page.bits(), "the spool has another page");

    // A job that is not over is not cleared.
    let refused = fax.clear(&job).await;
    assert!(matches!(refused, Err(FaxError::Refused { .. })), "{refused:?}");
    server.finish(number(&job), &[("state", "7"), ("npages", "1"), ("totpages", "1")]);
    assert_eq!(fax.state(&job).await.unwrap(), FaxState::Sent { pages: 1 });
    assert_eq!(fax.submit("order-48213", NUMBER, &sheet()).await.unwrap(), job, "still the same");
    fax.clear(&job).await.unwrap();
    holds_no_card(&server);
    assert_eq!(fax.state(&job).await.unwrap(), FaxState::Unconfirmed, "nobody knows it any more");
    fax.clear(&job).await.unwrap();
}

/// No file of the spool has the page, or the card in any encoding.
fn holds_no_card(server: &HylafaxServer) {
    let left: Vec<_> =
        ["docq", "doneq", "sendq", "tmp"].map(|folder| server.files(folder)).concat();
    assert!(left.is_empty(), "{left:?}");
    let tiff = Page::draw(&typeface(), &sheet()).unwrap().tiff();
    let sheet = sheet();
    let scanner = Scanner::new([
        ("card_number", sheet.card_number.as_str()),
        ("holder_name", sheet.holder_name.as_str()),
    ]);
    let mut folders = vec![server.spool().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap();
                let part = &tiff[tiff.len() / 2..tiff.len() / 2 + 64];
                assert!(!bytes.windows(64).any(|window| window == part), "{:?}", entry.path());
                let found = scanner.find("spool", &bytes);
                assert!(found.is_empty(), "{:?}: {found:?}", entry.path());
            }
        }
    }
}

#[tokio::test]
async fn states_are_as_the_server_tells_them() {
    let server = HylafaxServer::start();
    let fax = gateway(&server);
    let mut ids = 0;
    let mut after = async |changes: &[(&str, &str)]| {
        ids += 1;
        let job = fax.submit(&format!("state-{ids}"), NUMBER, &sheet()).await.unwrap();
        server.finish(number(&job), changes);
        fax.state(&job).await.unwrap()
    };
    let failed = after(&[("state", "8"), ("status", "No answer from remote"), ("statuscode", "2")]);
    let FaxState::Failed { reason } = failed.await else { panic!("not failed") };
    assert!(reason.contains("No answer from remote"), "{reason}");
    let silent = "No response to EOP repeated 3 times";
    assert_eq!(after(&[("state", "8"), ("status", silent)]).await, FaxState::Unconfirmed);
    assert_eq!(after(&[("state", "7"), ("npages", "0")]).await, FaxState::Unconfirmed);
    assert_eq!(after(&[("state", "3"), ("status", "Busy signal detected")]).await, FaxState::Busy);
    assert_eq!(fax.state(&FaxJob("999:doc999.tif.999".into())).await, Ok(FaxState::Unconfirmed));
    assert_eq!(fax.state(&FaxJob("no job".into())).await, Ok(FaxState::Unconfirmed));
}

#[tokio::test]
async fn a_server_that_refuses_or_is_down_is_told_apart() {
    let mut server = HylafaxServer::start();
    let wrong = gateway_with(&server, |settings| settings.password = Some("no".to_owned().into()));
    let refused = wrong.submit("a", NUMBER, &sheet()).await;
    assert_eq!(refused, Err(FaxError::Refused { step: "log in", code: 530 }));
    let fax = gateway(&server);
    assert_eq!(fax.submit("a", "12", &sheet()).await, Err(FaxError::BadNumber));
    assert_eq!(fax.submit("a b", NUMBER, &sheet()).await, Err(FaxError::BadId));

    // Without the administrative password the page stays, and that is said.
    let weak = gateway_with(&server, |settings| settings.admin_password = None);
    let job = weak.submit("stays", NUMBER, &sheet()).await.unwrap();
    server.finish(number(&job), &[("state", "7"), ("npages", "1")]);
    let stays = weak.clear(&job).await;
    assert_eq!(stays, Err(FaxError::Refused { step: "remove the page", code: 550 }));
    assert_eq!(weak.state(&job).await.unwrap(), FaxState::Sent { pages: 1 }, "still known");
    fax.clear(&job).await.unwrap();
    holds_no_card(&server);

    server.stop();
    let begun = Instant::now();
    let down = fax.submit("a", NUMBER, &sheet()).await;
    assert!(matches!(down, Err(FaxError::Unreachable(_))), "{down:?}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}
