//! Pictures of services: `https` addresses, or small pictures within the file, as `data:` addresses
//! (RFC 2397).

use crate::rules::service::{MAX_PICTURE, Wrong};
use base64::{Engine, engine::general_purpose::STANDARD};

const FIELD: &str = "pictures";
/// The longest `https` address, in bytes.
const LONGEST_ADDRESS: usize = 2_000;

/// The formats that every browser shows and that hold no script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG (RFC 2083).
    Png,
    /// JPEG (ISO/IEC 10918-1).
    Jpeg,
    /// WebP (RFC 9649).
    WebP,
}

impl Format {
    const ALL: [Format; 3] = [Format::Png, Format::Jpeg, Format::WebP];

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Jpeg => "image/jpeg",
            Format::WebP => "image/webp",
        }
    }

    /// Whether the bytes begin as this format does.
    fn begins(self, bytes: &[u8]) -> bool {
        match self {
            Format::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            Format::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
            Format::WebP => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        }
    }
}

/// A picture that came in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// The picture of a `data:` address.
    pub fn read(address: &str) -> Result<Picture, Wrong> {
        if address.len() > MAX_PICTURE {
            return Err((FIELD, "a data: picture has at most 256 KiB in base64"));
        }
        let format = "a data: picture is data:image/png;base64,… or jpeg or webp";
        let (kind, text) = address
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"))
            .ok_or((FIELD, format))?;
        let of_kind = |format: &&Format| format.media_type() == kind;
        let format = *Format::ALL.iter().find(of_kind).ok_or((FIELD, format))?;
        let bytes = STANDARD.decode(text).map_err(|_| (FIELD, "a data: picture is in base64"))?;
        if !format.begins(&bytes) {
            return Err((FIELD, "a data: picture is of another format than it says"));
        }
        Ok(Picture { format, bytes })
    }
}

/// Refuses an address of a picture that could not be shown.
pub fn check(address: &str) -> Result<(), Wrong> {
    if address.starts_with("data:") {
        return Picture::read(address).map(|_| ());
    }
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '"';
    let host = address.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || address.len() > LONGEST_ADDRESS || !address.chars().all(plain) {
        return Err((FIELD, "https addresses of at most 2,000 bytes, or data: pictures"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(kind: &str, bytes: &[u8]) -> String {
        format!("data:image/{kind};base64,{}", STANDARD.encode(bytes))
    }

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    #[test]
    fn a_picture_is_what_it_says() {
        for (kind, bytes, format) in [
            ("png", PNG, Format::Png),
            ("jpeg", b"\xff\xd8\xff\xe0rest", Format::Jpeg),
            ("webp", b"RIFF\x04\0\0\0WEBPrest", Format::WebP),
        ] {
            let picture = Picture::read(&data(kind, bytes)).unwrap();
            assert_eq!((picture.format, picture.bytes.as_slice()), (format, bytes));
        }
        assert_eq!(check("https://inn.example/1.png"), Ok(()));
    }

    #[test]
    fn what_could_not_be_shown_is_refused() {
        let good = data("png", PNG);
        let size = |bytes: usize| data("png", &[PNG, &vec![0; bytes - PNG.len()]].concat());
        assert!(check(&size(196_590)).is_ok());
        for bad in [
            size(196_608),
            data("svg+xml", b"<svg onload=\"alert(1)\"/>"),
            data("gif", b"GIF89a"),
            data("jpeg", PNG),
            data("png", b"<html>"),
            data("webp", b"RIFF\x04\0\0\0WAVErest"),
            data("png", b""),
            good.replace("image", "text"),
            good.replace(";base64", ""),
            good.replace(";base64", ";charset=utf-8;base64"),
            good.replace("data:", "DATA:"),
            format!("{good}="),
            format!("{good}!"),
            good.replace('g', "-"),
            "http://inn.example/1.png".into(),
            "https://".into(),
            "https://inn.example/1 2.png".into(),
            "https://inn.example/\"onload=".into(),
            format!("https://inn.example/{}", "a".repeat(2_000)),
            "javascript:alert(1)".into(),
            String::new(),
        ] {
            let (field, _) = check(&bad).unwrap_err();
            assert_eq!(field, "pictures", "{bad:.60}");
        }
    }
}
