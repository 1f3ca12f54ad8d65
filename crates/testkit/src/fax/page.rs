//! A page as it lies in a fax server's spool: decoded by libtiff, read by an OCR program. Neither is
//! of this project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// A decoded page: one bit a pixel, black as one, each row from a byte of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaxPage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub rows: usize,
    /// The pixels, `width` / 8 bytes a row.
    pub bits: Vec<u8>,
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("warifu-page-{}-{count}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).expect("a folder");
        folder
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl FaxPage {
    /// Has libtiff decode the first page of a TIFF file.
    ///
    /// # Panics
    /// If the package `libtiff-tools` is not there, or the file is no page of a fax.
    pub fn decode(tiff: &Path) -> FaxPage {
        let folder = Folder::new();
        let plain = folder.0.join("plain.tif");
        // All rows in one strip, not compressed.
        let one = [Path::new("-c"), Path::new("none"), Path::new("-r"), Path::new("100000")];
        printed("tiffcp", &[&one[..], &[tiff, &plain]].concat());
        let bytes = fs::read(&plain).expect("the decoded page");
        assert!(bytes.starts_with(b"II*\0"), "not a TIFF of this machine's byte order");
        let long = |at: usize| {
            let field: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
            u32::from_le_bytes(field) as usize
        };
        let short = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let directory = long(4);
        let value = |tag: usize| {
            let entries = (0..short(directory)).map(|entry| directory + 2 + entry * 12);
            let at = entries.into_iter().find(|at| short(*at) == tag).expect("a tag");
            if short(at + 2) == 3 { short(at + 8) } else { long(at + 8) }
        };
        assert_eq!((value(259), value(262)), (1, 0), "not compressed, white as zero");
        let (offset, count) = (value(273), value(279));
        let bits = bytes[offset..offset + count].to_vec();
        FaxPage { width: value(256), rows: value(257), bits }
    }

    /// What an OCR program reads off the page, its pixels made as high as wide. `languages` as
    /// tesseract names them: `eng`, `jpn`.
    ///
    /// # Panics
    /// If the package `tesseract-ocr` or the language's is not there.
    pub fn read(&self, languages: &str) -> String {
        let folder = Folder::new();
        let picture = folder.0.join("page.pbm");
        let mut bytes = format!("P4 {} {}\n", self.width, self.rows * 2).into_bytes();
        for row in self.bits.chunks(self.width / 8) {
            bytes.extend_from_slice(row);
            bytes.extend_from_slice(row);
        }
        fs::write(&picture, bytes).expect("the picture");
        let arguments = ["-", "-l", languages, "--psm", "4"].map(Path::new);
        printed("tesseract", &[&[picture.as_path()], arguments.as_slice()].concat())
    }
}

/// What a program prints.
///
/// # Panics
/// If it is not there, or fails.
pub fn printed(program: &str, arguments: &[&Path]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error} (./test installs it)"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
